"""Waves on a triangle surface of cells other than those with which study 4 reconstructs: Mitchell and Schaeffer's.

    ∂v/∂t = D ∇²v + h v² (1 − v) / τ_in − v / τ_out,    h as in `transmural.tissue.mitchell_schaeffer`.

With v₋ < v₊ the roots of v (1 − v) = τ_in / τ_out, a front of rested tissue travels with c = √(D / 2τ_in) (v₊ − 2v₋).
Surfaces are coarse: with the standard constants a front of 0.6 m/s would be half a millimetre wide. `SLOW` has slower
currents inwards and outwards in the same ratio, so that the plateau is as high and as long, and the front as wide as
that of the Aliev-Panfilov model here.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.anatomy.surface_operators import surface_operators
from transmural.stores.config import Simulation
from transmural.stores.errors import SimulationError
from transmural.tissue.diffusion import largest_eigenvalue
from transmural.tissue.fronts import front_velocity, matched_diffusivity
from transmural.tissue.mitchell_schaeffer import MitchellSchaeffer, rates
from transmural.tissue.surface_waves import (
    EQUIVALENT_CABLE,
    SurfaceWaves,
    check_captured,
    check_surface_cases,
    mean_edge_mm,
    stimulated_vertices,
    too_coarse,
)
from transmural.tissue.velocity import step_count

Floats = NDArray[np.float64]

SLOW = MitchellSchaeffer(tau_in=2.0, tau_out=40.0)
_UPSTROKE = 0.5
_DIVERGED = 2.0
_LONGEST_STEP_MS = 0.2
_SAFETY = 0.8
_CABLE_PIECES = 120
# A front that is so much slower than a continuous one counts as dead.
_SLOWEST = 0.3


def simulate_surface_cells(
    vertex_mm: NDArray[np.floating],
    face: NDArray[np.integer],
    site: Sequence[Sequence[int]],
    config: Simulation,
    time_ms: NDArray[np.floating],
    *,
    cell: MitchellSchaeffer = SLOW,
    case_names: Sequence[str] | None = None,
) -> SurfaceWaves:
    """Simulate one beat a case from stimuli at time 0, as `tissue.surface_waves.simulate_surface` with other cells.

    Parameters
    ----------
    vertex_mm, face
        The surface, shapes (vertex, 3) and (face, 3).
    site
        Vertices at which each case is stimulated, one or more a case.
    config
        Velocity along fibres, radius of the stimulus, longest step and share that has to be captured.
    time_ms
        Times of the frames: equally spaced, from 0, shape (frame,).
    cell
        Constants of the cells.
    case_names
        How errors name the cases; "case 0", "case 1", … by default.

    Raises
    ------
    ConfigurationError
        If the triangles are too coarse for the configured velocity.
    SimulationError
        If a site is no vertex, a beat diverges or fails to capture, naming the case; if inputs don't fit together.
    """
    names = [f"case {i}" for i in range(len(site))] if case_names is None else list(case_names)
    times: Floats = np.asarray(time_ms, dtype=np.float64)
    check_surface_cases(site, np.zeros((len(site), len(vertex_mm))), times, names, len(vertex_mm))
    operators = surface_operators(vertex_mm, face)
    edge_mm = mean_edge_mm(operators, len(face))
    diffusivity = calibrated_cell_diffusivity(
        config.conduction_velocity_m_per_s, round(float(EQUIVALENT_CABLE * edge_mm), 3), cell
    )
    if diffusivity is None:
        raise too_coarse(config, edge_mm)
    fastest = diffusivity * largest_eigenvalue(sparse.csr_matrix(operators.symmetric_laplacian))
    frame_ms = float(times[1] - times[0])
    steps = step_count(frame_ms, min(config.time_step_ms, stable_cell_step_ms(fastest, cell)))
    start = stimulated_vertices(vertex_mm, face, site, config.stimulus_radius_mm).T.astype(np.float64)
    operator = sparse.csr_array(diffusivity * operators.laplacian)
    potential = np.stack(list(_frames(operator, start, cell, frame_ms / steps, steps, len(times)))).transpose(2, 0, 1)
    for name, values in zip(names, potential, strict=True):
        if not np.abs(values).max() < _DIVERGED:
            raise SimulationError(f"{name}: the potential diverged; lower simulation.time_step_ms")
    fraction = (potential.max(axis=1) > _UPSTROKE).mean(axis=1)
    check_captured(fraction, names, config)
    return SurfaceWaves(potential.astype(np.float32), fraction, diffusivity, frame_ms / steps)


def front_diffusivity(velocity_mm_per_ms: float, cell: MitchellSchaeffer) -> float:
    """D (mm²/ms) of the continuous front with the given velocity in rested tissue."""
    root = np.sqrt(1 - 4 * cell.tau_in / cell.tau_out)
    excess = (1 + root) / 2 - (1 - root)
    return float(2 * cell.tau_in * (velocity_mm_per_ms / excess) ** 2)


def stable_cell_step_ms(fastest: float, cell: MitchellSchaeffer) -> float:
    """A step that is stable with −D∇² whose largest eigenvalue is ``fastest`` (1/ms), at most 0.2 ms."""
    return min(_LONGEST_STEP_MS, _SAFETY * 2 / (fastest + 1 / cell.tau_in + 1 / cell.tau_out))


@lru_cache(maxsize=64)
def calibrated_cell_diffusivity(velocity_mm_per_ms: float, cable_mm: float, cell: MitchellSchaeffer) -> float | None:
    """D (mm²/ms) for a plane wave of the given velocity on a cable of pieces of ``cable_mm``; None if the wave dies."""
    return matched_diffusivity(
        front_diffusivity(velocity_mm_per_ms, cell),
        velocity_mm_per_ms,
        lambda diffusivity: _cable_velocity(diffusivity, velocity_mm_per_ms, cable_mm, cell),
    )


def _cable_velocity(diffusivity: float, expected: float, cable_mm: float, cell: MitchellSchaeffer) -> float:
    """Velocity (mm/ms) of a front along a cable without flux at its ends; NaN if it dies."""
    differences = sparse.csr_array(sparse.eye_array(_CABLE_PIECES - 1, _CABLE_PIECES, k=1)) - sparse.csr_array(
        sparse.eye_array(_CABLE_PIECES - 1, _CABLE_PIECES)
    )
    operator = sparse.csr_array(-diffusivity / cable_mm**2 * (differences.T @ differences))
    start = np.zeros((_CABLE_PIECES, 1))
    start[: _CABLE_PIECES // 6] = 1
    step_ms = stable_cell_step_ms(4 * diffusivity / cable_mm**2, cell)
    probes = [_CABLE_PIECES // 2, 4 * _CABLE_PIECES // 5]
    count = int(_CABLE_PIECES * cable_mm / expected / _SLOWEST / step_ms)
    probed = (frame[probes, 0] for frame in _frames(operator, start, cell, step_ms, 1, count))
    return front_velocity(probed, step_ms, (probes[1] - probes[0]) * cable_mm)


def _frames(
    operator: sparse.csr_array, start: Floats, cell: MitchellSchaeffer, step_ms: float, steps: int, frames: int
) -> Iterator[Floats]:
    """Potentials at the frames, ``steps`` explicit Euler steps apart, each of shape (vertex, case)."""
    v, h = start.copy(), np.ones_like(start)
    for frame in range(frames):
        for _ in range(steps if frame else 0):
            dv, dh = rates(v, h, cell)
            v = v + step_ms * (operator @ v + dv)
            h = h + step_ms * dh
        yield v
