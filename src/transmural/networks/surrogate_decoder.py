"""Decoder of the surrogate: an LSTM that looks at all frames, and two layers that give the ECG value by value.

At step t (Ogbomo-Harmitt et al. 2025, section 2.2) the LSTM reads the context c_t, the latent vector l_t and the time
embedding e_t; its output and the ECG's value before give the next value. The value before does not enter the LSTM, so
all its steps come first. What its gates take from l_t and e_t is one matrix product for all steps.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from transmural.networks.time_aware_attention import TimeAwareAttention, time_embeddings
from transmural.stores.config.networks import ForwardSurrogate as Settings


class SurrogateDecoder(nn.Module):
    """Attention, LSTM and output layers.

    Parameters
    ----------
    settings
        Sizes, and whether there are attention and time embeddings.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        hidden, units = settings.hidden, settings.units
        self.embedding = settings.embedding if settings.time_embedding else 0
        self.attention = (
            TimeAwareAttention(hidden, self.embedding, units, settings.attention_units) if settings.attention else None
        )
        # Gates in the order input, forget, output, cell: three sigmoids side by side.
        self.known_gates = nn.Linear(hidden + self.embedding, 4 * units)
        self.recurrent_gates = nn.Linear(units + (hidden if settings.attention else 0), 4 * units, bias=False)
        self.joined = nn.Linear(units + 1, settings.head_units)
        self.value = nn.Linear(settings.head_units, 1)
        self._start(units)

    def _start(self, units: int) -> None:
        """First weights as those of torch's LSTM, the forget gates' bias 1 (Jozefowicz et al. 2015)."""
        for parameter in (*self.known_gates.parameters(), *self.recurrent_gates.parameters()):
            nn.init.uniform_(parameter, -(units**-0.5), units**-0.5)
        with torch.no_grad():
            self.known_gates.bias[units : 2 * units] = 1.0

    def forward(self, latent: Tensor) -> Tensor:
        """Standardised ECG (case, time) from latent vectors (case, time, hidden)."""
        # Rounding to bfloat16 would add up over the steps, and their small products gain nothing by it.
        with torch.autocast(latent.device.type, enabled=False):
            return self._values(self._states(latent.to(self.value.weight.dtype)))

    def _states(self, latent: Tensor) -> Tensor:
        """Outputs of the LSTM, shape (case, time, unit)."""
        cases, frames, _ = latent.shape
        times = time_embeddings(frames, self.embedding).to(latent)
        timed = torch.cat([latent, times.expand(cases, -1, -1)], dim=2)
        keys = None if self.attention is None else self.attention.keys(timed)
        state = latent.new_zeros(cases, self.joined.in_features - 1)
        cell = torch.zeros_like(state)
        states = []
        for known in self.known_gates(timed).unbind(dim=1):
            read = state
            if self.attention is not None:
                read = torch.cat([state, self.attention(state, keys, latent)[0]], dim=1)
            state, cell = _lstm_step(torch.addmm(known, read, self.recurrent_gates.weight.T), cell)
            states.append(state)
        return torch.stack(states, dim=1)

    def _values(self, states: Tensor) -> Tensor:
        """ECG values, each from the LSTM's output and the value before, the first from the mean of all ECGs, 0."""
        from_state, from_value = self.joined.weight[:, :-1], self.joined.weight[:, -1:].T
        value = states.new_zeros(states.shape[0], 1)
        values = []
        for known in linear(states, from_state, self.joined.bias).unbind(dim=1):
            value = self.value(torch.relu(torch.addmm(known, value, from_value)))
            values.append(value)
        return torch.cat(values, dim=1)


def _lstm_step(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """State and cell, shape (case, unit) each, after a step with these gates (case, 4 · unit) and the cell before."""
    units = cell.shape[1]
    taken, kept, shown = torch.sigmoid(gates[:, : 3 * units]).chunk(3, dim=1)
    cell = kept * cell + taken * torch.tanh(gates[:, 3 * units :])
    return shown * torch.tanh(cell), cell
