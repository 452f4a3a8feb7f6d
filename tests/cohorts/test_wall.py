import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from transmural.cohorts.wall import farthest_sites, wall_distance
from transmural.stores.errors import GeometryError
from transmural.tissue.neighbours import wall_graph

BLOCK = np.argwhere(np.ones((9, 8, 7), bool))


def all_of(index):
    return [np.ones(len(index), bool)]


def first_sites(index, layers, count, seed=0):
    sites = farthest_sites(wall_graph(index, 1.0), layers, np.random.default_rng(seed))
    return [next(sites) for _ in range(count)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, len(BLOCK) - 1), st.floats(0.5, 4.0))
def test_wall_distance_in_a_solid_block_is_the_euclidean_one_within_13_percent(source, spacing):
    distance = wall_distance(wall_graph(BLOCK, spacing), np.array([source]))
    straight = spacing * np.linalg.norm(BLOCK - BLOCK[source], axis=1)
    assert (distance >= straight - 1e-9).all()
    assert (distance <= 1.13 * straight + 1e-9).all()


def test_wall_distance_goes_around_a_cavity():
    horseshoe = np.ones((11, 4, 1), bool)
    horseshoe[1:, 1:3] = False
    index = np.argwhere(horseshoe)
    ends = [int(np.flatnonzero((index == tip).all(axis=1))[0]) for tip in ([10, 0, 0], [10, 3, 0])]
    distance = wall_distance(wall_graph(index, 2.0), np.array(ends[:1]))[ends[1]]
    # Nine straight steps along each arm, and across the bend two diagonal ones and a straight one.
    assert_allclose(distance, 2.0 * (9 + 9 + 2 * np.sqrt(2) + 1))


def test_wall_distance_is_to_the_nearest_source():
    graph = wall_graph(BLOCK, 1.0)
    one, other = (wall_distance(graph, np.array([source])) for source in (3, 400))
    assert_allclose(wall_distance(graph, np.array([3, 400])), np.minimum(one, other))


@pytest.mark.parametrize("seed", range(3))
def test_farthest_sites_are_at_least_as_far_apart_as_any_voxel_is_from_them(seed):
    sites = first_sites(BLOCK, all_of(BLOCK), 20, seed)
    graph = wall_graph(BLOCK, 1.0)
    between = np.array([wall_distance(graph, np.array([site]))[sites] for site in sites])
    spacing = between[np.triu_indices(20, 1)].min()
    assert spacing >= wall_distance(graph, np.array(sites)).max()


def test_farthest_sites_take_layers_in_turn():
    layers = [BLOCK[:, 2] < 2, BLOCK[:, 2] > 4, (BLOCK[:, 2] >= 2) & (BLOCK[:, 2] <= 4)]
    sites = first_sites(BLOCK, layers, 12)
    assert all(layers[turn % 3][site] for turn, site in enumerate(sites))


def test_farthest_sites_pass_over_empty_layers():
    layers = [BLOCK[:, 2] < 2, np.zeros(len(BLOCK), bool), BLOCK[:, 2] > 4]
    sites = first_sites(BLOCK, layers, 6)
    assert [bool(layers[0][site]) for site in sites] == [True, False] * 3


def test_farthest_sites_reach_every_voxel_once_and_end():
    index = np.argwhere(np.ones((3, 3, 2), bool))
    sites = list(farthest_sites(wall_graph(index, 1.0), all_of(index), np.random.default_rng(0)))
    assert sorted(sites) == list(range(len(index)))


def test_farthest_sites_cover_both_sides_of_a_cavity():
    walls = np.zeros((20, 20, 6), bool)
    walls[:, 0], walls[:, 19], walls[0] = True, True, True
    index = np.argwhere(walls)
    sites = index[first_sites(index, all_of(index), 8)]
    assert (sites[:, 1] == 0).any()
    assert (sites[:, 1] == 19).any()
    assert cdist(sites, sites)[np.triu_indices(8, 1)].min() > 5


def test_a_wall_in_two_pieces_is_refused():
    index = np.concatenate([BLOCK, BLOCK[:10] + 50])
    with pytest.raises(GeometryError, match="not connected: 10 voxels"):
        first_sites(index, [np.arange(len(index)) < 1], 1)


def test_a_wall_without_sites_is_refused():
    with pytest.raises(GeometryError, match="every layer of the wall is empty"):
        first_sites(BLOCK, [np.zeros(len(BLOCK), bool)], 1)
