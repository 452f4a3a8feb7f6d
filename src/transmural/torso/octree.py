"""Graded elements from a label image: a 2:1 balanced octree, fine in and around the heart, coarse far from it.

All cells that share volume with the body are kept. They don't follow the skin or the borders between tissues, so no
cell is ever inverted, however crooked the anatomy: `transmural.torso.conductivity` gives each cell the conduction of
the tissue volumes that it really holds, air included (the finite cell method: Parvizian, Düster & Rank 2007, Comput.
Mech. 41:121).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.stores.errors import ConfigurationError, GeometryError
from transmural.torso.mesh import HexMesh, hex_mesh

# The factors of 290,000 unknowns take 4 GB and 80 s; memory grows with the power 4/3.
LARGEST_MESH = 400_000
# Cells at the skin are halved this often below the largest size: electrodes are there, and lungs close by.
_SURFACE_HALVINGS = 1
_HEART = (*MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)

Mask = NDArray[np.bool_]


def graded_hexahedra(image: LabelImage, heart_element_mm: float, body_element_mm: float) -> HexMesh:
    """Mesh all that is not air, with cells of ``heart_element_mm`` in the heart growing to ``body_element_mm``.

    Parameters
    ----------
    image
        Tissue labels; ventricles and their blood are «the heart».
    heart_element_mm, body_element_mm
        Edges of the smallest and of the largest cells; the largest are the greatest ``heart_element_mm * 2**n``
        that don't exceed ``body_element_mm``.

    Raises
    ------
    ConfigurationError
        If the sizes are in the wrong order or the mesh would exceed `LARGEST_MESH` cells; names the key.
    GeometryError
        If the image holds no heart, or the body is not one connected piece.
    """
    if heart_element_mm > body_element_mm:
        raise ConfigurationError(
            f"torso.heart_element_mm ({heart_element_mm:g} mm) exceeds torso.body_element_mm ({body_element_mm:g} mm); "
            "make the heart's elements the smaller ones"
        )
    body, heart = image.labels != Label.AIR, np.isin(image.labels, _HEART)
    if not heart.any():
        raise GeometryError("label image: no voxel is labelled ventricular myocardium or blood, so there is no heart")
    levels = _levels(heart_element_mm, body_element_mm)
    top_mm = largest_element_mm(heart_element_mm, body_element_mm)
    extent = np.array(image.labels.shape) * image.spacing_mm
    cells = np.ceil(extent / top_mm - 1e-9).astype(int)
    # The lattice is centred on the image: a mirrored image gets the mirrored mesh.
    origin = image.origin_mm - image.spacing_mm / 2 + (extent - cells * top_mm) / 2

    def holding(mask: Mask, level: int) -> Mask:
        return _cells_holding(mask, image, origin, heart_element_mm * 2**level, cells * 2 ** (levels - level))

    skin = body & ~ndimage.binary_erosion(body)
    split: list[Mask] = [np.zeros(cells * 2**levels, dtype=bool)]
    for level in range(1, levels + 1):
        # Cells that must exist one level below, those in the heart and those split further, and all their neighbours.
        wanted = _parents(_with_neighbours(holding(heart, level - 1) | split[level - 1]))
        if level > levels - _SURFACE_HALVINGS:
            wanted |= holding(skin, level)
        split.append(wanted)
    leaves = [holding(body, level) & ~split[level] for level in range(levels + 1)]
    for level in range(levels):
        leaves[level] &= _children(split[level + 1])
    _refuse_if_too_large([int(leaf.sum()) for leaf in leaves], heart_element_mm, body_element_mm)
    lower = np.concatenate([np.argwhere(leaf) << level for level, leaf in enumerate(leaves)])
    level_of = np.repeat(np.arange(levels + 1), [int(leaf.sum()) for leaf in leaves])
    return hex_mesh(lower, level_of, origin, heart_element_mm)


def largest_element_mm(heart_element_mm: float, body_element_mm: float) -> float:
    """Edge of the largest cells; an image that grows by whole ones on all sides keeps its lattice."""
    return heart_element_mm * 2.0 ** _levels(heart_element_mm, body_element_mm)


def _levels(heart_element_mm: float, body_element_mm: float) -> int:
    """How often the smallest cells double."""
    return int(np.floor(np.log2(body_element_mm / heart_element_mm) + 1e-9))


def _with_neighbours(mask: Mask) -> Mask:
    return np.asarray(ndimage.binary_dilation(mask, np.ones((3, 3, 3), dtype=bool)))


def _parents(mask: Mask) -> Mask:
    x, y, z = mask.shape
    return np.asarray(mask.reshape(x // 2, 2, y // 2, 2, z // 2, 2).any(axis=(1, 3, 5)))


def _children(mask: Mask) -> Mask:
    return mask.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)


def _cells_holding(
    mask: Mask, image: LabelImage, origin_mm: NDArray[np.float64], edge_mm: float, shape: NDArray[np.int_]
) -> Mask:
    """Cells of a uniform grid that share volume with the voxels in ``mask``, one axis after the other."""
    for axis in range(3):
        lower = image.origin_mm[axis] + image.spacing_mm * (np.arange(mask.shape[axis]) - 0.5)
        offset = (lower - origin_mm[axis]) / edge_mm
        first = np.floor(offset + 1e-9).astype(int)
        last = np.ceil(offset + image.spacing_mm / edge_mm - 1e-9).astype(int) - 1
        source = np.moveaxis(mask, axis, 0)
        cells = np.zeros((int(shape[axis]), *source.shape[1:]), dtype=bool)
        for step in range(int((last - first).max()) + 1):
            target = np.minimum(first + step, last)
            # Neighbouring voxels may share a cell: reduce over runs of equal targets.
            runs = np.flatnonzero(np.r_[True, np.diff(target) > 0])
            cells[target[runs]] |= np.logical_or.reduceat(source, runs, axis=0)
        mask = np.moveaxis(cells, 0, axis)
    return mask


def _refuse_if_too_large(cells: list[int], heart_element_mm: float, body_element_mm: float) -> None:
    if sum(cells) <= LARGEST_MESH:
        return
    in_heart = len(cells) > 1 and cells[0] > sum(cells) / 2
    key, size = ("heart", heart_element_mm) if in_heart else ("body", body_element_mm)
    raise ConfigurationError(
        f"torso.{key}_element_mm = {size:g} mm asks for {sum(cells):,} finite elements; "
        f"raise it until there are at most {LARGEST_MESH:,}"
    )
