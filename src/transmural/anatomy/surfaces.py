"""Closed surfaces of heart and torso to the label image.

Every surface is filled on one grid around the torso (`voxelise`). The heart is either the closed surface of the
ventricular wall, epicardium, base and endocardia in one, whose cavities are found (`cavities`), or the epicardium
together with closed endocardia that are cut out of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.cavities import Ventricles, find_ventricles, part_wall
from transmural.anatomy.image import Label, LabelImage, check_grid
from transmural.anatomy.triangles import TriangleMesh, check_closed, check_size, oriented_volume_mm3
from transmural.anatomy.voxelise import voxelise
from transmural.stores.errors import GeometryError

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

_MARGIN_VOXELS = 2
# Largest extents that are still a heart and a torso, of children and of large men.
_HEART_MM = (40.0, 250.0)
_TORSO_MM = (150.0, 2000.0)
_VOLUME_TOLERANCE = 0.1


@dataclass(frozen=True)
class HeartAndTorso:
    """Closed surfaces of one subject in the project's frame (mm; x left, y back, z head).

    Attributes
    ----------
    heart
        Ventricular wall; the epicardium with its lid at the base when endocardia are given.
    torso
        Body surface.
    lv_endocardium, rv_endocardium
        Closed surfaces of the cavities; both or none.
    lungs
        Closed surfaces of the lungs.
    """

    heart: TriangleMesh
    torso: TriangleMesh
    lv_endocardium: TriangleMesh | None = None
    rv_endocardium: TriangleMesh | None = None
    lungs: Sequence[TriangleMesh] = field(default_factory=tuple)


def frame_rotation(left: Sequence[float], head: Sequence[float]) -> Floats:
    """Rotation (3, 3) that takes the files' axes to the project's: x left, y back, z head.

    Parameters
    ----------
    left, head
        Directions of the body's left and of its head in the files' coordinates, of any length.

    Raises
    ------
    GeometryError
        If a direction is zero or the two aren't at right angles (within 5 degrees).
    """
    lengths = np.linalg.norm([left, head], axis=1)
    if not (lengths > 0).all():
        raise GeometryError(f"left = {tuple(left)} and head = {tuple(head)} must be directions, not zero")
    x, z = np.asarray(left) / lengths[0], np.asarray(head) / lengths[1]
    if abs(x @ z) > np.sin(np.radians(5.0)):
        angle = np.degrees(np.arccos(np.clip(x @ z, -1, 1)))
        raise GeometryError(f"left = {tuple(left)} and head = {tuple(head)} are {angle:.0f}° apart, expected 90°")
    x = x - (x @ z) * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def label_image(surfaces: HeartAndTorso, spacing_mm: float) -> LabelImage:
    """Fill closed surfaces with labels.

    Parameters
    ----------
    surfaces
        Heart, torso and what else is known, in the project's frame.
    spacing_mm
        Edge of the cubic voxels.

    Returns
    -------
    LabelImage
        With a margin of air.

    Raises
    ------
    GeometryError
        If a surface is open, crosses itself, has an implausible size, lies outside the torso or overlaps another; or if
        the cavities aren't found.
    """
    endocardia = [surface for surface in (surfaces.lv_endocardium, surfaces.rv_endocardium) if surface is not None]
    if len(endocardia) == 1:
        raise GeometryError(f"only {endocardia[0].name} is given; give both endocardia or none")
    for surface in (surfaces.torso, surfaces.heart, *endocardia, *surfaces.lungs):
        check_closed(surface)
    check_size(surfaces.torso, *_TORSO_MM)
    check_size(surfaces.heart, *_HEART_MM)
    for surface in (surfaces.heart, *endocardia, *surfaces.lungs):
        _check_within(surface, surfaces.torso)
    origin = surfaces.torso.points.min(axis=0) - _MARGIN_VOXELS * spacing_mm
    extent = np.ceil((surfaces.torso.points.max(axis=0) - origin) / spacing_mm).astype(int) + _MARGIN_VOXELS + 1
    shape = (int(extent[0]), int(extent[1]), int(extent[2]))
    check_grid(shape, surfaces.torso.name)

    def fill(surface: TriangleMesh) -> Mask:
        mask = voxelise(surface, origin, spacing_mm, shape)
        _check_volume(surface, float(mask.sum()) * spacing_mm**3, spacing_mm)
        return mask

    torso, heart = fill(surfaces.torso), fill(surfaces.heart)
    _check_covered(heart, torso, surfaces.heart, surfaces.torso)
    ventricles = _ventricles(heart, [fill(surface) for surface in endocardia], surfaces, spacing_mm)
    labels = np.where(torso, Label.TORSO, Label.AIR).astype(np.uint8)
    for surface in surfaces.lungs:
        lung = fill(surface)
        _check_covered(lung, torso, surface, surfaces.torso)
        labels[lung] = Label.LUNG
    labels[ventricles.lv_blood] = Label.LV_BLOOD
    labels[ventricles.rv_blood] = Label.RV_BLOOD
    labels[ventricles.lv_wall] = Label.LV_MYOCARDIUM
    labels[ventricles.rv_wall] = Label.RV_MYOCARDIUM
    return LabelImage(labels, spacing_mm, origin)


def _ventricles(heart: Mask, cavities: list[Mask], surfaces: HeartAndTorso, spacing_mm: float) -> Ventricles:
    if not cavities:
        return find_ventricles(heart, spacing_mm, surfaces.heart.name)
    lv_blood, rv_blood = cavities
    shared = int((lv_blood & rv_blood).sum())
    if shared:
        raise GeometryError(
            f"lv_endocardium and rv_endocardium overlap in {shared * spacing_mm**3 / 1000:.1f} ml; "
            "there must be a septum between them"
        )
    for cavity, surface in zip(cavities, (surfaces.lv_endocardium, surfaces.rv_endocardium), strict=True):
        if surface is not None and (cavity & heart).sum() < 0.5 * max(cavity.sum(), 1):
            raise GeometryError(f"{surface.name} lies mostly outside {surfaces.heart.name}; it must lie within")
    return part_wall(heart & ~lv_blood & ~rv_blood, lv_blood, rv_blood, spacing_mm)


def _check_within(inner: TriangleMesh, outer: TriangleMesh) -> None:
    low, high = outer.points.min(axis=0), outer.points.max(axis=0)
    outside = ((inner.points < low) | (inner.points > high)).any(axis=1)
    if outside.any():
        raise GeometryError(
            f"{inner.name} lies outside {outer.name}: {int(outside.sum())} of its {len(outside)} vertices are beyond "
            f"the torso's extent; both must be in the same coordinates and units"
        )


def _check_covered(inner: Mask, outer: Mask, inner_mesh: TriangleMesh, outer_mesh: TriangleMesh) -> None:
    beyond = int((inner & ~outer).sum())
    if beyond:
        raise GeometryError(
            f"{inner_mesh.name} lies outside {outer_mesh.name} "
            f"with {100 * beyond / int(inner.sum()):.1f} % of its volume; it must lie within"
        )


def _check_volume(surface: TriangleMesh, filled_mm3: float, spacing_mm: float) -> None:
    """Compare the filled volume with that of the divergence theorem: they differ where a surface crosses itself."""
    if filled_mm3 == 0:
        raise GeometryError(f"{surface.name} encloses no voxel of {spacing_mm:g} mm")
    enclosed = oriented_volume_mm3(surface)
    # A wall of few voxels is filled inexactly: one voxel's width of the surface's own box is granted.
    if enclosed is not None and abs(filled_mm3 - enclosed) > _VOLUME_TOLERANCE * enclosed + (4 * spacing_mm) ** 3:
        raise GeometryError(
            f"{surface.name} crosses itself or holds shells that overlap: it fills {filled_mm3 / 1000:.1f} ml, but its "
            f"triangles enclose {enclosed / 1000:.1f} ml"
        )
