"""Blocks of cubic nodes, regular or with their centroids shaken so that no two paths are alike."""

import numpy as np

from transmural.anatomy.node_graph import NodeGraph


def lattice(*shape, spacing=5.0, missing=()):
    """Cubes of ``spacing`` mm in a row, a sheet or a block; the nodes at indices ``missing`` are cavity."""
    wall = np.ones((*shape, 1, 1)[:3], bool)
    for place in missing:
        wall[place] = False
    index = np.argwhere(wall)
    nodes = len(index)
    return NodeGraph.from_voxels(index, np.arange(nodes), spacing * index, np.full(nodes, spacing**3))


def shaken(*shape, seed=0):
    """A lattice whose centroids are moved by up to a fifth of the spacing."""
    graph = lattice(*shape)
    moved = graph.position + np.random.default_rng(seed).uniform(-1, 1, graph.position.shape)
    return NodeGraph(moved, graph.volume, graph.neighbours)
