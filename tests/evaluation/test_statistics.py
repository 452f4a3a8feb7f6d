import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests

from transmural.evaluation.statistics import compare, holm, paired_tests, summary
from transmural.stores.errors import InferenceError

P = arrays(float, st.integers(1, 12), elements=st.floats(0, 1))
FEW = settings(max_examples=25, deadline=None)


def tidy(values, metric="nrmse", unit="1", setting="unseen_scar"):
    """Scores from {method: values of the cases}."""
    return pd.DataFrame(
        [
            ("heart", "published", setting, case, method, metric, value, unit)
            for method, cases in values.items()
            for case, value in enumerate(cases)
        ],
        columns=["subject", "cohort", "setting", "case", "method", "metric", "value", "unit"],
    )


RNG = np.random.default_rng(0)
GOOD, BAD = RNG.normal(0.3, 0.05, 20), RNG.normal(0.4, 0.05, 20)


def test_summary_is_mean_and_sample_standard_deviation():
    row = summary(tidy({"a": GOOD})).iloc[0]
    assert row["mean"] == pytest.approx(GOOD.mean())
    assert row["sd"] == pytest.approx(GOOD.std(ddof=1))
    assert (row["n"], row["failed"]) == (20, 0)


def test_failed_cases_stay_in_the_mean_and_are_counted():
    flags = np.zeros(20)
    flags[[3, 7]] = 1
    values = GOOD.copy()
    values[[3, 7]] = 1.0
    row = summary(pd.concat([tidy({"a": values}), tidy({"a": flags}, metric="failed")])).iloc[0]
    assert row["mean"] == pytest.approx(values.mean())
    assert (row["n"], row["failed"]) == (20, 2)


def test_hearts_are_pooled_or_apart():
    other = tidy({"a": BAD}).assign(subject="other")
    both = pd.concat([tidy({"a": GOOD}), other])
    assert summary(both).iloc[0]["n"] == 40
    apart = summary(both, by=["subject", "method", "metric"]).set_index("subject")
    assert apart.loc["other", "mean"] == pytest.approx(BAD.mean())


def test_tests_are_those_of_scipy():
    row = paired_tests(tidy({"a": GOOD, "b": BAD})).iloc[0]
    t = stats.ttest_rel(BAD, GOOD)
    rank = stats.wilcoxon(BAD, GOOD)
    assert row["t"] == pytest.approx(t.statistic)
    assert row["p"] == pytest.approx(t.pvalue)
    assert row["p_wilcoxon"] == pytest.approx(rank.pvalue)
    assert row["wilcoxon"] == pytest.approx(rank.statistic)
    assert row["improvement"] == pytest.approx((BAD - GOOD).mean())


def test_effect_size_by_hand():
    row = compare(np.array([1.0, 2.0, 3.0, 4.0]))
    d = 2.5 / np.sqrt(5 / 3)
    margin = 1.959964 * np.sqrt(1 / 4 + d**2 / 8)
    assert row["d_z"] == pytest.approx(d)
    assert (row["d_z_low"], row["d_z_high"]) == pytest.approx((d - margin, d + margin), rel=1e-6)


def test_interval_of_the_effect_size_covers_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(600):
        row = compare(rng.normal(0.5, 1.0, 20))
        hits += row["d_z_low"] <= 0.5 <= row["d_z_high"]
    assert hits / 600 == pytest.approx(0.95, abs=0.03)


def test_better_means_lower_error_and_higher_dice():
    lower = paired_tests(tidy({"a": GOOD, "b": BAD}), reference="a").iloc[0]
    higher = paired_tests(tidy({"a": BAD, "b": GOOD}, metric="dice"), reference="a").iloc[0]
    assert lower["improvement"] > 0
    assert higher["improvement"] > 0


def test_order_of_the_rows_does_not_matter():
    scores = tidy({"a": GOOD, "b": BAD})
    shuffled = pd.concat([part.sample(frac=1, random_state=3) for _, part in scores.groupby("method", sort=False)])
    pd.testing.assert_frame_equal(paired_tests(scores), paired_tests(shuffled))


def test_every_pair_is_tested_without_a_reference():
    table = paired_tests(tidy({"a": GOOD, "b": BAD, "c": BAD + 0.01}))
    assert list(zip(table["method"], table["other"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_the_family_of_holm_is_the_whole_table():
    parts = [tidy({"a": GOOD, "b": BAD}), tidy({"a": GOOD, "b": GOOD + 0.01 * RNG.normal(size=20)}, metric="dice")]
    table = paired_tests(pd.concat(parts), reference="a")
    np.testing.assert_allclose(table["p_holm"], multipletests(table["p"], method="holm")[1])
    assert (table["p_holm"] >= table["p"]).all()


def test_different_cases_cannot_be_paired():
    scores = tidy({"a": GOOD, "b": BAD})
    with pytest.raises(InferenceError, match=r"'a' and 'b' were scored on different cases.*1 have only one"):
        paired_tests(scores.iloc[:-1])
    with pytest.raises(InferenceError, match="has a case twice"):
        paired_tests(pd.concat([scores, scores.iloc[:1]]))


def test_an_unknown_reference_is_refused():
    with pytest.raises(InferenceError, match="method 'z' has no scores"):
        paired_tests(tidy({"a": GOOD}), reference="z")


def test_equal_methods_differ_by_nothing():
    row = compare(np.zeros(5))
    assert (row["p"], row["d_z"], row["p_wilcoxon"]) == (1.0, 0.0, 1.0)


def test_a_constant_difference_is_certain():
    row = compare(np.full(5, 0.25))
    assert row["p"] == 0
    assert row["d_z"] == np.inf


def test_one_case_cannot_be_tested():
    row = compare(np.array([1.0]))
    assert row["improvement"] == 1.0
    assert np.isnan(row["p"])


@FEW
@given(P)
def test_holm_agrees_with_statsmodels_and_keeps_the_order(p):
    corrected = holm(p)
    np.testing.assert_allclose(corrected, multipletests(p, method="holm")[1], atol=1e-12)
    assert (corrected >= p - 1e-15).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()


def test_holm_leaves_out_what_was_not_tested():
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])
