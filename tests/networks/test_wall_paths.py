import numpy as np
import pytest
from lattice import lattice, shaken

from transmural.networks.wall_paths import node_spacing, short_paths


def test_a_node_within_a_block_has_paths_to_faces_edges_and_over_one_node():
    graph = lattice(5, 5, 5, spacing=4.0)
    assert node_spacing(graph) == pytest.approx(4.0)
    pointer, start, end = short_paths(graph)
    centre = 62
    length = np.linalg.norm(graph.position[end] - graph.position[start], axis=1)[pointer[centre] : pointer[centre + 1]]
    found, count = np.unique(np.round(length / 4, 6), return_counts=True)
    np.testing.assert_allclose(found, [1, np.sqrt(2), 2], rtol=1e-5)
    assert count.tolist() == [6, 12, 6]


def test_paths_are_sorted_by_start_and_lead_both_ways():
    graph = shaken(4, 4, 2)
    pointer, start, end = short_paths(graph)
    np.testing.assert_array_equal(start, np.repeat(np.arange(graph.nodes), np.diff(pointer)))
    pairs = set(zip(start.tolist(), end.tolist(), strict=True))
    assert len(pairs) == start.size
    assert pairs == {(last, first) for first, last in pairs}


def test_no_path_crosses_a_cavity():
    # Two walls of six nodes, joined at one end, one missing node apart.
    graph = lattice(6, 3, spacing=5.0, missing=[(k, 1) for k in range(5)])
    _, start, end = short_paths(graph)
    x, y = graph.position[:, 0], graph.position[:, 1]
    across = (y[start] == 0) & (y[end] == 10)
    assert set(x[start[across]]) == {25.0}
