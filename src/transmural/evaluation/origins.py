"""Where a reconstructed beat starts, and how far that is from where it started.

The reconstructed origin is the centroid of the earliest-activated hundredth of the nodes (at least three), after each
activation time has been replaced by the median of the node's and its neighbours': isolated nodes are at the mercy of
noise. On the validation beats of a phantom (900 nodes) the true potentials' origin lies 3 mm from the stimulus with or
without the median, and Greensite's 19 mm from it with and 32 mm without.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.node_graph import NodeGraph

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]

EARLIEST_SHARE = 0.01
_LEAST_NODES = 3


def origin_from_activation(activation_ms: Floats, graph: NodeGraph) -> Doubles:
    """Volume-weighted centroid of the nodes that, with their neighbours, are activated earliest.

    Parameters
    ----------
    activation_ms
        Activation times, NaN where there is none, shape (case, node).
    graph
        Nodes of the wall.

    Returns
    -------
    In mm, shape (case, 3); NaN where no node is activated.
    """
    wanted = max(_LEAST_NODES, round(EARLIEST_SHARE * graph.nodes))
    around = _neighbourhoods(graph)
    origins = np.full((activation_ms.shape[0], 3), np.nan)
    for case, activation in enumerate(activation_ms):
        times = _neighbourhood_median(activation, around)
        # Stable, so that ties (a stimulated region) are broken by the node's number on every machine.
        order = np.argsort(times, kind="stable")
        earliest = order[np.isfinite(times[order])][:wanted]
        if earliest.size:
            origins[case] = np.average(graph.position[earliest], axis=0, weights=graph.volume[earliest])
    return origins


def origin_distance(truth_mm: Floats, estimate_mm: Floats, graph: NodeGraph) -> Doubles:
    """Euclidean distance of the origins.

    Parameters
    ----------
    truth_mm, estimate_mm
        Origins, shape (case, 3); an estimate that is NaN (no activation found) counts as the worst possible: the
        distance from the true origin to the node farthest from it.
    graph
        Nodes of the wall.

    Returns
    -------
    In mm, shape (case,).
    """
    distance = np.linalg.norm(truth_mm.astype(np.float64) - estimate_mm, axis=1)
    for case in np.flatnonzero(~np.isfinite(distance)):
        distance[case] = np.linalg.norm(graph.position - truth_mm[case], axis=1).max()
    return np.asarray(distance)


def origin_distance_geodesic(truth_mm: Floats, estimate_mm: Floats, graph: NodeGraph) -> Doubles:
    """Distance of the origins along the wall: shortest path between the nodes nearest to each.

    Parameters and the rule for missing estimates are those of `origin_distance`.
    """
    distance = np.empty(truth_mm.shape[0])
    for case, (truth, estimate) in enumerate(zip(truth_mm, estimate_mm, strict=True)):
        paths = graph.distance_from(_nearest(graph, truth))
        reachable = paths[np.isfinite(paths)].max()
        found = paths[_nearest(graph, estimate)] if np.isfinite(estimate).all() else np.inf
        distance[case] = found if np.isfinite(found) else reachable
    return distance


def _neighbourhoods(graph: NodeGraph) -> NDArray[np.int64]:
    """Each node and its neighbours, padded by the number of nodes, shape (node, most)."""
    first, second = graph.neighbours.T
    here = np.concatenate([np.arange(graph.nodes), first, second])
    there = np.concatenate([np.arange(graph.nodes), second, first])
    order = np.argsort(here, kind="stable")
    here, there = here[order], there[order]
    count = np.bincount(here, minlength=graph.nodes)
    column = np.arange(here.size) - np.repeat(np.cumsum(count) - count, count)
    around = np.full((graph.nodes, count.max()), graph.nodes, dtype=np.int64)
    around[here, column] = there
    return around


def _neighbourhood_median(activation_ms: Floats, around: NDArray[np.int64]) -> Doubles:
    """Median over a node and those of its neighbours that are activated; NaN where the node itself isn't."""
    times = np.append(np.where(np.isfinite(activation_ms), activation_ms, np.inf), np.inf)
    ranked = np.sort(times[around], axis=1)
    last = np.maximum(np.isfinite(ranked).sum(axis=1) - 1, 0)
    node = np.arange(around.shape[0])
    median = 0.5 * (ranked[node, last // 2] + ranked[node, (last + 1) // 2])
    return np.where(np.isfinite(activation_ms), median, np.nan)


def _nearest(graph: NodeGraph, position: Floats) -> int:
    return int(np.argmin(np.linalg.norm(graph.position - position, axis=1)))
