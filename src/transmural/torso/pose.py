"""The heart lying elsewhere in the body, with all that belongs to the heart left as it is.

Only the pose of heart and body relative to each other matters to an ECG. So the heart stays on its voxels, with its
fibres, nodes and beats, and the body with lungs, skin and electrodes moves about it, the other way round. That holds
for label images of any source. Where the heart was, the body has the tissue that was nearest to it.
"""

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.stores.errors import GeometryError
from transmural.torso.transfer import image_of

_HEART = (*MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)


def displaced_heart(
    anatomy: xr.Dataset,
    shift_mm: NDArray[np.float64],
    rotation: Rotation,
    block_mm: float,
) -> xr.Dataset:
    """The anatomy with its heart turned about its centre and then shifted, seen from the heart.

    Parameters
    ----------
    anatomy
        Of the subject (`contracts.ANATOMY`).
    shift_mm
        How the heart moves in the body, shape (3,).
    rotation
        How it turns in the body.
    block_mm
        The image grows by multiples of this where the body would leave it. With the edge of the largest finite
        elements (`octree.largest_element_mm`) those in the heart stay where they are.

    Returns
    -------
    The anatomy with other ``labels``, electrodes, ``voxel_index`` and ``origin_mm``, all in the heart's coordinates;
    surfaces for pictures are left out. Without any displacement, everything is as it was.

    Raises
    ------
    GeometryError
        If the heart would stick out of the body.
    """
    image = image_of(anatomy)
    centre = anatomy["voxel_position"].values.astype(float).mean(axis=0)
    # A point p of the heart's image shows what the body has at R (p - c) + c + s.
    turn = rotation.as_matrix()
    margin = _margin(image, centre, shift_mm, turn, block_mm)
    labels = np.pad(image.labels, margin, constant_values=Label.AIR)
    grown = LabelImage(labels, image.spacing_mm, image.origin_mm - margin * image.spacing_mm)
    moved = _with_moved_body(grown, centre, shift_mm, turn)

    def to_heart(position: xr.DataArray) -> xr.DataArray:
        """Where a point of the body is seen from the heart: Rᵀ (e − s − c) + c."""
        return position.copy(data=(position.values - shift_mm - centre) @ turn + centre)

    electrodes = {name: to_heart(anatomy[name]) for name in ("electrode_position", "limb_electrode_position")}
    pictures = [name for name in anatomy.variables if str(name).startswith(("torso_", "heart_"))]
    return (
        anatomy.drop_vars(["labels", *pictures])
        .assign({"labels": (("x", "y", "z"), moved), "voxel_index": anatomy["voxel_index"] + margin, **electrodes})
        .assign_attrs(origin_mm=grown.origin_mm.tolist())
    )


def _margin(
    image: LabelImage,
    centre: NDArray[np.float64],
    shift_mm: NDArray[np.float64],
    turn: NDArray[np.float64],
    block_mm: float,
) -> int:
    """Voxels by which the image must grow on all sides to hold the moved body."""
    body = np.argwhere(image.labels != Label.AIR)
    corners = image.position(
        np.array(np.meshgrid(*zip(body.min(axis=0), body.max(axis=0), strict=True))).reshape(3, -1).T
    )
    seen = (corners - shift_mm - centre) @ turn + centre
    low, high = image.position(np.zeros(3, int)), image.position(np.array(image.labels.shape) - 1)
    reach = max(0.0, float((low - seen).max()), float((seen - high).max()))
    return round(math.ceil(reach / block_mm - 1e-9) * block_mm / image.spacing_mm)


def _with_moved_body(
    image: LabelImage, centre: NDArray[np.float64], shift_mm: NDArray[np.float64], turn: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Labels with the body moved behind a heart that stays."""
    heart = np.isin(image.labels, _HEART)
    middle = (centre - image.origin_mm) / image.spacing_mm
    offset = middle + shift_mm / image.spacing_mm - turn @ middle
    behind = _without_heart(image.labels, heart)
    moved = ndimage.affine_transform(behind, turn, offset, order=0, mode="constant", cval=Label.AIR)
    outside = int((heart & (moved == Label.AIR)).sum())
    if outside:
        raise GeometryError(
            f"heart: {outside} of its {int(heart.sum())} voxels stick out of the body when it is displaced; "
            "displace it less or elsewhere (generative_em.robustness.pose)"
        )
    return np.where(heart, image.labels, moved)


def _without_heart(labels: NDArray[np.uint8], heart: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Labels with the nearest other tissue in place of the heart."""
    index = np.argwhere(heart)
    # A rim of one voxel about the heart's box holds what is nearest to its surface.
    box = tuple(
        slice(max(0, low - 1), high + 2) for low, high in zip(index.min(axis=0), index.max(axis=0), strict=True)
    )
    nearest = ndimage.distance_transform_edt(heart[box], return_distances=False, return_indices=True)
    filled = labels.copy()
    filled[box] = labels[box][tuple(nearest)]
    return filled
