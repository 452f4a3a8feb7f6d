"""How well a field explains the body-surface potentials of a beat and obeys the Aliev–Panfilov model.

With Y the potentials at the electrodes, R the transfer matrix, W a whitening, and means ⟨⟩ over electrodes or vertices
and instants,

    E = ⟨(W (Y − R u))²⟩ / ⟨(W Y)²⟩ + λ_u ⟨r_u²⟩ + λ_v ⟨r_v²⟩ + ⟨u² + v²⟩ / 2 before the stimulus
        + (⟨u⟩² + ⟨v⟩²) / 2 when it begins,

r_u and r_v the residuals of `surface_physics`, left out while the stimulus acts, because where it acts isn't known.
That it acts on a small part of the heart is known, which the last term says: without it, where data don't see the mean
of u, fits end with most of the heart activated at once.
Three things matter more than any size of the network; none of them knows the truth:

- W = (R Rᵀ / 4 + σ² I)^(−½), the covariance of data whose u has the variance ¼, the largest in [0, 1], at each vertex
  by itself, and whose noise has the standard deviation σ. With the plain misfit, gradients along the transfer matrix's
  small singular values are too small to be followed.
- The field starts as an action potential everywhere at once (`surface_physics.uniform_course`), a solution of the
  equations; data delay it. From rest, fits end where u falls back to 0 behind the front: data hardly see the mean.
- r_v is relative to v. While v is small v = 0 nearly satisfies its equation, and fits stay there.

λ_u = λ_v grow as the settings say, from little to more. Or each is balanced by the norms of the gradients that the
terms give the weights, λ ← m λ + (1 − m) c ‖∇ misfit‖ / ‖∇ residual‖ (S. Wang, Y. Teng & P. Perdikaris, «Understanding
and mitigating gradient flow pathologies in physics-informed neural networks», SIAM J. Sci. Comput. 43(5), 2021, who
take the largest and the mean entry instead of norms). A data-driven network is the same with weight 0: it has neither
residuals nor a condition before the stimulus.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from transmural.networks.epochs import Batch
from transmural.networks.field_network import Course, FieldNetwork
from transmural.networks.surface_beat import SurfaceBeat
from transmural.networks.surface_physics import (
    Frames,
    Residuals,
    automatic_residuals,
    cartesian_frames,
    numerical_residuals,
    sparse_tensor,
    tangential_frames,
)
from transmural.stores.config.physics_informed import FieldFit

TERMS = ("potential", "recovery")
_REST_INSTANTS = 2
# Of a potential that is 0 or 1, each as often.
_VARIANCE = 0.25
# Two instants that differ by less are one.
_SAME_MS = 1e-3


class WeighedField(nn.Module):
    """The network with the state of its fit: the weights λ of the terms, and the steps taken."""

    weights: Tensor
    steps: Tensor

    def __init__(self, settings: FieldFit, course: Course) -> None:
        super().__init__()
        self.network = FieldNetwork(settings.architecture, course)
        self.register_buffer("weights", torch.zeros(len(TERMS)))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))


class FieldLoss:
    """The loss of `fit_field`, as `transmural.networks.training.fit` takes it.

    Parameters
    ----------
    beat
        What is known.
    settings
        Network, physics and training.
    """

    def __init__(self, beat: SurfaceBeat, settings: FieldFit) -> None:
        self._model, self._physics, self._epochs = beat.model, settings.physics, settings.epochs
        self.vertices = _single(beat.vertices)
        self._transfer, self._laplacian = _single(beat.transfer), sparse_tensor(beat.laplacian)
        whitening = _whitening(beat.transfer, beat.noise_sd)
        self._whitening = _single(whitening)
        self._white_energy = float(np.mean(np.square(whitening @ beat.data)))
        self._frames = _frames(beat, settings)
        # Of exact data the misfit is told in units of single precision.
        self._noise = max(beat.noise_sd**2, float(np.finfo(np.float32).eps * np.mean(np.square(beat.data))))
        self._begins, self._ends = beat.stimulus_ms

    @property
    def constants(self) -> Mapping[str, Tensor]:
        """What the loss knows of the beat beside the data, for the digest of its checkpoints."""
        laplacian = self._laplacian
        return {
            "vertices": self.vertices,
            "transfer": self._transfer,
            "laplacian_index": laplacian.indices(),
            "laplacian": laplacian.values(),
            "scales": torch.tensor([self._noise, self._begins, self._ends], dtype=torch.float64),
        }

    def __call__(self, state: WeighedField, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Terms of a run of instants; see the module."""
        times, data = batch["time"].flatten(), batch["data"].flatten(0, 1)
        field, residuals = self._evaluated(state.network, times)
        unexplained = data - field[..., 0] @ self._transfer.T
        loss = misfit = (unexplained @ self._whitening).square().mean() / self._white_energy
        terms = {"white_misfit": misfit, "misfit": unexplained.square().mean() / self._noise}
        if residuals:
            *residual, before, begins = residuals
            squares = [r.square().mean() for r in residual]
            rest = before.square().mean() + begins.mean(dim=(0, 1)).square().mean()
            weights = self._weights(state, misfit, squares, progress / self._epochs)
            loss = misfit + torch.stack(squares) @ weights.to(misfit) + rest
            terms |= {**dict(zip(TERMS, squares, strict=True)), "rest": rest}
            terms |= {f"weight_{name}": weight for name, weight in zip(TERMS, weights, strict=True)}
        terms |= {f"alpha_{i}": torch.tensor(alpha) for i, alpha in enumerate(state.network.alphas, start=1)}
        if state.training:
            state.steps += 1
        return {"loss": loss, **terms, "remaining": -state.steps.float()}

    def _evaluated(self, network: FieldNetwork, times: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The field at the times; both residuals, and the field before and when the stimulus begins; or no physics."""
        physics = self._physics
        if not physics.weight:
            return network.field(self.vertices, times), ()
        step = physics.difference_ms
        rest = self._begins - step * torch.arange(_REST_INSTANTS + 1)
        acts = (times - step < self._ends - _SAME_MS) & (times + step > self._begins + _SAME_MS)
        if physics.derivatives == "automatic":
            whole = network.field(self.vertices, torch.cat([times, rest]))
            field, resting = torch.split(whole, [len(times), len(rest)])
            residuals = self._automatic(network, times, ~acts)
        else:
            wanted = torch.cat([times, times - step, times + step, rest])
            instants, place = torch.unique(torch.round(wanted / _SAME_MS), return_inverse=True)
            whole = network.field(self.vertices, instants * _SAME_MS)
            field, before, after, resting = torch.split(whole[place], [len(times)] * 3 + [len(rest)])
            found = numerical_residuals(self._model, before, field, after, step, self._laplacian)
            residuals = Residuals(*(r * ~acts[:, None] for r in found))
        return field, (*residuals, resting[1:], resting[:1])

    def _automatic(self, network: FieldNetwork, times: Tensor, counts: Tensor) -> Residuals:
        vertex = torch.randint(len(self.vertices), (self._physics.points,))
        instant = torch.randint(len(times), (self._physics.points,))
        points = torch.cat([self.vertices[vertex], times[instant, None]], dim=1)
        found = automatic_residuals(self._model, network, points, self._frames.at(vertex))
        return Residuals(*(r * counts[instant] for r in found))

    def _weights(self, state: WeighedField, misfit: Tensor, squares: Sequence[Tensor], share: float) -> Tensor:
        """λ_u and λ_v when this share of the fit is done; those balanced by gradient norms are kept in the state."""
        physics = self._physics
        if physics.balancing == "growth":
            arrived = min(1.0, share / physics.delay) if physics.delay else 1.0
            return torch.full((len(TERMS),), arrived * physics.weight * physics.growth**share)
        due = physics.delay <= share < physics.balance_until and state.steps % physics.balance_steps == 0
        if state.training and due:
            reference, *norms = (_gradient_norm(term, state.network) for term in (misfit, *squares))
            wanted = physics.weight * reference / torch.stack(norms).clamp_min(torch.finfo(torch.float32).tiny)
            memory = physics.balance_memory if state.weights.any() else 0.0
            state.weights.mul_(memory).add_(wanted, alpha=1 - memory)
        return state.weights.clone()


def _whitening(transfer: NDArray[np.floating], noise_sd: float) -> NDArray[np.float64]:
    """W, shape (electrode, electrode), symmetric."""
    matrix = transfer.astype(np.float64)
    # Without noise, still no singular value below what single precision of the transfer matrix tells.
    least = max(noise_sd**2, float(np.finfo(np.float32).eps) * float(np.sum(matrix**2)))
    values, vectors = np.linalg.eigh(_VARIANCE * matrix @ matrix.T + least * np.eye(len(matrix)))
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)


def _gradient_norm(term: Tensor, network: FieldNetwork) -> Tensor:
    gradients = torch.autograd.grad(term, list(network.parameters()), retain_graph=True, allow_unused=True)
    return torch.stack([g.square().sum() for g in gradients if g is not None]).sum().sqrt()


def _frames(beat: SurfaceBeat, settings: FieldFit) -> Frames:
    if settings.physics.laplacian == "cartesian":
        return cartesian_frames(len(beat.vertices))
    return tangential_frames(beat.normals, beat.vertices, beat.laplacian)


def _single(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
