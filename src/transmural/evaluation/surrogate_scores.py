"""Scores of predicted ECGs of sheets, as tidy rows, and the paired tests between methods.

``subject, setting, case, method, metric, value, unit``; the subject is the tissue class. Metrics as published
(Ogbomo-Harmitt et al. 2025, section 3): R² on the variance of a sheet's own ECG, and the mean absolute error on the
z-scored scale, in standard deviations.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transmural.evaluation import statistics
from transmural.evaluation.metrics import ALL_METRICS, ECG_METRICS
from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]

COLUMNS = ["subject", "setting", "case", "method", "metric", "value", "unit"]
SURROGATE = "surrogate"
ABLATIONS = ("no_cnn", "no_attention", "no_time_embedding", "no_spectral_entropy", "no_currents")
BASELINES = ("closed_form", "frame_currents", "ridge_frames", "ridge_mean_voltage", "class_mean")
SOLVER = "solver"
TEST = "test"
ALL_CLASSES = "all"


def r2(truth: Floats, predicted: Floats) -> Doubles:
    """1 − Σ(φ − φ̂)² / Σ(φ − mean φ)² of each sheet.

    Parameters
    ----------
    truth, predicted
        ECGs in the same unit, shape (case, time).

    Returns
    -------
    Shape (case,); 1 is perfect, 0 as good as the sheet's own mean, and there is no lower bound.

    Raises
    ------
    InferenceError
        If shapes differ, or a true ECG doesn't vary.
    """
    truth, predicted = _pair(truth, predicted)
    variation = np.sum((truth - truth.mean(axis=1, keepdims=True)) ** 2, axis=1)
    if not variation.all():
        raise InferenceError(f"R²: the true ECG of row {int(np.argmin(variation))} doesn't vary")
    found: Doubles = 1 - np.sum((truth - predicted) ** 2, axis=1) / variation
    return found


def mae(truth: Floats, predicted: Floats, scale: float) -> Doubles:
    """Mean absolute error of each sheet's ECG.

    Parameters
    ----------
    truth, predicted
        As for `r2`.
    scale
        Standard deviation by which ECGs are z-scored, in their unit; 1 where they are already.

    Returns
    -------
    Shape (case,), in units of ``scale``.

    Raises
    ------
    InferenceError
        If shapes differ, or ``scale`` isn't positive.
    """
    truth, predicted = _pair(truth, predicted)
    if not scale > 0:
        raise InferenceError(f"MAE: the standard deviation of the ECGs is {scale}, it must be positive")
    found: Doubles = np.mean(np.abs(truth - predicted), axis=1) / scale
    return found


def score_predictions(
    truth: Floats,
    predicted: Floats,
    classes: Sequence[str],
    cases: Sequence[int] | NDArray[np.integer],
    setting: str,
    method: str,
    scale: float,
) -> pd.DataFrame:
    """R² and MAE of every sheet of a setting.

    Parameters
    ----------
    truth, predicted, scale
        As for `r2` and `mae`.
    classes, cases
        Tissue class and number of every sheet.
    setting, method
        Names for the columns.

    Returns
    -------
    Tidy rows with the columns ``COLUMNS``.

    Raises
    ------
    InferenceError
        If shapes differ, or a prediction isn't finite; the message names method, setting and sheet.
    """
    finite = np.isfinite(predicted).all(axis=1)
    if not finite.all():
        sheet = np.asarray(cases)[~finite][0]
        raise InferenceError(f"scores: {method}, setting {setting}: the ECG predicted for sheet {sheet} isn't finite")
    values = {"r2": r2(truth, predicted), "mae": mae(truth, predicted, scale)}
    return _rows({(method, name): value for name, value in values.items()}, classes, cases, setting)


def seconds_rows(
    seconds: Mapping[str, Floats],
    classes: Sequence[str],
    cases: Sequence[int] | NDArray[np.integer],
    setting: str = TEST,
) -> pd.DataFrame:
    """What each step costs a beat, as rows of metric ``seconds``.

    Parameters
    ----------
    seconds
        Wall time in s by method (``solver`` for the simulation, ``closed_form``, ``surrogate``), shape (case,).
    classes, cases, setting
        As for `score_predictions`.

    Returns
    -------
    Tidy rows with the columns ``COLUMNS``.
    """
    return _rows({(name, "seconds"): values for name, values in seconds.items()}, classes, cases, setting)


def by_class_and_over_all(scores: pd.DataFrame) -> pd.DataFrame:
    """Every row twice, with its tissue class and with ``all`` in a column ``cohort``, by which `statistics` groups."""
    apart, pooled = scores.assign(cohort=scores["subject"]), scores.assign(cohort=ALL_CLASSES)
    return pd.concat([apart, pooled], ignore_index=True)


def paired_tests(scores: pd.DataFrame) -> pd.DataFrame:
    """The surrogate against every ablation and baseline on the test sheets, by tissue class and over all.

    Parameters
    ----------
    scores
        Tidy rows; only those of setting ``test`` and of R² and MAE count.

    Returns
    -------
    As `statistics.paired_tests`, ``cohort`` being the tissue class or ``all``. Statistics are NaN for fewer than
    ``statistics.FEWEST_TESTED`` sheets; Holm's correction is over all other rows. Empty where nothing can be compared.

    Raises
    ------
    InferenceError
        If the surrogate has no scores, or two methods were scored on different sheets.
    """
    methods = (SURROGATE, *ABLATIONS, *BASELINES)
    chosen = scores[(scores["setting"] == TEST) & scores["metric"].isin(ECG_METRICS) & scores["method"].isin(methods)]
    chosen = chosen.sort_values("method", key=lambda names: names.map(methods.index), kind="stable")
    tests = statistics.paired_tests(by_class_and_over_all(chosen), SURROGATE, tuple(ECG_METRICS))
    if tests.empty:
        return tests
    return statistics.corrected(tests, statistics.FEWEST_TESTED)


def conduction_velocity(activation_time: Floats, cell_mm: float) -> Doubles:
    """Median over the cells of 1 / |∇T|, the speed at which the wave passes.

    Parameters
    ----------
    activation_time
        In ms, NaN where nothing is activated, shape (case, row, column).
    cell_mm
        Edge of a cell.

    Returns
    -------
    Shape (case,), in m/s (which is mm/ms); NaN where no two neighbouring cells differ.
    """
    velocities = []
    for times in np.asarray(activation_time, dtype=np.float64):
        slope = np.hypot(*np.gradient(times, cell_mm))
        slope = slope[np.isfinite(slope) & (slope > 0)]
        velocities.append(float(np.median(1 / slope)) if slope.size else float("nan"))
    return np.array(velocities)


def hold_frames(tmp: Floats, every: int) -> Floats:
    """Every ``every``-th frame, held until the next one: a lower frame rate on the same times.

    Parameters
    ----------
    tmp
        Frames, shape (case, time, row, column).
    every
        At least 1.

    Returns
    -------
    Of the same shape.
    """
    held: Floats = tmp[:, np.arange(tmp.shape[1]) // every * every]
    return held


def _rows(
    values: Mapping[tuple[str, str], Floats],
    classes: Sequence[str],
    cases: Sequence[int] | NDArray[np.integer],
    setting: str,
) -> pd.DataFrame:
    """Tidy rows of values by method and metric, sheets in order."""
    rows = [
        (str(tissue), setting, int(case), method, metric, float(value), ALL_METRICS[metric].unit)
        for (method, metric), found in values.items()
        for tissue, case, value in zip(classes, cases, found, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _pair(truth: Floats, predicted: Floats) -> tuple[Doubles, Doubles]:
    if np.shape(truth) != np.shape(predicted):
        raise InferenceError(f"scores: true ECGs have shape {np.shape(truth)}, predicted ones {np.shape(predicted)}")
    return np.asarray(truth, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
