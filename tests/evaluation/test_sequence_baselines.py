import numpy as np
import pytest

from transmural.evaluation.sequence_baselines import (
    _RIDGE_WEIGHTS,
    ecg_ridge,
    hold_last_segment,
    mean_trace,
    nearest_recording,
)
from transmural.evaluation.sequence_inputs import noisy, shifted
from transmural.stores.errors import InferenceError
from transmural.stores.random_streams import case_generators

RNG = np.random.default_rng(0)
ECG = (RNG.normal(size=(60, 3, 8)) + 2).astype(np.float32)
MAP = RNG.normal(size=(24, 10 * 4))
LINEAR = (1.5 + ECG.reshape(60, -1) @ MAP).reshape(60, 10, 4).astype(np.float32)
NOISY = (LINEAR + 4 * RNG.normal(size=LINEAR.shape)).astype(np.float32)


def test_the_mean_trace_is_that_of_the_training_recordings():
    found = mean_trace(LINEAR, 3)
    assert found.shape == (3, 10, 4)
    np.testing.assert_allclose(found, np.broadcast_to(LINEAR.mean(axis=0), found.shape), rtol=1e-5)


def test_a_training_recording_is_nearest_to_itself():
    np.testing.assert_array_equal(nearest_recording(ECG, LINEAR, ECG[[7, 3]] + 0.01), LINEAR[[7, 3]])


def test_a_linear_map_is_found():
    ridge = ecg_ridge(ECG[:40], LINEAR[:40], ECG[40:50], LINEAR[40:50])
    np.testing.assert_allclose(ridge.tmp(ECG[50:]), LINEAR[50:], atol=1e-3)


def by_definition(ecg, tmp, test, weight):
    x, y = ecg.reshape(len(ecg), -1).astype(float), tmp.reshape(len(tmp), -1).astype(float)
    centred = x - x.mean(axis=0)
    second = centred.T @ centred
    largest = np.linalg.eigvalsh(second)[-1]
    found = np.linalg.solve(second + weight * largest * np.eye(len(second)), centred.T @ (y - y.mean(axis=0)))
    return (y.mean(axis=0) + (test.reshape(len(test), -1) - x.mean(axis=0)) @ found).reshape(len(test), *tmp.shape[1:])


def test_ridge_is_the_best_on_the_validation():
    ridge = ecg_ridge(ECG[:40], NOISY[:40], ECG[40:50], LINEAR[40:50])
    errors = [
        np.mean((by_definition(ECG[:40], NOISY[:40], ECG[40:50], w) - LINEAR[40:50]) ** 2) for w in _RIDGE_WEIGHTS
    ]
    assert ridge.weight == _RIDGE_WEIGHTS[int(np.argmin(errors))]
    assert _RIDGE_WEIGHTS[0] < ridge.weight < _RIDGE_WEIGHTS[-1]
    np.testing.assert_allclose(
        ridge.tmp(ECG[50:]), by_definition(ECG[:40], NOISY[:40], ECG[50:], ridge.weight), rtol=1e-3, atol=1e-3
    )


def test_ridge_with_more_leads_and_samples_than_recordings_explains_those_of_training():
    ridge = ecg_ridge(ECG[:12], LINEAR[:12], ECG[:12], LINEAR[:12])
    np.testing.assert_allclose(ridge.tmp(ECG[:12]), LINEAR[:12], atol=1e-3)
    test = ECG[12:20]
    found = ecg_ridge(ECG[:12], LINEAR[:12], ECG[20:40], LINEAR[20:40])
    np.testing.assert_allclose(
        found.tmp(test), by_definition(ECG[:12], LINEAR[:12], test, found.weight), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: ecg_ridge(ECG[:1], LINEAR[:1], ECG, LINEAR), "1 training recordings whose ECGs don't differ"),
        (lambda: ecg_ridge(ECG[[0, 0]], LINEAR[:2], ECG, LINEAR), "2 training recordings whose ECGs don't differ"),
        (lambda: ecg_ridge(ECG, LINEAR[1:], ECG, LINEAR), "ridge: ECGs of shape"),
        (lambda: ecg_ridge(ECG, LINEAR, ECG[:, :, 1:], LINEAR), r"trained on ECGs of shape \(3, 8\).*\(3, 7\)"),
        (lambda: ecg_ridge(ECG, LINEAR, ECG, LINEAR).tmp(ECG[:, :2]), r"trained on ECGs of shape \(3, 8\).*\(2, 8\)"),
        (lambda: nearest_recording(ECG, LINEAR, ECG[:, :, 1:]), "nearest recording: trained on ECGs"),
        (lambda: nearest_recording(ECG[1:], LINEAR, ECG), "nearest recording: ECGs of shape"),
    ],
)
def test_what_does_not_fit_is_named(work, message):
    with pytest.raises(InferenceError, match=message):
        work()


def test_true_values_are_held_from_one_segment_over_the_next():
    tmp = np.arange(1.0, 8.0, dtype=np.float32).reshape(1, 7, 1)
    assert hold_last_segment(tmp, 2).ravel().tolist() == [0, 0, 2, 2, 4, 4, 6]
    assert hold_last_segment(tmp, 1).ravel().tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert tmp[0, 0, 0] == 1


def test_shifts_are_even_and_as_large_as_allowed_with_the_ends_held():
    ramp = np.broadcast_to(np.arange(50, dtype=np.float32), (400, 2, 50))
    moved = shifted(ramp, 4, case_generators(1, "jitter", cases=range(400)))
    shifts = 20 - moved[:, 0, 20]
    assert {int(k) for k in shifts} == set(range(-4, 5))
    assert abs(shifts.mean()) < 0.5
    early, late = (moved[int(np.argmax(sign * shifts))] for sign in (-1, 1))
    assert late[0, :6].tolist() == [0, 0, 0, 0, 0, 1]
    assert early[1, -6:].tolist() == [48, 49, 49, 49, 49, 49]


def test_a_larger_level_makes_the_same_draw_larger():
    ramp = np.broadcast_to(np.arange(200, dtype=np.float32), (20, 1, 200))
    small, large = (
        100 - shifted(ramp, most, case_generators(1, "jitter", cases=range(20)))[:, 0, 100] for most in (10, 40)
    )
    np.testing.assert_allclose(large, 4 * small, atol=2.5)
    quiet, loud = (noisy(ECG, db, case_generators(1, "noise", cases=range(len(ECG)))) - ECG for db in (30.0, 10.0))
    np.testing.assert_allclose(loud, 10 * quiet, atol=1e-3)
    with pytest.raises(InferenceError, match="2 random streams for 20 cases"):
        shifted(ramp, 1, case_generators(1, "jitter", cases=range(2)))
