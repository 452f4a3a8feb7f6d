"""Scars: regions of the wall whose threshold parameter a is raised, with an irregular outline and a graded border.

A scar is an ellipsoid around a point of the wall whose surface is moved in and out by a smooth random function of the
direction. It doesn't jump across cavities: only the part that is connected to its centre through the scar counts.
Raising a from 0.15 to 0.5 blocks excitation in the Aliev–Panfilov model; it changes excitability, not conductivity
(as in Ghimire et al. 2018).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.stores.config import Simulation
from transmural.stores.errors import GeometryError
from transmural.tissue.neighbours import FACES, connected_part, grid_of, wall_graph

_HARMONICS = 6
_SMALLEST_RADIUS = 0.4


def scar_excitability(
    voxel_position: NDArray[np.floating],
    centre_mm: NDArray[np.floating],
    semi_axes_mm: NDArray[np.floating],
    axes: NDArray[np.floating],
    config: Simulation,
    generator: np.random.Generator,
    irregularity: float = 0.15,
    faces: sparse.csr_matrix | None = None,
) -> NDArray[np.float32]:
    """Threshold parameter a of every voxel around one scar.

    Parameters
    ----------
    voxel_position
        Centres of the voxels of the wall in mm, on a cubic grid, shape (voxel, 3).
    centre_mm
        Centre of the scar, within the wall, shape (3,).
    semi_axes_mm
        Mean extents of the core along the three axes, shape (3,).
    axes
        Orthonormal axes as rows (commonly two along the wall and one through it), shape (3, 3).
    config
        ``scar_a`` in the core, falling linearly to ``a`` over ``scar_border_mm`` outside it.
    generator
        Draws the outline.
    irregularity
        Standard deviation of the outline's relative radius; 0 for an ellipsoid.
    faces
        Voxels that share a face (`wall_graph` with `FACES`), for callers that draw many scars; made here when absent.

    Returns
    -------
    NDArray
        Shape (voxel,), float32.

    Raises
    ------
    GeometryError
        If the centre lies outside the wall or a semi-axis isn't positive.
    """
    position, semi_axes = np.asarray(voxel_position, float), np.asarray(semi_axes_mm, float)
    if not (semi_axes > 0).all():
        raise GeometryError(f"scar: its semi-axes must be positive, not {semi_axes.tolist()} mm")
    graph = wall_graph(*grid_of(position), FACES) if faces is None else faces
    offset = position - np.asarray(centre_mm, float)
    distance = np.linalg.norm(offset, axis=1)
    centre = int(np.argmin(distance))
    if distance[centre] > 2 * graph.data.max(initial=0.0):
        raise GeometryError(f"scar: its centre lies {distance[centre]:.1f} mm outside the wall; it must lie within it")

    outline = _outline(generator, irregularity)
    near = distance <= semi_axes.max() * _largest_factor(outline) + config.scar_border_mm
    outside = np.full(len(position), np.inf)
    outside[near] = _distance_outside(offset[near] @ np.asarray(axes, float).T, semi_axes, outline)
    outside[centre] = min(outside[centre], 0.0)
    reach = outside <= config.scar_border_mm
    outside[~connected_part(graph, reach, centre)] = np.inf
    # A border of width zero has no grades.
    grade = np.clip(1 - outside / config.scar_border_mm, 0, 1) if config.scar_border_mm > 0 else outside <= 0
    return np.asarray(config.a + (config.scar_a - config.a) * grade, dtype=np.float32)


def _outline(generator: np.random.Generator, irregularity: float) -> tuple[NDArray[np.float64], ...]:
    """Wave vectors, phases and amplitude of a smooth random function of direction with the given deviation."""
    waves = 2.5 * generator.standard_normal((_HARMONICS, 3))
    phases = generator.uniform(0, 2 * np.pi, _HARMONICS)
    return waves, phases, np.asarray(irregularity * np.sqrt(2 / _HARMONICS))


def _largest_factor(outline: tuple[NDArray[np.float64], ...]) -> float:
    """How far an outline can move the surface out, relative to the ellipsoid."""
    _, phases, amplitude = outline
    return 1 + float(amplitude) * len(phases)


def _distance_outside(
    local: NDArray[np.float64], semi_axes: NDArray[np.float64], outline: tuple[NDArray[np.float64], ...]
) -> NDArray[np.float64]:
    """Distance in mm from the surface along the ray from the centre, negative inside; ``local`` is (voxel, 3)."""
    waves, phases, amplitude = outline
    length = np.linalg.norm(local, axis=1)
    direction = local / np.maximum(length, 1e-12)[:, None]
    mean_radius = 1 / np.maximum(np.linalg.norm(direction / semi_axes, axis=1), 1e-12)
    factor = 1 + amplitude * np.cos(direction @ waves.T + phases).sum(axis=1)
    distance: NDArray[np.float64] = length - mean_radius * np.maximum(factor, _SMALLEST_RADIUS)
    return distance
