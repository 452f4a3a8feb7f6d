"""The five metrics of potentials mean what their module says."""

import numpy as np
import pytest

from transmural.evaluation.bsp_metrics import first_peak, potential_metrics
from transmural.stores.errors import InferenceError

RNG = np.random.default_rng(0)
# Each electrode another amplitude.
TRUTH = RNG.normal(size=(3, 4, 5, 30)) * RNG.uniform(0.5, 2, size=(3, 4, 5, 1))


def metrics(predicted, truth=TRUTH, span_mv=2.0):
    return potential_metrics(truth, predicted, span_mv)


def test_what_is_given_back_unchanged_is_perfect():
    found = metrics(TRUTH)
    expected = {"correlation": 1, "first_peak": 100}
    assert set(found) == {*expected, "mean_difference", "area_difference", "amplitude_difference", "mse"}
    for name, values in found.items():
        np.testing.assert_allclose(values, np.full(3, expected.get(name, 0)), atol=1e-12, err_msg=name)


def test_damped_potentials_have_too_small_areas_and_amplitudes():
    found = metrics(0.9 * TRUTH)
    for name in ("area_difference", "amplitude_difference"):
        np.testing.assert_allclose(found[name], -10)
    np.testing.assert_allclose(found["correlation"], 1)
    np.testing.assert_allclose(found["first_peak"], 100)
    np.testing.assert_allclose(found["mse"], 0.01 * np.square(TRUTH).mean(axis=(1, 2, 3)) / 4)
    span = np.ptp(TRUTH, axis=(1, 2, 3))
    np.testing.assert_allclose(found["mean_difference"], 10 * np.abs(TRUTH).mean(axis=(1, 2, 3)) / span)


def test_turned_potentials_have_the_same_areas_and_no_sign():
    found = metrics(-TRUTH)
    np.testing.assert_allclose(found["correlation"], -1)
    np.testing.assert_allclose(found["first_peak"], 0)
    np.testing.assert_allclose(found["area_difference"], 0)
    np.testing.assert_allclose(found["amplitude_difference"], 0)


def test_every_electrode_counts_the_same_whatever_its_size():
    predicted = TRUTH.copy()
    predicted[:, 0] *= 3
    found = metrics(predicted)
    np.testing.assert_allclose(found["amplitude_difference"], 200 / 4)
    np.testing.assert_allclose(found["area_difference"], 200 / 4)
    predicted[:, 1] *= -1
    found = metrics(predicted)
    np.testing.assert_allclose(found["correlation"], 1 - 2 / 4)
    np.testing.assert_allclose(found["first_peak"], 75)


def test_a_constant_correlates_with_nothing():
    np.testing.assert_allclose(metrics(np.full(TRUTH.shape, 0.3))["correlation"], 0, atol=1e-12)


def test_the_mean_over_time_changes_no_correlation():
    np.testing.assert_allclose(metrics(TRUTH + 5)["correlation"], 1)


@pytest.mark.parametrize(
    ("signal", "sign"),
    [
        ([0, 0.05, 0, -1, 0], -1),  # 5 % of the largest is no peak
        ([0, 0.15, 0, -1, 0], 1),
        ([0, -0.2, 0, 1, 0], -1),
        ([0, 0.3, 0.6, 1, 0.5, -0.9, 0], 1),
        ([-1, -0.5, 0, 0.2, 0], -1),  # the first sample
        ([0, 0, 0.1, 0.5, 1], 1),  # the last one
        ([0, 0, 0], 0),
    ],
)
def test_the_first_peak_above_a_tenth_counts(signal, sign):
    assert first_peak(np.array([signal], float)).tolist() == [sign]


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        (TRUTH, TRUTH[:, 1:], "have shapes"),
        (TRUTH[0], TRUTH[0], "have shapes"),
        (TRUTH, np.where(np.arange(3)[:, None, None, None] == 1, np.nan, TRUTH), "row 1 aren't finite"),
        (0 * TRUTH, TRUTH, "zero at all times"),
    ],
)
def test_what_cannot_be_compared_is_refused(truth, predicted, message):
    with pytest.raises(InferenceError, match=message):
        potential_metrics(truth, predicted, 1.0)
