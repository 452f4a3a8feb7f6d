import numpy as np
import pytest

from transmural.anatomy.node_graph import NodeGraph
from transmural.evaluation.origins import origin_distance, origin_distance_geodesic, origin_from_activation


@pytest.fixture(scope="module")
def ring():
    """A wall bent into a ring, two voxels thick and ten long."""
    x, y, _ = np.meshgrid(np.arange(24), np.arange(24), np.arange(10), indexing="ij")
    radius = np.hypot(x - 11.5, y - 11.5)
    index = np.argwhere((radius > 9) & (radius < 11.5))
    position = index * 3.0
    return NodeGraph.from_voxels(index, np.arange(len(index)), position, np.full(len(index), 27.0))


def spread(graph, node):
    return graph.distance_from(node)[None] / 0.6


def test_origin_of_a_spreading_wave_is_where_it_started(ring):
    for node in range(0, ring.nodes, 97):
        found = origin_from_activation(spread(ring, node), ring)
        assert np.linalg.norm(found[0] - ring.position[node]) < 6


def test_one_early_outlier_hardly_moves_the_origin(ring):
    times = spread(ring, 0)
    clean = origin_from_activation(times, ring)
    times[0, int(np.argmax(times))] = -50
    np.testing.assert_array_equal(origin_from_activation(times, ring), clean)


def test_nothing_activated_gives_no_origin_and_the_worst_distance(ring):
    none = origin_from_activation(np.full((1, ring.nodes), np.nan), ring)
    assert np.isnan(none).all()
    truth = ring.position[:1].astype(float)
    farthest = np.linalg.norm(ring.position - truth, axis=1).max()
    assert origin_distance(truth, none, ring)[0] == pytest.approx(farthest)
    assert origin_distance_geodesic(truth, none, ring)[0] == pytest.approx(ring.distance_from(0).max())


def test_distances_are_zero_at_the_origin_and_longer_along_the_wall(ring):
    truth = np.repeat(ring.position[:1], ring.nodes, axis=0).astype(float)
    euclidean = origin_distance(truth, ring.position, ring)
    geodesic = origin_distance_geodesic(truth[::37], ring.position[::37], ring)
    assert euclidean[0] == geodesic[0] == 0
    assert (geodesic >= euclidean[::37] - 1e-9).all()
    opposite = int(np.argmax(euclidean))
    across = origin_distance_geodesic(truth[:1], ring.position[[opposite]], ring)[0]
    assert across > 1.3 * euclidean[opposite]


def test_a_node_that_is_not_activated_is_no_origin_although_its_neighbours_are_early(ring):
    times = spread(ring, 0)
    early = np.argsort(times[0])[:4]
    times[0, early] = np.nan
    expected = np.linalg.norm(ring.position[early].mean(axis=0) - ring.position[0])
    assert np.linalg.norm(origin_from_activation(times, ring)[0] - ring.position[0]) > expected


def test_partly_missing_activation_is_ignored(ring):
    times = spread(ring, 40)
    times[0, 200:] = np.nan
    assert np.isfinite(origin_from_activation(times, ring)).all()
