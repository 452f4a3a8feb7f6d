import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from transmural.cohorts.heart import Heart
from transmural.cohorts.scar_configurations import (
    dice_overlap,
    draw_scar,
    largest_overlap,
    overlaps,
    spread_segments,
    wall_axes,
)
from transmural.stores.config.studies import Scars
from transmural.stores.errors import GeometryError
from transmural.tissue.neighbours import wall_graph

MASKS = arrays(bool, 20)


@pytest.fixture(scope="module")
def shell():
    """A hollow sphere whose transmural coordinate rises outwards."""
    grid = np.argwhere(np.ones((31, 31, 31), bool))
    radius = 2.0 * np.linalg.norm(grid - 15, axis=1)
    wall = (radius >= 20) & (radius <= 30)
    position = 2.0 * (grid[wall] - 15.0)
    transmural = (radius[wall] - 20) / 10
    return Heart(position, 2.0, transmural, np.ones(int(wall.sum()), int), wall_graph(grid[wall], 2.0))


@given(MASKS, MASKS)
def test_overlap_is_symmetric_and_between_none_and_all(first, second):
    overlap = dice_overlap(first, second)
    assert overlap == dice_overlap(second, first)
    assert 0 <= overlap <= 1
    assert (overlap == 1) == (first.any() and np.array_equal(first, second))
    assert (overlap == 0) == (not (first & second).any())


def test_largest_overlap_is_that_with_the_most_alike():
    scar = np.arange(8) < 4
    assert largest_overlap(scar, [np.arange(8) >= 4, np.arange(8) < 2]) == pytest.approx(2 * 2 / 6)
    assert largest_overlap(scar, []) == 0


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
def test_axes_are_orthonormal_and_the_last_goes_through_the_wall(shell, angle):
    for centre in np.linspace(0, len(shell.position_mm) - 1, 15).astype(int):
        axes = wall_axes(shell, int(centre), angle)
        assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
        outwards = shell.position_mm[centre] / np.linalg.norm(shell.position_mm[centre])
        assert axes[2] @ outwards > 0.97


def draw(shell, study_config, seed=0, at_mm=24, **size):
    scars = Scars(**({"radius_min_mm": 12, "radius_max_mm": 12, "elongation_max": 1} | size))
    centre = int(np.argmin(np.linalg.norm(shell.position_mm - [at_mm, 0, 0], axis=1)))
    return draw_scar(shell, centre, scars, study_config.simulation, np.random.default_rng(seed))


def test_a_larger_radius_gives_a_larger_scar(shell, study_config):
    sizes = [draw(shell, study_config, radius_min_mm=r, radius_max_mm=r).scar.sum() for r in (8, 12, 16, 20)]
    assert (np.diff(sizes) > 0).all()


def test_elongation_stretches_scars_along_the_wall(shell, study_config):
    def spread(seed, elongation):
        tissue = draw(shell, study_config, seed, elongation_max=elongation)
        along = shell.position_mm[tissue.scar][:, 1:]
        variance = np.linalg.eigvalsh(np.cov(along.T))
        return np.sqrt(variance[1] / variance[0])

    assert np.mean([spread(seed, 3) for seed in range(12)]) > 1.2 * np.mean([spread(seed, 1) for seed in range(12)])


def test_scars_of_one_place_and_radius_still_differ_in_shape(shell, study_config):
    first, second = (draw(shell, study_config, seed).scar for seed in (1, 2))
    assert 0.3 < dice_overlap(first, second) < 0.97


def test_scars_of_one_surface_may_spare_the_other_or_not(shell, study_config):
    def transmural(seed):
        scar = draw(shell, study_config, seed, at_mm=20, radius_min_mm=6, radius_max_mm=6).scar
        depth = shell.transmural[scar]
        return bool((depth > 0.8).any())

    assert {transmural(seed) for seed in range(25)} == {True, False}


@pytest.fixture(scope="module")
def heart(smoke_anatomy):
    return Heart.of(smoke_anatomy)


def chosen(heart, count):
    return spread_segments(heart.graph, heart.segment, heart.position_mm, count)


def test_sixteen_scars_take_every_segment(heart):
    assert chosen(heart, 16) == list(range(1, 17))


def test_fewer_segments_are_a_part_of_more(heart):
    for count in range(1, 16):
        assert set(chosen(heart, count)) < set(chosen(heart, count + 1))


def test_few_segments_lie_apart(heart):
    middle = np.array([heart.position_mm[heart.segment == s].mean(axis=0) for s in chosen(heart, 3)])
    assert np.linalg.norm(middle - np.roll(middle, 1, axis=0), axis=1).min() > 35


def test_missing_segments_are_named(heart):
    segment = np.where(np.isin(heart.segment, [3, 9]), 2, heart.segment)
    with pytest.raises(GeometryError, match=r"segments \[3, 9\] have no voxel"):
        spread_segments(heart.graph, segment, heart.position_mm, 4)


@given(arrays(bool, (3, 20)), arrays(bool, (4, 20)))
def test_overlaps_are_the_dice_overlaps_of_all_pairs(first, second):
    expected = [[dice_overlap(one, other) for other in second] for one in first]
    assert_allclose(overlaps(first, second), expected)


def test_many_sets_are_compared_as_few_are():
    sets = np.random.default_rng(0).random((600, 50)) < 0.3
    assert_allclose(overlaps(sets, sets[:5])[300], overlaps(sets[300:301], sets[:5])[0])
    assert overlaps(sets, sets[:0]).shape == (600, 0)
