"""What a label image and its electrodes must fulfil before anything is computed on them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from transmural.anatomy.coordinates import surfaces
from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.anatomy.landmarks import Landmarks
from transmural.anatomy.wall import STEPS, Wall
from transmural.stores.errors import GeometryError

SPECK_VOXELS = 20
_SPECK_SHARE = 0.01
_OUTSIDE_VOXELS = 3.0
_THINNEST_VOXELS = 2.0
_HEART = (*MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)
_NEEDED = (Label.TORSO, *_HEART)


def check_labels(image: LabelImage) -> None:
    """Raise `GeometryError` if labels are unknown or missing, or the myocardium lies bare in the air."""
    if image.labels.ndim != 3 or not image.spacing_mm > 0:
        raise GeometryError("the label image must have three dimensions and a positive voxel size")
    present = np.flatnonzero(np.bincount(image.labels.ravel(), minlength=len(Label)))
    unknown = sorted(set(present.tolist()) - {int(label) for label in Label})
    if unknown:
        raise GeometryError(f"the label image has values {unknown}, which stand for no tissue")
    missing = [label.name.lower() for label in _NEEDED if label not in present]
    if missing:
        raise GeometryError(f"the label image has no voxel of {', '.join(missing)}")
    bare = int((Wall.of(image).beyond == Label.AIR).any(axis=1).sum())
    if bare:
        raise GeometryError(
            f"{bare} voxels of the myocardium touch air; the heart must lie within the torso (and within the image)"
        )


def clean(image: LabelImage) -> LabelImage:
    """Give specks of myocardium to their surroundings, and refuse a myocardium that is in pieces.

    A piece that hangs together by voxel faces is a speck up to `SPECK_VOXELS` voxels or one per cent of the whole,
    whichever is less.
    """
    parts, count = ndimage.label(np.isin(image.labels, MYOCARDIUM))
    if count == 1:
        return image
    sizes = np.bincount(parts.ravel())[1:]
    largest = int(np.argmax(sizes)) + 1
    limit = min(SPECK_VOXELS, _SPECK_SHARE * sizes.sum())
    pieces = [int(s) for i, s in enumerate(sizes, 1) if i != largest and s > limit]
    if pieces:
        raise GeometryError(
            f"the myocardium is in {len(pieces) + 1} pieces of {sizes.max()} and "
            f"{', '.join(map(str, sorted(pieces, reverse=True)[:5]))} voxels; it must hang together by voxel faces"
        )
    specks = (parts > 0) & (parts != largest)
    labels = image.labels.copy()
    nearest = ndimage.distance_transform_edt(specks, return_distances=False, return_indices=True)
    labels[specks] = image.labels[tuple(nearest[:, specks])]
    return LabelImage(labels, image.spacing_mm, image.origin_mm)


def check_thickness(wall: Wall, landmarks: Landmarks) -> None:
    """Raise `GeometryError` if the left wall is thinner than two voxels on most of its endocardium.

    Thickness is the distance from the middle of an endocardial voxel face to the nearest epicardial one. The right
    ventricle's wall is not judged: in real hearts at usable voxel sizes it is one or two voxels thick.
    """
    endocardium, epicardium = (_face_centres(wall, faces) for faces in surfaces(wall, landmarks))
    if not len(endocardium) or not len(epicardium):
        raise GeometryError("the left ventricular wall has no endocardium or no outer surface")
    distance = np.asarray(cKDTree(epicardium).query(endocardium)[0])
    thin = float(np.mean(distance < _THINNEST_VOXELS))
    if thin > 0.5:
        raise GeometryError(
            f"the left ventricular wall is thinner than {_THINNEST_VOXELS:g} voxels of {wall.spacing_mm:g} mm on "
            f"{thin:.0%} of its endocardium; use smaller voxels (anatomy.voxel_mm) or check the segmentation"
        )


def _face_centres(wall: Wall, faces: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Middles of the marked faces of the left ventricle's voxels, in voxels, shape (face, 3)."""
    voxel, face = np.nonzero(faces & wall.left[:, None])
    return wall.index[voxel] + 0.5 * STEPS[face]


def check_electrodes(image: LabelImage, names: Sequence[str], positions_mm: NDArray[np.float64]) -> None:
    """Raise `GeometryError` naming electrodes that lie within the heart or away from the torso."""
    if len(names) != len(positions_mm) or len(set(names)) != len(names):
        raise GeometryError(f"{len(names)} electrode names (all different) for {len(positions_mm)} positions")
    if not np.isfinite(positions_mm).all():
        bad = [n for n, p in zip(names, positions_mm, strict=True) if not np.isfinite(p).all()]
        raise GeometryError(f"electrode {', '.join(bad[:5])} has a position that is not a number")
    index = np.rint((positions_mm - image.origin_mm) / image.spacing_mm).astype(int)
    within = np.all((index >= 0) & (index < image.labels.shape), axis=1)
    label = np.full(len(names), Label.AIR, np.uint8)
    label[within] = image.labels[tuple(index[within].T)]
    buried = [n for n, value in zip(names, label, strict=True) if value in _HEART]
    if buried:
        raise GeometryError(f"electrode {', '.join(buried[:5])} lies inside the heart; it must lie on the skin")
    outside = np.flatnonzero(label == Label.AIR)
    if not len(outside):
        return
    body = image.labels != Label.AIR
    skin = image.position(np.argwhere(body & ~ndimage.binary_erosion(body)))
    distance = np.asarray(cKDTree(skin).query(positions_mm[outside])[0])
    far = distance > _OUTSIDE_VOXELS * image.spacing_mm
    if far.any():
        shown = ", ".join(f"{names[i]} ({d:.0f} mm)" for i, d in zip(outside[far][:5], distance[far][:5], strict=True))
        raise GeometryError(f"electrode {shown} away from the torso; check units and coordinate axes")
