"""Inference nodes: the wall's voxels aggregated into N compact, connected groups of similar size.

Centroidal Voronoi cells by Lloyd's iteration, with distances along the wall (shortest paths from voxel to voxel), so
that no cell reaches across a cavity and every cell is connected.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from transmural.anatomy.wall import Wall
from transmural.stores.errors import GeometryError

_BETWEEN_VENTRICLES = 4.0  # a step between the ventricles' walls counts as this many: cells keep to one ventricle


def aggregate(wall: Wall, count: int, rounds: int = 12) -> NDArray[np.int64]:
    """Number of the node to which each voxel belongs, shape (voxel,); every node has at least one voxel.

    Raises
    ------
    GeometryError
        If there are fewer voxels than nodes.
    """
    if count > len(wall.index):
        raise GeometryError(
            f"anatomy.nodes asks for {count} nodes, but the myocardium has only {len(wall.index)} voxels; "
            "ask for fewer nodes or use smaller voxels (anatomy.voxel_mm)"
        )
    pairs = wall.adjacency(reach=1)
    length = np.linalg.norm(wall.index[pairs[:, 0]] - wall.index[pairs[:, 1]], axis=1)
    length = np.where(wall.left[pairs[:, 0]] == wall.left[pairs[:, 1]], length, _BETWEEN_VENTRICLES * length)
    size = len(wall.index)
    graph = sparse.coo_array((length, (pairs[:, 0], pairs[:, 1])), shape=(size, size)).tocsr()
    return voronoi_cells(graph, wall.index.astype(float), count, rounds)


def voronoi_cells(graph: sparse.csr_array, position: NDArray[np.float64], count: int, rounds: int) -> NDArray[np.int64]:
    """Centroidal Voronoi cells of a graph's vertices: number of the cell of each vertex, shape (vertex,).

    Parameters
    ----------
    graph
        Lengths of the edges between neighbouring vertices, symmetric and connected.
    position
        Vertices, shape (vertex, 3), in the units of the lengths.
    count
        Number of cells.
    rounds
        Lloyd's iterations.
    """
    # Evenly along a space-filling curve: seeds start with about equal shares, without any randomness.
    order = np.argsort(_morton(position), kind="stable")
    seeds = order[np.floor((np.arange(count) + 0.5) * len(order) / count).astype(int)]
    for _ in range(rounds):
        cell = _nearest_seed(graph, seeds)
        seeds = _central_vertices(position, cell, count)
    return _nearest_seed(graph, seeds)


def _nearest_seed(graph: sparse.csr_array, seeds: NDArray[np.int64]) -> NDArray[np.int64]:
    _, _, source = dijkstra(graph, indices=seeds, min_only=True, return_predecessors=True)
    number = np.full(graph.shape[0], -1)
    number[seeds] = np.arange(len(seeds))
    cell: NDArray[np.int64] = number[source]
    return cell


def _central_vertices(position: NDArray[np.float64], cell: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The vertex of each cell that is nearest to the cell's centroid; the first of several."""
    members = np.bincount(cell, minlength=count)
    centroid = np.stack([np.bincount(cell, position[:, k], count) for k in range(3)], axis=1) / members[:, None]
    distance = np.sum((position - centroid[cell]) ** 2, axis=1)
    order = np.lexsort((np.arange(len(cell)), distance, cell))
    central: NDArray[np.int64] = order[np.concatenate([[0], np.cumsum(members)[:-1]])]
    return central


def _morton(position: NDArray[np.float64], bits: int = 10) -> NDArray[np.int64]:
    """Position along the Z-order curve through the bounding cube."""
    low = position.min(axis=0)
    scale = (2**bits - 1) / max(np.ptp(position, axis=0).max(), 1e-9)
    cells = np.floor((position - low) * scale).astype(np.int64)
    code = np.zeros(len(position), np.int64)
    for bit in range(bits):
        for axis in range(3):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return code
