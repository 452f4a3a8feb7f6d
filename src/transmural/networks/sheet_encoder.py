"""Encoders of the surrogate: from a map of potentials on a sheet to a latent vector, each frame for itself.

Convolutions as in Ogbomo-Harmitt et al. (2025, section 2.2), or the mean voltage alone, the stand-in of their ablation
study (section 3).
"""

import torch
from torch import Tensor, nn

from transmural.stores.config.networks import ForwardSurrogate as Settings


class ConvolutionalEncoder(nn.Module):
    """Two blocks of convolution, adaptive pooling and a fully connected layer.

    Parameters
    ----------
    settings
        Channels, pooling, length of the latent vector, dropout.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        first, second, edge = settings.channels_first, settings.channels_second, settings.pooled
        self.blocks = nn.Sequential(_block(1, first, settings.dropout), _block(first, second, settings.dropout))
        self.pooling = nn.AdaptiveAvgPool2d(edge)
        self.dense = nn.Linear(second * edge * edge, settings.hidden)

    def forward(self, tmp: Tensor) -> Tensor:
        """Latent vectors (case, time, hidden) of potentials (case, time, row, column), dimensionless."""
        # The strides of channels side by side, which all that follows keeps: a third faster on a CPU.
        maps = tmp.flatten(0, 1).unsqueeze(3).permute(0, 3, 1, 2)
        features = self.pooling(self.blocks(maps))
        latent: Tensor = self.dense(features.flatten(1))
        return latent.reshape(*tmp.shape[:2], -1)


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
        # Maxima before the ReLU are the same as after it, of a quarter of the values; maps of any size keep their rim.
        nn.MaxPool2d(2, ceil_mode=True),
        nn.ReLU(),
        nn.Dropout(dropout),
    )
