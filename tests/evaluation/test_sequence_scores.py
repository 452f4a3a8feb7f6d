import numpy as np
import pandas as pd
import pytest
from scipy import stats
from waves import SAMPLE_MS, SAMPLES, potentials

from transmural.evaluation.metrics import TMP_METRICS
from transmural.evaluation.sequence_metrics import TruePotentials, duration_mae
from transmural.evaluation.sequence_scores import (
    ALL,
    COLUMNS,
    ScoredRecordings,
    case_scores,
    intervals,
    pooled_scores,
    score_potentials,
)
from transmural.stores.errors import InferenceError

TIME = np.arange(SAMPLES) * float(SAMPLE_MS)
RNG = np.random.default_rng(0)
ACTIVATION = RNG.uniform(20, 120, (6, 4))
RECOVERY = ACTIVATION + RNG.uniform(200, 300, (6, 4))
TMP = potentials(ACTIVATION, RECOVERY)
TRUTH = TruePotentials(TMP, TIME, 100.0)
# Rounded, so that there are ties.
OTHER = np.round(TMP + 0.1 * RNG.normal(size=TMP.shape), 2).astype(np.float32)
POOLED = ("mae", "mse", "r2", "pearson", "spearman")


def expected(truth, predicted):
    x, y = truth.ravel().astype(float), predicted.ravel().astype(float)
    return {
        "mae": np.abs(x - y).mean(),
        "mse": ((x - y) ** 2).mean(),
        "r2": 1 - ((x - y) ** 2).sum() / ((x - x.mean()) ** 2).sum(),
        "pearson": stats.pearsonr(x, y).statistic,
        "spearman": stats.spearmanr(x, y).statistic,
    }


def test_pooled_metrics_are_those_of_all_values_at_once():
    assert TRUTH.pooled(OTHER) == pytest.approx(expected(TMP, OTHER), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_wild_predictions_are_scored_exactly(scale):
    wild = (scale * RNG.normal(size=TMP.shape) + 50 * scale).astype(np.float32)
    assert TRUTH.pooled(wild) == pytest.approx(expected(TMP, wild), rel=1e-6)


def test_every_case_is_scored_as_if_alone():
    each = TRUTH.each_case(OTHER)
    assert set(each) == set(TMP_METRICS)
    for case in range(len(TMP)):
        alone = expected(TMP[case], OTHER[case])
        assert {name: each[name][case] for name in POOLED} == pytest.approx(alone, rel=1e-9)
        assert each["mae_mv"][case] == pytest.approx(100 * alone["mae"])


def test_the_truth_is_perfect_and_a_constant_worth_nothing():
    assert TRUTH.pooled(TMP) == pytest.approx({"mae": 0, "mse": 0, "r2": 1, "pearson": 1, "spearman": 1})
    constant = np.full_like(TMP, TMP.astype(float).mean())
    found = TRUTH.pooled(constant)
    assert (found["pearson"], found["spearman"]) == (0, 0)
    assert found["r2"] == pytest.approx(0, abs=1e-9)
    assert (TRUTH.each_case(constant)["spearman"] == 0).all()


def test_errors_in_ms_are_those_of_upstroke_and_duration():
    later = TRUTH.each_case(potentials(ACTIVATION + 20, RECOVERY + 20))
    np.testing.assert_allclose(later["activation_time_mae"], 20, atol=0.5)
    np.testing.assert_allclose(later["apd90_mae"], 0, atol=0.5)
    longer = TRUTH.each_case(potentials(ACTIVATION, RECOVERY - 30))
    np.testing.assert_allclose(longer["activation_time_mae"], 0, atol=0.5)
    np.testing.assert_allclose(longer["apd90_mae"], 30, atol=0.5)


def test_action_potentials_that_are_missing_or_do_not_end_count_as_absent_or_as_ending_last():
    truth = np.array([[200.0, 250.0, np.nan, 240.0], [np.nan] * 4])
    activation = np.array([[10.0, np.nan, 5.0, 40.0], [1.0] * 4])
    recovery = np.array([[220.0, np.nan, 100.0, np.nan], [2.0] * 4])
    found = duration_mae(truth, activation, recovery, 495.0)
    assert found[0] == pytest.approx((10 + 250 + (455 - 240)) / 3)
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("tmp", "message"),
    [
        (TMP[:, 1:], r"shape \(6, 99, 4\) with 100 times"),
        (TMP[:0], r"shape \(0, 100, 4\)"),
        (np.where(np.arange(6)[:, None, None] == 2, np.nan, TMP), "those of row 2 aren't finite or don't vary"),
        (np.where(np.arange(6)[:, None, None] == 3, 0.5, TMP), "those of row 3 aren't finite or don't vary"),
    ],
)
def test_truth_that_cannot_be_compared_with_is_named(tmp, message):
    with pytest.raises(InferenceError, match=message):
        TruePotentials(tmp, TIME, 100.0)


HEARTS = ["a", "a", "a", "b", "b", "b"]
PATTERNS = ["p", "p", "q", "p", "q", "q"]
SCORED = ScoredRecordings(TRUTH, HEARTS, PATTERNS, [4, 5, 6, 4, 5, 6])


def test_rows_are_tidy():
    rows = score_potentials(SCORED, OTHER, "full_random", "cnn")
    assert list(rows.columns) == COLUMNS
    assert (rows["unit"] == rows["metric"].map(lambda name: TMP_METRICS[name].unit)).all()
    together = pooled_scores(rows)
    assert dict(zip(together["metric"], together["value"], strict=True)) == TRUTH.pooled(OTHER)
    assert set(together["subject"]) == {ALL}
    alone = case_scores(rows)
    assert len(rows) == len(POOLED) + 6 * len(TMP_METRICS)
    assert not alone.duplicated(["subject", "case", "metric"]).any()
    row = alone[(alone["subject"] == "b") & (alone["case"] == 5) & (alone["metric"] == "r2")].iloc[0]
    assert row["pattern"] == "q"
    assert row["value"] == TRUTH.each_case(OTHER)["r2"][4]


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        (TMP[:, :, 1:], r"cnn, setting full: true potentials have shape \(6, 100, 4\), predicted ones \(6, 100, 3\)"),
        (np.where(np.arange(6)[:, None, None] == 2, np.inf, TMP), "cnn, setting full: .* row 2 aren't finite"),
    ],
)
def test_predictions_that_cannot_be_scored_are_named(predicted, message):
    with pytest.raises(InferenceError, match=message):
        score_potentials(SCORED, predicted, "full", "cnn")


def tidy(values, subjects, patterns, method="cnn", setting="s"):
    rows = [
        (subject, pattern, setting, number, method, "mae", value, "1")
        for number, (subject, pattern, value) in enumerate(zip(subjects, patterns, values, strict=True))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_intervals_are_those_of_groups_and_not_of_recordings():
    groups, each = 60, 20
    effect = np.random.default_rng(1).normal(size=groups)
    subjects = np.repeat([f"h{k // 10}" for k in range(groups)], each)
    patterns = np.repeat([f"p{k % 10}" for k in range(groups)], each)
    found = intervals(tidy(np.repeat(effect, each), subjects, patterns), 4000, 1).iloc[0]
    assert (found["n"], found["groups"]) == (groups * each, groups)
    assert found["mean"] == pytest.approx(effect.mean())
    width = 2 * 1.96 * effect.std() / np.sqrt(groups)
    assert found["high"] - found["low"] == pytest.approx(width, rel=0.08)
    assert found["low"] < found["mean"] < found["high"]


def test_methods_share_the_draws_whatever_else_is_scored():
    values = RNG.normal(size=6)
    one = tidy(values, HEARTS, PATTERNS)
    both = pd.concat(
        [tidy(values + 3, HEARTS, PATTERNS, "unet"), one.iloc[::-1], tidy(values, HEARTS, PATTERNS, "x", "t")]
    )
    alone, among = intervals(one, 500, 7).iloc[0], intervals(both, 500, 7).set_index(["setting", "method"])
    for name in ("mean", "low", "high"):
        assert among.loc[("s", "cnn"), name] == pytest.approx(alone[name])
        assert among.loc[("s", "unet"), name] == pytest.approx(alone[name] + 3)


def test_values_that_are_not_known_do_not_count():
    known = tidy([1.0, 2.0, np.nan, 3.0, np.nan, np.nan], HEARTS, PATTERNS)
    found = intervals(known, 500, 1).iloc[0]
    assert (found["n"], found["groups"], found["mean"]) == (3, 2, 2.0)
    assert 1.5 <= found["low"] <= found["high"] <= 3.0


def test_one_group_has_no_interval_and_pooled_rows_do_not_count():
    rows = score_potentials(ScoredRecordings(TRUTH, ["a"] * 6, ["p"] * 6, range(6)), OTHER, "full", "cnn")
    found = intervals(rows, 200, 1).set_index("metric")
    assert found[["low", "high"]].isna().all(axis=None)
    assert (found["n"] == 6).all()
    assert found.loc["mae", "mean"] == pytest.approx(TRUTH.each_case(OTHER)["mae"].mean())
