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
_BASE_COSINE = 0.6  # of the angle between the normals of base and mouth; the side wall's is near 0, the rim's 0.7
_SMALLEST_PLANE = 20  # voxels of a mouth through which a plane is fitted; smaller ones face along the long axis
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

    base = _base(labels, opening, apex_direction)
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
    labels: NDArray[np.uint8], opening: dict[Label, NDArray[np.bool_]], apex_direction: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Wall voxels around the mouths of their own ventricle that face as the mouth does and lie level with it.

    A wall that slopes away from the mouth is no base, however far the slope faces upwards: it is the outer surface of
    a wall that tapers towards the valve.
    """
    solid = np.isin(labels, (*MYOCARDIUM, *_BLOOD))
    outer = ndimage.binary_dilation(~solid, border_value=1)
    smooth = ndimage.gaussian_filter(solid.astype(np.float32), 1.5)
    inward = np.stack([np.gradient(smooth, axis=axis) for axis in range(3)], axis=-1)
    inward /= np.maximum(np.linalg.norm(inward, axis=-1, keepdims=True), 1e-12)
    base = np.zeros(labels.shape, bool)
    for myocardium, chamber in ((Label.LV_MYOCARDIUM, Label.LV_BLOOD), (Label.RV_MYOCARDIUM, Label.RV_BLOOD)):
        mouths, _ = ndimage.label(opening[chamber], np.ones((3, 3, 3)))
        nearest = ndimage.distance_transform_edt(mouths == 0, return_distances=False, return_indices=True)
        index = np.argwhere((labels == myocardium) & outer)
        rim = nearest[:, *index.T].T
        normal = _mouth_normals(mouths, apex_direction)[mouths[tuple(rim.T)]]
        away = index - rim
        # Voxels that touch one plane from below, by a face, differ in height by less than this.
        level = -np.sum(away * normal, axis=1) <= np.abs(normal).max(axis=1)
        facing = -np.sum(inward[tuple(index.T)] * normal, axis=1) > _BASE_COSINE
        base[tuple(index[level & facing].T)] = True
    mouth = opening[Label.LV_BLOOD] | opening[Label.RV_BLOOD]
    parts, _ = ndimage.label(base | mouth, np.ones((3, 3, 3)))
    joined: NDArray[np.bool_] = base & np.isin(parts, np.unique(parts[mouth]))
    return joined


def _mouth_normals(mouths: NDArray[np.signedinteger], apex_direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normal, away from the apex, of the plane through each numbered mouth, shape (1 + mouth, 3)."""
    normals = np.tile(-apex_direction, (mouths.max() + 1, 1))
    for number in range(1, len(normals)):
        points = np.argwhere(mouths == number)
        if len(points) >= _SMALLEST_PLANE:
            normal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][2]
            upward = -(normal @ apex_direction)
            if abs(upward) > _BASE_COSINE:
                normals[number] = normal * np.sign(upward)
    return normals
