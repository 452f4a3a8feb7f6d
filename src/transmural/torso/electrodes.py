"""Electrodes on the skin: the point of the body surface nearest to where an electrode was recorded."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from transmural.anatomy.image import Label, LabelImage

# An attached point lies this share of a voxel below the skin, so that rounding can't put it in the air.
_BELOW_SKIN = 1e-6


def attach_to_skin(image: LabelImage, position_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Move electrodes to the nearest point of the body surface.

    Parameters
    ----------
    image
        Tissue labels; the body surface is made of the voxel faces between anything and air (or the image's border).
    position_mm
        Electrodes, shape (electrode, 3), outside or inside the body.

    Returns
    -------
    ndarray
        Points on the surface, a hair's breadth inside it, in mm, shape (electrode, 3).
    """
    centre, normal = _skin_faces(image)
    half = image.spacing_mm / 2
    tree = cKDTree(centre)
    attached = []
    for position in np.asarray(position_mm, dtype=float):
        # The nearest face has its centre no farther than the nearest centre and half a face's diagonal.
        near = tree.query_ball_point(position, float(tree.query(position)[0]) + 1.5 * half)
        # A face is a square: its half extent is zero along its normal.
        reach = half * (1 - np.abs(normal[near]))
        point = centre[near] + np.clip(position - centre[near], -reach, reach)
        nearest = int(np.linalg.norm(point - position, axis=1).argmin())
        inner = centre[near[nearest]] - half * normal[near[nearest]]
        attached.append(inner + (1 - _BELOW_SKIN) * (point[nearest] - inner))
    return np.array(attached).reshape(-1, 3)


def _skin_faces(image: LabelImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres and outward unit normals of the faces between body and air."""
    body = np.pad(image.labels != Label.AIR, 1)
    centres, normals = [], []
    for axis in range(3):
        for sign in (-1, 1):
            index = np.argwhere(body & ~np.roll(body, -sign, axis=axis)) - 1
            normal = np.zeros(3)
            normal[axis] = sign
            centres.append(image.position(index) + image.spacing_mm / 2 * normal)
            normals.append(np.tile(normal, (len(index), 1)))
    return np.concatenate(centres), np.concatenate(normals)
