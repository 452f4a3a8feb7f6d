"""By how much a field on a surface fails to obey the Aliev–Panfilov model, with either kind of derivatives.

    r_u = τ (∂u/∂t − D Δu) − f(u, v),     r_v = (τ ∂v/∂t − g(u, v)) / (v + 0.02)

with τ the milliseconds of the model's time unit, f and g its rates (`transmural.tissue.aliev_panfilov`), D in mm²/ms
and Δ the Laplace–Beltrami operator: dimensionless residuals, zero for a solution on tissue without stimulus.
r_v is relative, a difference of growth rates: v grows from a thousandth to one while u stays on its plateau, and in
absolute terms v = 0 misses its equation by 0.002 only.

*Numerical* derivatives take the field at all vertices at t − Δt, t and t + Δt: central differences in time, of second
order, and the sparse Laplacian matrix of the surface. They ask of the field what a solver on that surface would.

*Automatic* derivatives differentiate the network. It is a function of x, y and z, not of the surface, and physics-
informed networks mostly take ∂²u/∂x² + ∂²u/∂y² + ∂²u/∂z². That isn't the model on the surface: it holds the change
of u across the surface, which no equation and no data determine, against the change along it. With n the normal and κ
its divergence (twice the mean curvature), the Laplace–Beltrami operator is

    Δ u = Σ_k ∂²u/∂s_k² − κ ∂u/∂n,

over straight lines along two tangents s_k at right angles. The vector −κ n is the Laplace–Beltrami operator of the
coordinates themselves, so the Laplacian matrix times the vertices gives it. Both are offered.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.integrate import solve_ivp
from torch import Tensor

from transmural.networks.field_network import Course, FieldNetwork
from transmural.stores.config import Simulation
from transmural.tissue.aliev_panfilov import rates

# v below which its residual is no longer relative.
SMALL_RECOVERY = 0.02
_COURSE_MS = 1.0


class Residuals(NamedTuple):
    """Residuals of potential and recovery, dimensionless and of the same shape."""

    potential: Tensor
    recovery: Tensor


@dataclass(frozen=True)
class SurfaceModel:
    """The Aliev–Panfilov model on a surface.

    Attributes
    ----------
    diffusivity_mm2_per_ms
        D, the same everywhere and in all directions.
    time_unit_ms, a, k, epsilon0, mu1, mu2
        Constants of the kinetics (`transmural.stores.config.Simulation`).
    """

    diffusivity_mm2_per_ms: float
    time_unit_ms: float
    a: float
    k: float
    epsilon0: float
    mu1: float
    mu2: float

    @classmethod
    def of(cls, config: Simulation, diffusivity_mm2_per_ms: float) -> "SurfaceModel":
        """The configured kinetics with a diffusivity."""
        constants = {name: getattr(config, name) for name in ("time_unit_ms", "a", "k", "epsilon0", "mu1", "mu2")}
        return cls(diffusivity_mm2_per_ms, **constants)

    def residuals(self, u: Tensor, v: Tensor, u_per_ms: Tensor, v_per_ms: Tensor, laplacian: Tensor) -> Residuals:
        """Residuals of the model.

        Parameters
        ----------
        u, v
            Potential and recovery, any shape.
        u_per_ms, v_per_ms
            Their derivatives in time in 1/ms.
        laplacian
            Δu in 1/mm².
        """
        du, dv = rates(u, v, self.a, self.k, self.epsilon0, self.mu1, self.mu2)
        diffused = u_per_ms - self.diffusivity_mm2_per_ms * laplacian
        return Residuals(self.time_unit_ms * diffused - du, (self.time_unit_ms * v_per_ms - dv) / (v + SMALL_RECOVERY))


def uniform_course(model: SurfaceModel, begins_ms: float, last_ms: float) -> Course:
    """The model's action potential on tissue that is excited everywhere at once: rest, and from the stimulus on u = 1.

    Parameters
    ----------
    model
        The model; diffusion plays no part.
    begins_ms
        Time of the stimulus.
    last_ms
        Last time that is wanted.
    """
    steps = max(1, int(np.ceil((last_ms - begins_ms) / _COURSE_MS)))
    constants = (model.a, model.k, model.epsilon0, model.mu1, model.mu2)
    solved = solve_ivp(
        lambda _, state: np.array(rates(state[0], state[1], *constants)) / model.time_unit_ms,
        (0.0, steps * _COURSE_MS),
        [1.0, 0.0],
        t_eval=_COURSE_MS * np.arange(steps + 1),
        rtol=1e-6,
        atol=1e-8,
    ).y.T
    return Course(begins_ms - _COURSE_MS, _COURSE_MS, _single(np.concatenate([np.zeros((1, 2)), solved])))


def numerical_residuals(
    model: SurfaceModel, before: Tensor, now: Tensor, after: Tensor, difference_ms: float, laplacian: Tensor
) -> Residuals:
    """Residuals with central differences in time and a Laplacian matrix in space.

    Parameters
    ----------
    model
        The model.
    before, now, after
        Fields at t − Δt, t and t + Δt, shape (time, vertex, 2).
    difference_ms
        Δt.
    laplacian
        Sparse matrix in 1/mm², shape (vertex, vertex), see `sparse_tensor`.

    Returns
    -------
    Of shape (time, vertex).
    """
    per_ms = (after - before) / (2 * difference_ms)
    u = now[..., 0]
    return model.residuals(u, now[..., 1], per_ms[..., 0], per_ms[..., 1], torch.sparse.mm(laplacian, u.T).T)


@dataclass(frozen=True)
class Frames:
    """Lines along which a field is differentiated twice, and the drift that makes their sum a Laplacian.

    Attributes
    ----------
    directions
        Unit vectors of each vertex, shape (vertex, line, 3).
    drift
        In 1/mm, shape (vertex, 3): Δu = Σ ∂²u/∂s² + drift · ∇u.
    """

    directions: Tensor
    drift: Tensor

    def at(self, vertices: Tensor) -> "Frames":
        """Those of some vertices, counted by ``vertices`` (any,)."""
        return Frames(self.directions[vertices], self.drift[vertices])


def tangential_frames(
    normals: NDArray[np.floating], vertices: NDArray[np.floating], laplacian: sparse.csr_array
) -> Frames:
    """Frames whose Laplacian is the Laplace–Beltrami operator.

    Parameters
    ----------
    normals
        Outward unit normals, shape (vertex, 3).
    vertices
        In mm, shape (vertex, 3).
    laplacian
        Matrix of the surface in 1/mm²; applied to the vertices it gives −κ n.
    """
    # The axis most at right angles to the normal can't be parallel to it.
    axis = np.eye(3)[np.argmin(np.abs(normals), axis=1)]
    first = np.cross(normals, axis)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    directions = np.stack([first, np.cross(normals, first)], axis=1)
    curvature = np.sum((laplacian @ vertices) * normals, axis=1, keepdims=True) * normals
    return Frames(_single(directions), _single(curvature))


def cartesian_frames(vertices: int) -> Frames:
    """Frames whose Laplacian is ∂²/∂x² + ∂²/∂y² + ∂²/∂z², which isn't that of the surface."""
    return Frames(torch.eye(3).expand(vertices, 3, 3), torch.zeros(vertices, 3))


def automatic_residuals(model: SurfaceModel, network: FieldNetwork, points: Tensor, frames: Frames) -> Residuals:
    """Residuals with the derivatives of the network itself.

    Parameters
    ----------
    model
        The model.
    network
        The field.
    points
        x, y, z in mm and t in ms, shape (point, 4).
    frames
        Those of the points' vertices.

    Returns
    -------
    Of shape (point,).
    """
    # Derivatives in place and time are needed in a validation, too.
    with torch.enable_grad():
        points = points.detach().requires_grad_()
        u, v = network(points).unbind(-1)
        gradient = _derivative(u, points)
        place = gradient[:, :3]
        laplacian = (frames.drift * place).sum(1)
        for direction in frames.directions.unbind(1):
            along = (place * direction).sum(1)
            laplacian = laplacian + (_derivative(along, points)[:, :3] * direction).sum(1)
        return model.residuals(u, v, gradient[:, 3], _derivative(v, points)[:, 3], laplacian)


def sparse_tensor(matrix: sparse.csr_array) -> Tensor:
    """A sparse matrix as torch's, float32."""
    entries = matrix.tocoo()
    index = torch.from_numpy(np.stack([entries.row, entries.col]).astype(np.int64))
    return torch.sparse_coo_tensor(index, _single(entries.data), entries.shape, check_invariants=False).coalesce()


def _derivative(values: Tensor, points: Tensor) -> Tensor:
    """Gradient of each point's value, shape (point, 4); values of different points don't mix."""
    return torch.autograd.grad(values.sum(), points, create_graph=True)[0]


def _single(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
