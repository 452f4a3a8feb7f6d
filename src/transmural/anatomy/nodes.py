"""Inference nodes: the wall's voxels aggregated into N compact, connected groups of nearly equal volume.

Centroidal Voronoi cells by Lloyd's iteration, with distances along the wall (shortest paths from voxel to voxel), so
that no cell reaches across a cavity and every cell is connected. Volumes are levelled as in power diagrams (Aurenhammer
et al., Algorithmica 20, 1998): the front of a seed whose cell is too large starts later. What the voxels' steps leave
uneven is levelled by handing single voxels from cell to cell.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from transmural.anatomy.wall import Wall
from transmural.stores.errors import GeometryError

_BETWEEN_VENTRICLES = 8.0  # a step between the ventricles' walls counts as this many: cells keep to one ventricle
_ROUNDS = 40
_GAIN = 0.1  # change of a seed's delay, in radii of a cell, for an excess of one mean volume
_LONGEST_DELAY = 0.98  # in shortest edges; a seed delayed by a whole edge may lose its own vertex
_UNEVEN = 0.25  # difference of two neighbours' volumes, in mean volumes, that calls for a voxel to change its cell
_FARTHEST = 2.2  # from the centroid of the cell that takes a voxel, in radii: no cell grows into a string
_PASSES = 10


def aggregate(wall: Wall, count: int) -> NDArray[np.int64]:
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
    position = wall.index.astype(float)
    cell = voronoi_cells(graph, position, count, _ROUNDS, _GAIN * _radius(size, count))
    return _levelled(cell, graph, position, wall.left)


def _radius(vertices: int, cells: int) -> float:
    """Radius in voxels of a ball with the mean volume of a cell."""
    return float(np.cbrt(3 * vertices / (4 * np.pi * cells)))


def voronoi_cells(
    graph: sparse.csr_array, position: NDArray[np.float64], count: int, rounds: int, gain: float = 0.0
) -> NDArray[np.int64]:
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
    gain
        Added to a seed's delay after every round for each mean volume that its cell has in excess; 0 leaves volumes
        as they come.
    """
    # Evenly along a space-filling curve: seeds start with about equal shares, without any randomness.
    order = np.argsort(_morton(position), kind="stable")
    seeds = order[np.floor((np.arange(count) + 0.5) * len(order) / count).astype(int)]
    longest = _LONGEST_DELAY * graph.data.min(initial=1.0)
    delay = np.full(count, longest / 2 if gain else 0.0)
    for _ in range(rounds):
        cell = _first_to_arrive(graph, seeds, delay)
        seeds = _central_vertices(position, cell, count)
        if gain:
            excess = np.bincount(cell, minlength=count) * count / len(cell) - 1
            delay = np.clip(delay + gain * excess, 0, longest)
    return _first_to_arrive(graph, seeds, delay)


def _first_to_arrive(
    graph: sparse.csr_array, seeds: NDArray[np.int64], delay: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Number of the seed whose front reaches each vertex first, fronts starting at ``delay``."""
    size = graph.shape[0]
    # One more vertex, from which an edge leads to every seed. A length of zero would mean no edge.
    data = np.concatenate([graph.data, 1.0 + delay])
    indices = np.concatenate([graph.indices, seeds])
    indptr = np.append(graph.indptr, len(data))
    fronts = sparse.csr_array((data, indices, indptr), shape=(size + 1, size + 1))
    _, before, _ = dijkstra(fronts, indices=[size], return_predecessors=True, min_only=True)
    source = np.where(before[:size] == size, np.arange(size), before[:size])
    while (source[source] != source).any():
        source = source[source]
    number = np.full(size, -1)
    number[seeds] = np.arange(len(seeds))
    cell: NDArray[np.int64] = number[source]
    return cell


def _levelled(
    cell: NDArray[np.int64], graph: sparse.csr_array, position: NDArray[np.float64], ventricle: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Hand vertices at borders from larger to smaller cells of the same ventricle, as long as cells stay connected."""
    cell = cell.copy()
    count = int(cell.max()) + 1
    uneven = max(2.0, _UNEVEN * len(cell) / count)  # with a difference of one, a voxel would go to and fro
    farthest = _FARTHEST * _radius(len(cell), count)
    i, j = graph.nonzero()
    same = ventricle[i] == ventricle[j]
    i, j = i[same], j[same]
    order = np.argsort(cell, kind="stable")
    members = [set(m.tolist()) for m in np.split(order, np.cumsum(np.bincount(cell, minlength=count))[:-1])]
    for _ in range(_PASSES):
        volume, centroid = _volumes_and_centroids(position, cell, count)
        gap = volume[cell[i]] - volume[cell[j]]
        distance = np.linalg.norm(position[i] - centroid[cell[j]], axis=1)
        chosen = np.flatnonzero((gap >= uneven) & (distance <= farthest))
        chosen = chosen[np.lexsort((distance[chosen], -gap[chosen]))]
        moved = False
        for voxel, beside in zip(i[chosen].tolist(), j[chosen].tolist(), strict=True):
            giver, taker = members[cell[voxel]], members[cell[beside]]
            if len(giver) - len(taker) >= uneven and _connected(giver - {voxel}, graph):
                giver.remove(voxel)
                taker.add(voxel)
                cell[voxel] = cell[beside]
                moved = True
        if not moved:
            break
    return cell


def _connected(vertices: set[int], graph: sparse.csr_array) -> bool:
    """Whether a few vertices, at least one, hang together by edges of the graph."""
    left = set(vertices)
    front = [left.pop()]
    while front:
        vertex = front.pop()
        found = left.intersection(graph.indices[graph.indptr[vertex] : graph.indptr[vertex + 1]].tolist())
        left -= found
        front.extend(found)
    return not left


def _volumes_and_centroids(
    position: NDArray[np.float64], cell: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    volume = np.bincount(cell, minlength=count)
    total = np.stack([np.bincount(cell, position[:, k], count) for k in range(3)], axis=1)
    return volume, total / volume[:, None]


def _central_vertices(position: NDArray[np.float64], cell: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The vertex of each cell that is nearest to the cell's centroid; the first of several."""
    members, centroid = _volumes_and_centroids(position, cell, count)
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
