"""The myocardial wall as a compact list of voxels with their six neighbours: where every computation on it starts.

Order of the neighbours: -x, +x, -y, +y, -z, +z.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage

STEPS = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]])


@dataclass(frozen=True)
class Wall:
    """Myocardial voxels of a label image.

    Attributes
    ----------
    index
        Index of each voxel in the image, shape (voxel, 3).
    position_mm
        Centre of each voxel, shape (voxel, 3).
    spacing_mm
        Edge of a voxel.
    left
        True where the voxel belongs to the left ventricle (septum included), shape (voxel,).
    neighbour
        Number of the neighbouring wall voxel across each face, -1 where there is none, shape (voxel, 6).
    beyond
        Label across each face, `Label.AIR` beyond the image, shape (voxel, 6).
    """

    index: NDArray[np.int64]
    position_mm: NDArray[np.float64]
    spacing_mm: float
    left: NDArray[np.bool_]
    neighbour: NDArray[np.int64]
    beyond: NDArray[np.uint8]

    @classmethod
    def of(cls, image: LabelImage) -> "Wall":
        """The wall of a label image; voxels in the image's C order."""
        index = np.argwhere(np.isin(image.labels, MYOCARDIUM))
        padded = np.pad(image.labels, 1, constant_values=Label.AIR)
        number = np.full(padded.shape, -1)
        number[tuple((index + 1).T)] = np.arange(len(index))
        around = tuple(np.moveaxis(index[:, None] + 1 + STEPS, -1, 0))
        left = image.labels[tuple(index.T)] == Label.LV_MYOCARDIUM
        return cls(index, image.position(index), image.spacing_mm, left, number[around], padded[around])

    def adjacency(self, reach: int = 1) -> NDArray[np.int64]:
        """Pairs (i, j) of different wall voxels at most ``reach`` voxels apart along every axis, shape (pair, 2)."""
        low = self.index.min(axis=0) - reach
        shape = self.index.max(axis=0) - low + 1 + reach
        number = np.full(tuple(shape), -1)
        number[tuple((self.index - low).T)] = np.arange(len(self.index))
        pairs = []
        span = range(-reach, reach + 1)
        for step in np.array([(a, b, c) for a in span for b in span for c in span if (a, b, c) != (0, 0, 0)]):
            other = number[tuple((self.index - low + step).T)]
            i = np.flatnonzero(other >= 0)
            pairs.append(np.stack([i, other[i]], axis=1))
        return np.concatenate(pairs)
