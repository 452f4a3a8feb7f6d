import numpy as np
import pytest

from transmural.anatomy.node_graph import NodeGraph
from transmural.stores.errors import GeometryError


def lattice(shape, spacing=2.0):
    index = np.argwhere(np.ones(shape, dtype=bool))
    nodes = len(index)
    return NodeGraph.from_voxels(index, np.arange(nodes), index * spacing, np.full(nodes, spacing**3))


def test_neighbours_of_a_lattice_are_those_that_share_a_face():
    graph = lattice((4, 3, 5))
    length = np.linalg.norm(np.diff(graph.position[graph.neighbours], axis=1)[:, 0], axis=1)
    assert len(graph.neighbours) == 3 * 3 * 5 + 4 * 2 * 5 + 4 * 3 * 4
    np.testing.assert_allclose(length, 2.0)


def test_nodes_across_a_gap_are_not_neighbours():
    index = np.array([[0, 0, 0], [1, 0, 0], [3, 0, 0], [4, 0, 0]])
    graph = NodeGraph.from_voxels(index, np.arange(4), index.astype(float), np.ones(4))
    assert graph.components == 2
    np.testing.assert_array_equal(graph.neighbours, [[0, 1], [2, 3]])
    assert np.isinf(graph.distance_from(0)[2])


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, -2, 1), (0.3, 0.5, -0.7)])
def test_gradient_energy_of_a_linear_field_is_slope_squared_times_volume(direction):
    graph = lattice((24, 24, 24))
    energy = np.sum((graph.gradient @ (graph.position @ np.array(direction))) ** 2)
    # Half an edge is missing at each face of the box, and nodes there share their volume among fewer edges.
    assert energy / graph.volume.sum() == pytest.approx(np.dot(direction, direction), rel=0.08)


def test_constants_are_in_the_null_space_of_gradient_and_laplacian():
    graph = lattice((5, 6, 4))
    ones = np.ones(graph.nodes)
    np.testing.assert_allclose(graph.gradient @ ones, 0, atol=1e-12)
    np.testing.assert_allclose(graph.laplacian @ ones, 0, atol=1e-12)


def test_laplacian_of_a_quadratic_is_its_second_derivative_inside():
    graph = lattice((9, 9, 9))
    field = graph.position[:, 0] ** 2 + 2 * graph.position[:, 1] ** 2
    inside = np.all((graph.position > 4) & (graph.position < 12), axis=1)
    values = (graph.laplacian @ field) / np.sqrt(graph.volume)
    np.testing.assert_allclose(values[inside], 6.0, rtol=1e-10)


def test_distance_along_the_wall_goes_round_a_cavity():
    ring = np.array([[x, y, 0] for x in range(7) for y in range(7) if x in (0, 6) or y in (0, 6)])
    graph = NodeGraph.from_voxels(ring, np.arange(len(ring)), ring.astype(float), np.ones(len(ring)))
    here = int(np.flatnonzero((ring == [0, 3, 0]).all(axis=1))[0])
    there = int(np.flatnonzero((ring == [6, 3, 0]).all(axis=1))[0])
    assert graph.distance_from(here)[there] == pytest.approx(12.0)


def test_nearest_neighbour_graph_joins_each_node_with_its_nearest():
    position = np.random.default_rng(0).random((60, 3))
    graph = NodeGraph.from_positions(position, np.ones(60), neighbours_each=4)
    assert np.bincount(graph.neighbours.ravel()).min() >= 4
    assert (graph.neighbours[:, 0] < graph.neighbours[:, 1]).all()


def test_impossible_graphs_are_refused():
    with pytest.raises(GeometryError, match="neighbours must be pairs of node numbers below 2"):
        NodeGraph(np.zeros((2, 3)), np.ones(2), np.array([[0, 2]]))
    with pytest.raises(GeometryError, match="volumes must be positive"):
        NodeGraph(np.zeros((2, 3)), np.zeros(2), np.array([[0, 1]]))
    with pytest.raises(GeometryError, match="at the same place"):
        _ = NodeGraph(np.zeros((2, 3)), np.ones(2), np.array([[0, 1]])).gradient
