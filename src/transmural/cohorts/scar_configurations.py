"""Which scars the tissue carries: one per AHA segment for training, anywhere in the left ventricle for tests.

A scar has a mean radius, an elongation along the wall, an extent through the wall and an irregular boundary, all drawn
from the stream of its case; `transmural.tissue.scars` turns them into the threshold parameter a of every voxel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.cohorts.heart import Heart
from transmural.cohorts.origins import clear_of
from transmural.cohorts.wall import wall_distance
from transmural.stores.config import Simulation
from transmural.stores.config.studies import Scars
from transmural.stores.errors import GeometryError
from transmural.tissue.scars import scar_excitability

SCAR_SEGMENTS = tuple(range(1, 17))
_NORMAL_RADIUS_MM = 8.0
_BLOCK = 256
_DEPTH = (0.4, 1.2)  # extent through the wall over mean radius: from a part of the wall to all of it


@dataclass(frozen=True, eq=False)
class Tissue:
    """One tissue configuration.

    Attributes
    ----------
    excitability
        Threshold parameter a of every voxel, shape (voxel,).
    scar
        Voxels that are scar, shape (voxel,).
    centre_mm
        Centre of the scar, shape (3,); NaN in healthy tissue.
    """

    excitability: NDArray[np.float32]
    scar: NDArray[np.bool_]
    centre_mm: NDArray[np.float64]

    def clear_sites(
        self, site: NDArray[np.integer], position_mm: NDArray[np.floating], distance_mm: float
    ) -> NDArray[np.bool_]:
        """Voxels ``site``, shape (site,), at least ``distance_mm`` from the scar; ``position_mm`` is of all voxels."""
        return clear_of(position_mm[site], position_mm[self.scar], distance_mm)


def healthy_tissue(voxels: int, simulation: Simulation) -> Tissue:
    """Tissue without a scar."""
    return Tissue(np.full(voxels, simulation.a, np.float32), np.zeros(voxels, bool), np.full(3, np.nan))


def dice_overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Dice coefficient 2|A∩B| / (|A|+|B|) of two sets of voxels of equal size; 0 when both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 0.0


class OverlapsWith:
    """`dice_overlap` with each of many sets ``others``, shape (m, voxel), of one set after another."""

    def __init__(self, others: NDArray[np.bool_]) -> None:
        # Counts of voxels, so exact in single precision.
        self._others = np.ascontiguousarray(others.astype(np.float32).T)
        self._sizes = others.sum(axis=1)

    def __call__(self, sets: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Overlap of each of ``sets``, shape (n, voxel), with each of the others; shape (n, m)."""
        both = np.empty((len(sets), len(self._sizes)))
        for start in range(0, len(sets), _BLOCK):
            both[start : start + _BLOCK] = sets[start : start + _BLOCK].astype(np.float32) @ self._others
        total = sets.sum(axis=1)[:, None] + self._sizes
        return np.asarray(2 * both / np.maximum(total, 1))


def overlaps(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`dice_overlap` of each set of ``first``, shape (n, voxel), with each of ``second``, (m, voxel); shape (n, m)."""
    return OverlapsWith(second)(first)


def largest_overlap(scar: NDArray[np.bool_], others: Sequence[NDArray[np.bool_]]) -> float:
    """Largest Dice overlap of a scar with any of ``others``; 0 when there are none."""
    return max((dice_overlap(scar, other) for other in others), default=0.0)


def draw_scar(
    heart: Heart, centre: int, scars: Scars, simulation: Simulation, generator: np.random.Generator
) -> Tissue:
    """Tissue with a scar of random size and shape around voxel ``centre``."""
    radius = generator.uniform(scars.radius_min_mm, scars.radius_max_mm)
    elongation = generator.uniform(1.0, scars.elongation_max)
    depth = generator.uniform(*_DEPTH) * radius
    axes = wall_axes(heart, centre, generator.uniform(0.0, np.pi))
    centre_mm = heart.position_mm[centre]
    semi_axes = np.array([radius * np.sqrt(elongation), radius / np.sqrt(elongation), depth])
    position, faces = heart.position_mm, heart.faces
    excitability = scar_excitability(position, centre_mm, semi_axes, axes, simulation, generator, faces=faces)
    return Tissue(excitability, excitability >= np.float32(simulation.scar_threshold_a), centre_mm)


def wall_axes(heart: Heart, centre: int, angle_rad: float) -> NDArray[np.float64]:
    """Two axes along the wall, turned by ``angle_rad``, and the axis through it, as rows, shape (3, 3)."""
    offset = heart.position_mm - heart.position_mm[centre]
    near = (offset**2).sum(axis=1) <= _NORMAL_RADIUS_MM**2
    design = np.column_stack([offset[near], np.ones(int(near.sum()))])
    gradient = np.linalg.lstsq(design, heart.transmural[near], rcond=None)[0][:3]
    length = float(np.linalg.norm(gradient))
    normal = gradient / length if length > 0 else np.array([0.0, 0.0, 1.0])
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return np.stack([cosine * first + sine * second, cosine * second - sine * first, normal])


def training_tissues(
    heart: Heart, count: int, scars: Scars, simulation: Simulation, generators: Sequence[np.random.Generator]
) -> list[Tissue]:
    """Healthy tissue and ``count`` - 1 scars, each centred in an AHA segment of its own.

    Parameters
    ----------
    generators
        One stream for each segment from 0 (not used) to 16, so that fewer tissues are a part of more.

    Raises
    ------
    GeometryError
        If an AHA segment from 1 to 16 has no voxel.
    """
    segments = spread_segments(heart.graph, heart.segment, heart.position_mm, count - 1)
    tissues = [healthy_tissue(len(heart.position_mm), simulation)]
    for segment in segments:
        centre = int(generators[segment].choice(np.flatnonzero(heart.segment == segment)))
        tissues.append(draw_scar(heart, centre, scars, simulation, generators[segment]))
    return tissues


def spread_segments(
    graph: sparse.csr_matrix, segment: NDArray[np.integer], position_mm: NDArray[np.floating], count: int
) -> list[int]:
    """Choose ``count`` of the AHA segments 1 to 16, as far apart along the wall as can be, in ascending order.

    Raises
    ------
    GeometryError
        If a segment has no voxel.
    """
    present = set(np.unique(segment).tolist())
    missing = [number for number in SCAR_SEGMENTS if number not in present]
    if missing:
        raise GeometryError(f"AHA segments {missing} have no voxel; every segment from 1 to 16 must carry a scar")
    middle = []
    for number in SCAR_SEGMENTS:
        members = np.flatnonzero(segment == number)
        offset = position_mm[members] - position_mm[members].mean(axis=0)
        middle.append(int(members[np.argmin((offset**2).sum(axis=1))]))
    chosen = [0]
    distance = wall_distance(graph, np.array([middle[0]]))[middle]
    while len(chosen) < count:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, wall_distance(graph, np.array([middle[chosen[-1]]]))[middle])
    return sorted(SCAR_SEGMENTS[i] for i in chosen)
