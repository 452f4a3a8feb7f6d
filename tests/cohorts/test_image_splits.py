"""Splits keep apart what they say, and scales know training maps only."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from transmural.cohorts.image_splits import ImageScaling, parts_of
from transmural.cohorts.recording_splits import PARTS
from transmural.stores.config.images import ImageParts
from transmural.stores.errors import ConfigurationError, TrainingError

SEEDS = st.integers(0, 50)
HEARTS = [*(f"volunteer_{number:02d}" for number in range(1, 6)), "patient"]


def images(hearts=HEARTS, maps=20):
    return xr.Dataset({"heart": ("case", np.repeat(hearts, maps))})


def study(**changes):
    given = {
        "hearts": 5,
        "subjects": ["patient"],
        "test_share": 0.2,
        "test_hearts": 2,
        "test_maps": 1000,
        "validation_share": 0.125,
    }
    return ImageParts(**(given | changes))


@given(st.sampled_from(["random", "heart_out"]), SEEDS)
def test_every_map_has_a_part_and_the_same_seed_gives_the_same(split, seed):
    parts = parts_of(images(), split, study(), seed)
    assert set(parts.tolist()) == set(PARTS)
    assert_array_equal(parts, parts_of(images(), split, study(), seed))
    assert not np.array_equal(parts, parts_of(images(), split, study(), seed + 1))


@given(SEEDS)
def test_random_parts_have_the_given_shares(seed):
    parts = parts_of(images(), "random", study(), seed)
    assert [np.count_nonzero(parts == part) for part in PARTS] == [84, 12, 24]


@given(st.integers(1, 4), SEEDS)
def test_the_last_hearts_test_subjects_after_volunteers_and_are_nowhere_else(count, seed):
    maps = images()
    parts = parts_of(maps, "heart_out", study(test_hearts=count), seed)
    assert_array_equal(parts == "test", np.isin(maps["heart"], HEARTS[-count:]))
    rest = (len(HEARTS) - count) * 20
    assert np.count_nonzero(parts == "validation") == round(0.125 * rest)


def test_no_more_maps_of_a_held_out_heart_are_tested_than_asked_for():
    maps = images()
    parts = parts_of(maps, "heart_out", study(test_maps=7), 1)
    for heart in HEARTS[-2:]:
        assert parts[maps["heart"] == heart].tolist() == ["test"] * 7 + ["unused"] * 13
    assert "unused" not in parts_of(maps, "random", study(test_maps=7), 1)


def test_held_out_hearts_do_not_follow_from_the_order_of_the_maps():
    turned = images(HEARTS[::-1])
    parts = parts_of(turned, "heart_out", study(), 1)
    assert set(turned["heart"].values[parts == "test"]) == {"volunteer_05", "patient"}


def test_a_heart_that_the_study_does_not_have_is_named():
    with pytest.raises(ConfigurationError, match="maps are of patient, which the study doesn't have"):
        parts_of(images(), "heart_out", study(subjects=[]), 0)


@pytest.mark.parametrize(
    ("maps", "split", "empty"),
    [
        (images(HEARTS[:1], 2), "random", "training of 2 maps"),
        (images(HEARTS[:4]), "heart_out", "test of 80 maps"),
        (images(HEARTS[4:]), "heart_out", "training, validation of 40 maps"),
    ],
)
def test_a_part_without_maps_is_refused(maps, split, empty):
    with pytest.raises(ConfigurationError, match=f"{split} leaves no map for {empty}"):
        parts_of(maps, split, study(), 0)


def training(**changes):
    times = np.array([[[np.nan, 0.0], [40.0, 80.0]]], np.float32)
    potentials = np.array([[[[-3.0, 1.0]]]], np.float32)
    values = {"activation_time": (("case", "row", "column"), times), "bsp": (("case", "e", "f", "time"), potentials)}
    return xr.Dataset(values | changes)


def test_scales_are_the_ranges_of_training_maps_in_the_wall():
    scaling = ImageScaling.of(training())
    assert (scaling.maps.lowest, scaling.maps.highest, scaling.maps.span) == (0, 80, 80)
    assert (scaling.bsp.lowest, scaling.bsp.highest) == (-3, 1)
    assert_array_equal(scaling.maps.scaled(np.array([[np.nan, 0, 40, 120.0]])), [[0, 0, 0.5, 1.5]])


def test_potentials_that_are_all_the_same_have_no_scale():
    with pytest.raises(TrainingError, match="all the same"):
        ImageScaling.of(training(bsp=(("case", "e", "f", "time"), np.ones((1, 1, 1, 2)))))
