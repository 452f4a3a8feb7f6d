"""A U-Net along time (Ronneberger et al. 2015), from ECGs to potentials.

It is not in the paper of study 3. Three levels, each at a quarter of the rate of the one above: most channels are where
there are few samples, so it costs a fraction of what the paper's CNN does. The gaps between what convolutions of
the lowest level read grow, so that they see 500 samples and more to either side; zeros outside of the record tell them
the time.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from transmural.networks.byte_dropout import ByteDropout
from transmural.networks.row_convolution import as_row, as_sequence, convolution, normalised

_STRIDE = 4
_CHANNELS = (32, 64, 128)
_WIDTH = 5
_APART = (1, 4, 12)


class UNet1d(nn.Module):
    """Three levels; 457,547 parameters with 12 leads and 75 points.

    Parameters
    ----------
    leads, points
        Channels read and given.
    dropout
        Share of features left out at the lowest level.
    """

    def __init__(self, leads: int, points: int, dropout: float) -> None:
        super().__init__()
        full, quarter, lowest = _CHANNELS
        self.down = nn.ModuleList([_level(leads, full), _level(quarter, quarter)])
        self.shrink = nn.ModuleList([_shrink(full, quarter), _shrink(quarter, lowest)])
        self.bottom = nn.Sequential(
            *(normalised(lowest, lowest, _WIDTH, apart) for apart in _APART), ByteDropout(dropout)
        )
        self.grow = nn.ModuleList([_grow(lowest, quarter), _grow(quarter, full)])
        self.up = nn.ModuleList([_level(2 * quarter, quarter), _level(2 * full, full)])
        self.potentials = convolution(full, points, 1)

    def forward(self, ecg: Tensor) -> Tensor:
        """Potentials (case, sample, point) of standardised ECGs (case, lead, sample), any number of samples."""
        samples = ecg.shape[2]
        row = as_row(pad(ecg, (0, -samples % _STRIDE ** len(self.down))))
        seen = []
        for down, shrink in zip(self.down, self.shrink, strict=True):
            seen.append(down(row))
            row = shrink(seen[-1])
        row = self.bottom(row)
        for grow, up in zip(self.grow, self.up, strict=True):
            row = up(torch.cat([grow(row), seen.pop()], dim=1))
        return as_sequence(self.potentials(row))[:, :samples]


def _level(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(normalised(channels, out, _WIDTH), normalised(out, out, _WIDTH))


def _shrink(channels: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, (1, _STRIDE), stride=(1, _STRIDE))


def _grow(channels: int, out: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels, out, (1, _STRIDE), stride=(1, _STRIDE))
