"""A field u(x, y, z, t), v(x, y, z, t) as a network: random Fourier features, blocks of layers, bounded outputs.

The features of a point p = (x, y, z, t) are cos(bᵢ·p) and sin(bᵢ·p). With bᵢ normal, of standard deviation 1/ℓ in
space and 1/T in time, they span functions that vary over ℓ and T (Rahimi & Recht 2007; Tancik et al. 2020): sums of
them are nearly draws of a Gaussian process with the correlation exp(−|Δx|²/2ℓ² − Δt²/2T²). A block

    mlp        x ← h(x)
    resnet     x ← x + h(x)
    adaptive   x ← (1 − α) x + α h(x),  α learnt, 0 at the start,

h two layers with tanh; so an adaptive network is as shallow at the start as it can be, and deepens as it learns (Wang
et al. 2024, «PirateNets», for the adaptive block; Zhu, Bilchick & Xie 2025 for its use here). The last layer's outputs
z and w, added to a course in time that all places share, give u = 1 / (1 + exp(−z)), within the model's range 0 to 1,
and v = log(1 + exp(w)), which is positive. A wave that arrives at time τ(x) and rises as the model's front does is
z = (t − τ(x)) / s: smooth, where u isn't. The last layer's weights are zero at the start, so the first field is the
course itself.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from transmural.stores.config.physics_informed import FieldArchitecture, FieldForm

# What the first field may be at least, and at most below 1: gradients vanish where u is 0 or 1, or v is 0.
_MARGIN = 0.02


class Course(NamedTuple):
    """A course in time, the same everywhere, around which a network starts.

    Attributes
    ----------
    first_ms, step_ms
        First time and interval.
    values
        u and v, dimensionless, shape (time, 2); constant before the first and after the last time.
    """

    first_ms: float
    step_ms: float
    values: Tensor


class Block(nn.Module):
    """One block of two layers; see the module's equations.

    Parameters
    ----------
    width
        Units.
    form
        ``"mlp"``, ``"resnet"`` or ``"adaptive"``.
    """

    def __init__(self, width: int, form: FieldForm) -> None:
        super().__init__()
        self.form = form
        self.first, self.second = _layer(width, width), _layer(width, width)
        self.alpha = nn.Parameter(torch.zeros(())) if form == "adaptive" else None

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape (..., width)."""
        change = torch.tanh(self.second(torch.tanh(self.first(x))))
        if self.alpha is not None:
            return torch.lerp(x, change, self.alpha)
        return x + change if self.form == "resnet" else change


class FieldNetwork(nn.Module):
    """The field of one beat.

    Parameters
    ----------
    settings
        Sizes, form and scales of the features. The frequencies are drawn from torch's generator and stay fixed.
    course
        What the outputs are added to, before the bounds are put on.
    """

    frequency: Tensor
    course: Tensor

    def __init__(self, settings: FieldArchitecture, course: Course) -> None:
        super().__init__()
        self._first_ms, self._step_ms = course.first_ms, course.step_ms
        u, v = course.values.clamp_min(_MARGIN).unbind(-1)
        self.register_buffer("course", torch.stack([torch.logit(u, _MARGIN), v.expm1().log()], dim=-1))
        scale = torch.tensor([settings.length_mm] * 3 + [settings.duration_ms])
        self.register_buffer("frequency", torch.randn(4, settings.features) / scale[:, None])
        self.embedding = _layer(2 * settings.features, settings.width)
        self.blocks = nn.ModuleList(Block(settings.width, settings.form) for _ in range(settings.blocks))
        self.outputs = _layer(settings.width, 2)
        nn.init.zeros_(self.outputs.weight)

    def forward(self, points: Tensor) -> Tensor:
        """The field at points.

        Parameters
        ----------
        points
            x, y, z in mm and t in ms, shape (..., 4).

        Returns
        -------
        u and v, dimensionless, shape (..., 2).
        """
        phase = points @ self.frequency
        features = torch.cat([torch.cos(phase), torch.sin(phase)], dim=-1)
        return self._outputs(self.embedding(features), points[..., 3])

    def field(self, vertices: Tensor, times: Tensor) -> Tensor:
        """The field at all vertices and times.

        The first layer is linear in cos(b·p) and sin(b·p), which are cosines and sines of places times those of times:
        the latter are taken into its weights, so that features of every place at every time are never made.

        Parameters
        ----------
        vertices
            In mm, shape (vertex, 3).
        times
            In ms, shape (time,).

        Returns
        -------
        u and v, shape (time, vertex, 2).
        """
        place, time = vertices @ self.frequency[:3], times[:, None] * self.frequency[3]
        cos_time, sin_time = time.cos()[..., None], time.sin()[..., None]
        of_cosine, of_sine = self.embedding.weight.T.chunk(2)
        weights = [cos_time * of_cosine + sin_time * of_sine, cos_time * of_sine - sin_time * of_cosine]
        embedded = torch.cat([place.cos(), place.sin()], dim=-1) @ torch.cat(weights, dim=1)
        return self._outputs(embedded + self.embedding.bias, times[:, None])

    @property
    def alphas(self) -> list[float]:
        """α of every adaptive block; empty for the other forms."""
        return [float(block.alpha.detach()) for block in self.blocks if isinstance(block.alpha, Tensor)]

    def _outputs(self, x: Tensor, times: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        z = self.outputs(x) + self._course(times)
        return torch.stack([torch.sigmoid(z[..., 0]), softplus(z[..., 1])], dim=-1)

    def _course(self, times: Tensor) -> Tensor:
        """The course at times, linear between its own, shape (..., 2)."""
        place = ((times - self._first_ms) / self._step_ms).clamp(0, len(self.course) - 1)
        before = place.detach().floor().clamp_max(len(self.course) - 2)
        index = before.long()
        return torch.lerp(self.course[index], self.course[index + 1], (place - before)[..., None])


def _layer(inputs: int, outputs: int) -> nn.Linear:
    """Affine layer with weights after Glorot & Bengio (2010), for tanh, and no offset at the start."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
