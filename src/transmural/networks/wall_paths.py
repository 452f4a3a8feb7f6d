"""Short straight paths between the nodes of a wall.

Waves are followed along paths of one and of two contacts between nodes: enough directions that a wave's front stays
round, none of them across a cavity.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.anatomy.node_graph import NodeGraph

_CONTACTS = 2
_REACH = 2.2  # longest path in node spacings


def node_spacing(graph: NodeGraph) -> float:
    """Edge in mm of a cube of the nodes' mean volume."""
    return float(np.cbrt(graph.volume.mean()))


def short_paths(graph: NodeGraph) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Directed paths from every node to those around it.

    Returns
    -------
    pointer
        Paths from node i are ``pointer[i]`` to ``pointer[i + 1] - 1``, shape (node + 1,).
    start, end
        First and last node of each path, sorted by ``start``, shape (path,).
    """
    contact = contacts(graph)
    reached = contact
    for _ in range(_CONTACTS - 1):
        reached = sparse.csr_array(reached @ contact)
    start, end = reached.nonzero()
    length = np.linalg.norm(graph.position[end] - graph.position[start], axis=1)
    near = (start != end) & (length <= _REACH * node_spacing(graph))
    start, end = start[near].astype(np.int64), end[near].astype(np.int64)
    order = np.lexsort((end, start))
    start, end = start[order], end[order]
    pointer = np.searchsorted(start, np.arange(graph.nodes + 1))
    return pointer.astype(np.int64), start, end


def contacts(graph: NodeGraph) -> sparse.csr_array:
    """Ones where two nodes touch, and for each with itself."""
    first, second = graph.neighbours.T
    ones = np.ones(2 * first.size)
    touching = sparse.coo_array(
        (ones, (np.concatenate([first, second]), np.concatenate([second, first]))), shape=(graph.nodes, graph.nodes)
    )
    return sparse.csr_array(touching + sparse.eye_array(graph.nodes))
