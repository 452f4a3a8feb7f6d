import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from transmural.evaluation.published import published
from transmural.evaluation.surrogate_baselines import (
    class_mean,
    closed_form,
    learnt_lead_field,
    ridge_on_mean_voltage,
)
from transmural.evaluation.surrogate_scores import (
    COLUMNS,
    by_class_and_over_all,
    conduction_velocity,
    hold_frames,
    mae,
    paired_tests,
    r2,
    score_predictions,
    seconds_rows,
)
from transmural.stores.errors import InferenceError

RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=(5, 40))
OTHER = TRUTH + 0.3 * RNG.normal(size=TRUTH.shape)
CLASSES = ["healthy", "healthy", "healthy", "fibrotic", "fibrotic"]


def test_r2_is_one_for_the_truth_and_zero_for_its_mean():
    np.testing.assert_allclose(r2(TRUTH, TRUTH), 1)
    np.testing.assert_allclose(
        r2(TRUTH, np.broadcast_to(TRUTH.mean(axis=1, keepdims=True), TRUTH.shape)), 0, atol=1e-12
    )
    expected = 1 - ((TRUTH - OTHER) ** 2).mean(axis=1) / TRUTH.var(axis=1)
    np.testing.assert_allclose(r2(TRUTH, OTHER), expected)
    np.testing.assert_allclose(r2(7 * TRUTH + 3, 7 * OTHER + 3), expected)


def test_mae_is_in_units_of_the_scale():
    np.testing.assert_allclose(mae(TRUTH, TRUTH - 0.5, 2.0), 0.25)


@pytest.mark.parametrize(
    ("truth", "predicted", "scale", "message"),
    [
        (TRUTH, OTHER[:, 1:], 1.0, "have shape"),
        (np.vstack([TRUTH[:1], np.ones((1, 40))]), TRUTH[:2], 1.0, "of row 1 doesn't vary"),
        (TRUTH, OTHER, 0.0, "must be positive"),
        (
            TRUTH,
            np.where(np.arange(5)[:, None] == 3, np.nan, OTHER),
            1.0,
            "m, setting s: the ECG predicted for sheet 13",
        ),
    ],
)
def test_what_cannot_be_scored_is_named(truth, predicted, scale, message):
    cases = 10 + np.arange(len(truth))
    with pytest.raises(InferenceError, match=message):
        score_predictions(truth, predicted, CLASSES[: len(truth)], cases, "s", "m", scale)


def test_rows_are_tidy():
    rows = score_predictions(TRUTH, OTHER, CLASSES, range(5), "test", "surrogate", 2.0)
    assert list(rows.columns) == COLUMNS
    assert rows.groupby("metric")["unit"].unique().map(list).to_dict() == {"mae": ["sd"], "r2": ["1"]}
    np.testing.assert_allclose(rows.loc[rows["metric"] == "mae", "value"], mae(TRUTH, OTHER, 2.0))
    assert list(rows.loc[rows["metric"] == "r2", "subject"]) == CLASSES
    seconds = seconds_rows({"solver": np.arange(5.0)}, CLASSES, range(5))
    assert set(seconds["unit"]) == {"s"}
    assert list(seconds["value"]) == [0, 1, 2, 3, 4]


def scored(errors, classes=CLASSES):
    """Scores of setting ``test`` of predictions with errors of these sizes by method."""
    parts = [
        score_predictions(
            TRUTH,
            TRUTH + size * np.random.default_rng(number).normal(size=TRUTH.shape),
            classes,
            range(5),
            "test",
            name,
            1.0,
        )
        for number, (name, size) in enumerate(errors.items())
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_surrogate_is_tested_against_the_others_by_class_and_over_all():
    scores = scored({"ridge_frames": 0.4, "surrogate": 0.1, "no_cnn": 0.3, "elsewhere": 1.0})
    tests = paired_tests(pd.concat([scores, scores.assign(setting="stimulus_moved")]))
    assert list(tests["cohort"].drop_duplicates()) == ["healthy", "fibrotic", "all"]
    assert list(tests["other"].drop_duplicates()) == ["no_cnn", "ridge_frames"]
    assert len(tests) == 3 * 2 * 2
    row = tests.query("cohort == 'all' and metric == 'mae' and other == 'no_cnn'").iloc[0]
    by_method = scores[scores["metric"] == "mae"].pivot(index="case", columns="method", values="value")
    test = stats.ttest_rel(by_method["no_cnn"], by_method["surrogate"])
    assert row["n"] == 5
    assert (row["t"], row["p"]) == (pytest.approx(test.statistic), pytest.approx(test.pvalue))
    assert row["improvement"] > 0


def test_few_sheets_are_not_tested_and_do_not_count():
    tests = paired_tests(scored({"surrogate": 0.1, "no_cnn": 0.3, "class_mean": 0.5}))
    few = tests["cohort"] == "fibrotic"
    assert (tests.loc[few, "n"] == 2).all()
    assert tests.loc[few, ["t", "p", "p_holm", "d_z", "p_wilcoxon", "p_wilcoxon_holm"]].isna().all(axis=None)
    assert tests.loc[few, "improvement"].notna().all()
    for name in ("p", "p_wilcoxon"):
        np.testing.assert_allclose(
            tests.loc[~few, f"{name}_holm"], multipletests(tests.loc[~few, name], method="holm")[1]
        )


def test_a_surrogate_alone_gives_no_tests_and_none_is_an_error():
    assert paired_tests(scored({"surrogate": 0.1})).empty
    with pytest.raises(InferenceError, match="'surrogate' has no scores"):
        paired_tests(scored({"no_cnn": 0.1}))


def test_every_row_stands_in_its_class_and_in_all():
    both = by_class_and_over_all(scored({"surrogate": 0.1}))
    assert both["cohort"].value_counts().to_dict() == {"all": 10, "healthy": 6, "fibrotic": 4}


@pytest.mark.parametrize(("across", "down"), [(0.5, np.inf), (np.inf, 0.8), (0.6, 0.8)])
def test_velocity_of_a_plane_wave(across, down):
    row, column = np.mgrid[:12, :15] * 2.0
    times = (column / across + row / down)[None].repeat(2, axis=0)
    times[1, 3:6, 4:9] = np.nan
    expected = 1 / np.hypot(1 / across, 1 / down)
    np.testing.assert_allclose(conduction_velocity(times, 2.0), expected)


def test_velocity_without_a_wave_is_unknown():
    assert np.isnan(conduction_velocity(np.stack([np.full((4, 4), np.nan), np.ones((4, 4))]), 1.0)).all()


def test_frames_are_held():
    tmp = np.arange(7.0).reshape(1, 7, 1, 1)
    assert hold_frames(tmp, 3).ravel().tolist() == [0, 0, 0, 3, 3, 3, 6]
    assert hold_frames(tmp, 1).ravel().tolist() == tmp.ravel().tolist()


def test_the_printed_figure_is_the_only_one():
    row = published("forward_surrogate").iloc[0]
    assert len(published("forward_surrogate")) == 1
    assert (row["metric"], row["method"], row["mean"], row["sd"]) == ("r2", "surrogate", 0.99, 0.005)
    assert (row["setting"], row["table"], row["cases"]) == ("test", "Section 3", 30)


FRAMES = RNG.normal(size=(12, 30, 4, 5)).astype(np.float32)
FIELD = RNG.normal(size=(4, 5))


def test_closed_form_is_the_weighted_sum_of_the_cells():
    expected = np.einsum("ctij,ij->ct", FRAMES.astype(float), FIELD)
    np.testing.assert_allclose(closed_form(FRAMES, FIELD), expected)
    fields = FIELD * np.arange(12)[:, None, None]
    np.testing.assert_allclose(closed_form(FRAMES, fields), expected * np.arange(12)[:, None])


def test_a_lead_field_that_all_sheets_share_is_learnt():
    ecg = 3 + closed_form(FRAMES, FIELD)
    learnt = learnt_lead_field(FRAMES[:6], ecg[:6], FRAMES[6:9], ecg[6:9])
    np.testing.assert_allclose(learnt.field, FIELD, rtol=1e-6)
    assert learnt.constant == pytest.approx(3)
    found = learnt_lead_field(FRAMES[:6], ecg[:6], FRAMES[6:9], ecg[6:9]).ecg(FRAMES[9:])
    np.testing.assert_allclose(found, ecg[9:], rtol=1e-5, atol=1e-6)


def test_the_ridge_weight_is_that_of_the_validation_sheets():
    noisy = closed_form(FRAMES, FIELD) + 20 * RNG.normal(size=(12, 30))
    small = learnt_lead_field(FRAMES[:6], noisy[:6], FRAMES[6:9], np.full((3, 30), noisy[:6].mean()))
    fair = learnt_lead_field(FRAMES[:6], noisy[:6], FRAMES[6:9], closed_form(FRAMES[6:9], FIELD))
    assert np.linalg.norm(small.field) < 0.2 * np.linalg.norm(fair.field)


def test_what_follows_from_the_mean_voltage_is_found():
    slow = RNG.normal(size=(60, 8))
    tmp = np.broadcast_to(slow[:, :, None, None], (60, 8, 3, 3))
    ecg = 2 + slow @ RNG.normal(size=(8, 8))
    found = ridge_on_mean_voltage(tmp[:40], ecg[:40], tmp[40:50], ecg[40:50], tmp[50:])
    np.testing.assert_allclose(found, ecg[50:], rtol=1e-4, atol=1e-4)


def test_class_means_are_those_of_the_training_sheets():
    found = class_mean(TRUTH, CLASSES, ["fibrotic", "healthy"])
    np.testing.assert_allclose(found, [TRUTH[3:].mean(axis=0), TRUTH[:3].mean(axis=0)])
    with pytest.raises(InferenceError, match=r"no training sheet is of class \['combined'\]"):
        class_mean(TRUTH, CLASSES, ["combined"])
