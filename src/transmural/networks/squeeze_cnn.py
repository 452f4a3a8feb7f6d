"""The convolutional network of study 3: SqueezeNet 1.1 along time, every stride 1 (Ornelas-Munoz et al., Model I).

A fire module squeezes its channels by a convolution over one sample and expands them by two others, over one sample
and over three (Iandola et al. 2016). There is no normalisation and nothing after the last convolution. The network sees
12 samples to either side of each, so it can tell the time only near the ends of a record.

First weights keep the variance of features from layer to layer (He et al. 2015), as those of SqueezeNet do. With
torch's usual ones, the ECG is lost on its way through the 18 layers, and the first epochs with it.
"""

import torch
from torch import Tensor, nn

from transmural.networks.byte_dropout import ByteDropout
from transmural.networks.row_convolution import as_row, as_sequence, convolution

# Of each fire module: channels it squeezes to and half of those it gives; None for a maximum over three samples.
_FIRST = 64
_LAYERS = (None, (16, 64), (16, 64), None, (32, 128), (32, 128), None, (48, 192), (48, 192), (64, 256), (64, 256))


class SqueezeCNN(nn.Module):
    """392,907 parameters with 12 leads and 75 points.

    Parameters
    ----------
    leads, points
        Channels read and given.
    dropout
        Share of features left out before the last convolution.
    """

    def __init__(self, leads: int, points: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(leads, _FIRST, 3), nn.ReLU(inplace=True)]
        channels = _FIRST
        for layer in _LAYERS:
            if layer is None:
                layers.append(nn.MaxPool2d((1, 3), stride=1, padding=(0, 1)))
            else:
                layers.append(_Fire(channels, *layer))
                channels = 2 * layer[1]
        last = convolution(channels, points, 1)
        self.layers = nn.Sequential(*layers, ByteDropout(dropout), last)
        for module in self.layers.modules():
            if isinstance(module, nn.Conv2d) and module is not last:
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")

    def forward(self, ecg: Tensor) -> Tensor:
        """Potentials (case, sample, point) of standardised ECGs (case, lead, sample), any number of samples."""
        return as_sequence(self.layers(as_row(ecg)))


class _Fire(nn.Module):
    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = convolution(channels, squeezed, 1)
        self.narrow = convolution(squeezed, expanded, 1)
        self.wide = convolution(squeezed, expanded, 3)

    def forward(self, row: Tensor) -> Tensor:
        row = self.squeeze(row).relu_()
        return torch.cat([self.narrow(row), self.wide(row)], dim=1).relu_()
