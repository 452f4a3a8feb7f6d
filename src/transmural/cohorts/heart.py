"""What the design of a cohort needs to know of a heart, and which parts of it are kept for which purpose."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from transmural.tissue.neighbours import FACES, grid_of, wall_graph

LEFT_VENTRICLE_SEGMENTS = 17


@dataclass(frozen=True, eq=False)
class Heart:
    """Sites of a heart.

    Attributes
    ----------
    position_mm
        Voxel centres, shape (voxel, 3).
    spacing_mm
        Edge of a voxel.
    transmural
        0 endocardium to 1 epicardium, shape (voxel,).
    segment
        AHA segment, 18 for the right ventricle, shape (voxel,).
    graph
        Neighbours along the wall (`transmural.tissue.neighbours.wall_graph`).
    """

    position_mm: NDArray[np.float64]
    spacing_mm: float
    transmural: NDArray[np.float64]
    segment: NDArray[np.int64]
    graph: sparse.csr_matrix

    @classmethod
    def of(cls, anatomy: xr.Dataset) -> "Heart":
        """The heart of an anatomy (`contracts.ANATOMY`)."""
        spacing = float(anatomy.attrs["spacing_mm"])
        return cls(
            anatomy["voxel_position"].values.astype(float),
            spacing,
            anatomy["transmural"].values.astype(float),
            anatomy["segment"].values.astype(np.int64),
            wall_graph(anatomy["voxel_index"].values, spacing),
        )

    @cached_property
    def faces(self) -> sparse.csr_matrix:
        """Voxels that share a face."""
        return wall_graph(*grid_of(self.position_mm), FACES)

    @property
    def left_ventricle(self) -> NDArray[np.bool_]:
        """Voxels of the left ventricle, septum included, shape (voxel,)."""
        return np.asarray(self.segment <= LEFT_VENTRICLE_SEGMENTS)


def parcels(
    position_mm: NDArray[np.floating], edge_mm: float, count: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Deal cubes of space to ``count`` parcels at random: sets of sites that have none in common, shape (voxel,).

    Cohorts that draw from different parcels share no site, however many cases each has, and no cohort depends on
    another. Cubes instead of single voxels keep most sites of one parcel apart from those of the others.
    """
    cube = np.floor((position_mm - position_mm.min(axis=0)) / edge_mm).astype(np.int64)
    _, number = np.unique(cube, axis=0, return_inverse=True)
    number = number.ravel()
    owner: NDArray[np.int64] = generator.permutation(number.max() + 1) % count
    return owner[number]
