"""Spatio-temporal regularisation: potentials that are smooth on the surface and change little from instant to instant.

    Û = argmin ‖Y − R U‖² + λs² ‖L U‖² + λt² Σ_t Σ_{0<τ≤w} |u(t) − u(t + τ)|²

with R the transfer matrix, L the surface's Laplacian and w the window: the form of B. Yao and H. Yang, «Physics-driven
spatiotemporal regularization for high-dimensional predictive modeling: a novel approach to solve the inverse ECG
problem», Sci. Rep. 6:39012, 2016. Their double sum runs over instants on both sides and so counts each pair twice,
which is a factor in λt². They solve it by an iteration of multiplicative updates; but it is a linear problem, and
solved here exactly. With G the Laplacian of the graph in which an instant is tied to the w before and the w after it,

    (RᵀR + λs² LᵀL) U + λt² U G = Rᵀ Y,

a Sylvester equation: with RᵀR + λs² LᵀL = V diag(α) Vᵀ and G = Q diag(γ) Qᵀ,

    U = V [ (Vᵀ RᵀY Q)_ij / (α_i + λt² γ_j) ] Qᵀ.

One eigendecomposition in space and one in time serve every λt. λs is that of Tikhonov regularisation of order two on
the same data (the L-curve, or cross-validation); then λt is the one of least generalised cross-validation function
(Golub, Heath & Wahba 1979) of the whole problem, whose effective number of parameters is

    Σ_ij |R v_i|² / (α_i + λt² γ_j).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigh

from transmural.inverse.problem import Regularisation
from transmural.inverse.spectrum import regulariser
from transmural.inverse.surface_tikhonov import surface_tikhonov

Doubles = NDArray[np.float64]

_GRID_POINTS = 41
# λt² γ from far below to far above what R leaves undamped, in units of the largest eigenvalue in space.
_SMALLEST, _LARGEST = 1e-10, 1e2


class SpatioTemporalPotential(NamedTuple):
    """Potentials (time, vertex), and λs and λt, absolute."""

    potential: NDArray[np.float32]
    space_weight: float
    time_weight: float


def spatio_temporal(
    data: NDArray[np.floating],
    transfer: NDArray[np.floating],
    laplacian: sparse.csr_array,
    noise_sd: float,
    window: int,
    regularisation: Regularisation = "l_curve",
    time_weight: float | None = None,
) -> SpatioTemporalPotential:
    """Solve the problem above.

    Parameters
    ----------
    data
        Y, body-surface potentials, shape (electrode, time).
    transfer
        R, in units of Y per unit of U, shape (electrode, vertex).
    laplacian
        L in 1/mm², shape (vertex, vertex).
    noise_sd
        Standard deviation of the white noise in Y, in its units.
    window
        w, instants.
    regularisation
        How λs is chosen.
    time_weight
        λt, chosen from the data when absent; 0 is Tikhonov regularisation of order two.
    """
    space_weight = surface_tikhonov(data, transfer, laplacian, noise_sd, regularisation).weight
    system = _System(data, transfer, laplacian, space_weight, window)
    if time_weight is None:
        scores = [(system.cross_validation(weight), weight) for weight in system.candidates()]
        time_weight = min(scores)[1]
    return SpatioTemporalPotential(system.solution(time_weight).astype(np.float32), space_weight, time_weight)


def window_laplacian(instants: int, window: int) -> Doubles:
    """G, shape (time, time): xᵀ G x = Σ_t Σ_{0<τ≤w} (x_t − x_{t+τ})², pairs beyond either end left out."""
    index = np.arange(instants)
    distance = np.abs(index[:, None] - index)
    tied = ((distance > 0) & (distance <= window)).astype(np.float64)
    return np.asarray(np.diag(tied.sum(axis=1)) - tied)


class _System:
    """The problem in the eigenvectors of space and time."""

    def __init__(
        self,
        data: NDArray[np.floating],
        transfer: NDArray[np.floating],
        laplacian: sparse.csr_array,
        space_weight: float,
        window: int,
    ) -> None:
        matrix, self._data = transfer.astype(np.float64), data.astype(np.float64)
        square = matrix.T @ matrix + space_weight**2 * regulariser(laplacian).toarray()
        self._space, self._vectors = eigh(square, overwrite_a=True, check_finite=False)
        self._time, self._instants = eigh(window_laplacian(data.shape[1], window), check_finite=False)
        # Rounding leaves the eigenvalue of what doesn't change in time just beside zero.
        self._time = np.maximum(self._time, 0.0)
        self._modes = matrix @ self._vectors
        self._seen = self._data @ self._instants
        self._right = self._modes.T @ self._seen

    def candidates(self) -> Doubles:
        """λt that are tried, ascending."""
        scale = np.sqrt(self._space[-1] / self._time[-1])
        return np.asarray(scale * np.sqrt(np.geomspace(_SMALLEST, _LARGEST, _GRID_POINTS)))

    def solution(self, time_weight: float) -> Doubles:
        """U, shape (time, vertex)."""
        return np.asarray(self._instants @ (self._vectors @ (self._right / self._damping(time_weight))).T)

    def cross_validation(self, time_weight: float) -> float:
        """Generalised cross-validation function of λt."""
        damping = self._damping(time_weight)
        misfit = np.sum((self._seen - self._modes @ (self._right / damping)) ** 2)
        parameters = np.sum(np.sum(self._modes**2, axis=0) @ (1 / damping))
        return float(misfit / (self._data.size - parameters) ** 2)

    def _damping(self, time_weight: float) -> Doubles:
        return self._space[:, None] + time_weight**2 * self._time
