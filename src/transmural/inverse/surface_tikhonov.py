"""Tikhonov regularisation of one beat on a surface, given as plain arrays: the rivals of a field that knows physics.

As `transmural.inverse.tikhonov`, of which each case has its own λ over all its instants; there the cases of a heart's
wall, here one beat on a closed surface.

A transfer matrix from potentials to potentials, unlike that of a double layer, sees a constant, which a gradient and a
Laplacian don't regularise. The constant then has by far the largest generalised singular value, every λ keeps it, and
λ is chosen by the other modes: the corner that the L-curve has between the constant and them says nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.inverse.parameter_choice import choose
from transmural.inverse.problem import Regularisation
from transmural.inverse.spectrum import spectrum

# Row sums of a transfer matrix stored in single precision are zero to less than this share of its norm.
_ROUNDING = 1e-3


class SurfacePotential(NamedTuple):
    """Potentials (time, vertex) and λ, absolute."""

    potential: NDArray[np.float32]
    weight: float


def surface_tikhonov(
    data: NDArray[np.floating],
    transfer: NDArray[np.floating],
    operator: sparse.csr_array | None,
    noise_sd: float,
    regularisation: Regularisation = "l_curve",
) -> SurfacePotential:
    """Minimise ``‖Y − R U‖² + λ² ‖L U‖²``.

    Parameters
    ----------
    data
        Y, body-surface potentials, shape (electrode, time).
    transfer
        R, in units of Y per unit of U, shape (electrode, vertex).
    operator
        L, shape (anything, vertex); the identity when absent.
    noise_sd
        Standard deviation of the white noise in Y, in its units.
    regularisation
        How λ is chosen.
    """
    modes = spectrum(transfer, operator)
    coefficients = modes.coefficients(data[None])
    energy = np.sum(coefficients**2, axis=2)
    unreached = np.maximum(np.sum(data.astype(np.float64) ** 2) - energy.sum(axis=1), 0.0)
    free = int(operator is not None and _sees_constants(transfer))
    degrees = len(data) - free
    noise = np.array([degrees * data.shape[1] * noise_sd**2])
    weight = choose(regularisation, modes.values[free:], energy[:, free:], unreached, noise, degrees)
    return SurfacePotential(modes.expand(coefficients, weight)[0], float(weight[0]))


def _sees_constants(transfer: NDArray[np.floating]) -> bool:
    """Whether a constant makes potentials that are more than rounding."""
    size = np.sqrt(transfer.shape[1]) * np.linalg.norm(transfer)
    return bool(np.linalg.norm(transfer.sum(axis=1)) > _ROUNDING * size)
