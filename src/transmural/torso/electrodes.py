"""Electrodes on the skin: the point of the body surface nearest to where an electrode was recorded."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from transmural.anatomy.image import Label, LabelImage

# An attached point lies this share of a voxel below the skin, so that rounding can't put it in the air.
_BELOW_SKIN = 1e-6
_CANDIDATES = 16


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
    position = np.asarray(position_mm, dtype=float)
    centre, normal = _skin_faces(image)
    half = image.spacing_mm / 2
    count = min(_CANDIDATES, len(centre))
    face = np.asarray(cKDTree(centre).query(position, k=np.arange(1, count + 1))[1])
    # A face is a square: its half extent is zero along its normal.
    reach = half * (1 - np.abs(normal[face]))
    point = centre[face] + np.clip(position[:, None] - centre[face], -reach, reach)
    nearest = np.linalg.norm(point - position[:, None], axis=2).argmin(axis=1)
    chosen = face[np.arange(len(position)), nearest]
    inner = centre[chosen] - half * normal[chosen]
    return np.asarray(inner + (1 - _BELOW_SKIN) * (point[np.arange(len(position)), nearest] - inner))


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
