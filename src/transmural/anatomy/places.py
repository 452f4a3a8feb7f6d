"""Places of the wall in ventricular coordinates, which are the same in all hearts, and the voxels nearest to them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.segments import RIGHT_VENTRICLE, SEGMENT_NAMES
from transmural.stores.errors import GeometryError

# What the whole thickness of the wall counts beside distances along it: a place isn't looked for in another layer.
_THICKNESS_MM = 40.0


@dataclass(frozen=True)
class Place:
    """A place of the wall.

    Attributes
    ----------
    ventricle
        ``"left"`` (with the septum) or ``"right"``, the free wall.
    height
        From the ventricle's lowest voxel (0) to the base (1), by the apicobasal coordinate.
    angle_deg
        About the long axis, 0 at mid septum, positive towards the anterior wall; None on the axis, at the apex.
    transmural
        0 endocardium to 1 epicardium; 1 in the septum is its right side.
    segment
        AHA segment in which it lies; None for any of the ventricle.
    """

    ventricle: Literal["left", "right"]
    height: float
    angle_deg: float | None
    transmural: float
    segment: int | None = None


@dataclass(frozen=True, eq=False)
class WallMap:
    """Where the wall's voxels lie, shape (voxel,) each.

    Attributes
    ----------
    height, angle, transmural, segment
        As in `Place`, the angle in radians; segment 18 is the right ventricle.
    radius_mm
        Distance from the long axis.
    length_mm
        Of the long axis.
    """

    height: NDArray[np.float64]
    angle: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    transmural: NDArray[np.float64]
    segment: NDArray[np.int64]
    length_mm: float

    @classmethod
    def of(cls, anatomy: xr.Dataset) -> "WallMap":
        """The map of an anatomy (`transmural.anatomy.build.build_anatomy`)."""
        segment = anatomy["segment"].values.astype(np.int64)
        right = segment == RIGHT_VENTRICLE
        height = anatomy["apicobasal"].values.astype(float)
        # How far the right ventricle reaches down differs between hearts; the left one always reaches the apex.
        lowest = height[right].min()
        height = np.where(right, (height - lowest) / (1 - lowest), height)
        direction = np.asarray(anatomy.attrs["apex_direction"])
        from_axis = anatomy["voxel_position"].values - np.asarray(anatomy.attrs["axis_point_mm"])
        from_axis = from_axis - (from_axis @ direction)[:, None] * direction
        return cls(
            height,
            anatomy["rotational"].values.astype(float),
            np.linalg.norm(from_axis, axis=1),
            anatomy["transmural"].values.astype(float),
            segment,
            float(anatomy.attrs["long_axis_mm"]),
        )

    def voxel(self, place: Place, taken: Collection[int] = ()) -> int:
        """Number of the voxel nearest to a place, other than those ``taken``.

        Raises
        ------
        GeometryError
            If the place's segment or ventricle has no voxel left.
        """
        within = (self.segment == RIGHT_VENTRICLE) == (place.ventricle == "right")
        if place.segment is not None:
            within &= self.segment == place.segment
        within[list(taken)] = False
        candidate = np.flatnonzero(within)
        if not len(candidate):
            where = f"the {place.ventricle} ventricle" if place.segment is None else SEGMENT_NAMES[place.segment]
            raise GeometryError(f"myocardium: {where} has too few voxels for all of its points; use smaller voxels")
        radius = self.radius_mm[candidate]
        if place.angle_deg is None:
            around = radius
        else:
            turn = self.angle[candidate] - np.radians(place.angle_deg)
            around = radius * np.angle(np.exp(1j * turn))
        along = self.length_mm * (self.height[candidate] - place.height)
        through = _THICKNESS_MM * (self.transmural[candidate] - place.transmural)
        return int(candidate[np.argmin(around**2 + along**2 + through**2)])
