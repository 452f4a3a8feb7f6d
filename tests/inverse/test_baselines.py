from dataclasses import replace

import numpy as np
import pytest

from transmural.inverse.mean_beat import mean_beat
from transmural.inverse.nearest_beat import nearest, nearest_beat
from transmural.inverse.solve import solve
from transmural.stores.errors import InferenceError


def test_mean_beat_is_the_mean_whatever_the_ecg(heart):
    training = heart.training([3, 40, 90, 200])
    tmp = mean_beat(heart.problem([0, 120], training=training)[1]).tmp
    np.testing.assert_allclose(tmp[0], training.tmp.mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(tmp[0], tmp[1])


def test_nearest_beat_finds_a_training_beat_through_the_noise(heart):
    origins = list(range(0, 300, 7))
    training = heart.training(origins)
    found = nearest_beat(heart.problem(origins[5:9], snr_db=20, training=training)[1])
    np.testing.assert_array_equal(found.chosen["beat"], [5, 6, 7, 8])
    np.testing.assert_array_equal(found.tmp, training.tmp[5:9])


def test_nearest_is_the_least_distance_over_all_beats():
    rng = np.random.default_rng(0)
    ecg, training = rng.standard_normal((30, 5, 8)), rng.standard_normal((100, 5, 8))
    every = np.sqrt(np.mean((ecg[:, None] - training[None]) ** 2, axis=(2, 3)))
    beat, distance = nearest(ecg, training)
    np.testing.assert_array_equal(beat, every.argmin(axis=1))
    np.testing.assert_allclose(distance, every.min(axis=1), rtol=1e-5)


def test_nearest_of_equal_beats_is_the_first():
    ecg = np.random.default_rng(0).standard_normal((4, 3, 6))
    training = np.repeat(ecg[:1], 9, axis=0)
    assert (nearest(ecg, training)[0] == 0).all()


def test_distant_offsets_do_not_spoil_the_ranking():
    """Single precision ranks the beats; the difference of nearly equal large ECGs must survive it."""
    rng = np.random.default_rng(0)
    base = 10 + rng.standard_normal((1, 60, 100))
    training = base + 0.01 * rng.standard_normal((40, 60, 100))
    beat, _ = nearest(training[::4] + 1e-4, training)
    np.testing.assert_array_equal(beat, np.arange(0, 40, 4))


@pytest.mark.parametrize("name", ["mean_beat", "nearest_beat"])
def test_baselines_without_training_beats_say_so(heart, name):
    problem = heart.problem([0])[1]
    with pytest.raises(InferenceError, match=f"{name}: needs training beats"):
        solve(name, problem)
    with pytest.raises(InferenceError, match=f"{name}: needs training beats"):
        {"mean_beat": mean_beat, "nearest_beat": nearest_beat}[name](problem)


def test_nearest_beat_does_not_depend_on_the_batch(heart):
    problem = heart.problem([10, 33, 71], training=heart.training(list(range(0, 300, 7))))[1]
    together = nearest_beat(problem)
    alone = nearest_beat(replace(problem, ecg=problem.ecg[2:], noise_sd_mv=problem.noise_sd_mv[2:]))
    np.testing.assert_array_equal(together.tmp[2], alone.tmp[0])
