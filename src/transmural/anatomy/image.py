"""The label image: the one form that every anatomy takes (phantom, segmentation or surfaces).

Coordinates are millimetres with x to the body's left, y to its back and z to its head.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from transmural.stores.errors import GeometryError

_MOST_VOXELS = 2**29


class Label(IntEnum):
    """Tissue of an image voxel."""

    AIR = 0
    TORSO = 1
    LUNG = 2
    LV_MYOCARDIUM = 3
    RV_MYOCARDIUM = 4
    LV_BLOOD = 5
    RV_BLOOD = 6


MYOCARDIUM = (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM)


@dataclass(frozen=True)
class LabelImage:
    """Tissue labels on a regular grid of cubic voxels.

    Attributes
    ----------
    labels
        Values of `Label`, shape (x, y, z), uint8.
    spacing_mm
        Edge of a voxel.
    origin_mm
        Centre of voxel (0, 0, 0), shape (3,).
    """

    labels: NDArray[np.uint8]
    spacing_mm: float
    origin_mm: NDArray[np.float64]

    def position(self, index: NDArray[np.integer]) -> NDArray[np.float64]:
        """Centres in mm of voxels with the given indices, shape (..., 3)."""
        return self.origin_mm + self.spacing_mm * np.asarray(index, dtype=float)


@dataclass(frozen=True)
class Electrodes:
    """Body-surface electrodes and those of the standard 12-lead ECG.

    Attributes
    ----------
    names, positions_mm
        Body-surface electrodes, shapes (electrode,) and (electrode, 3).
    limb_positions_mm
        Position of RA, LA, LL, RL, V1 to V6 in that order, shape (10, 3); None when they are to be placed by rule.
    """

    names: tuple[str, ...]
    positions_mm: NDArray[np.float64]
    limb_positions_mm: NDArray[np.float64] | None = None


def check_grid(shape: Iterable[float], what: str) -> None:
    """Raise `GeometryError` if a grid is larger than any image of a body needs; ``what`` names its origin."""
    voxels = math.prod(map(float, shape))
    if not voxels <= _MOST_VOXELS:
        raise GeometryError(f"{what} takes {voxels:.3g} voxels, at most {_MOST_VOXELS} are possible; check its units")


LIMB_ELECTRODES = ("RA", "LA", "LL", "RL", "V1", "V2", "V3", "V4", "V5", "V6")
