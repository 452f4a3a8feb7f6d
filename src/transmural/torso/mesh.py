"""Hexahedra of several sizes: cubes on one integer lattice, with continuous trilinear functions.

Cells are cubes of edge ``unit_mm * 2**level``; neighbours differ by one level at most, so a corner of a small cell may
hang in the middle of an edge or a face of its larger neighbour. There its value is the mean of that edge's or face's
corners, which keeps the functions continuous (Šolín, Segeth & Doležel 2003, Higher-Order Finite Element Methods,
ch. 3): the unknowns are the corners that don't hang, and a sparse ``prolongation`` gives the rest.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from transmural.stores.errors import GeometryError

# Corner (and octant) c of a cell lies at this offset, in units of the cell's edge.
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
        from_vertices = sp.csr_matrix((weight.ravel(), (row, self.corner[cell].ravel())), shape)
        return sp.csr_matrix(from_vertices @ self.prolongation)

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


def hex_mesh(
    lower: NDArray[np.int64], level: NDArray[np.int64], origin_mm: NDArray[np.float64], unit_mm: float
) -> HexMesh:
    """Number the vertices of the cells and find those that hang.

    Parameters
    ----------
    lower, level
        Lattice points and levels of the cells, shapes (cell, 3) and (cell,): see `HexMesh`.
    origin_mm, unit_mm
        The lattice.

    Raises
    ------
    GeometryError
        If the cells are not one connected piece.
    """
    edge = 1 << level
    points = lower[:, None] + edge[:, None, None] * CORNERS
    size = tuple(points.reshape(-1, 3).max(axis=0) + 1)
    keys, corner = np.unique(np.ravel_multi_index(tuple(points.reshape(-1, 3).T), size), return_inverse=True)
    corner = corner.reshape(-1, 8)
    vertex = np.stack(np.unravel_index(keys, size), axis=1).astype(np.int64)
    prolongation = _prolongation(keys, size, lower, edge, corner)
    _check_connected(corner, prolongation)
    return HexMesh(origin_mm, unit_mm, lower, level, corner, vertex, prolongation)


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
    return sp.csr_matrix(constraint[:, free])


def _edges_and_faces() -> list[list[int]]:
    """Corner numbers of the 6 faces and of the 12 edges of a cell."""
    faces = [[c for c in range(8) if CORNERS[c, axis] == side] for axis in range(3) for side in (0, 1)]
    edges = [[a, b] for a in range(8) for b in range(a + 1, 8) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 1]
    return faces + edges


def _check_connected(corner: NDArray[np.int64], prolongation: sp.csr_matrix) -> None:
    cells, vertices = len(corner), prolongation.shape[0]
    touches = (np.ones(8 * cells), (np.repeat(np.arange(cells), 8), corner.ravel()))
    incidence = sp.csr_matrix(touches, (cells, vertices)) @ prolongation
    count, piece = connected_components(sp.bmat([[None, incidence], [incidence.T, None]]), directed=False)
    if count > 1:
        share = np.bincount(piece[:cells]).max() / cells
        raise GeometryError(
            f"label image: the body falls into {count} separate pieces, the largest with {share:.1%} of the elements; "
            "everything that is not air must be connected"
        )
