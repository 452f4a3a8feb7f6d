"""Scores of a method's reconstructions of one setting, as tidy rows.

``subject, cohort, setting, case, method, metric, value, unit``. Nothing here knows which method it scores: names are
copied into their columns, and how a scar shows comes with the reconstruction.

A failed case stays in the statistics. It is one whose potentials aren't finite, or in which nothing is activated; of
either kind, it scores as if the method had returned zero everywhere: NRMSE 1 (also demeaned), correlation 0, an empty
scar (Dice 0), an origin as far off as the wall allows, no node activated before the record ends, and intervals of no
width. Metric ``failed`` counts it.

``cohort`` is the one that the method learnt from, ``none`` if it doesn't learn; `under` gives the scores of all methods
that belong to one training cohort.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.node_graph import NodeGraph
from transmural.cohorts.plan import NO_TRAINING
from transmural.evaluation import metrics
from transmural.evaluation.activation import reconstructed_activation
from transmural.evaluation.origins import origin_distance, origin_distance_geodesic, origin_from_activation
from transmural.evaluation.scars import best_threshold, scar_field
from transmural.stores.errors import InferenceError

COLUMNS = ["subject", "cohort", "setting", "case", "method", "metric", "value", "unit"]


def scar_threshold(truth: xr.Dataset, reconstruction: xr.Dataset) -> float:
    """Threshold of the scar definition, from validation beats.

    Parameters
    ----------
    truth
        Validation beats (contract BEATS).
    reconstruction
        Their reconstructions (contract RECONSTRUCTION) with attribute ``scar_definition``.

    Raises
    ------
    InferenceError
        If the cases disagree, or no validation case has a scar.
    """
    _check_same_cases(truth, reconstruction)
    field = scar_field(reconstruction["tmp"].values, _definition(reconstruction))
    return best_threshold(field, truth["scar"].values)


def score(
    truth: xr.Dataset,
    reconstruction: xr.Dataset,
    anatomy: xr.Dataset,
    threshold: float,
    *,
    subject: str,
    cohort: str,
    setting: str,
    method: str,
) -> pd.DataFrame:
    """Score every case of a setting.

    Parameters
    ----------
    truth
        Test beats (contract BEATS).
    reconstruction
        Their reconstructions (contract RECONSTRUCTION) with attribute ``scar_definition``.
    anatomy
        The heart (contract ANATOMY).
    threshold
        From `scar_threshold`: nodes whose scar scalar lies below it are scar.
    subject, cohort, setting, method
        Names for the columns; ``cohort`` is that of training.

    Returns
    -------
    Tidy rows with the columns ``COLUMNS``, cases in order and metrics in the order of `metrics.METRICS`. Dice is given
    only for cases with a scar, coverage only for methods with a standard deviation.

    Raises
    ------
    InferenceError
        If cases, frames or nodes of truth and reconstruction disagree.
    """
    _check_same_cases(truth, reconstruction)
    values = case_metrics(truth, reconstruction, NodeGraph.of(anatomy), threshold)
    rows = [
        (subject, cohort, setting, int(number), method, name, float(values[name][case]), metrics.METRICS[name].unit)
        for case, number in enumerate(_case_numbers(truth))
        for name in metrics.METRICS
        if not np.isnan(values[name][case])
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def case_metrics(
    truth: xr.Dataset, reconstruction: xr.Dataset, graph: NodeGraph, threshold: float
) -> dict[str, NDArray[np.float64]]:
    """All metrics by name, shape (case,); NaN for Dice without a scar and for coverage without ``std``."""
    tmp, true_tmp, scar = reconstruction["tmp"].values, truth["tmp"].values, truth["scar"].values
    time_ms, origin = truth["time"].values, truth["origin"].values
    finite = np.array([np.isfinite(case).all() for case in tmp])
    tmp = np.where(finite[:, None, None], tmp, np.float32(0))
    definition = _definition(reconstruction)
    activation = reconstructed_activation(tmp, time_ms, definition)
    failed = ~finite | ~np.isfinite(activation).any(axis=1)
    tmp = np.where(failed[:, None, None], np.float32(0), tmp)
    std = (
        np.where(failed[:, None, None], np.float32(0), reconstruction["std"].values)
        if "std" in reconstruction
        else None
    )
    found_scar = (scar_field(tmp, definition) < threshold) & ~failed[:, None]
    found_origin = origin_from_activation(activation, graph)
    return {
        "nrmse": metrics.nrmse(true_tmp, tmp),
        "dice": np.where(scar.any(axis=1), metrics.dice(scar, found_scar), np.nan),
        "origin_distance": origin_distance(origin, found_origin, graph),
        "origin_distance_geodesic": origin_distance_geodesic(origin, found_origin, graph),
        "nrmse_demeaned": metrics.nrmse_demeaned(true_tmp, tmp),
        "correlation": metrics.correlation(true_tmp, tmp),
        "activation_time_mae": metrics.activation_time_mae(
            truth["activation_time"].values, activation, float(time_ms[-1])
        ),
        **{f"coverage_{level}": _coverage(true_tmp, tmp, std, level / 100) for level in (50, 90)},
        "seconds": reconstruction["seconds"].values.astype(np.float64),
        "memory": reconstruction["memory_mb"].values.astype(np.float64),
        "failed": failed.astype(np.float64),
    }


def gather(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all parts, sorted by subject, setting, method and case, metrics in their usual order.

    Raises
    ------
    InferenceError
        If a score stands there twice.
    """
    scores = pd.concat(list(parts), ignore_index=True)[COLUMNS]
    key = ["subject", "cohort", "setting", "method", "case", "metric"]
    twice = scores[scores.duplicated(key)]
    if not twice.empty:
        raise InferenceError(f"scores: {len(twice)} scores stand there twice, first {dict(twice.iloc[0][key])}")
    order = {name: number for number, name in enumerate(metrics.METRICS)}
    return scores.sort_values(
        key, key=lambda column: column.map(order) if column.name == "metric" else column, kind="stable"
    ).reset_index(drop=True)


def under(scores: pd.DataFrame, cohort: str) -> pd.DataFrame:
    """Scores under one training cohort: of the methods that learnt from it, and of those that don't learn.

    Parameters
    ----------
    scores
        Tidy scores.
    cohort
        Name of the training cohort; every row of the result has it.
    """
    chosen = scores[scores["cohort"].isin([cohort, NO_TRAINING])]
    return chosen.assign(cohort=cohort).reset_index(drop=True)


def _coverage(
    truth: NDArray[np.floating], tmp: NDArray[np.floating], std: NDArray[np.floating] | None, level: float
) -> NDArray[np.float64]:
    return np.full(len(tmp), np.nan) if std is None else metrics.coverage(truth, tmp, std, level)


def _definition(reconstruction: xr.Dataset) -> str:
    definition = reconstruction.attrs.get("scar_definition")
    if not isinstance(definition, str):
        raise InferenceError("reconstruction: attribute 'scar_definition' is missing; make the store again")
    return definition


def _case_numbers(dataset: xr.Dataset) -> NDArray[np.integer]:
    return np.asarray(dataset["case"].values if "case" in dataset.coords else np.arange(dataset.sizes["case"]))


def _check_same_cases(truth: xr.Dataset, reconstruction: xr.Dataset) -> None:
    for dimension in ("case", "time", "node"):
        here, there = truth["tmp"].sizes[dimension], reconstruction["tmp"].sizes[dimension]
        if here != there:
            raise InferenceError(f"scores: the truth has {here} {dimension}s and the reconstruction {there}")
    if "case" in reconstruction.coords and not np.array_equal(_case_numbers(truth), reconstruction["case"].values):
        raise InferenceError("scores: truth and reconstruction number their cases differently")
    if not np.array_equal(truth["time"].values, reconstruction["time"].values):
        raise InferenceError("scores: truth and reconstruction have different frames")
