from dataclasses import fields, replace

import numpy as np
import pytest

from transmural.inverse.problem import Problem, Training
from transmural.stores.errors import InferenceError


@pytest.fixture(scope="module")
def problem(heart):
    return heart.problem([0, 50])[1]


def test_a_problem_has_no_place_for_the_truth():
    names = {field.name for field in fields(Problem)}
    assert names == {
        "ecg", "transfer", "noise_sd_mv", "time_ms", "graph", "regularisation", "training", "network",
        "inference", "wall", "lead_names",
    }  # fmt: skip


def test_an_ecg_that_is_not_finite_is_named_by_case_and_lead(problem):
    ecg = problem.ecg.copy()
    ecg[1, 7, 3] = np.nan
    with pytest.raises(InferenceError, match="case 1, lead 7"):
        replace(problem, ecg=ecg)
    names = tuple(f"E{number:03d}" for number in range(ecg.shape[1]))
    with pytest.raises(InferenceError, match="case 1, lead E007"):
        replace(problem, ecg=ecg, lead_names=names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"ecg": p.ecg[0]}, r"ecg has shape .* expected \(case, lead, time\)"),
        (lambda p: {"ecg": p.ecg[:, :0]}, "none of them 0"),
        (lambda p: {"transfer": p.transfer[:, :-1]}, "transfer has shape"),
        (lambda p: {"transfer": p.transfer[:-1]}, "transfer has shape"),
        (lambda p: {"noise_sd_mv": p.noise_sd_mv[:1]}, "noise_sd_mv has shape"),
        (lambda p: {"noise_sd_mv": -p.noise_sd_mv}, "noise_sd_mv must be finite and not negative"),
        (lambda p: {"time_ms": p.time_ms[1:]}, "time_ms has shape"),
        (lambda p: {"lead_names": ("V1",)}, "1 lead names for"),
        (lambda p: {"transfer": np.full_like(p.transfer, np.nan)}, "transfer has values that are not finite"),
        (lambda p: {"transfer": p.transfer + 1.0}, "row of lead .* sums to"),
    ],
)
def test_what_cannot_be_inverted_is_refused(problem, change, message):
    with pytest.raises(InferenceError, match=message):
        replace(problem, **change(problem))


def test_rounding_of_a_float32_transfer_matrix_is_accepted_and_removed(problem):
    rounded = replace(problem, transfer=problem.transfer.astype(np.float32))
    assert np.abs(rounded.centred_transfer.sum(axis=1)).max() < 1e-12 * np.abs(problem.transfer).sum(axis=1).max()


@pytest.mark.parametrize("name", ["tmp", "ecg", "origin", "scar"])
def test_training_beats_of_another_shape_are_refused(heart, problem, name):
    training = heart.training([3, 9, 12])
    with pytest.raises(InferenceError, match=f"training {name} has shape"):
        replace(problem, training=replace(training, **{name: getattr(training, name)[..., 1:]}))


def test_a_training_cohort_without_beats_is_refused(heart, problem):
    training = heart.training([3])
    empty = Training(training.tmp[:0], training.ecg[:0], training.origin[:0], training.scar[:0])
    with pytest.raises(InferenceError, match="has no beats"):
        replace(problem, training=empty)


def test_what_a_method_asks_for_and_the_problem_lacks_is_named(problem):
    for name, message in {"settings": "give inference=…", "trained": "give network=…"}.items():
        with pytest.raises(InferenceError, match=message):
            getattr(problem, name)
