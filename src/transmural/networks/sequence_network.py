"""Any network of study 3, what its training shows of the ECG, and its loss.

All learn by the mean squared error (the paper's Huber loss with δ = 1 is half of it for potentials in [0, 1]), the
Transformer with the true segment before each as its input, all segments at once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from transmural.networks.bidirectional_lstm import BidirectionalLstm
from transmural.networks.cnn_lstm import CnnLstm
from transmural.networks.segment_transformer import SegmentTransformer
from transmural.networks.squeeze_cnn import SqueezeCNN
from transmural.networks.unet_1d import UNet1d

_WHOLE_RECORD: dict[str, Callable[[int, int, float], nn.Module]] = {
    "cnn": SqueezeCNN,
    "cnn_lstm": CnnLstm,
    "unet": UNet1d,
    "bilstm": BidirectionalLstm,
}


class SequenceNetwork(nn.Module):
    """A network with what its training shows of the ECG.

    Parameters
    ----------
    description
        ``network``, its name; ``leads``, ``points``, ``segment_samples``; ``cut``, as for `sequence_regression.train`;
        ``settings``, with ``dropout``.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        super().__init__()
        self.segment_samples, self.cut = description["segment_samples"], description["cut"]
        leads, points = description["leads"], description["points"]
        dropout = description["settings"]["dropout"]
        if description["network"] == "transformer":
            self.network: nn.Module = SegmentTransformer(leads, points, self.segment_samples, dropout)
        else:
            self.network = _WHOLE_RECORD[description["network"]](leads, points, dropout)

    def forward(self, ecg: Tensor) -> Tensor:
        """Potentials (case, sample, point) from standardised ECGs (case, lead, sample) alone."""
        if self.cut == "limited":
            ecg = _cut(ecg, self.segment_samples)
        potentials: Tensor = self.network(ecg)
        return potentials

    def teacher_forced(self, ecg: Tensor, tmp: Tensor) -> Tensor:
        """As `forward`, for networks other than the Transformer; that one is given the true segments."""
        if isinstance(self.network, SegmentTransformer):
            return self.network.teacher_forced(ecg, tmp)
        potentials: Tensor = self(ecg)
        return potentials


def sequence_loss(model: SequenceNetwork, batch: Mapping[str, Tensor], progress: float) -> dict[str, Tensor]:
    """Loss of a batch.

    Parameters
    ----------
    model
        The network. With the cut ``any_length`` every record is cut at random, in validation too.
    batch
        ``ecg``, standardised, (case, lead, sample); ``tmp``, dimensionless, (case, sample, point).
    progress
        Ignored.

    Returns
    -------
    ``loss``, the mean squared error.
    """
    ecg, tmp = batch["ecg"], batch["tmp"]
    if model.cut == "any_length":
        ecg = cut_at_random(ecg, model.segment_samples)
    return {"loss": mse_loss(model.teacher_forced(ecg, tmp).float(), tmp)}


def cut_at_random(ecg: Tensor, segment_samples: int) -> Tensor:
    """ECGs (case, lead, sample), zero after a whole number of segments, from one to all, drawn for each case."""
    cases, _, samples = ecg.shape
    # Drawn on the CPU: a GPU's generator gives other numbers.
    kept = torch.randint(1, samples // segment_samples + 1, (cases, 1, 1)).to(ecg.device) * segment_samples
    return _cut(ecg, kept)


def _cut(ecg: Tensor, kept: Tensor | int) -> Tensor:
    return torch.where(torch.arange(ecg.shape[2], device=ecg.device) < kept, ecg, 0.0)
