"""Scores of autoencoders, conditional networks and baselines of study 2, as tidy rows.

``subject, setting, case, method, metric, value, unit``; the subject is the heart of the test map, the case the map's
number among all maps of its cohort. A metric that a case doesn't have (a slow region's, where there is none) has no
row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transmural.evaluation.bsp_metrics import potential_metrics
from transmural.evaluation.image_metrics import PredictedMaps, TrueMaps
from transmural.evaluation.metrics import IMAGE_METRICS
from transmural.stores.errors import InferenceError

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]

COLUMNS = ["subject", "setting", "case", "method", "metric", "value", "unit"]


@dataclass(frozen=True, eq=False)
class ScoredCases:
    """The cases of a test: heart and number of each."""

    hearts: Sequence[str]
    cases: Sequence[int]


def score_potentials(
    tested: ScoredCases, truth: Singles, predicted: Singles, span_mv: float, setting: str, method: str
) -> pd.DataFrame:
    """Metrics of potentials (`bsp_metrics`) of every case.

    Parameters
    ----------
    tested
        Cases.
    truth, predicted, span_mv
        As for `bsp_metrics.potential_metrics`.
    setting, method
        Names for the columns.

    Returns
    -------
    Tidy rows with the columns ``COLUMNS``.

    Raises
    ------
    InferenceError
        If shapes differ or a value isn't finite; the message names method and setting.
    """
    try:
        values = potential_metrics(truth, predicted, span_mv)
    except InferenceError as error:
        raise _named(error, setting, method) from None
    return _rows(tested, values, setting, method)


def score_maps(
    tested: ScoredCases, truth: TrueMaps, predicted: PredictedMaps, seconds: float, setting: str, method: str
) -> pd.DataFrame:
    """Metrics of maps (`image_metrics`) of every case, and seconds a case.

    Parameters
    ----------
    tested
        Cases.
    truth, predicted
        Of these cases.
    seconds
        Wall time of the prediction a case.
    setting, method
        Names for the columns.

    Returns
    -------
    As `score_potentials`.

    Raises
    ------
    InferenceError
        As `score_potentials`.
    """
    try:
        values = truth.each_case(predicted)
    except InferenceError as error:
        raise _named(error, setting, method) from None
    return _rows(tested, values | {"seconds": np.full(len(tested.cases), seconds)}, setting, method)


def _rows(tested: ScoredCases, values: Mapping[str, Doubles], setting: str, method: str) -> pd.DataFrame:
    rows = [
        (str(heart), setting, int(case), method, metric, float(value), IMAGE_METRICS[metric].unit)
        for metric, found in values.items()
        for heart, case, value in zip(tested.hearts, tested.cases, found, strict=True)
        if not np.isnan(value)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _named(error: InferenceError, setting: str, method: str) -> InferenceError:
    return InferenceError(f"scores: {method}, setting {setting}: {error}")
