"""Splits keep apart what they say, and scaling knows training recordings only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from recording_data import recordings

from transmural.cohorts.recording_splits import EcgScaling, parts_of
from transmural.stores.errors import ConfigurationError

DATA = recordings(hearts=6, patterns=8, samples=5)


def of(key, parts, part):
    return set(DATA[key].values[parts == part].tolist())


@given(st.sampled_from(["random", "heart_out", "pattern_out", "both_out"]), st.integers(0, 50))
def test_every_part_has_recordings_and_the_same_seed_gives_the_same(split, seed):
    parts = parts_of(DATA, split, 0.2, seed)
    assert {"training", "validation", "test"} <= set(parts.tolist())
    assert_array_equal(parts, parts_of(DATA, split, 0.2, seed))
    assert ("unused" in parts) == (split == "both_out")


@given(st.integers(0, 50))
def test_random_parts_have_the_given_share(seed):
    parts = parts_of(DATA, "random", 0.2, seed)
    assert [(parts == part).sum() for part in ("test", "validation")] == [19, 19]


@given(st.sampled_from(["heart", "pattern"]), st.integers(0, 50))
def test_held_out_groups_are_in_one_part_only(key, seed):
    parts = parts_of(DATA, f"{key}_out", 0.2, seed)
    groups = [of(key, parts, part) for part in ("training", "validation", "test")]
    assert sum(map(len, groups)) == len(set.union(*groups)) == len(np.unique(DATA[key]))


@given(st.integers(0, 50))
def test_both_out_shares_neither_hearts_nor_patterns_between_parts(seed):
    parts = parts_of(DATA, "both_out", 0.2, seed)
    for key in ("heart", "pattern"):
        alone = parts_of(DATA, f"{key}_out", 0.2, seed)
        groups = [of(key, parts, part) for part in ("training", "validation", "test")]
        assert sum(map(len, groups)) == len(set.union(*groups))
        assert of(key, parts, "test") == of(key, alone, "test")


def test_splits_do_not_depend_on_the_order_of_hearts():
    turned = DATA.isel(case=slice(None, None, -1))
    assert_array_equal(parts_of(turned, "both_out", 0.2, 1), parts_of(DATA, "both_out", 0.2, 1)[::-1])


def test_too_few_hearts_are_refused():
    with pytest.raises(
        ConfigurationError, match=r"heart_out and both_out need three hearts.*there are 2: volunteer_01"
    ):
        parts_of(recordings(hearts=2, samples=2), "heart_out", 0.2, 0)


def test_a_part_without_recordings_is_refused():
    # Every heart has a pattern of its own, which lies in the same part as its heart by chance only.
    apart = DATA.assign(pattern=("case", np.char.add("pattern of ", DATA["heart"].values.astype(str))))
    with pytest.raises(ConfigurationError, match="both_out leaves no recording for validation, test"):
        parts_of(apart, "both_out", 0.2, 0)


def test_scaled_training_ecgs_have_mean_zero_and_deviation_one():
    ecg = 3 * DATA["ecg"].values + np.arange(12)[:, None]
    scaled = EcgScaling.of(ecg).scaled(ecg)
    assert scaled.dtype == np.float32
    assert_allclose(scaled.mean(axis=(0, 2), dtype=float), 0, atol=1e-5)
    assert_allclose(scaled.std(axis=(0, 2), dtype=float), 1, rtol=1e-5)


def test_scaling_is_one_straight_line_a_lead_whatever_it_is_given():
    ecg = DATA["ecg"].values
    scaling = EcgScaling.of(ecg[:20])
    shift = scaling.scaled(ecg[20:] + 1) - scaling.scaled(ecg[20:])
    assert_allclose(shift, np.broadcast_to(1 / scaling.deviation[:, None], shift.shape), rtol=1e-4)


def test_a_constant_lead_is_refused():
    ecg = DATA["ecg"].values.copy()
    ecg[:, 7] = 0.25
    with pytest.raises(ConfigurationError, match="lead 7 is constant"):
        EcgScaling.of(ecg)
