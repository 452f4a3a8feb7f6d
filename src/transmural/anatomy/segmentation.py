"""A user's segmentation (NIfTI) on the project's grid: cubic voxels along left, back and head.

NIfTI's world coordinates are right, front, head (RAS+) by its affine matrix A; the project's are left, back, head. A
voxel of the new grid at p takes the label of the image voxel nearest to A⁻¹ diag(−1, −1, 1, 1) p, so that any order,
flip, rotation and voxel shape of the image gives the same anatomy.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.cavities import Ventricles, find_ventricles, part_wall
from transmural.anatomy.image import Label, LabelImage, check_grid
from transmural.stores.config.subjects import Tissue
from transmural.stores.errors import GeometryError, reason

Floats = NDArray[np.float64]

TISSUES: tuple[Tissue, ...] = get_args(Tissue)
# Right and front of NIfTI to left and back.
WORLD_TO_FRAME = np.array([-1.0, -1.0, 1.0])
_MARGIN_VOXELS = 2
_MM = {"mm": 1.0, "meter": 1000.0, "micron": 0.001}
_LARGEST_LABEL = 2**31
_LARGEST_RATIO = {".nii": 1, ".gz": 1032}  # of zlib


def read_segmentation(path: Path) -> tuple[NDArray[np.int64], Floats]:
    """Labels and affine matrix of a NIfTI image.

    Returns
    -------
    tuple
        Labels, shape (i, j, k); and the matrix (4, 4) from voxel indices to millimetres to the left, back and head.

    Raises
    ------
    GeometryError
        If the file is absent, no NIfTI, larger than its compression allows, not three-dimensional, has values that are
        not whole, or no usable affine.
    """
    if not path.is_file():
        raise GeometryError(f"image: there is no file {path}")
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise GeometryError(f"image: {path} is of an unknown kind; an image is .nii or .nii.gz")
    try:
        image = nib.load(path)
        _check_declared(image, path)
        values = np.asarray(image.dataobj)
        affine = np.array(image.affine, dtype=float)
        unit = image.header.get_xyzt_units()[0]
    except GeometryError:
        raise
    # nibabel meets broken files in many ways.
    except Exception as error:
        raise GeometryError(f"image: {path} can't be read as NIfTI: {reason(error)}") from None
    values = values.reshape(values.shape[:3])
    if values.dtype.kind not in "iufb" or not np.all(values == np.rint(values)):
        raise GeometryError(f"image: {path} has values that are not whole numbers; a label image is needed, not a scan")
    if values.min() < -_LARGEST_LABEL or values.max() >= _LARGEST_LABEL:
        raise GeometryError(f"image: {path} has values beyond {_LARGEST_LABEL}; a label image is needed, not a scan")
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise GeometryError(f"image: {path} has an affine matrix that can't be inverted; save it with its orientation")
    affine[:3] *= _MM.get(unit, 1.0)
    return values.astype(np.int64), np.diag([*WORLD_TO_FRAME, 1.0]) @ affine


def _check_declared(image: nib.Nifti1Image, path: Path) -> None:
    """Check shape and size that the header declares, before anything is read."""
    if not isinstance(image, nib.Nifti1Image | nib.Nifti2Image):
        raise ValueError(f"it is {type(image).__name__}")
    shape = image.shape
    if len(shape) < 3 or min(shape) < 1 or math.prod(shape[3:]) != 1:
        raise GeometryError(f"image: {path} has the shape {shape}; a label image has three dimensions")
    check_grid(shape, f"image: {path}")
    declared = image.dataobj.offset + math.prod(shape) * image.get_data_dtype().itemsize
    if declared > path.stat().st_size * _LARGEST_RATIO[path.suffix.lower()]:
        raise ValueError(f"it announces {declared} bytes of content, more than the file can hold")


def named_tissues(values: NDArray[np.int64], labels: Mapping[Tissue, int | Sequence[int]]) -> NDArray[np.uint8]:
    """Number in `TISSUES` plus one of each voxel; 0 is air.

    Raises
    ------
    GeometryError
        If a tissue is unknown or absent from the image, a value has two names, or a value of the image has none.
    """
    named = np.zeros(values.shape, dtype=np.uint8)
    owner: dict[int, str] = {}
    present = {int(value) for value in np.unique(values)}
    for tissue, given in labels.items():
        if tissue not in TISSUES:
            raise GeometryError(f"labels: {tissue!r} is no tissue; known are {', '.join(TISSUES)}")
        wanted = [given] if isinstance(given, int) else list(given)
        for value in wanted:
            if value in owner:
                raise GeometryError(f"labels: the value {value} is given to {owner[value]} and to {tissue}")
            if value not in present:
                raise GeometryError(
                    f"labels: {tissue} = {value}, but the image has the values {sorted(present)[:20]} only"
                )
            owner[value] = tissue
        named[np.isin(values, wanted)] = 1 + TISSUES.index(tissue)
    nameless = sorted(present - set(owner) - {0})
    if nameless:
        raise GeometryError(
            f"labels: the image has the values {nameless[:20]} without a name; name them, for example with "
            "torso: [1, 7], or set them to 0 (air) in the image"
        )
    return named


def resampled(
    values: NDArray[np.uint8], affine: Floats, spacing_mm: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Nearest-neighbour copy of an image on cubic voxels along the axes of the world.

    Parameters
    ----------
    values
        Image, shape (i, j, k); 0 outside.
    affine
        Matrix (4, 4) from its indices to world coordinates in mm.
    spacing_mm
        Edge of the new voxels.

    Returns
    -------
    tuple
        The new image, shape (x, y, z), cropped to what isn't 0 with a margin, and the centre of its first voxel in mm.
    """
    filled = [np.flatnonzero(values.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    bounds = [(where[0] - 0.5, where[-1] + 0.5) for where in filled]
    corners = np.stack(np.meshgrid(*bounds, indexing="ij"), axis=-1).reshape(-1, 3) @ affine[:3, :3].T + affine[:3, 3]
    origin = corners.min(axis=0) + (0.5 - _MARGIN_VOXELS) * spacing_mm
    extent = np.ceil(np.ptp(corners, axis=0) / spacing_mm - 1e-6) + 2 * _MARGIN_VOXELS
    check_grid(extent, "the image")
    shape = extent.astype(int)
    inverse = np.linalg.inv(affine)
    base = inverse[:3, :3] @ origin + inverse[:3, 3]
    steps = [inverse[:3, axis, None] * (spacing_mm * np.arange(shape[axis])) for axis in range(3)]
    result = np.zeros(shape, dtype=np.uint8)
    limit = np.array(values.shape)[:, None, None]
    for x in range(shape[0]):
        index = (base + steps[0][:, x])[:, None, None] + steps[1][:, :, None] + steps[2][:, None, :]
        # The small shift decides ties between two voxels alike everywhere, in spite of rounding.
        nearest = np.floor(index + 0.5 + 1e-6).astype(np.int64)
        inside = ((nearest >= 0) & (nearest < limit)).all(axis=0)
        i, j, k = np.clip(nearest, 0, limit - 1)
        result[x] = np.where(inside, values[i, j, k], 0)
    return result, origin


def label_image(named: NDArray[np.uint8], affine: Floats, spacing_mm: float) -> LabelImage:
    """The project's label image of a named segmentation.

    Blood pools that aren't named are found from the wall, and a wall that isn't parted is parted, as `cavities` says.

    Raises
    ------
    GeometryError
        If the torso or the myocardium is absent, only one of two ventricles is named, or the cavities can't be found.
    """
    if not named.any():
        raise GeometryError("labels: the image has no tissue; name the values of its tissues")
    grid, origin = resampled(named, affine, spacing_mm)
    mask = {tissue: grid == 1 + number for number, tissue in enumerate(TISSUES)}
    present = {tissue for tissue in TISSUES if mask[tissue].any()}
    if "torso" not in present:
        raise GeometryError("labels: there is no torso; name the value of the body around the heart with torso")
    if not present & {"myocardium", "lv_myocardium", "rv_myocardium"}:
        raise GeometryError("labels: there is no myocardium; name lv_myocardium and rv_myocardium, or myocardium")
    for pair in (("lv_myocardium", "rv_myocardium"), ("lv_blood", "rv_blood")):
        if len(present & set(pair)) == 1:
            raise GeometryError(
                f"labels: of {pair[0]} and {pair[1]} only {(present & set(pair)).pop()} is there; name both or none"
            )
    ventricles = _ventricles(mask, spacing_mm)
    labels = np.where(grid > 0, Label.TORSO, Label.AIR).astype(np.uint8)
    labels[mask["lung"]] = Label.LUNG
    labels[ventricles.lv_blood] = Label.LV_BLOOD
    labels[ventricles.rv_blood] = Label.RV_BLOOD
    labels[ventricles.lv_wall] = Label.LV_MYOCARDIUM
    labels[ventricles.rv_wall] = Label.RV_MYOCARDIUM
    return LabelImage(labels, spacing_mm, origin)


def _ventricles(mask: Mapping[Tissue, NDArray[np.bool_]], spacing_mm: float) -> Ventricles:
    """Blood pools and walls, from the labels where they are named and from the wall where they are not."""
    wall = mask["myocardium"] | mask["lv_myocardium"] | mask["rv_myocardium"]
    if mask["lv_blood"].any():
        found = part_wall(wall, mask["lv_blood"], mask["rv_blood"], spacing_mm)
    else:
        found = find_ventricles(wall, spacing_mm, "the myocardium of the image")
    if not mask["lv_myocardium"].any():
        return found
    lv_wall = mask["lv_myocardium"] | (mask["myocardium"] & found.lv_wall)
    return Ventricles(found.lv_blood, found.rv_blood, lv_wall, wall & ~lv_wall)
