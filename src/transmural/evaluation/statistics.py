"""Summaries and paired comparisons of methods from tidy scores.

As published: mean ± standard deviation, and paired t-tests over the cases. Beside them Holm's correction over all
tests of a table (Holm 1979), the effect size d_z = mean / sd of the paired differences with its confidence interval
(Cohen 1988; standard error √(1/n + d²/2n), Hedges & Olkin 1985), and Wilcoxon's signed-rank test.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transmural.evaluation.metrics import ALL_METRICS
from transmural.stores.errors import InferenceError

Doubles = NDArray[np.float64]

COMPARED = ("nrmse", "dice", "origin_distance", "nrmse_demeaned", "correlation", "activation_time_mae")
FEWEST_TESTED = 3
"""Differences of fewer cases aren't tested in tables with small groups."""
_CASE = ["subject", "cohort", "setting", "case"]


def summary(
    scores: pd.DataFrame, by: Sequence[str] = ("cohort", "setting", "method", "metric", "unit")
) -> pd.DataFrame:
    """Mean, standard deviation and numbers of cases of each group.

    Parameters
    ----------
    scores
        Tidy scores.
    by
        Columns that make a group; add ``subject`` for one row a heart, leave it out to pool the hearts.

    Returns
    -------
    Columns of ``by`` and ``mean``, ``sd`` (n − 1; NaN for one case), ``n`` (all cases that have the metric, failed ones
    included) and ``failed`` (how many of these failed).
    """
    failed = scores[scores["metric"] == "failed"].set_index([*_CASE, "method"])["value"]
    rows = scores[scores["metric"] != "failed"].copy()
    rows["failed"] = failed.reindex(pd.MultiIndex.from_frame(rows[[*_CASE, "method"]])).fillna(0.0).to_numpy()
    groups = rows.groupby(list(by), sort=False, observed=True)
    table = groups.agg(
        mean=("value", "mean"), sd=("value", "std"), n=("value", "size"), failed=("failed", "sum")
    ).reset_index()
    return table.astype({"n": int, "failed": int})


def paired_tests(
    scores: pd.DataFrame,
    reference: str | None = None,
    compared: Sequence[str] = COMPARED,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare methods case by case, for each cohort, setting and metric.

    Parameters
    ----------
    scores
        Tidy scores; cases are paired by subject, cohort, setting and number.
    reference
        Compare this method with each other one; every pair of methods when absent.
    compared
        Metrics to be tested.
    confidence
        Of the interval of the effect size.

    Returns
    -------
    One row a test: ``cohort, setting, metric, unit, method, other, n, improvement`` (mean by which ``method`` is
    better, in the metric's unit; negative where it is worse), ``t, p, p_holm, d_z, d_z_low, d_z_high, wilcoxon,
    p_wilcoxon, p_wilcoxon_holm``. Tests are two-sided; Holm's correction is over all rows.

    Raises
    ------
    InferenceError
        If ``reference`` isn't in the scores, or two methods were scored on different cases.
    """
    names = list(dict.fromkeys(scores["method"]))
    if reference is not None and reference not in names:
        raise InferenceError(f"paired tests: method '{reference}' has no scores; scored are {names}")
    pairs = list(combinations(names, 2)) if reference is None else [(reference, o) for o in names if o != reference]
    rows = []
    for (cohort, setting, metric, unit), group in scores[scores["metric"].isin(compared)].groupby(
        ["cohort", "setting", "metric", "unit"], sort=False, observed=True
    ):
        where = f"cohort {cohort}, setting {setting}, metric {metric}"
        by_method = {name: _by_case(group, name, where) for name in names}
        for method, other in pairs:
            difference = _improvement(by_method, method, other, where, ALL_METRICS[str(metric)].higher_is_better)
            test = compare(difference, confidence)
            rows.append(
                {"cohort": cohort, "setting": setting, "metric": metric, "unit": unit, "method": method, "other": other}
                | test
            )
    table = pd.DataFrame(rows)
    if rows:
        table.insert(list(table.columns).index("p") + 1, "p_holm", holm(table["p"].to_numpy()))
        table["p_wilcoxon_holm"] = holm(table["p_wilcoxon"].to_numpy())
    return table


def compare(difference: Doubles, confidence: float = 0.95) -> dict[str, float]:
    """Paired tests and effect size from the differences of the cases.

    Parameters
    ----------
    difference
        How much better the one method is than the other, shape (case,).
    confidence
        Of the interval of d_z.

    Returns
    -------
    ``n, improvement, t, p, d_z, d_z_low, d_z_high, wilcoxon, p_wilcoxon``. Where all differences are zero p is 1 and
    d_z 0; with fewer than two cases all but ``improvement`` are NaN.
    """
    from scipy import stats  # half a second, and figures compare nothing

    n = difference.size
    mean = float(np.mean(difference)) if n else float("nan")
    result = {"n": n, "improvement": mean}
    names = ["t", "p", "d_z", "d_z_low", "d_z_high", "wilcoxon", "p_wilcoxon"]
    if n < 2:
        return result | dict.fromkeys(names, float("nan"))
    if not difference.any():
        return result | dict(zip(names, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0], strict=True))
    sd = float(np.std(difference, ddof=1))
    effect = mean / sd if sd > 0 else float(np.copysign(np.inf, mean))
    t = effect * np.sqrt(n)
    margin = float(stats.norm.ppf(0.5 + confidence / 2)) * np.sqrt(1 / n + effect**2 / (2 * n)) if sd > 0 else 0.0
    rank = stats.wilcoxon(difference)
    values = [t, 2 * stats.t.sf(abs(t), n - 1), effect, effect - margin, effect + margin, rank.statistic, rank.pvalue]
    return result | dict(zip(names, map(float, values), strict=True))


def corrected(tests: pd.DataFrame, fewest: int = 0) -> pd.DataFrame:
    """Tests of one table, put together from parts: statistics only where there are enough cases, and Holm's correction.

    Parameters
    ----------
    tests
        Rows of `paired_tests`.
    fewest
        Of fewer cases, statistics are NaN, and the test doesn't count for the correction.
    """
    tests = tests.copy()
    tests.loc[tests["n"] < fewest, ["t", "p", "d_z", "d_z_low", "d_z_high", "wilcoxon", "p_wilcoxon"]] = np.nan
    for name in ("p", "p_wilcoxon"):
        tests[f"{name}_holm"] = holm(tests[name].to_numpy(dtype=np.float64))
    return tests


def holm(p: Doubles) -> Doubles:
    """Holm's step-down correction of p-values for the family they form; NaN stays NaN and doesn't count."""
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected


def _by_case(group: pd.DataFrame, method: str, where: str) -> pd.Series:
    values = group[group["method"] == method].set_index(["subject", "case"])["value"].sort_index()
    if values.index.has_duplicates:
        raise InferenceError(f"paired tests: method '{method}' has a case twice in {where}")
    return values


def _improvement(
    by_method: dict[str, pd.Series], method: str, other: str, where: str, higher_is_better: bool
) -> Doubles:
    here, there = by_method[method], by_method[other]
    if not here.index.equals(there.index):
        apart = here.index.symmetric_difference(there.index)
        raise InferenceError(
            f"paired tests: methods '{method}' and '{other}' were scored on different cases in {where}: {len(apart)} "
            f"have only one of them, first (subject, case) {apart[0]}"
        )
    difference = here.to_numpy(dtype=np.float64) - there.to_numpy(dtype=np.float64)
    return np.asarray(difference if higher_is_better else -difference)
