"""Waves of excitation on a triangle surface.

    ∂u/∂t = D ∇²u + (k u (u − a)(1 − u) − u v) / τ,

with the kinetics of Aliev and Panfilov (`transmural.tissue.aliev_panfilov`), the cotangent Laplacian
(`transmural.anatomy.surface_operators`) and the solver of the voxels (`transmural.tissue.kernels`): explicit Euler
steps of at most the configured length and short enough to be stable on the smallest triangles. The surface has no
fibres: D is the same everywhere and in all directions, calibrated so that a plane wave has the configured velocity.

On a lattice of equilateral triangles of edge h the Laplacian of a plane wave is u″ + (h²/16) u⁗ + …, on a cable of
pieces c it is u″ + (c²/12) u⁗ + …: D is calibrated on a cable of pieces √3/2 h, h being the edge of equilateral
triangles of the surface's mean area.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from transmural.anatomy.surface_operators import SurfaceOperators, surface_operators
from transmural.stores.config import Simulation
from transmural.stores.errors import ConfigurationError, SimulationError
from transmural.tissue.aliev_panfilov import Kinetics
from transmural.tissue.blocks import block_factory
from transmural.tissue.diffusion import largest_eigenvalue
from transmural.tissue.recording import Beats, Observers, Recorder
from transmural.tissue.rows import LANES
from transmural.tissue.velocity import calibrated_diffusivity, stable_step_ms, step_count

# Of the stable step that is taken; D, and with it the limit, changes a little with the step for which it is calibrated.
_SAFETY = 0.9
EQUIVALENT_CABLE = np.sqrt(3) / 2
"""Pieces of the cable on which a plane wave travels as on equilateral triangles, in edges of these."""


@dataclass(frozen=True, eq=False)
class SurfaceWaves:
    """Beats on a surface.

    Attributes
    ----------
    tmp
        Transmembrane potential, 0 rest to 1 plateau, shape (case, frame, vertex).
    activated_fraction
        Share of the excitable vertices (a below the scar threshold) that the beat depolarised, shape (case,).
    diffusivity_mm2_per_ms, step_ms
        D and the time step that were taken.
    """

    tmp: NDArray[np.float32]
    activated_fraction: NDArray[np.float64]
    diffusivity_mm2_per_ms: float
    step_ms: float


def simulate_surface(
    vertex_mm: NDArray[np.floating],
    face: NDArray[np.integer],
    site: Sequence[Sequence[int]],
    config: Simulation,
    time_ms: NDArray[np.floating],
    *,
    excitability: NDArray[np.floating] | None = None,
    case_names: Sequence[str] | None = None,
    require_capture: bool = True,
) -> SurfaceWaves:
    """Simulate one beat a case from stimuli at time 0: u = 1 within ``stimulus_radius_mm`` of a site along the edges.

    Parameters
    ----------
    vertex_mm, face
        The surface, shapes (vertex, 3) and (face, 3).
    site
        Vertices at which each case is stimulated, one or more a case.
    config
        The model; the velocity is the one along fibres.
    time_ms
        Times of the frames: equally spaced, from 0, shape (frame,).
    excitability
        Threshold parameter a, shape (case, vertex); the healthy one by default.
    case_names
        How errors name the cases; "case 0", "case 1", … by default.
    require_capture
        Refuse beats that activate less than ``config.capture_fraction`` of the excitable vertices.

    Raises
    ------
    ConfigurationError
        If the triangles are too coarse for the configured velocity.
    SimulationError
        If a site is no vertex, a beat diverges or fails to capture, naming the case; if inputs don't fit together.
    """
    names = [f"case {i}" for i in range(len(site))] if case_names is None else list(case_names)
    times: NDArray[np.float64] = np.asarray(time_ms, dtype=np.float64)
    vertices = len(vertex_mm)
    a = np.full((len(site), vertices), config.a) if excitability is None else np.asarray(excitability)
    check_surface_cases(site, a, times, names, vertices)
    operators = surface_operators(vertex_mm, face)
    frame_ms = float(times[1] - times[0])
    diffusivity, steps = diffusivity_and_steps(operators, len(face), config, frame_ms)
    step_ms = frame_ms / steps
    start = block_factory(sparse.csr_matrix(diffusivity * operators.laplacian), step_ms, config.time_unit_ms, "cpu")
    observers = Observers(np.arange(vertices), np.empty((0, vertices)))
    recorder, beats = Recorder(observers, config, times, steps), Beats.empty(len(site), len(times), observers)
    stimulated = stimulated_vertices(vertex_mm, face, site, config.stimulus_radius_mm)
    for first in range(0, len(site), LANES):
        # Lanes beyond the last case repeat it.
        lanes = np.minimum(first + np.arange(LANES), len(site) - 1)
        u, threshold = (np.ascontiguousarray(field[lanes].T, dtype=np.float32) for field in (stimulated, a))
        recorder.follow(start(u, threshold, Kinetics.of(config)), threshold, names, first, beats)
    if require_capture:
        check_captured(beats.activated_fraction, names, config)
    return SurfaceWaves(beats.tmp, beats.activated_fraction, diffusivity, step_ms)


def diffusivity_and_steps(
    operators: SurfaceOperators, faces: int, config: Simulation, frame_ms: float
) -> tuple[float, int]:
    """D (mm²/ms) for the configured velocity along fibres, and the number of equal steps from one frame to the next.

    Parameters
    ----------
    operators
        Of the surface.
    faces
        Number of its triangles.
    config
        The model; ``time_step_ms`` bounds the step, as does stability.
    frame_ms
        Time between two frames.

    Raises
    ------
    ConfigurationError
        If a wave doesn't propagate because the triangles are too coarse for the width of its front.
    """
    edge_mm = mean_edge_mm(operators, faces)
    cable_mm = round(EQUIVALENT_CABLE * edge_mm, 3)
    fastest = largest_eigenvalue(sparse.csr_matrix(operators.symmetric_laplacian))
    steps = step_count(frame_ms, config.time_step_ms)
    while True:
        step_ms = frame_ms / steps
        diffusivity = _diffusivity(config, cable_mm, step_ms)
        if diffusivity is None:
            raise too_coarse(config, edge_mm)
        limit = _SAFETY * stable_step_ms(diffusivity * fastest, config)
        if step_ms <= limit:
            return diffusivity, steps
        steps = max(steps + 1, step_count(frame_ms, limit))


def mean_edge_mm(operators: SurfaceOperators, faces: int) -> float:
    """Edge of equilateral triangles of the surface's mean area, which is √3/4 h²."""
    return float(np.sqrt(4 / np.sqrt(3) * operators.area_mm2.sum() / faces))


def too_coarse(config: Simulation, edge_mm: float) -> ConfigurationError:
    """The error that a wave doesn't propagate on triangles of this size."""
    return ConfigurationError(
        f"simulation.conduction_velocity_m_per_s: a wave of {config.conduction_velocity_m_per_s:g} m/s doesn't"
        f" propagate on triangles with edges of {edge_mm:.2g} mm; ask for more vertices or a larger velocity"
    )


@lru_cache(maxsize=64)
def _diffusivity(config: Simulation, cable_mm: float, step_ms: float) -> float | None:
    return calibrated_diffusivity(config.conduction_velocity_m_per_s, config, cable_mm, step_ms)


def stimulated_vertices(
    vertex_mm: NDArray[np.floating], face: NDArray[np.integer], site: Sequence[Sequence[int]], radius_mm: float
) -> NDArray[np.bool_]:
    """Vertices within the radius of a site, by shortest paths along edges, shape (case, vertex)."""
    ends = np.unique(np.sort(face[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0).T
    length = np.linalg.norm(vertex_mm[ends[0]] - vertex_mm[ends[1]], axis=1)
    graph = sparse.csr_array((length, (ends[0], ends[1])), shape=(len(vertex_mm),) * 2)
    within = np.zeros((len(site), len(vertex_mm)), dtype=bool)
    for case, vertices in enumerate(site):
        distance = dijkstra(graph, directed=False, indices=list(vertices), limit=radius_mm, min_only=True)
        within[case] = distance <= radius_mm
    return within


def check_captured(activated_fraction: NDArray[np.float64], names: list[str], config: Simulation) -> None:
    """Refuse beats that activate less than ``config.capture_fraction`` of the excitable vertices.

    Raises
    ------
    SimulationError
        Naming them.
    """
    died = np.flatnonzero(activated_fraction < config.capture_fraction)
    if len(died):
        some = ", ".join(f"{names[i]} ({activated_fraction[i]:.0%})" for i in died[:5])
        raise SimulationError(
            f"{len(died)} of {len(names)} beats activated less than {config.capture_fraction:.0%} of the excitable"
            f" surface: {some}{', …' if len(died) > 5 else ''}; simulation.stimulus_radius_mm ="
            f" {config.stimulus_radius_mm:g} mm is probably too small for the stimulus to capture"
        )


def check_surface_cases(
    site: Sequence[Sequence[int]],
    excitability: NDArray[np.floating],
    time_ms: NDArray[np.float64],
    names: list[str],
    vertices: int,
) -> None:
    """Check what beats on a surface start from.

    Raises
    ------
    SimulationError
        If a site is no vertex, naming the case; if there is no case, or ``excitability`` or ``time_ms`` don't fit.
    """
    if not len(site):
        raise SimulationError("site: there is no case to simulate")
    for name, given in zip(names, site, strict=True):
        outside = [vertex for vertex in given if not 0 <= vertex < vertices]
        if not len(given) or outside:
            what = f"{outside[0]} is none of the surface's {vertices} vertices" if outside else "it names no vertex"
            raise SimulationError(f"site: {name}: {what}")
    if excitability.shape != (len(site), vertices) or not np.isfinite(excitability).all():
        raise SimulationError(
            f"excitability: has shape {excitability.shape}, expected finite values of shape {(len(site), vertices)}"
        )
    interval = np.diff(time_ms)
    if len(time_ms) < 2 or time_ms[0] != 0 or not np.allclose(interval, interval[0], rtol=1e-6) or interval[0] <= 0:
        raise SimulationError("time_ms: frames must be equally spaced, start at 0 and number at least two")
