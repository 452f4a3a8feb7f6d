"""Additive attention that knows the time of what it looks at (Ogbomo-Harmitt et al. 2025, Eq. 2 and 3).

Bahdanau et al. (2014) score every latent vector l_i against the decoder's state h_t; here a sinusoidal embedding e_i of
the vector's time (Vaswani et al. 2017) stands beside it:

    a_ti = V · tanh(W h_t + U (l_i ‖ e_i)),      α_t = softmax(a_t),      c_t = Σ_i α_ti l_i
"""

import torch
from torch import Tensor, nn

_LONGEST = 10000.0


def time_embeddings(frames: int, size: int) -> Tensor:
    """Sinusoidal embeddings of the numbers of so many frames.

    Parameters
    ----------
    frames
        Number of frames, T.
    size
        Length of an embedding, even; 0 for none.

    Returns
    -------
    Shape (T, size), float64: sines, then cosines, of periods from 2π to 10,000 · 2π frames (Vaswani et al. 2017,
    section 3.5).
    """
    # Powers of a tensor's own precision would differ between devices; there are few of them, so they are exact here.
    rates = _LONGEST ** -(torch.arange(size // 2, dtype=torch.float64) / max(1, size // 2))
    angles = torch.arange(frames, dtype=torch.float64)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class TimeAwareAttention(nn.Module):
    """Attention of a decoder to the latent vectors of all frames.

    Parameters
    ----------
    hidden
        Length of a latent vector.
    embedding
        Length of a time embedding; 0 for plain Bahdanau attention.
    state
        Units of the decoder.
    units
        Units of the attention.
    """

    def __init__(self, hidden: int, embedding: int, state: int, units: int) -> None:
        super().__init__()
        self.query = nn.Linear(state, units, bias=False)
        # The one bias stands for both summands'.
        self.key = nn.Linear(hidden + embedding, units)
        self.score = nn.Linear(units, 1, bias=False)

    def keys(self, timed: Tensor) -> Tensor:
        """U (l_i ‖ e_i), shape (case, time, unit), the same for all steps; ``timed`` is (case, time, l_i ‖ e_i)."""
        keys: Tensor = self.key(timed)
        return keys

    def forward(self, state: Tensor, keys: Tensor, latent: Tensor) -> tuple[Tensor, Tensor]:
        """One decoding step.

        Parameters
        ----------
        state
            h_t, shape (case, unit of the decoder).
        keys
            From `keys`.
        latent
            l, shape (case, time, hidden).

        Returns
        -------
        Context c_t, shape (case, hidden), and weights α_t, shape (case, time), whose sum is one.
        """
        scores = torch.tanh(keys + self.query(state).unsqueeze(1)) @ self.score.weight[0]
        weights = torch.softmax(scores, dim=1)
        return torch.bmm(weights.unsqueeze(1), latent).squeeze(1), weights
