"""Landmarks of the ventricles found in the label image: openings of the cavities, long axis, base and apex.

The base is where the cavities open: blood meets something that is neither wall nor blood. The long axis is the line
through the centroids of the left cavity's cross-sections, so it needs no prior pose.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.anatomy.wall import Wall
from transmural.stores.errors import GeometryError

_BLOOD = (Label.LV_BLOOD, Label.RV_BLOOD)
_CHAMBER = {Label.LV_BLOOD: "left", Label.RV_BLOOD: "right"}
_BASE_COSINE = 0.6  # of the angle between base normal and long axis; the side wall's is near 0, the rim's 0.7
_SHALLOWEST_VOXELS = 3.0  # from the opening to the cavity's centroid
_SMALLEST_OPENING = 0.1  # of the largest opening of its chamber; smaller contacts are pinholes in the wall


@dataclass(frozen=True)
class Landmarks:
    """Where the ventricles' base, apex and long axis lie.

    Attributes
    ----------
    apex_direction
        Unit vector along the long axis, from base to apex.
    septal_direction
        Unit vector perpendicular to it, from the axis towards mid septum.
    axis_point_mm
        Point of the long axis at the height of the left opening.
    apex_mm
        Epicardial apex of the left ventricle.
    length_mm
        From the left opening to the epicardial apex, along the axis.
    cavity_mm
        From the left opening to the tip of the left cavity, along the axis.
    base
        True for wall voxels of the base, shape (voxel,).
    """

    apex_direction: NDArray[np.float64]
    septal_direction: NDArray[np.float64]
    axis_point_mm: NDArray[np.float64]
    apex_mm: NDArray[np.float64]
    length_mm: float
    cavity_mm: float
    base: NDArray[np.bool_]


def without_atria(image: LabelImage) -> LabelImage:
    """Make blood beyond the wall's convex hull (atria, arteries) torso, so that the cavities end at the base."""
    try:
        hull = ConvexHull(np.argwhere(np.isin(image.labels, MYOCARDIUM)))
    except QhullError:
        raise GeometryError("label image: the myocardium is flat, not a three-dimensional wall") from None
    blood = np.argwhere(np.isin(image.labels, _BLOOD))
    outside = np.zeros(len(blood), bool)
    for facet in np.unique(np.round(hull.equations, 6), axis=0):
        outside |= blood @ facet[:3] + facet[3] > 0.5
    labels = image.labels.copy()
    labels[tuple(blood[outside].T)] = Label.TORSO
    return LabelImage(labels, image.spacing_mm, image.origin_mm)


def find_landmarks(image: LabelImage, wall: Wall) -> Landmarks:
    """Find openings, long axis, base, apex and septum of an image without atria, and its wall.

    Raises
    ------
    GeometryError
        If a cavity is closed, or the right cavity does not touch the septum.
    """
    corner, labels = _crop(image, wall)
    spacing = image.spacing_mm
    origin = image.position(corner)
    opening = {chamber: _opening(labels, chamber) for chamber in _BLOOD}

    cavity = origin + spacing * np.argwhere(labels == Label.LV_BLOOD)
    mouth = (origin + spacing * np.argwhere(opening[Label.LV_BLOOD])).mean(axis=0)
    if np.linalg.norm(cavity.mean(axis=0) - mouth) < _SHALLOWEST_VOXELS * spacing:
        raise GeometryError(
            "label image: the left ventricular blood pool is a shallow layer, so that it has no long axis; "
            "it must fill the cavity from the base to near the apex"
        )
    apex_direction, point = _long_axis(cavity, mouth)
    point = point + apex_direction * ((mouth - point) @ apex_direction)

    base = _base(labels, opening[Label.LV_BLOOD] | opening[Label.RV_BLOOD], apex_direction)
    height = (wall.position_mm - point) @ apex_direction
    left_height = np.where(wall.left, height, -np.inf)
    tip = left_height > left_height.max() - 1.01 * spacing
    septal = wall.position_mm[wall.left & (wall.beyond == Label.RV_BLOOD).any(axis=1)]
    if not len(septal):
        raise GeometryError("label image: the right ventricular blood pool does not touch the septum (LV myocardium)")
    towards = (septal - point).mean(axis=0)
    towards -= apex_direction * (towards @ apex_direction)
    return Landmarks(
        apex_direction=apex_direction,
        septal_direction=towards / np.linalg.norm(towards),
        axis_point_mm=point,
        apex_mm=wall.position_mm[tip].mean(axis=0),
        length_mm=float(left_height.max() + spacing / 2),
        cavity_mm=float(((cavity - point) @ apex_direction).max() + spacing / 2),
        base=base[tuple((wall.index - corner).T)],
    )


def _crop(image: LabelImage, wall: Wall, margin: int = 4) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    low = np.maximum(wall.index.min(axis=0) - margin, 0)
    high = np.minimum(wall.index.max(axis=0) + margin + 1, image.labels.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return low, image.labels[box]


def _opening(labels: NDArray[np.uint8], chamber: Label) -> NDArray[np.bool_]:
    """Blood voxels of a chamber where it opens to what is neither wall nor blood."""
    outside = ~np.isin(labels, (*MYOCARDIUM, *_BLOOD))
    contact = (labels == chamber) & ndimage.binary_dilation(outside, border_value=1)
    parts, count = ndimage.label(contact, np.ones((3, 3, 3)))
    if not count:
        raise GeometryError(
            f"label image: the {_CHAMBER[chamber]} ventricular blood pool is closed on all sides; "
            "it must be open at the base (blood touching torso), where valves would be"
        )
    sizes = np.bincount(parts.ravel())[1:]
    kept: NDArray[np.bool_] = np.isin(parts, 1 + np.flatnonzero(sizes >= _SMALLEST_OPENING * sizes.max()))
    return kept


def _long_axis(
    cavity: NDArray[np.float64], mouth: NDArray[np.float64], rounds: int = 4, slices: int = 12
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Direction and a point of the line through the centroids of the cavity's cross-sections."""
    point = cavity.mean(axis=0)
    direction = (point - mouth) / np.linalg.norm(point - mouth)
    for _ in range(rounds):
        height = (cavity - point) @ direction
        # The ends are left out: an oblique base or the rounded tip bends the line of centroids.
        low, high = np.quantile(height, [0.01, 0.99])
        edges = np.linspace(low + 0.2 * (high - low), high - 0.1 * (high - low), slices + 1)
        level = np.digitize(height, edges) - 1
        chosen = (level >= 0) & (level < slices)
        count = np.bincount(level[chosen], minlength=slices)
        total = np.stack([np.bincount(level[chosen], cavity[chosen, k], slices) for k in range(3)], axis=1)
        centroid = total[count > 0] / count[count > 0, None]
        point = centroid.mean(axis=0)
        along = (centroid - point) @ direction
        slope = along @ (centroid - point) / (along @ along)
        direction = slope / np.linalg.norm(slope)
    return direction, point


def _base(
    labels: NDArray[np.uint8], opening: NDArray[np.bool_], apex_direction: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Wall voxels of the outer surface that face away from the apex, in one piece with the openings."""
    solid = np.isin(labels, (*MYOCARDIUM, *_BLOOD))
    outside = ndimage.binary_dilation(~solid, border_value=1)
    smooth = ndimage.gaussian_filter(solid.astype(np.float32), 1.5)
    gradient = np.stack([np.gradient(smooth, axis=axis) for axis in range(3)], axis=-1)
    norm = np.linalg.norm(gradient, axis=-1)
    upward = gradient @ apex_direction > _BASE_COSINE * norm
    candidate = (np.isin(labels, MYOCARDIUM) & outside & upward) | opening
    parts, _ = ndimage.label(candidate, np.ones((3, 3, 3)))
    base: NDArray[np.bool_] = np.isin(parts, np.unique(parts[opening])) & candidate & ~opening
    return base
