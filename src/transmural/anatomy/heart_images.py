"""Images of a heart's wall on Cartesian grids along its own axes: short-axis slices and whole hearts.

The axes are z along the long axis towards the apex, y towards the body's back as far as that is perpendicular to z, and
x = y × z (in most bodies to the feet and the right), so that hearts in different poses look alike and their front lies
at the same side of every image. The origin is the centre of the wall's bounding box along these axes. In a slice, rows
run along y and columns along x.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from transmural.stores.errors import GeometryError

_BACK = np.array([0.0, 1.0, 0.0])
_STEEPEST = 0.2  # sine of the angle between long axis and body axis below which the front is undefined
_LARGEST_PART = 0.9  # of the wall's cells; less is a wall in pieces
_FEWEST_CELLS = 50


@dataclass(frozen=True, eq=False)
class HeartFrame:
    """Axes of a heart.

    Attributes
    ----------
    axes
        Unit vectors x, y, z in body coordinates, one a row, shape (3, 3).
    centre_mm
        The origin in body coordinates, shape (3,).
    low_mm, high_mm
        Corners of the wall's bounding box in the frame, shape (3,) each.
    base_mm, length_mm
        Height z of the base's plane in the frame, and length of the long axis.
    """

    axes: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    low_mm: NDArray[np.float64]
    high_mm: NDArray[np.float64]
    base_mm: float
    length_mm: float

    @classmethod
    def of(cls, anatomy: xr.Dataset) -> "HeartFrame":
        """Axes of an anatomy (`transmural.anatomy.build.build_anatomy`).

        Raises
        ------
        GeometryError
            If the long axis points to the front or back.
        """
        down = np.asarray(anatomy.attrs["apex_direction"], dtype=float)
        back = _BACK - (_BACK @ down) * down
        if np.linalg.norm(back) < _STEEPEST:
            raise GeometryError(
                f"{anatomy.attrs['subject']}: the heart's long axis points to the body's front or back, so that no "
                "side of a short-axis slice is its front"
            )
        back /= np.linalg.norm(back)
        axes = np.stack([np.cross(back, down), back, down])
        local = anatomy["voxel_position"].values.astype(float) @ axes.T
        half = 0.5 * float(anatomy.attrs["spacing_mm"])
        low, high = local.min(axis=0) - half, local.max(axis=0) + half
        middle = (low + high) / 2
        base = np.asarray(anatomy.attrs["axis_point_mm"], dtype=float) @ down - middle[2]
        return cls(axes, middle @ axes, low - middle, high - middle, float(base), float(anatomy.attrs["long_axis_mm"]))

    def slice_mm(self, height: float) -> float:
        """Position z of the slice at a height, 0 at the apex, 1 at the base."""
        return self.base_mm + (1 - height) * self.length_mm


def cell_centres(edge_cells: int, cell_mm: float, slice_mm: float | None = None) -> NDArray[np.float64]:
    """Centres x, y, z in mm of an image's cells in the heart's frame.

    Parameters
    ----------
    edge_cells, cell_mm
        Cells along an edge, and their edge.
    slice_mm
        Position z of a slice; None for a whole heart.

    Returns
    -------
    NDArray
        Shape (row, column, 3) of a slice, (x, y, z, 3) of a whole heart.
    """
    along = cell_mm * (np.arange(edge_cells) - (edge_cells - 1) / 2)
    if slice_mm is None:
        return np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1)
    y, x = np.meshgrid(along, along, indexing="ij")
    return np.stack([x, y, np.full_like(x, slice_mm)], axis=-1)


def wall_image(anatomy: xr.Dataset, frame: HeartFrame, centres_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Cells of an image that belong to the wall: where its voxels, interpolated linearly, cover half.

    Parameters
    ----------
    anatomy, frame
        Of the heart.
    centres_mm
        Of the cells in the frame, shape (..., 3).

    Returns
    -------
    NDArray
        Shape (...); in one piece through faces, cells that aren't connected to the largest piece are left out.

    Raises
    ------
    GeometryError
        If the image is smaller than the heart, or the wall falls into pieces or has next to no cells.
    """
    name, space = str(anatomy.attrs["subject"]), centres_mm.shape[:-1]
    axes = range(3) if len(space) == 3 else range(2)
    outermost = np.abs(centres_mm.reshape(-1, 3)).max(axis=0)
    if any(outermost[k] < frame.high_mm[k] for k in axes):
        extent = " x ".join(f"{2 * frame.high_mm[k]:.0f}" for k in axes)
        raise GeometryError(f"{name}: the wall measures {extent} mm, more than the image; use more or larger cells")
    wall = np.zeros(anatomy["labels"].shape, dtype=np.float32)
    wall[tuple(anatomy["voxel_index"].values.T)] = 1
    body = centres_mm @ frame.axes + frame.centre_mm
    index = (body - np.asarray(anatomy.attrs["origin_mm"])) / float(anatomy.attrs["spacing_mm"])
    covered = ndimage.map_coordinates(wall, np.moveaxis(index, -1, 0), order=1, mode="constant") >= 0.5
    part, _ = ndimage.label(covered)
    size = np.bincount(part[covered], minlength=2)
    largest: NDArray[np.bool_] = part == size.argmax()
    if size.max() < _FEWEST_CELLS or size.max() < _LARGEST_PART * size.sum():
        raise GeometryError(
            f"{name}: the largest piece of the wall has {size.max()} of {size.sum()} cells of the image, fewer than "
            f"{_LARGEST_PART:.0%} or than {_FEWEST_CELLS}; use smaller cells, or slices further from the apex"
        )
    return largest
