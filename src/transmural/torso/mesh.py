"""Graded hexahedra from a label image: a 2:1 balanced octree, fine in and around the heart, coarse far from it.

Cells are cubes of edge ``heart_element_mm * 2**level``. A cell is split while it touches the heart (or, for the last
steps, the body surface), and neighbours differ by one level at most, so that a corner of a small cell may hang in the
middle of an edge or a face of its larger neighbour. There its value is the mean of that edge's or face's corners,
which keeps the trilinear functions continuous: the unknowns are the corners that don't hang, and a sparse
``prolongation`` gives the rest.

Cells need not follow the tissue's interfaces: `transmural.torso.conductivity` integrates the true volumes of
tissue inside every cell, air included (the finite cell method: Parvizian, Düster & Rank 2007, Comput. Mech. 41:121).
So no cell is ever inverted, however crooked the anatomy.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse.csgraph import connected_components

from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.stores.errors import ConfigurationError, GeometryError

LARGEST_MESH = 600_000
_HEART = (*MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)
# Corner c of a cell lies at offset (c & 1, c >> 1 & 1, c >> 2 & 1), in units of the cell's edge.
CORNERS = np.array([[c & 1, c >> 1 & 1, c >> 2 & 1] for c in range(8)])


@dataclass(frozen=True)
class HexMesh:
    """Cubic cells of several sizes on one integer lattice.

    Attributes
    ----------
    origin_mm, unit_mm
        Position of lattice point (0, 0, 0), shape (3,), and the lattice's spacing: the edge of the smallest cells.
    lower
        Lattice point of each cell's corner nearest to the origin, shape (cell, 3), sorted by level.
    level
        Edge of each cell is ``unit_mm * 2**level``, shape (cell,).
    corner
        Vertex number of each cell's eight corners in the order of `CORNERS`, shape (cell, 8).
    vertex
        Lattice point of each vertex, shape (vertex, 3).
    prolongation
        Vertex values from unknowns, shape (vertex, unknown): rows sum to one.
    """

    origin_mm: NDArray[np.float64]
    unit_mm: float
    lower: NDArray[np.int64]
    level: NDArray[np.int64]
    corner: NDArray[np.int64]
    vertex: NDArray[np.int64]
    prolongation: sp.csr_matrix

    @property
    def vertex_mm(self) -> NDArray[np.float64]:
        """Positions of the vertices in mm, shape (vertex, 3)."""
        return self.origin_mm + self.unit_mm * self.vertex

    @property
    def unknown_mm(self) -> NDArray[np.float64]:
        """Positions of the vertices that are unknowns, shape (unknown, 3)."""
        single = np.flatnonzero(np.diff(self.prolongation.indptr) == 1)
        position = np.empty((self.prolongation.shape[1], 3))
        position[self.prolongation.indices[self.prolongation.indptr[single]]] = self.vertex_mm[single]
        return position

    def interpolation(self, position_mm: NDArray[np.float64], where: str) -> sp.csr_matrix:
        """Trilinear interpolation from the unknowns to points, shape (point, unknown).

        Raises
        ------
        GeometryError
            If a point lies in no cell; ``where`` names the points.
        """
        point = (np.asarray(position_mm, dtype=float) - self.origin_mm) / self.unit_mm
        cell = self._cell_of(point)
        if (cell < 0).any():
            raise GeometryError(f"{where}: {int((cell < 0).sum())} of {len(cell)} points lie outside the body's mesh")
        local = (point - self.lower[cell]) / 2.0 ** self.level[cell, None]
        weight = np.prod(np.where(CORNERS == 1, local[:, None], 1 - local[:, None]), axis=2)
        row = np.repeat(np.arange(len(point)), 8)
        shape = (len(point), len(self.vertex))
        return (sp.csr_matrix((weight.ravel(), (row, self.corner[cell].ravel())), shape) @ self.prolongation).tocsr()

    def _cell_of(self, point: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cell that holds each lattice position; -1 where none does."""
        found = np.full(len(point), -1)
        for level in np.unique(self.level):
            members = np.flatnonzero(self.level == level)
            size = (self.vertex.max(axis=0) >> level) + 1
            keys = np.ravel_multi_index(tuple((self.lower[members] >> level).T), tuple(size))
            order = np.argsort(keys)
            index = np.floor(point / 2**level).astype(np.int64)
            inside = ((index >= 0) & (index < size)).all(axis=1)
            key = np.ravel_multi_index(tuple(index[inside].T), tuple(size))
            slot = np.minimum(np.searchsorted(keys[order], key), len(keys) - 1)
            match = keys[order][slot] == key
            found[np.flatnonzero(inside)[match]] = members[order][slot[match]]
        return found


def graded_hexahedra(
    image: LabelImage, heart_element_mm: float, body_element_mm: float, surface_levels: int = 1
) -> HexMesh:
    """Mesh all that is not air, with cells of ``heart_element_mm`` in the heart growing to ``body_element_mm``.

    Parameters
    ----------
    image
        Tissue labels; ventricles and their blood are «the heart».
    heart_element_mm, body_element_mm
        Edges of the smallest and of the largest cells; the largest are the greatest ``heart_element_mm * 2**n``
        that don't exceed ``body_element_mm``.
    surface_levels
        How many times cells at the body surface are halved below the largest size.

    Raises
    ------
    ConfigurationError
        If the sizes are in the wrong order or the mesh would exceed `LARGEST_MESH` cells; names the keys.
    GeometryError
        If the image holds no heart, or the part of the body that holds the heart is not all of it.
    """
    if heart_element_mm > body_element_mm:
        raise ConfigurationError(
            f"torso.heart_element_mm ({heart_element_mm} mm) exceeds torso.body_element_mm ({body_element_mm} mm); "
            "make the heart's elements the smaller ones"
        )
    body, heart = image.labels != Label.AIR, np.isin(image.labels, _HEART)
    if not heart.any():
        raise GeometryError("label image: no voxel is labelled ventricular myocardium or blood, so there is no heart")
    levels = int(np.floor(np.log2(body_element_mm / heart_element_mm) + 1e-9))
    _refuse_if_too_large(image, body, heart, heart_element_mm, heart_element_mm * 2**levels)

    top = heart_element_mm * 2**levels
    extent = np.array(image.labels.shape) * image.spacing_mm
    cells = np.ceil(extent / top - 1e-9).astype(int)
    # The lattice is centred on the image: a mirrored image gets the mirrored mesh.
    origin = image.origin_mm - image.spacing_mm / 2 + (extent - cells * top) / 2

    def occupied(mask: NDArray[np.bool_], level: int) -> NDArray[np.bool_]:
        return _occupied(mask, image, origin, heart_element_mm * 2**level, cells * 2 ** (levels - level))

    surface = body & ~ndimage.binary_erosion(body)
    split: list[NDArray[np.bool_]] = [np.zeros(cells * 2**levels, dtype=bool)]
    for level in range(1, levels + 1):
        # Cells that must exist one level below, those in the heart and those split further, and all their neighbours.
        wanted = _coarse(_dilate(occupied(heart, level - 1) | split[level - 1]))
        if level > levels - surface_levels:
            wanted |= occupied(surface, level)
        split.append(wanted)
    return _collect(split, [occupied(body, level) for level in range(levels + 1)], origin, heart_element_mm)


def _dilate(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return ndimage.binary_dilation(mask, np.ones((3, 3, 3), dtype=bool))


def _coarse(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Parents of the cells in ``mask``."""
    x, y, z = mask.shape
    return mask.reshape(x // 2, 2, y // 2, 2, z // 2, 2).any(axis=(1, 3, 5))


def _occupied(
    mask: NDArray[np.bool_], image: LabelImage, origin_mm: NDArray[np.float64], edge_mm: float, shape: NDArray[np.int_]
) -> NDArray[np.bool_]:
    """Cells of a uniform grid that share volume with the voxels in ``mask``."""
    for axis in range(3):
        lower = image.origin_mm[axis] + image.spacing_mm * (np.arange(mask.shape[axis]) - 0.5)
        offset = (lower - origin_mm[axis]) / edge_mm
        first = np.floor(offset + 1e-9).astype(int)
        last = np.ceil(offset + image.spacing_mm / edge_mm - 1e-9).astype(int) - 1
        result = np.zeros((*mask.shape[:axis], int(shape[axis]), *mask.shape[axis + 1 :]), dtype=bool)
        span = int((last - first).max())
        for step in range(span + 1):
            target = np.minimum(first + step, last)
            # Several voxels share a cell: reduce over the runs of equal targets.
            starts = np.flatnonzero(np.r_[True, np.diff(target) > 0])
            place: list[object] = [slice(None)] * 3
            place[axis] = target[starts]
            result[tuple(place)] |= np.logical_or.reduceat(mask, starts, axis=axis)
        mask = result
    return mask


def _refuse_if_too_large(
    image: LabelImage, body: NDArray[np.bool_], heart: NDArray[np.bool_], small_mm: float, large_mm: float
) -> None:
    volume = image.spacing_mm**3
    fine = heart.sum() * volume / small_mm**3
    coarse = (body.sum() - heart.sum()) * volume / large_mm**3
    # Layers of intermediate cells and the partly filled ones about double the count of the full cells.
    predicted = 2 * (fine + coarse)
    if predicted > LARGEST_MESH:
        key, value = (
            ("heart_element_mm", small_mm) if fine > coarse else ("body_element_mm", large_mm)
        )
        raise ConfigurationError(
            f"torso.{key} = {value:g} mm asks for about {predicted:,.0f} finite elements; "
            f"raise it until there are at most {LARGEST_MESH:,}"
        )


def _collect(
    split: list[NDArray[np.bool_]], occupied: list[NDArray[np.bool_]], origin: NDArray[np.float64], unit_mm: float
) -> HexMesh:
    """Leaves of the octree that hold tissue, their vertices, and the prolongation to hanging vertices."""
    lowers, levels = [], []
    for level in range(len(split)):
        leaf = occupied[level] & ~split[level]
        if level + 1 < len(split):
            leaf &= np.kron(split[level + 1], np.ones((2, 2, 2), dtype=bool))
        lowers.append(np.argwhere(leaf) << level)
        levels.append(np.full(len(lowers[-1]), level))
    lower, level_of = np.concatenate(lowers), np.concatenate(levels)
    edge = 1 << level_of
    points = lower[:, None] + edge[:, None, None] * CORNERS
    size = tuple(points.reshape(-1, 3).max(axis=0) + 1)
    keys, corner = np.unique(np.ravel_multi_index(tuple(points.reshape(-1, 3).T), size), return_inverse=True)
    corner = corner.reshape(-1, 8)
    vertex = np.stack(np.unravel_index(keys, size), axis=1).astype(np.int64)
    prolongation = _prolongation(keys, size, lower, edge, corner)
    mesh = HexMesh(origin, unit_mm, lower, level_of, corner, vertex, prolongation)
    _check_connected(mesh)
    return mesh


def _prolongation(
    keys: NDArray[np.int64],
    size: tuple[int, ...],
    lower: NDArray[np.int64],
    edge: NDArray[np.int64],
    corner: NDArray[np.int64],
) -> sp.csr_matrix:
    """Vertices that hang in the middle of a cell's edge or face take the mean of its ends or corners."""
    count = len(keys)
    rows, columns, values = [], [], []
    hanging = np.zeros(count, dtype=bool)
    splittable = edge > 1
    # Faces first: a vertex in the middle of a face can't also be in the middle of an edge of another cell's side
    # without that cell breaking the 2:1 balance, so the order doesn't matter; each vertex is taken once.
    for master in _edges_and_faces():
        middle = lower[splittable, :] + (edge[splittable, None] * CORNERS[master].sum(axis=0)) // len(master)
        key = np.ravel_multi_index(tuple(middle.T), size)
        slot = np.minimum(np.searchsorted(keys, key), count - 1)
        exists = keys[slot] == key
        number, first = np.unique(slot[exists], return_index=True)
        fresh = ~hanging[number]
        number, cell = number[fresh], np.flatnonzero(splittable)[exists][first[fresh]]
        hanging[number] = True
        rows.append(np.repeat(number, len(master)))
        columns.append(corner[cell][:, master].ravel())
        values.append(np.full(len(number) * len(master), 1 / len(master)))
    free = np.flatnonzero(~hanging)
    rows.append(free)
    columns.append(free)
    values.append(np.ones(len(free)))
    constraint = sp.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (count,) * 2)
    # A master may hang on a larger cell in turn: substitute until only free vertices remain.
    while hanging[constraint.indices].any():
        constraint = constraint @ constraint
        constraint.eliminate_zeros()
    return constraint[:, free].tocsr()


def _edges_and_faces() -> list[list[int]]:
    """Corner numbers of the 6 faces and of the 12 edges of a cell."""
    faces = [[c for c in range(8) if CORNERS[c, axis] == side] for axis in range(3) for side in (0, 1)]
    edges = [[a, b] for a in range(8) for b in range(a + 1, 8) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 1]
    return faces + edges


def _check_connected(mesh: HexMesh) -> None:
    cells = len(mesh.corner)
    incidence = sp.csr_matrix(
        (np.ones(8 * cells), (np.repeat(np.arange(cells), 8), mesh.corner.ravel())), (cells, len(mesh.vertex))
    ) @ mesh.prolongation
    count, part = connected_components(incidence @ incidence.T, directed=False)
    if count > 1:
        share = np.bincount(part).max() / cells
        raise GeometryError(
            f"label image: the body falls into {count} separate pieces (the largest holds {share:.0%} of the elements); "
            "everything that is not air must be connected"
        )
