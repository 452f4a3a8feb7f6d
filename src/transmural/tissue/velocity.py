"""Diffusivity that gives a plane wave the configured velocity on the voxel grid, and the largest stable time step.

The front of the bistable equation du/dt = D u″ + k u (u − a)(1 − u) / τ travels with c = √(k D / 2τ) (1 − 2a)
(J. D. Murray, «Mathematical Biology I», 3rd ed., §13.4), with τ the milliseconds of a time unit. Recovery, voxels that
are not small against the front and the explicit time step slow it by a few per cent. The velocity therefore is measured
on a cable with the solver's own step, and D corrected until it is the configured one.

A plane wave in direction n feels, to leading order, the grid error of a cable whose voxels are h √(Σ nᵢ⁴); averaged
over all directions Σ nᵢ⁴ = 3/5. The cable has voxels of h √(3/5), so that waves along the axes of the grid are as much
too slow as waves along its diagonals are too fast.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.stores.config import Simulation
from transmural.stores.errors import ConfigurationError
from transmural.tissue.aliev_panfilov import Kinetics
from transmural.tissue.diffusion import diffusion_operator, largest_eigenvalue
from transmural.tissue.fronts import front_velocity, matched_diffusivity
from transmural.tissue.kernels import advance, step_weights
from transmural.tissue.rows import LANES

_MEAN_SPACING = np.sqrt(3 / 5)


def plane_wave_diffusivity(velocity_mm_per_ms: float, config: Simulation) -> float:
    """D (mm²/ms) of the continuous bistable front with the given velocity."""
    per_unit = velocity_mm_per_ms * config.time_unit_ms / (1 - 2 * config.a)
    return float(2 * per_unit**2 / config.k / config.time_unit_ms)


def front_width_mm(diffusivity: float, config: Simulation) -> float:
    """Length √(2 D τ / k) over which the front of the continuous model rises by a factor of e."""
    return float(np.sqrt(2 * diffusivity * config.time_unit_ms / config.k))


@lru_cache(maxsize=64)
def calibrated_diffusivities(config: Simulation, spacing_mm: float, step_ms: float) -> tuple[float, float]:
    """Diffusivities along and across the fibres for the configured velocities on this grid with this time step.

    Returns
    -------
    along, across
        In mm²/ms.

    Raises
    ------
    ConfigurationError
        If a wave doesn't propagate because the voxels are too coarse for the width of its front.
    """
    along = config.conduction_velocity_m_per_s  # 1 m/s is 1 mm/ms
    found = []
    for velocity in (along, along / config.velocity_anisotropy):
        diffusivity = calibrated_diffusivity(velocity, config, _MEAN_SPACING * spacing_mm, step_ms)
        if diffusivity is None:
            width = front_width_mm(plane_wave_diffusivity(velocity, config), config)
            raise ConfigurationError(
                f"simulation.conduction_velocity_m_per_s, velocity_anisotropy: a wave of {velocity:g} m/s has a front"
                f" of {width:.2g} mm and doesn't propagate on voxels of {spacing_mm:g} mm;"
                " make anatomy.voxel_mm smaller or the velocity larger"
            )
        found.append(diffusivity)
    return found[0], found[1]


def calibrated_diffusivity(
    velocity_mm_per_ms: float, config: Simulation, cable_mm: float, step_ms: float
) -> float | None:
    """D (mm²/ms) for a plane wave of the given velocity on a cable of pieces of ``cable_mm``; None if the wave dies."""
    target = plane_wave_diffusivity(velocity_mm_per_ms, config)
    # An unstable step is refused on the tissue, where it is known exactly; here it must only not blow up.
    step_ms = min(step_ms, 0.9 * stable_step_ms(4.4 * target / cable_mm**2, config))
    return matched_diffusivity(target, velocity_mm_per_ms, lambda d: cable_velocity(d, config, cable_mm, step_ms))


def cable_velocity(diffusivity: float, config: Simulation, spacing_mm: float, step_ms: float) -> float:
    """Velocity (mm/ms) of a plane wave along a cable of voxels, measured with the solver's step; NaN if it dies."""
    width = front_width_mm(diffusivity, config)
    count = max(60, int(np.ceil(30 * width / spacing_mm)))
    index = np.stack([np.arange(count), np.zeros(count, int), np.zeros(count, int)], axis=1)
    operator = diffusion_operator(index, spacing_mm, np.broadcast_to(diffusivity * np.eye(3), (count, 3, 3)))
    u = np.zeros((count, LANES), np.float32)
    u[: max(8, count // 5)] = 1
    v, scratch, a = np.zeros_like(u), np.empty_like(u), np.full_like(u, config.a)
    weights = step_weights(operator, step_ms)
    kinetics, step = Kinetics.of(config), np.float32(step_ms / config.time_unit_ms)

    probes = np.array([int(0.45 * count), int(0.8 * count)])
    # Ten times slower than the continuous front counts as dead.
    patience = 10 * count * spacing_mm / np.sqrt(config.k * diffusivity / 2 / config.time_unit_ms) / (1 - 2 * config.a)

    def probed() -> Iterator[NDArray[np.float32]]:
        yield u[probes, 0].copy()
        for _ in range(int(patience / step_ms)):
            advance(u, scratch, v, a, *weights, kinetics, step, 1)
            yield u[probes, 0].copy()

    return front_velocity(probed(), step_ms, float(probes[1] - probes[0]) * spacing_mm)


def stable_step_ms(operator_eigenvalue: float, config: Simulation) -> float:
    """Largest stable explicit step for −A with the given largest eigenvalue (1/ms).

    The fastest rate of the kinetics is near k per time unit (k (1 − a) + v at the plateau).
    """
    return 2 / (operator_eigenvalue + config.k / config.time_unit_ms)


def step_count(frame_ms: float, time_step_ms: float) -> int:
    """Fewest equal steps of at most ``time_step_ms`` between two frames."""
    return max(1, int(np.ceil(frame_ms / time_step_ms * (1 - 1e-9))))


def operator_for(
    voxel_index: NDArray[np.integer], spacing_mm: float, tensor: NDArray[np.float64], step_ms: float, config: Simulation
) -> sparse.csr_matrix:
    """Diffusion operator (1/ms) of the tissue, refused if ``step_ms`` is unstable on it.

    Raises
    ------
    ConfigurationError
        Naming the time step and the largest stable one.
    """
    operator = diffusion_operator(voxel_index, spacing_mm, tensor)
    limit = stable_step_ms(largest_eigenvalue(operator), config)
    if step_ms > limit:
        raise ConfigurationError(
            f"time_step_ms = {config.time_step_ms:g}: steps of {step_ms:.4g} ms are unstable on voxels of"
            f" {spacing_mm:g} mm; at most {np.floor(1000 * limit) / 1000:g} ms is stable"
        )
    return operator
