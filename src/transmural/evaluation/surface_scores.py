"""Scores of reconstructions on a heart's surface, as tidy rows.

``subject, setting, case, method, seed, metric, value, unit``. Metrics are over all vertices and instants of a beat,
with u the true and û the reconstructed potential, 0 at rest and 1 on the plateau:

    RE = ‖u − û‖ / ‖u‖,    CC = Pearson's correlation of u and û,    MSE = mean of (u − û)²,

the correlation without each instant's mean over the vertices, and the mean absolute error of the activation times. A
network has one row for each of its fits (``seed``); other methods have seed 0. The paper's abstract names RE, CC and
MSE; its definitions aren't at hand.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from transmural.evaluation.metrics import SURFACE_METRICS, activation_time_mae, correlation, nrmse
from transmural.stores.errors import InferenceError
from transmural.tissue.events import activation_time

COLUMNS = ["subject", "setting", "case", "method", "seed", "metric", "value", "unit"]


def score_surfaces(beats: xr.Dataset, reconstructions: xr.Dataset, setting: str) -> pd.DataFrame:
    """Metrics of every reconstruction.

    Parameters
    ----------
    beats
        The truth (`transmural.stores.contracts.SURFACE_BEATS`).
    reconstructions
        Of beats among these (`transmural.stores.contracts.SURFACE_RECONSTRUCTIONS`).
    setting
        Name for the column.

    Returns
    -------
    Tidy rows with the columns ``COLUMNS``.

    Raises
    ------
    InferenceError
        If a reconstruction is of another shape, or of a beat that isn't there; the message names setting and method.
    """
    return pd.DataFrame(_rows(beats, reconstructions, setting), columns=COLUMNS)


def surface_metrics(
    truth: NDArray[np.floating], estimate: NDArray[np.floating], time_ms: NDArray[np.floating]
) -> dict[str, float]:
    """Metrics of one reconstruction.

    Parameters
    ----------
    truth, estimate
        Potentials, shape (time, vertex).
    time_ms
        Times, shape (time,).
    """
    u, v = truth.astype(np.float64), estimate.astype(np.float64)
    activated, estimated = (activation_time(values, time_ms)[None] for values in (u, v))
    varies = bool(np.ptp(v) > 0)
    return {
        "re": float(nrmse(u[None], v[None])[0]),
        "cc": float(np.corrcoef(u.ravel(), v.ravel())[0, 1]) if varies else 0.0,
        "mse": float(np.mean((u - v) ** 2)),
        "correlation": float(correlation(u[None], v[None])[0]),
        "activation_time_mae": float(activation_time_mae(activated, estimated, float(time_ms[-1]))[0]),
    }


def _rows(beats: xr.Dataset, reconstructions: xr.Dataset, setting: str) -> Iterator[tuple[object, ...]]:
    place = {int(case): index for index, case in enumerate(beats["case"].values)}
    subject, time_ms = str(beats.attrs["subject"]), beats["time"].values
    for fit in range(reconstructions.sizes["fit"]):
        one = reconstructions.isel(fit=fit)
        case, method, seed = int(one["case"]), str(one["method"].values), int(one["seed"])
        where = f"scores: {method}, setting {setting}, case {case}"
        if case not in place:
            raise InferenceError(f"{where}: there is no such beat; beats are {sorted(place)}")
        truth, estimate = beats["tmp"].values[place[case]], one["potential"].values
        if truth.shape != estimate.shape:
            raise InferenceError(f"{where}: potentials have shape {estimate.shape}, expected {truth.shape}")
        values = surface_metrics(truth, estimate, time_ms) | {"seconds": float(one["seconds"])}
        for metric, value in values.items():
            yield subject, setting, case, method, seed, metric, value, SURFACE_METRICS[metric].unit
