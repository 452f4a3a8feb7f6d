"""The ventricular cavities, found from the wall alone, and which part of the wall belongs to which ventricle.

A place is in a cavity when the wall hides most of the view from there: the *enclosure* of a voxel is the share of
directions along which a ray from it meets the wall. Outside the convex hull of the wall it is below one half (there is
a plane with no wall beyond it), inside a closed cavity it is one, and in the mouth of a cup about one half: a cavity
that is open at the base is closed by the surface across its rim, without a closing radius to choose. Two cavities that
meet above the septum are parted by a watershed of the enclosure.

The left ventricle has the thicker free wall. A voxel of the wall lies between two of three surfaces (left cavity,
right cavity, outside) and far from the third: far from the outside is septum, far from the left cavity is the right
ventricle's free wall. The septum counts as left ventricle (AHA segments 2, 3, 8, 9, 14).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from transmural.stores.errors import GeometryError

Mask = NDArray[np.bool_]

_COARSE_MM = 2.0
_DIRECTIONS = 400
_MOUTH = 0.52
_DEEP = 0.70
_MOUTH_OPENING_MM = 5.0
_LEAST_SHARE_OF_WALL = 0.03
_BELOW_RIM_MM = 2.0
_LEAST_THICKNESS_RATIO = 1.2
_ASK = "name the surfaces with lv_endocardium and rv_endocardium (or the labels lv_blood and rv_blood)"


class Ventricles(NamedTuple):
    """Masks of one shape: blood pools and walls of the left and right ventricle (septum to the left)."""

    lv_blood: Mask
    rv_blood: Mask
    lv_wall: Mask
    rv_wall: Mask


def find_ventricles(wall: Mask, spacing_mm: float, name: str) -> Ventricles:
    """Find the two cavities of a biventricular wall, tell left from right and part the wall.

    Parameters
    ----------
    wall
        Myocardium, shape (x, y, z).
    spacing_mm
        Edge of a voxel.
    name
        Name of the wall, for messages.

    Raises
    ------
    GeometryError
        If there are not two cavities, or if their walls are too similar to tell left from right.
    """
    box = _bounding_box(wall, 1 + int(np.ceil(_MOUTH_OPENING_MM / spacing_mm)))
    pools = _cavities(wall[box], spacing_mm, name)
    thickness = [_free_wall_mm(wall[box], pools, which, spacing_mm) for which in (1, 2)]
    left, right = (1, 2) if thickness[0] > thickness[1] else (2, 1)
    if max(thickness) < _LEAST_THICKNESS_RATIO * min(thickness):
        raise GeometryError(
            f"the ventricles of {name} can't be told apart: their free walls are {max(thickness):.1f} and "
            f"{min(thickness):.1f} mm thick; {_ASK}"
        )
    lv_blood, rv_blood = np.zeros_like(wall), np.zeros_like(wall)
    lv_blood[box], rv_blood[box] = pools == left, pools == right
    return part_wall(wall, lv_blood, rv_blood, spacing_mm)


def part_wall(wall: Mask, lv_blood: Mask, rv_blood: Mask, spacing_mm: float) -> Ventricles:
    """Part a biventricular wall into left ventricle (with the septum) and right ventricular free wall.

    Parameters
    ----------
    wall, lv_blood, rv_blood
        Disjoint masks of one shape.
    spacing_mm
        Edge of a voxel.
    """
    box = _bounding_box(wall | lv_blood | rv_blood, 2)
    inner, left, right = wall[box], lv_blood[box], rv_blood[box]
    outside = ~(inner | left | right) & ~_above_base(inner, left | right, spacing_mm)
    to_left, to_right, to_outside = (
        ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
        for mask in (left, right, outside)
    )
    free_right = inner & (to_left > to_right) & (to_left > to_outside)
    # Where the ventricles join, the left wall keeps the thickness it has beside the joint.
    beside = inner & ndimage.binary_dilation(outside) & (to_right >= to_left)
    if beside.any():
        nearest = ndimage.distance_transform_edt(~beside, return_distances=False, return_indices=True)
        free_right &= to_left > to_left[tuple(nearest)]
    free_right = _largest(free_right)
    lv_part = _largest(inner & ~free_right)
    rv_wall = np.zeros_like(wall)
    rv_wall[box] = inner & ~lv_part
    return Ventricles(lv_blood, rv_blood, wall & ~rv_wall, rv_wall)


def enclosure(wall: Mask, directions: int = _DIRECTIONS) -> NDArray[np.float32]:
    """Share of directions along which a ray from each voxel meets the wall.

    Parameters
    ----------
    wall
        Mask, shape (x, y, z), best cropped to the wall.
    directions
        Number of rays, spread evenly over the sphere, in opposite pairs.

    Returns
    -------
    numpy.ndarray
        Shape of ``wall``, 0 to 1.
    """
    axes = [np.arange(n, dtype=np.float32) - n // 2 for n in wall.shape]
    reach = int(np.ceil(np.linalg.norm(wall.shape))) // 2 + 2
    blocked = np.zeros(wall.shape, dtype=np.int32)
    for direction in _half_sphere(directions // 2):
        depth, u, v = (_linear(axes, vector) for vector in _frame(direction))
        column = (np.rint(u).astype(np.int32) + reach) * (2 * reach) + np.rint(v).astype(np.int32) + reach
        of_wall, depth_of_wall = column[wall], depth[wall]
        farthest = np.full((2 * reach) ** 2, -np.inf, dtype=np.float32)
        nearest = np.full((2 * reach) ** 2, np.inf, dtype=np.float32)
        np.maximum.at(farthest, of_wall, depth_of_wall)
        np.minimum.at(nearest, of_wall, depth_of_wall)
        blocked += farthest[column] > depth
        blocked += nearest[column] < depth
    return (blocked / np.float32(2 * (directions // 2))).astype(np.float32)


def _cavities(wall: Mask, spacing_mm: float, name: str) -> NDArray[np.int32]:
    """Number of the cavity (1 or 2) of each voxel, 0 elsewhere."""
    step = max(1, int(_COARSE_MM // spacing_mm))
    seen = enclosure(wall[step // 2 :: step, step // 2 :: step, step // 2 :: step])
    if step > 1:
        seen = np.repeat(np.repeat(np.repeat(seen, step, 0), step, 1), step, 2)
        seen = np.pad(seen, [(0, max(0, n - m)) for n, m in zip(wall.shape, seen.shape, strict=True)], mode="edge")
        seen = ndimage.uniform_filter(seen[: wall.shape[0], : wall.shape[1], : wall.shape[2]], step)
    free = ~wall
    mouth = _opened(free & (seen >= _MOUTH), _MOUTH_OPENING_MM / spacing_mm)
    hollow = (free & (seen >= _DEEP)) | mouth
    least = _LEAST_SHARE_OF_WALL * wall.sum()
    found: list[int] = []
    for threshold in np.arange(_DEEP, 0.995, 0.02):
        cores, count = ndimage.label(free & (seen >= threshold))
        sizes = ndimage.sum_labels(np.ones_like(cores), cores, np.arange(1, count + 1))
        large = 1 + np.flatnonzero(sizes >= least)
        found.append(len(large))
        if len(large) == 2:
            markers = np.zeros(wall.shape, np.int32)
            markers[cores == large[0]], markers[cores == large[1]] = 1, 2
            pools: NDArray[np.int32] = watershed(-seen, markers, mask=hollow).astype(np.int32)
            return pools
    raise GeometryError(f"{name} has {max(found)} cavities, expected the left and the right ventricle; {_ASK}")


def _free_wall_mm(wall: Mask, pools: NDArray[np.int32], which: int, spacing_mm: float) -> float:
    """Median thickness of the free wall of one cavity: distance of its outer surface from the cavity."""
    outside = ~wall & (pools == 0) & ~_above_base(wall, pools > 0, spacing_mm)
    to_cavity, to_other = (ndimage.distance_transform_edt(pools != w) for w in (which, 3 - which))
    outer = wall & ndimage.binary_dilation(outside)
    own = outer & (to_cavity < to_other)
    return float(np.median(to_cavity[own])) * spacing_mm if own.any() else 0.0


def _above_base(wall: Mask, blood: Mask, spacing_mm: float) -> Mask:
    """Half-space above the plane fitted through the mouths, where blood meets neither wall nor blood."""
    mouth = np.argwhere(blood & ndimage.binary_dilation(~(wall | blood)))
    if len(mouth) < 10:
        return np.zeros_like(wall)
    centre = mouth.mean(axis=0)
    normal = np.linalg.svd(mouth - centre, full_matrices=False)[2][2]
    if normal @ (centre - np.argwhere(wall).mean(axis=0)) < 0:
        normal = -normal
    axes = [np.arange(n, dtype=np.float32) for n in wall.shape]
    above: Mask = _linear(axes, normal) > normal @ centre - _BELOW_RIM_MM / spacing_mm
    return above


def _largest(mask: Mask) -> Mask:
    parts, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if count < 2:
        return mask
    return np.asarray(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]))


def _opened(mask: Mask, radius: float) -> Mask:
    """Morphological opening by a ball, through distances."""
    kept = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1, 1:-1] > radius
    if not kept.any():
        return np.zeros_like(mask)
    return np.asarray(mask & (ndimage.distance_transform_edt(~kept) <= radius))


def _bounding_box(mask: Mask, margin: int) -> tuple[slice, slice, slice]:
    x, y, z = (slice(max(int(where.min()) - margin, 0), int(where.max()) + margin + 1) for where in np.nonzero(mask))
    return x, y, z


def _half_sphere(count: int) -> NDArray[np.float64]:
    """Directions spread evenly over a half sphere (Fibonacci lattice), shape (count, 3)."""
    z = (np.arange(count) + 0.5) / count
    angle = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count)
    ring = np.sqrt(1.0 - z**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)


def _frame(direction: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first)
    return direction, first, np.cross(direction, first)


def _linear(axes: list[NDArray[np.float32]], vector: NDArray[np.float64]) -> NDArray[np.float32]:
    x, y, z = (axis * np.float32(component) for axis, component in zip(axes, vector, strict=True))
    total: NDArray[np.float32] = x[:, None, None] + y[None, :, None] + z[None, None, :]
    return total
