"""Encoders of the surrogate: from a map of potentials on a sheet to a latent vector, each frame for itself.

Convolutions as in Ogbomo-Harmitt et al. (2025, section 2.2), over the potentials themselves or the currents that they
show, or the mean voltage alone, the stand-in of their ablation study (section 3).
"""

import torch
from torch import Tensor, nn

from transmural.networks.sheet_currents import currents, is_active
from transmural.stores.config.networks import ForwardSurrogate as Settings


class ConvolutionalEncoder(nn.Module):
    """Two blocks of convolution, adaptive pooling and a fully connected layer.

    Parameters
    ----------
    settings
        What the convolutions are given, channels, pooling, length of the latent vector, dropout.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        first, second, edge = settings.channels_first, settings.channels_second, settings.pooled
        self.currents = settings.maps == "currents"
        given = 2 if self.currents else 1
        self.blocks = nn.Sequential(_block(given, first, settings.dropout), _block(first, second, settings.dropout))
        self.pooling = nn.AdaptiveAvgPool2d(edge)
        self.dense = nn.Linear(second * edge * edge, settings.hidden)

    def forward(self, tmp: Tensor) -> Tensor:
        """Latent vectors (case, time, hidden) of potentials (case, time, row, column), dimensionless."""
        maps = (currents(tmp) if self.currents else tmp.unsqueeze(2)).flatten(0, 1)
        # Most of a record is rest after the wave. All those frames are one, so half the work is left.
        active = is_active(tmp).flatten()
        chosen = torch.cat([maps[active], torch.zeros_like(maps[:1])])
        # Channels side by side in memory, which all that follows keeps: a third faster on a CPU.
        features = self.pooling(self.blocks(chosen.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)))
        encoded: Tensor = self.dense(features.flatten(1))
        place = torch.where(active, active.cumsum(0) - 1, len(chosen) - 1)
        return encoded.index_select(0, place).reshape(*tmp.shape[:2], -1)


class MeanVoltageEncoder(nn.Module):
    """The mean over the map through one linear layer: all that is left without convolutions.

    Parameters
    ----------
    settings
        Length of the latent vector.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.dense = nn.Linear(1, settings.hidden)

    def forward(self, tmp: Tensor) -> Tensor:
        """As `ConvolutionalEncoder.forward`."""
        latent: Tensor = self.dense(torch.mean(tmp, dim=(2, 3)).unsqueeze(2))
        return latent


def sheet_encoder(settings: Settings) -> nn.Module:
    """The encoder that the settings name."""
    return ConvolutionalEncoder(settings) if settings.encoder == "cnn" else MeanVoltageEncoder(settings)


def _block(channels: int, out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        # Batch normalisation takes a bias away again.
        nn.Conv2d(channels, out, 3, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
        # Means, because potentials are sums over the sheet; maps of any size keep their rim.
        nn.AvgPool2d(2, ceil_mode=True),
        nn.Dropout(dropout),
    )
