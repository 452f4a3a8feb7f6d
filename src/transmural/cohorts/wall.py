"""Distance through the wall: sites on two sides of a cavity are far apart, however near in space.

Shortest paths (Dijkstra) through the up to 26 voxels around each (`transmural.tissue.neighbours.wall_graph`) are at
most 13 % longer than the true shortest path within the wall, which is enough to spread sites; limits that a result
must keep are Euclidean instead.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from transmural.stores.errors import GeometryError


def wall_distance(
    graph: sparse.csr_matrix, sources: NDArray[np.integer], limit_mm: float = np.inf
) -> NDArray[np.float64]:
    """Distance in mm of every voxel from the nearest of ``sources`` along the wall.

    Infinite beyond ``limit_mm`` and where the wall is not connected.
    """
    # The graph is symmetric: searching it as a directed one saves its transpose.
    distance: NDArray[np.float64] = dijkstra(graph, indices=np.asarray(sources), limit=limit_mm, min_only=True)
    return distance


def farthest_sites(
    graph: sparse.csr_matrix, layers: Sequence[NDArray[np.bool_]], generator: np.random.Generator
) -> Iterator[int]:
    """Sites of the wall, each as far as possible from all before it; every prefix of the sequence is well spread.

    Farthest-point sampling (Gonzalez 1985: the sites of each prefix are at least half as far apart as in the best
    possible choice), with the ``layers`` of the wall taking turns so that both its surfaces and its middle are covered.

    Parameters
    ----------
    graph
        From `transmural.tissue.neighbours.wall_graph`, connected.
    layers
        Voxels of each layer, shape (voxel,) each; empty layers are passed over.
    generator
        Chooses the first site.

    Yields
    ------
    int
        Number of a voxel. The sequence ends when a layer has no voxel left.

    Raises
    ------
    GeometryError
        If no layer has a voxel, or the wall is not connected.
    """
    filled = [np.flatnonzero(layer) for layer in layers if layer.any()]
    if not filled:
        raise GeometryError("no myocardial voxel can be an origin: every layer of the wall is empty")
    site = int(generator.choice(filled[0]))
    distance = wall_distance(graph, np.array([site]))
    if not np.isfinite(distance).all():
        raise GeometryError(f"the myocardium is not connected: {int(np.isinf(distance).sum())} voxels lie apart")
    yield site
    turn = 0
    while True:
        turn += 1
        layer = filled[turn % len(filled)]
        site = int(layer[np.argmax(distance[layer])])
        if distance[site] == 0:
            return
        # Only voxels nearer to the new site than to all others change: no need to look farther.
        distance = np.minimum(distance, wall_distance(graph, np.array([site]), limit_mm=float(distance.max())))
        yield site
