"""Bulk conductivity of the body inside every finite element, from labels and fibres.

Elements don't follow the borders between tissues; an element that a border crosses gets the effective tensor of the
layers in it, by the exact volumes that they share with it. With the border's normal n and averages <> over the volume

    D = <d - (d n)(d n)^T / (n.d n)> + <d n / (n.d n)> <d n / (n.d n)>^T / <1 / (n.d n)>:

in series along the normal, in parallel along the border (Milton 2002, The Theory of Composites, ch. 9; for isotropic
layers the harmonic mean along n and the arithmetic mean across it). It keeps most of the accuracy of a fitted mesh
where the plain mean makes a thin resistive lung several per cent too conductive.

In the ventricular wall both domains conduct, so the tensor is sigma_i + sigma_e with the fibre as its axis. Air counts
as volume without conduction, octant by octant.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from transmural.anatomy.image import Label, LabelImage
from transmural.stores.config.physics import Conductivity
from transmural.stores.errors import GeometryError
from transmural.tissue.diffusion import transversely_isotropic
from transmural.torso.mesh import CORNERS, HexMesh

# Air within a cell that also holds tissue conducts this share of the torso's conductivity: nothing that matters, but
# enough that the corners of a cell with a sliver of tissue are not left without any conduction.
AIR_SHARE = 1e-6
# Width over which labels are smoothed, in voxels, to know which way a border faces.
_SMOOTHING_VOXELS = 1.0
# A symmetric tensor is held as xx, yy, zz, xy, xz, yz.
_ROW, _COLUMN = np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2])

Array = NDArray[np.float64]


def bulk_conductivity(
    mesh: HexMesh,
    image: LabelImage,
    voxel_index: NDArray[np.integer],
    fibre: NDArray[np.floating],
    conductivity: Conductivity,
) -> Array:
    """Effective bulk conductivity of every cell, by octants.

    Parameters
    ----------
    mesh
        Cells.
    image
        Tissue labels.
    voxel_index, fibre
        Indices in the image of the myocardial voxels, shape (voxel, 3), and unit vectors along their fibres.
    conductivity
        Values in S/m.

    Returns
    -------
    ndarray
        S/m, shape (3, 3, cell, octant), octants in the order of `transmural.torso.mesh.CORNERS`.

    Raises
    ------
    GeometryError
        If the image holds myocardium that ``voxel_index`` doesn't list.
    """
    kind, tensor = _tissues(image, voxel_index, fibre, conductivity)
    normal = _border_normals(mesh, image, kind, tensor)
    effective = _layered(mesh, image, kind, tensor, normal)
    filled = _filled_octants(mesh, image)
    octants = filled[:, :, None] * effective[:, None]
    octants[:, :, :3] += ((1 - filled) * AIR_SHARE * conductivity.torso)[:, :, None]
    return np.moveaxis(_matrices(octants), (2, 3), (0, 1))


def _tissues(
    image: LabelImage, voxel_index: NDArray[np.integer], fibre: NDArray[np.floating], conductivity: Conductivity
) -> tuple[NDArray[np.int32], Array]:
    """Kind of tissue of every voxel of the image (0 is air) and the tensor of every kind, shape (kind, 6)."""
    uniform = {
        Label.TORSO: conductivity.torso,
        Label.LUNG: conductivity.lung,
        Label.LV_BLOOD: conductivity.blood,
        Label.RV_BLOOD: conductivity.blood,
    }
    tensor = np.zeros((1 + len(uniform) + len(voxel_index), 6))
    kind_of_label = np.zeros(len(Label), dtype=np.int32)
    for number, (label, value) in enumerate(uniform.items(), start=1):
        kind_of_label[label] = number
        tensor[number, :3] = value
    kind = kind_of_label[image.labels]
    # Every muscle voxel has a fibre of its own, so it is a kind of its own.
    kind[tuple(np.asarray(voxel_index).T)] = np.arange(1 + len(uniform), len(tensor))
    unlisted = int(((kind == 0) & (image.labels != Label.AIR)).sum())
    if unlisted:
        raise GeometryError(
            f"anatomy: {unlisted} voxels of 'labels' are myocardium (or unknown) but missing from 'voxel_index'; "
            "every myocardial voxel needs a fibre"
        )
    tensor[1 + len(uniform) :] = transversely_isotropic(
        fibre,
        conductivity.intracellular_along + conductivity.extracellular_along,
        conductivity.intracellular_across + conductivity.extracellular_across,
    )[:, _ROW, _COLUMN]
    return kind, tensor


def _border_normals(mesh: HexMesh, image: LabelImage, kind: NDArray[np.int32], tensor: Array) -> Array:
    """Unit normal of the borders within each cell, shape (cell, 3); zero where no border passes."""
    logarithm = np.log(np.maximum(tensor[:, :3].mean(axis=1), 1e-30)).astype(np.float32)
    tissue = (kind > 0).astype(np.float32)
    # Smoothing within the body only: the skin is no border between tissues.
    share = ndimage.gaussian_filter(tissue, _SMOOTHING_VOXELS)
    smooth = ndimage.gaussian_filter(logarithm[kind] * tissue, _SMOOTHING_VOXELS)
    gradient = np.gradient(np.where(share > 1e-4, smooth / np.maximum(share, 1e-4), 0.0))
    structure = np.zeros((len(mesh.lower), 6))
    for cell, voxel, volume in _shared_volumes(*_boxes(mesh, image), image):
        g = np.stack([component[voxel] for component in gradient], axis=1) * (tissue[voxel] > 0)[:, None]
        structure[cell] += volume[:, None] * g[:, _ROW] * g[:, _COLUMN]
    crossed = np.flatnonzero(structure[:, :3].sum(axis=1) > 1e-4)
    normal = np.zeros((len(mesh.lower), 3))
    normal[crossed] = np.linalg.eigh(_matrices(structure[crossed]))[1][:, :, -1]
    return normal


def _layered(mesh: HexMesh, image: LabelImage, kind: NDArray[np.int32], tensor: Array, normal: Array) -> Array:
    """Effective tensor of the tissue in each cell as layers with the given normal, shape (cell, 6)."""
    cells = len(mesh.lower)
    volume, resistance = np.zeros(cells), np.zeros(cells)
    flux, parallel = np.zeros((cells, 3)), np.zeros((cells, 6))
    for box, voxel, shared in _shared_volumes(*_boxes(mesh, image), image):
        inside = kind[voxel] > 0
        cell, share, d = box[inside], shared[inside], tensor[kind[voxel][inside]]
        n = normal[cell]
        current = np.einsum("cij,cj->ci", _matrices(d), n)
        conductance = np.einsum("ci,ci->c", current, n)
        # Where no border passes n is zero and the plain mean remains.
        inverse = np.where(conductance > 0, 1 / np.where(conductance > 0, conductance, 1.0), 0.0)
        volume[cell] += share
        parallel[cell] += share[:, None] * (d - inverse[:, None] * current[:, _ROW] * current[:, _COLUMN])
        flux[cell] += (share * inverse)[:, None] * current
        resistance[cell] += share * inverse
    series = flux[:, _ROW] * flux[:, _COLUMN] / np.where(resistance > 0, resistance, 1.0)[:, None]
    return (parallel + series) / np.maximum(volume, 1e-300)[:, None]


def _filled_octants(mesh: HexMesh, image: LabelImage) -> Array:
    """Share of each octant that is not air, shape (cell, octant)."""
    lower, edge = _boxes(mesh, image)
    filled = np.zeros((len(lower), 8))
    for octant, corner in enumerate(CORNERS):
        for cell, voxel, share in _shared_volumes(lower + edge[:, None] / 2 * corner, edge / 2, image):
            filled[cell, octant] += share * (image.labels[voxel] != Label.AIR)
    return filled


def _boxes(mesh: HexMesh, image: LabelImage) -> tuple[Array, Array]:
    """Lower corners and edges of the cells in voxels from the image's lower corner."""
    image_corner = image.origin_mm - image.spacing_mm / 2
    lower = (mesh.origin_mm + mesh.unit_mm * mesh.lower - image_corner) / image.spacing_mm
    return lower, np.asarray(mesh.unit_mm * 2.0**mesh.level / image.spacing_mm, dtype=float)


def _shared_volumes(
    lower: Array, edge: Array, image: LabelImage
) -> Iterator[tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...], Array]]:
    """Boxes, for each of them a voxel of the image, and the share of the box that lies in that voxel."""
    shape = np.array(image.labels.shape)
    for size in np.unique(edge):
        boxes = np.flatnonzero(edge == size)
        first = np.floor(lower[boxes] + 1e-9).astype(np.int64)
        span = int(np.ceil(size - 1e-9)) + 1
        # Volumes are products of lengths: (box, axis, step).
        voxel = first[:, :, None] + np.arange(span)
        start = np.maximum(voxel, lower[boxes][:, :, None])
        stop = np.minimum(voxel + 1, lower[boxes][:, :, None] + size)
        length = np.clip(stop - start, 0.0, None) / size
        length[(voxel < 0) | (voxel >= shape[:, None])] = 0.0
        for i, j, k in np.ndindex(span, span, span):
            share = length[:, 0, i] * length[:, 1, j] * length[:, 2, k]
            used = np.flatnonzero(share > 1e-12)
            yield boxes[used], (voxel[used, 0, i], voxel[used, 1, j], voxel[used, 2, k]), share[used]


def _matrices(component: Array) -> Array:
    """Symmetric matrices, shape (..., 3, 3), from their six components."""
    full = np.empty((*component.shape[:-1], 3, 3))
    full[..., _ROW, _COLUMN] = component
    full[..., _COLUMN, _ROW] = component
    return full
