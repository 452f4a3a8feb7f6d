"""Which voxels lie beside which: neighbour tables, graphs of the wall and its connected parts."""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from transmural.stores.errors import GeometryError

FACES = np.array([offset for offset in product((-1, 0, 1), repeat=3) if sum(map(abs, offset)) == 1])
_PLANE_MM = 0.05
SURROUNDING = np.array([offset for offset in product((-1, 0, 1), repeat=3) if any(offset)])


def neighbours(voxel_index: NDArray[np.integer], offsets: NDArray[np.integer]) -> NDArray[np.intp]:
    """Number of the voxel at each offset, −1 where there is none.

    Parameters
    ----------
    voxel_index
        Grid indices of the voxels, shape (n, 3).
    offsets
        Steps of −1, 0 or 1 on the grid, shape (m, 3).

    Returns
    -------
    NDArray
        Shape (n, m).

    Raises
    ------
    GeometryError
        If two voxels have the same index.
    """
    inner = np.asarray(voxel_index, dtype=np.intp)
    inner = inner - inner.min(axis=0) + 1
    number = np.full(inner.max(axis=0) + 2, -1, dtype=np.intp)
    number[tuple(inner.T)] = np.arange(len(inner))
    if (number[tuple(inner.T)] != np.arange(len(inner))).any():
        raise GeometryError("voxel_index: an index occurs twice; every voxel must be listed once")
    return np.stack([number[tuple((inner + offset).T)] for offset in np.asarray(offsets)], axis=1)


def grid_of(voxel_position: NDArray[np.floating]) -> tuple[NDArray[np.intp], float]:
    """Grid indices, shape (n, 3), and edge in mm of the voxels with the given centres, shape (n, 3).

    Raises
    ------
    GeometryError
        If the positions aren't the centres of cubic voxels on a grid aligned with the axes.
    """
    position = np.asarray(voxel_position, dtype=np.float64)
    extent = np.ptp(position, axis=0)
    gaps = np.concatenate([np.diff(np.unique(position[:, axis])) for axis in range(3)])
    # Centres stored in float32 differ a little within one plane of the grid.
    spacing = float(gaps[gaps > _PLANE_MM].min(initial=extent.max() + 1))
    spacing = float(extent.max() / np.rint(extent.max() / spacing)) if extent.max() > 0 else spacing
    fractional = (position - position.min(axis=0)) / spacing
    index = np.rint(fractional).astype(np.intp)
    if np.abs(fractional - index).max() > 0.05:
        raise GeometryError("voxel_position: the voxels don't lie on one cubic grid along the axes")
    return index, spacing


def wall_graph(
    voxel_index: NDArray[np.integer], spacing_mm: float, offsets: NDArray[np.integer] = SURROUNDING
) -> sparse.csr_matrix:
    """Graph of the voxels with the distances (mm) of neighbours as weights, shape (n, n)."""
    table = neighbours(voxel_index, offsets)
    row, step = np.nonzero(table >= 0)
    length = spacing_mm * np.linalg.norm(offsets, axis=1)
    return sparse.csr_matrix((length[step], (row, table[row, step])), shape=(len(table), len(table)))


def connected_part(graph: sparse.csr_matrix, inside: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """Voxels of ``inside`` connected to voxel ``seed`` through ``inside``, shape (n,); none if it isn't inside."""
    part = np.zeros(len(inside), dtype=bool)
    if not inside[seed]:
        return part
    members = np.flatnonzero(inside)
    _, component = connected_components(graph[members][:, members], directed=False)
    part[members[component == component[np.searchsorted(members, seed)]]] = True
    return part
