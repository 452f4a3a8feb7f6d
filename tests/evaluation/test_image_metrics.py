"""Metrics of maps in walls: analytic cases, and what they may not depend on."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from wall_waves import CELL_MM, wall_waves

from transmural.cohorts.value_range import ValueRange
from transmural.evaluation.image_metrics import PredictedMaps, TrueMaps, apparent_slowness, area_under_curve
from transmural.stores.errors import InferenceError

SCALE = ValueRange(0.0, 250.0)
IMAGES = {dimensions: wall_waves(dimensions, maps=3) for dimensions in (2, 3)}
COVERAGES = {f"coverage_{level}{ending}" for level in (50, 80, 90) for ending in ("", "_widened")}
OF_SAMPLES = {"mse_samples", "deviation_ms", "deviation_correlation", *COVERAGES}
IMAGE = IMAGES[2]
MASK, TIMES = IMAGE["mask"].values, SCALE.scaled(IMAGE["activation_time"].values)


def metrics(maps, deviation=None, draws=0, images=IMAGE):
    return TrueMaps(images, SCALE).each_case(PredictedMaps(maps, deviation, draws))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_truth_is_perfect(dimensions):
    images = IMAGES[dimensions]
    found = metrics(SCALE.scaled(images["activation_time"].values), images=images)
    for name in ("mse", "mse_image", "mse_own", "mae_ms"):
        assert_allclose(found[name], 0, atol=1e-12)
    assert_allclose(found["correlation"], 1)
    assert_allclose(found["pacing_mm"], 0, atol=1e-4)
    slow = images["slow"].values.any(axis=tuple(range(1, dimensions + 1)))
    assert slow.any()
    assert not slow.all()
    assert np.array_equal(np.isfinite(found["slow_auc"]), slow)
    assert not OF_SAMPLES & set(found)


def test_a_delay_is_an_error_of_known_size():
    found = metrics(TIMES + np.where(MASK, np.float32(0.1), 0))
    share = MASK.mean(axis=(1, 2))
    assert_allclose(found["mse"], 0.01, rtol=1e-4)
    assert_allclose(found["mse_image"], 0.01 * share, rtol=1e-4)
    assert_allclose(found["mae_ms"], 25, rtol=1e-4)
    own = [np.ptp(times[mask]) for times, mask in zip(TIMES, MASK, strict=True)]
    assert_allclose(found["mse_own"], 0.01 / np.square(own), rtol=1e-4)
    assert_allclose(found["correlation"], 1)


def test_the_error_in_the_map_s_own_range_does_not_depend_on_the_training():
    late = 0.9 * TIMES
    wide = ValueRange(0.0, 1000.0)
    other = TrueMaps(IMAGE, wide).each_case(PredictedMaps(wide.scaled(SCALE.unscaled(late))))
    here = metrics(late)
    for name in ("mse_own", "mae_ms", "correlation", "slow_auc", "pacing_mm"):
        assert_allclose(other[name], here[name], rtol=1e-4, err_msg=name)
    assert_allclose(other["mse"], here["mse"] / 16, rtol=1e-4)


def test_outside_of_the_wall_only_the_whole_image_is_compared():
    """An autoencoder of images isn't told where the wall is."""
    changed = metrics(np.where(MASK, TIMES, np.float32(-7)))
    same = metrics(TIMES)
    for name, values in changed.items():
        if name == "mse_image":
            assert_allclose(values, 49 * (~MASK).mean(axis=(1, 2)), rtol=1e-4)
        else:
            assert_allclose(values, same[name], err_msg=name)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_pacing_site_is_as_far_away_as_it_was_moved(dimensions):
    images = IMAGES[dimensions]
    mask = images["mask"].values
    zones = images["pacing_position"].values
    truth = TrueMaps(images, SCALE)
    cell = tuple(np.argwhere(mask.all(axis=0))[0])
    maps = np.where(mask, np.float32(0.5), 0)
    maps[:, *cell] = 0.1
    along = CELL_MM * (np.array(cell) - 7.5)
    place = along[::-1] if dimensions == 2 else along  # rows of a slice are y
    expected = np.linalg.norm(zones[:, 0, :dimensions] - place, axis=1)
    assert_allclose(truth.each_case(PredictedMaps(maps))["pacing_mm"], expected, rtol=1e-4)


def test_the_nearest_of_several_pacing_zones_counts():
    zones = IMAGE["pacing_position"].values.copy()
    zones[:, 1] = zones[:, 0]
    zones[:, 0] += 100
    moved = IMAGE.assign(pacing_position=(IMAGE["pacing_position"].dims, zones))
    assert_allclose(metrics(TIMES, images=moved)["pacing_mm"], 0, atol=1e-4)


def test_slowness_is_that_of_the_wave_whichever_way_it_goes():
    mask = np.zeros((8, 9), bool)
    mask[2:6, 1:8] = True
    along = np.broadcast_to(2.0 * np.abs(np.arange(9.0) - 4), (8, 9))  # from the middle both ways, 2 ms a cell
    for turned in (0, 1):
        times, wall = (array.T if turned else array for array in (along, mask))
        found = apparent_slowness(np.where(wall, times, np.nan), wall, 4.0)
        expected = np.where(mask & (np.arange(9) != 4), 0.5, 0)
        assert_allclose(found, expected.T if turned else expected)
    colliding = 20 - along
    middle = apparent_slowness(colliding, mask, 4.0)[3, 4]
    assert middle == pytest.approx(0.5)


def test_slowness_of_an_oblique_wave_is_the_length_of_its_gradient():
    x, y = np.meshgrid(np.arange(12.0), np.arange(10.0), indexing="ij")
    found = apparent_slowness(3 * x + 4 * y, np.ones((12, 10), bool), 2.0)
    assert_allclose(found[1:, 1:], 2.5)


def test_a_slow_region_is_seen_where_the_wave_is_slow():
    mask = np.ones((4, 16, 16), bool)
    slow = np.zeros_like(mask)
    slow[:, :, 6:10] = True
    steps = np.where(slow[:, :, :], 4.0, 1.0).cumsum(axis=2)
    images = wall_waves(maps=1).assign(
        mask=(IMAGE["mask"].dims, mask), slow=(IMAGE["slow"].dims, slow), activation_time=(IMAGE["mask"].dims, steps)
    )
    assert_allclose(metrics(SCALE.scaled(steps), images=images)["slow_auc"], 1)
    even = np.broadcast_to(np.arange(16.0), mask.shape)
    assert (np.abs(metrics(SCALE.scaled(even), images=images)["slow_auc"] - 0.5) < 0.1).all()


def test_the_area_under_the_curve_is_the_share_of_pairs():
    draw = np.random.default_rng(1)
    values, positive = draw.integers(0, 6, 40).astype(float), draw.random(40) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in values[positive] for b in values[~positive]]
    assert area_under_curve(values, positive) == pytest.approx(np.mean(pairs))
    assert area_under_curve(positive.astype(float), positive) == 1
    assert np.isnan(area_under_curve(values, np.zeros(40, bool)))
    assert np.isnan(area_under_curve(values, np.ones(40, bool)))


def samples(count, seed=2):
    draws = np.random.default_rng(seed).normal(size=(len(TIMES), count, *TIMES.shape[1:])).astype(np.float32)
    found = TIMES[:, None] + 0.2 * draws + np.float32(0.1)
    return np.where(MASK[:, None], found, 0)


def test_the_error_of_single_samples_follows_from_mean_and_deviation():
    drawn = samples(7)
    found = metrics(drawn.mean(axis=1), drawn.std(axis=1, ddof=1), 7)
    for case, (maps, mask) in enumerate(zip(drawn, MASK, strict=True)):
        alone = [np.mean((each[mask] - TIMES[case][mask]) ** 2) for each in maps]
        assert found["mse_samples"][case] == pytest.approx(np.mean(alone), rel=1e-4)
        assert found["deviation_ms"][case] == pytest.approx(250 * maps.std(axis=0, ddof=1)[mask].mean(), rel=1e-4)
    assert (found["mse_samples"] > found["mse"]).all()
    assert set(found) >= OF_SAMPLES


def test_intervals_of_a_calibrated_prediction_cover_what_they_say():
    draw = np.random.default_rng(3)
    deviation = draw.uniform(0.05, 0.2, TIMES.shape).astype(np.float32)
    maps = (TIMES + deviation * draw.normal(size=TIMES.shape)).astype(np.float32)
    for level in (50, 80, 90):
        assert metrics(maps, deviation, 10)[f"coverage_{level}"].mean() == pytest.approx(level, abs=4)
        assert metrics(maps, deviation / 2, 10)[f"coverage_{level}"].mean() < level - 15
    assert_allclose(metrics(maps, 0 * deviation, 10)["coverage_90"], 0)


def test_a_deviation_that_is_the_error_is_correlated_with_it():
    error = np.random.default_rng(4).normal(size=TIMES.shape).astype(np.float32)
    found = metrics(TIMES + error, 3 * np.abs(error), 10)
    assert_allclose(found["deviation_correlation"], 1, rtol=1e-5)
    assert_allclose(metrics(TIMES + error, np.full_like(error, 0.25), 10)["deviation_correlation"], 0)


@pytest.mark.parametrize(
    ("maps", "deviation", "message"),
    [
        (TIMES[1:], None, "predicted activation times"),
        (np.full_like(TIMES, np.nan), None, "activation times predicted for row 0 aren't finite"),
        (TIMES, TIMES[:, 1:], "predicted deviations"),
        (TIMES, np.full_like(TIMES, np.inf), "deviations predicted for row 0 aren't finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(maps, deviation, message):
    with pytest.raises(InferenceError, match=message):
        metrics(maps, deviation, 10)


def test_the_error_left_over_widens_intervals():
    """Truth off by 0.1 everywhere: within 1.64 deviations of 0.1, not of 0.01."""
    images = IMAGES[2]
    truth = SCALE.scaled(images["activation_time"].values)
    maps = np.where(images["mask"].values, truth + np.float32(0.1), np.float32(0))
    deviation = np.full_like(maps, 0.01)
    found = TrueMaps(images, SCALE).each_case(PredictedMaps(maps, deviation, 10, left_over=0.1))
    assert_allclose(found["coverage_90"], 0)
    assert_allclose(found["coverage_90_widened"], 100)
    assert_allclose(found["coverage_50_widened"], 0)
