import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.spatial.distance import cdist, pdist

from transmural.cohorts.heart import parcels
from transmural.cohorts.origins import clear_of, spread_choice, training_origins, wall_layers
from transmural.stores.errors import GeometryError
from transmural.tissue.neighbours import wall_graph

SLAB = np.argwhere(np.ones((16, 16, 5), bool))
POSITION = 2.0 * SLAB
GRAPH = wall_graph(SLAB, 2.0)
LAYERS = wall_layers(SLAB[:, 2] / 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 30.0))
def test_clear_sites_are_those_a_brute_force_search_finds(seed, distance):
    generator = np.random.default_rng(seed)
    position, obstacle = generator.uniform(0, 40, (200, 3)), generator.uniform(0, 40, (5, 3))
    assert_array_equal(clear_of(position, obstacle, distance), cdist(position, obstacle).min(axis=1) >= distance)


def test_no_site_within_an_obstacle_is_clear_even_at_no_distance():
    assert_array_equal(clear_of(POSITION[:3], POSITION[1:2], 0.0), [True, False, True])


def test_every_site_is_clear_of_nothing():
    assert clear_of(POSITION, np.empty((0, 3)), 10.0).all()


def test_the_layers_of_the_wall_are_a_partition():
    assert_array_equal(np.sum(wall_layers(np.linspace(0, 1, 301)), axis=0), 1)


def training(allowed, count=9, seed=0):
    return training_origins(GRAPH, LAYERS, allowed, count, np.random.default_rng(seed))


def test_healthy_tissue_takes_the_first_sites():
    site, chosen = training(np.ones((2, len(SLAB)), bool))
    assert len(site) == 9
    assert_array_equal(chosen, [np.arange(9), np.arange(9)])


def test_every_tissue_gets_its_number_of_allowed_sites_none_twice():
    left = SLAB[:, 0] < 8
    allowed = np.stack([np.ones(len(SLAB), bool), left, ~left])
    site, chosen = training(allowed)
    assert chosen.shape == (3, 9)
    for number, row in enumerate(chosen):
        assert len(set(row)) == 9
        assert allowed[number][site[row]].all()


def test_every_site_is_used_by_some_tissue():
    """Some of these leave a late site that suits only tissues which have enough origins already."""
    for seed in range(12):
        allowed = np.ones((3, len(POSITION)), dtype=bool)
        allowed[1, np.random.default_rng(seed).random(len(POSITION)) < 0.8] = False
        site, chosen = training_origins(GRAPH, LAYERS, allowed, 9, np.random.default_rng(seed))
        np.testing.assert_array_equal(np.unique(chosen), np.arange(len(site)))


def test_more_origins_keep_the_earlier_ones():
    allowed = np.ones((1, len(SLAB)), bool)
    assert_array_equal(training(allowed, 6)[0], training(allowed, 12)[0][:6])


def test_training_origins_are_farther_apart_than_random_ones():
    site, _ = training(np.ones((1, len(SLAB)), bool), 12)
    generator = np.random.default_rng(1)
    random = [pdist(POSITION[generator.choice(len(SLAB), 12, replace=False)]).min() for _ in range(50)]
    assert pdist(POSITION[site]).min() > np.max(random)


def test_a_tissue_without_room_for_its_origins_is_named_with_the_keys_to_relax():
    allowed = np.ones((2, len(SLAB)), bool)
    allowed[1] = False
    with pytest.raises(GeometryError, match=r"configuration 1 leaves only 0 of 9 .*origin_scar_distance_mm"):
        training(allowed)


def test_spread_choice_is_one_of_the_candidates_and_keeps_away_from_earlier_ones():
    candidate = np.arange(0, len(SLAB), 3)
    earlier = POSITION[SLAB[:, 0] < 8]
    chosen = [spread_choice(candidate, POSITION, earlier, np.random.default_rng(seed)) for seed in range(20)]
    assert np.isin(chosen, candidate).all()
    assert len(set(chosen)) > 10
    assert np.mean(POSITION[chosen, 0]) > np.mean(POSITION[candidate, 0]) + 8


def test_parcels_have_no_site_in_common_and_similar_sizes():
    owner = parcels(POSITION, 8.0, 3, np.random.default_rng(0))
    share = np.bincount(owner, minlength=3) / len(owner)
    assert share.min() > 0.2
    # All voxels of a cube belong together.
    cube = np.unique(np.floor(POSITION / 8.0), axis=0, return_inverse=True)[1].ravel()
    assert all(len(np.unique(owner[cube == number])) == 1 for number in range(cube.max() + 1))
