"""Scores of predicted potentials as tidy rows, and intervals of their means from a bootstrap over groups.

``subject, pattern, setting, case, method, metric, value, unit``; the subject is the heart. Values pooled over all
recordings of a setting, as published, have subject and pattern ``all`` and case −1. Recordings of one heart and one
activation pattern are alike, so the bootstrap draws such groups and not single recordings (Davison & Hinkley 1997,
Bootstrap Methods and their Application, section 3.8).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transmural.evaluation.metrics import TMP_METRICS
from transmural.evaluation.sequence_metrics import Floats, TruePotentials
from transmural.stores.errors import InferenceError
from transmural.stores.random_streams import case_generator

Doubles = NDArray[np.float64]

STUDY = "sequence_models"
COLUMNS = ["subject", "pattern", "setting", "case", "method", "metric", "value", "unit"]
ALL = "all"
POOLED_CASE = -1
GIVEN_TRUTH = ("transformer_teacher_forced", "hold_last_segment")
"""Methods that are given true potentials of every segment but the one they predict."""
_GROUP = ["subject", "pattern"]
_STATED = ["method", "metric", "unit"]


@dataclass(frozen=True, eq=False)
class ScoredRecordings:
    """The recordings of a test: true potentials, and heart, pattern and number of each."""

    truth: TruePotentials
    hearts: Sequence[str]
    patterns: Sequence[str]
    cases: Sequence[int]


def score_potentials(tested: ScoredRecordings, predicted: Floats, setting: str, method: str) -> pd.DataFrame:
    """Pooled metrics and those of every recording.

    Parameters
    ----------
    tested
        Truth.
    predicted
        Scaled potentials, shape (case, time, point).
    setting, method
        Names for the columns.

    Returns
    -------
    Tidy rows with the columns ``COLUMNS``, the pooled ones first.

    Raises
    ------
    InferenceError
        If the shape differs from the truth's, or a value isn't finite; the message names method and setting.
    """
    try:
        pooled, each = tested.truth.pooled(predicted), tested.truth.each_case(predicted)
    except InferenceError as error:
        raise InferenceError(f"scores: {method}, setting {setting}: {error}") from None
    rows = [
        (ALL, ALL, setting, POOLED_CASE, method, name, pooled[name], TMP_METRICS[name].unit)
        for name in TMP_METRICS
        if name in pooled
    ]
    for name, metric in TMP_METRICS.items():
        about = zip(tested.hearts, tested.patterns, tested.cases, each[name], strict=True)
        rows += [
            (str(heart), str(pattern), setting, int(case), method, name, float(value), metric.unit)
            for heart, pattern, case, value in about
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def pooled_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The pooled rows only."""
    return scores[scores["case"] == POOLED_CASE]


def case_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of single recordings only."""
    return scores[scores["case"] != POOLED_CASE]


def intervals(scores: pd.DataFrame, resamples: int, seed: int, confidence: float = 0.95) -> pd.DataFrame:
    """Means over the recordings with percentile intervals from a bootstrap over groups of one heart and pattern.

    Parameters
    ----------
    scores
        Tidy rows; pooled ones don't count, nor do values that are NaN.
    resamples
        Draws of as many groups as there are.
    seed
        Seed of the run. Methods of one setting share their draws, so that their intervals can be compared.
    confidence
        Of the interval.

    Returns
    -------
    One row a setting, method and metric, in order of appearance: ``setting, method, metric, unit, mean, low, high, n``
    (recordings) ``, groups``. Without a second group ``low`` and ``high`` are NaN.
    """
    rows = []
    known = case_scores(scores).dropna(subset="value")
    for setting, tested in known.groupby("setting", sort=False):
        groups = pd.MultiIndex.from_frame(tested[_GROUP]).unique().sort_values()
        draws = _draws(len(groups), resamples, case_generator(seed, STUDY, "bootstrap", str(setting)))
        for names, values in tested.groupby(_STATED, sort=False):
            # A group without this metric weighs nothing, wherever it is drawn.
            of_group = values.groupby(_GROUP)["value"].agg(["sum", "size"]).reindex(groups, fill_value=0)
            sums, counts = of_group["sum"].to_numpy(np.float64), of_group["size"].to_numpy(np.float64)
            several = np.count_nonzero(counts) > 1
            low, high = _interval(draws, sums, counts, confidence) if several else (float("nan"), float("nan"))
            mean = float(sums.sum() / counts.sum())
            rows.append((setting, *names, mean, low, high, int(counts.sum()), np.count_nonzero(counts)))
    return pd.DataFrame(rows, columns=["setting", *_STATED, "mean", "low", "high", "n", "groups"])


def _draws(groups: int, resamples: int, generator: np.random.Generator) -> Doubles:
    """How often each group is drawn, shape (resample, group)."""
    return generator.multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(np.float64)


def _interval(draws: Doubles, sums: Doubles, counts: Doubles, confidence: float) -> tuple[float, float]:
    drawn = draws @ counts
    means = (draws @ sums)[drawn > 0] / drawn[drawn > 0]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
