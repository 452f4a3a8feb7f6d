"""Head of a sequential network: an LSTM of its own and an affine layer that frees its output from (−1, 1)."""

import torch
from torch import Tensor, nn


class SequenceHead(nn.Module):
    """LSTM(inputs → units), then units → outputs.

    With a unit an output (``units`` 0) the affine layer is a scale and an offset each; with fewer units, a full
    matrix. Bare heads stay within (−1, 1), as in the release of Ghimire et al.: no layer at all with a unit an
    output, a hyperbolic tangent behind the matrix of fewer.

    Parameters
    ----------
    inputs, outputs
        Numbers of features.
    units
        Units of the LSTM; 0 for one an output.
    bare
        Whether the output stays within (−1, 1).
    """

    def __init__(self, inputs: int, outputs: int, units: int, bare: bool) -> None:
        super().__init__()
        self.bare = bare
        self.wide = units in {0, outputs}
        self.lstm = nn.LSTM(inputs, outputs if self.wide else units, batch_first=True)
        if self.wide and not bare:
            self.scale = nn.Parameter(torch.ones(outputs))
            self.offset = nn.Parameter(torch.zeros(outputs))
        elif not self.wide:
            self.matrix = nn.Linear(units, outputs)

    def forward(self, features: Tensor, frames: slice = slice(None)) -> Tensor:
        """Outputs (case, time, output) at these frames from features (case, time, input) at all of them."""
        out: Tensor = self.lstm(features)[0][:, frames]
        if self.wide:
            return out if self.bare else out * self.scale + self.offset
        out = self.matrix(out)
        if self.bare:
            out = torch.tanh(out)
        return out

    def projected(self, features: Tensor, rows: Tensor) -> Tensor:
        """``rows @ output``, shape (case, time, row), for a matrix (row, output); the matrices are multiplied first."""
        if self.bare or self.wide:
            projected: Tensor = self(features) @ rows.T
            return projected
        out: Tensor = self.lstm(features)[0]
        return out @ (rows @ self.matrix.weight).T + rows @ self.matrix.bias

    def start_at(self, value: Tensor | float) -> None:
        """Set the offset with which training starts; bare heads have none of their own."""
        if not self.bare:
            with torch.no_grad():
                offset = self.offset if self.wide else self.matrix.bias
                offset.copy_(torch.as_tensor(value).expand_as(offset))

    def start_from(self, columns: Tensor) -> None:
        """Start a matrix from these columns (output, column) and small numbers in the other ones."""
        if not self.wide:
            count = min(columns.shape[1], self.lstm.hidden_size)
            with torch.no_grad():
                self.matrix.weight.mul_(0.1)
                # The units start near zero; twice the columns lets them reach the potentials soon.
                self.matrix.weight[:, :count] = 2.0 * columns[:, :count]
