import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from transmural.evaluation.metrics import (
    METRICS,
    activation_time_mae,
    correlation,
    coverage,
    dice,
    nrmse,
    nrmse_demeaned,
)

RNG = np.random.default_rng(0)
TRUTH = RNG.random((3, 7, 11)).astype(np.float32)
OTHER = RNG.random((3, 7, 11)).astype(np.float32)
SETS = arrays(bool, (4, 9))


def test_nrmse_is_the_ratio_of_frobenius_norms():
    expected = [np.linalg.norm(u - v) / np.linalg.norm(u) for u, v in zip(TRUTH, OTHER, strict=True)]
    np.testing.assert_allclose(nrmse(TRUTH, OTHER), expected, rtol=1e-6)


def test_nrmse_of_truth_nothing_and_double_is_zero_one_one():
    np.testing.assert_array_equal(nrmse(TRUTH, TRUTH), 0)
    np.testing.assert_allclose(nrmse(TRUTH, 0 * TRUTH), 1)
    np.testing.assert_allclose(nrmse(TRUTH, 2 * TRUTH), 1)


@given(st.floats(1e-3, 1e3))
def test_nrmse_and_correlation_ignore_the_unit_of_potential(scale):
    factor = np.float32(scale)
    np.testing.assert_allclose(nrmse(factor * TRUTH, factor * OTHER), nrmse(TRUTH, OTHER), rtol=1e-5)
    np.testing.assert_allclose(correlation(factor * TRUTH, OTHER), correlation(TRUTH, OTHER), rtol=1e-4, atol=1e-6)


def test_demeaned_metrics_ignore_a_time_course_common_to_all_nodes():
    course = np.sin(np.arange(7))[None, :, None].astype(np.float32)
    np.testing.assert_allclose(nrmse_demeaned(TRUTH, OTHER + 5 * course), nrmse_demeaned(TRUTH, OTHER), rtol=1e-4)
    np.testing.assert_allclose(correlation(TRUTH, OTHER + 5 * course), correlation(TRUTH, OTHER), atol=1e-5)
    np.testing.assert_allclose(nrmse_demeaned(TRUTH, TRUTH + course), 0, atol=1e-6)
    assert (nrmse(TRUTH, TRUTH + course) > 0.5).all()


def test_a_reconstruction_without_spatial_variation_scores_as_nothing():
    flat = np.broadcast_to(TRUTH.mean(axis=2, keepdims=True), TRUTH.shape)
    np.testing.assert_allclose(nrmse_demeaned(TRUTH, flat), 1, rtol=1e-6)
    np.testing.assert_allclose(correlation(TRUTH, np.zeros_like(TRUTH)), 0)


def test_correlation_is_one_for_any_positive_slope_and_minus_one_for_a_negative():
    np.testing.assert_allclose(correlation(TRUTH, 0.1 * TRUTH + 3), 1, rtol=1e-5)
    np.testing.assert_allclose(correlation(TRUTH, -2 * TRUTH), -1, rtol=1e-5)


def test_correlation_is_pearsons_over_all_frames_and_nodes():
    u, v = (x[0] - x[0].mean(axis=1, keepdims=True) for x in (TRUTH.astype(float), OTHER.astype(float)))
    assert correlation(TRUTH, OTHER)[0] == pytest.approx(np.corrcoef(u.ravel(), v.ravel())[0, 1], abs=1e-9)


@given(SETS, SETS)
def test_dice_is_symmetric_and_between_zero_and_one(a, b):
    values = dice(a, b)
    np.testing.assert_array_equal(values, dice(b, a))
    assert ((values >= 0) & (values <= 1)).all()
    assert (dice(a, a) == 1).all()
    np.testing.assert_array_equal(values == 1, (a == b).all(axis=1))


def test_dice_of_half_overlapping_sets_is_one_half():
    a = np.array([[True, True, False, False]])
    assert dice(a, np.roll(a, 1))[0] == 0.5
    assert dice(a, ~a)[0] == 0


def test_missing_activation_counts_as_at_the_end_and_extra_activation_not():
    truth = np.array([[10.0, 20.0, np.nan], [np.nan, np.nan, np.nan]])
    found = np.array([[13.0, np.nan, 50.0], [1.0, 2.0, 3.0]])
    mae = activation_time_mae(truth, found, 100.0)
    assert mae[0] == pytest.approx((3 + 80) / 2)
    assert np.isnan(mae[1])


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="have shapes"):
        nrmse(TRUTH, OTHER[:, :-1])


def test_every_metric_has_a_unit_and_a_direction():
    assert {name for name, metric in METRICS.items() if metric.higher_is_better} == {"dice", "correlation"}
    assert all(metric.unit and metric.long_name for metric in METRICS.values())


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_coverage_of_a_calibrated_estimate_is_the_interval_s_own(level):
    generator = np.random.default_rng(1)
    std = generator.uniform(0.05, 0.3, (2, 60, 300))
    truth = generator.random(std.shape)
    estimate = truth + std * generator.standard_normal(std.shape)
    np.testing.assert_allclose(coverage(truth, estimate, std, level), level, atol=0.015)
    assert (coverage(truth, estimate, 0.5 * std, level) < level - 0.15).all()
    assert (coverage(truth, estimate, 2 * std, level) > level + 0.08).all()


def test_coverage_counts_the_potentials_within_the_interval():
    truth, std = np.zeros((1, 2, 2)), np.ones((1, 2, 2))
    estimate = np.array([[[0.6, -0.6], [0.7, -1.7]]])  # z is 0.67 at 50 % and 1.64 at 90 %
    assert coverage(truth, estimate, std, 0.5) == [0.5]
    assert coverage(truth, estimate, std, 0.9) == [0.75]
    with pytest.raises(ValueError, match="standard deviations have shape"):
        coverage(truth, estimate, std[:, :1], 0.5)


def test_coverage_is_best_in_between():
    assert {name: metric.nominal for name, metric in METRICS.items() if metric.nominal is not None} == {
        "coverage_50": 0.5,
        "coverage_90": 0.9,
    }
