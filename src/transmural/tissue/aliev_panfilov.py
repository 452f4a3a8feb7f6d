"""The Aliev–Panfilov model of cardiac excitation, written once for SciPy, numba on the CPU and numba on CUDA.

In the model's time unit, with u the dimensionless transmembrane potential and v the recovery variable,

    du/dt = −k u (u − a)(u − 1) − u v
    dv/dt = (ε₀ + μ₁ v / (u + μ₂)) (−v − k u (u − a − 1)).

Source: R. R. Aliev and A. V. Panfilov, «A simple two-variable model of cardiac excitation», Chaos, Solitons & Fractals
7(3), 293–301, 1996, equations 1 to 3.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transmural.stores.config import Simulation

Single = np.float32 | NDArray[np.float32]


class Kinetics(NamedTuple):
    """The model's constants: reaction rate, recovery rate at rest, its slope and its offset (all dimensionless).

    Each is a number, or a row of them for cases that differ.
    """

    k: Single
    epsilon0: Single
    mu1: Single
    mu2: Single

    @classmethod
    def of(cls, config: Simulation) -> "Kinetics":
        """Constants of a configuration, in the precision of the solver."""
        return cls(*(np.float32(x) for x in (config.k, config.epsilon0, config.mu1, config.mu2)))


def rates(u: Any, v: Any, a: Any, k: Any, epsilon0: Any, mu1: Any, mu2: Any) -> tuple[Any, Any]:
    """Return du/dt and dv/dt per time unit; scalars or arrays, all dimensionless.

    The published polynomials are rearranged with q = u − u² so that no literal number occurs: beside float32 variables
    numba would promote a literal, and with it the whole expression, to float64.
    """
    q = u - u * u
    du = k * q * (u - a) - u * v
    dv = (epsilon0 + mu1 * v / (u + mu2)) * (k * (q + a * u) - v)
    return du, dv
