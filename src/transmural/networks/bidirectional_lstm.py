"""A bidirectional LSTM from ECGs to potentials: the plainest network that sees the whole record at every sample.

It is not in the paper of study 3. Unlike the paper's networks it knows both the time since the onset and what the ECG
does later, as the T wave, which tells the end of action potentials.
"""

from torch import Tensor, nn

_LAYERS = 2
_UNITS = 64


class BidirectionalLstm(nn.Module):
    """Two layers of 64 units each way, one linear layer; 148,939 parameters with 12 leads and 75 points.

    Parameters
    ----------
    leads, points
        Channels read and given.
    dropout
        Share of features left out between the layers.
    """

    def __init__(self, leads: int, points: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(leads, _UNITS, _LAYERS, batch_first=True, dropout=dropout, bidirectional=True)
        self.potentials = nn.Linear(2 * _UNITS, points)

    def forward(self, ecg: Tensor) -> Tensor:
        """Potentials (case, sample, point) of standardised ECGs (case, lead, sample), any number of samples."""
        potentials: Tensor = self.potentials(self.lstm(ecg.transpose(1, 2))[0])
        return potentials
