"""The network of convolutions and an LSTM of study 3 (Ornelas-Munoz et al., Model II).

Three convolutions over three samples (64, 128 and 256 filters, each with batch normalisation and ReLU), one LSTM of 64
units from the first sample to the last, one linear layer. The paper gives filters, units and the number of parameters;
widths, normalisation and the one direction are what gives that number. What it says of a sample rests on the ECG before
it and three samples after it.
"""

from torch import Tensor, nn

from transmural.networks.byte_dropout import ByteDropout
from transmural.networks.row_convolution import as_row, as_sequence, normalised

_FILTERS = (64, 128, 256)
_UNITS = 64


class CnnLstm(nn.Module):
    """213,835 parameters with 12 leads and 75 points.

    Parameters
    ----------
    leads, points
        Channels read and given.
    dropout
        Share of features left out before the last layer.
    """

    def __init__(self, leads: int, points: int, dropout: float) -> None:
        super().__init__()
        channels = (leads, *_FILTERS)
        self.convolutions = nn.Sequential(
            *(normalised(read, out, 3) for read, out in zip(channels, _FILTERS, strict=False))
        )
        self.lstm = nn.LSTM(_FILTERS[-1], _UNITS, batch_first=True)
        self.dropout = ByteDropout(dropout)
        self.potentials = nn.Linear(_UNITS, points)

    def forward(self, ecg: Tensor) -> Tensor:
        """Potentials (case, sample, point) of standardised ECGs (case, lead, sample), any number of samples."""
        features = as_sequence(self.convolutions(as_row(ecg)))
        potentials: Tensor = self.potentials(self.dropout(self.lstm(features)[0]))
        return potentials
