"""Metrics of a reconstruction against the truth: as published, and beside them what tells methods apart.

Published (Ghimire et al. 2018, section 4): ``NRMSE = |U − Û|_F / |U|_F``, ``Dice = 2 |S₁ ∩ S₂| / (|S₁| + |S₂|)`` of the
scars, and the Euclidean distance of the origins. A constant over the heart makes no ECG and carries most of ``|U|_F``,
so NRMSE cannot rank methods without a prior on time courses; demeaned (the mean over the nodes removed from both in
every frame) it can. Where a method gives a standard deviation, coverage says whether it is to be believed: the share of
the potentials that lie within an interval should be the interval's own. All arrays are batched over cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """Unit, name for readers, and what is good: the lower end, the higher end, or a nominal value between them."""

    unit: str
    long_name: str
    higher_is_better: bool = False
    nominal: float | None = None


METRICS = {
    "nrmse": Metric("1", "Normalised RMSE"),
    "dice": Metric("1", "Dice coefficient of the scar", higher_is_better=True),
    "origin_distance": Metric("mm", "Distance of the origins, Euclidean"),
    "origin_distance_geodesic": Metric("mm", "Distance of the origins along the wall"),
    "nrmse_demeaned": Metric("1", "Normalised RMSE, demeaned in every frame"),
    "correlation": Metric("1", "Correlation, demeaned in every frame", higher_is_better=True),
    "activation_time_mae": Metric("ms", "Mean absolute error of the activation times"),
    "coverage_50": Metric("1", "Share of the potentials within the 50 % interval", nominal=0.5),
    "coverage_90": Metric("1", "Share of the potentials within the 90 % interval", nominal=0.9),
    "seconds": Metric("s", "Wall time of a case"),
    "memory": Metric("MB", "Peak memory of a case"),
    "failed": Metric("1", "Failed cases"),
}
ECG_METRICS = {
    "r2": Metric("1", "R² of the ECG", higher_is_better=True),
    "mae": Metric("sd", "Mean absolute error of the ECG"),
}
"""Of predicted ECGs (`surrogate_scores`); ``sd`` is the standard deviation by which ECGs are z-scored."""
TMP_METRICS = {
    "mae": Metric("1", "Mean absolute error of the scaled potential"),
    "mse": Metric("1", "Mean squared error of the scaled potential"),
    "r2": Metric("1", "R² of the potential", higher_is_better=True),
    "pearson": Metric("1", "Pearson correlation of the potential", higher_is_better=True),
    "spearman": Metric("1", "Spearman correlation of the potential", higher_is_better=True),
    "mae_mv": Metric("mV", "Mean absolute error of the potential"),
    "activation_time_mae": METRICS["activation_time_mae"],
    "apd90_mae": Metric("ms", "Mean absolute error of the action potential duration"),
}
"""Of potentials from a standard ECG (`sequence_metrics`); scaled from rest to the top of an action potential."""
IMAGE_METRICS = {
    "mse": Metric("1", "Mean squared error, scaled by the training's range"),
    "mse_image": Metric("1", "Mean squared error over the whole image, 0 outside the wall"),
    "mse_own": Metric("1", "Mean squared error, scaled by the map's own range"),
    "mae_ms": METRICS["activation_time_mae"],
    "correlation": Metric("1", "Correlation", higher_is_better=True),
    "pacing_mm": Metric("mm", "Distance of the earliest cell from a pacing zone"),
    "slow_auc": Metric("1", "Area under the ROC curve of slowness for slow regions", higher_is_better=True),
    "mse_samples": Metric("1", "Mean squared error of single samples"),
    "deviation_ms": Metric("ms", "Standard deviation of the samples"),
    "deviation_correlation": Metric("1", "Correlation of deviation and error", higher_is_better=True),
    "coverage_50": Metric("%", "Cells within the 50 % interval", nominal=50),
    "coverage_50_widened": Metric("%", "Cells within the 50 % interval widened by the validation error", nominal=50),
    "coverage_80": Metric("%", "Cells within the 80 % interval", nominal=80),
    "coverage_80_widened": Metric("%", "Cells within the 80 % interval widened by the validation error", nominal=80),
    "coverage_90": Metric("%", "Cells within the 90 % interval", nominal=90),
    "coverage_90_widened": Metric("%", "Cells within the 90 % interval widened by the validation error", nominal=90),
    "mean_difference": Metric("%", "Mean absolute difference of the potentials, of their range"),
    "area_difference": Metric("%", "Difference of the areas under the potentials", nominal=0),
    "amplitude_difference": Metric("%", "Difference of the amplitudes of the potentials", nominal=0),
    "first_peak": Metric("%", "Electrodes whose first peak has the same sign", higher_is_better=True),
    "seconds": METRICS["seconds"],
}
"""Of activation maps in the wall (`image_metrics`), and of body-surface potentials (`bsp_metrics`)."""
SURFACE_METRICS = {
    "re": Metric("1", "Relative error"),
    "cc": Metric("1", "Correlation coefficient", higher_is_better=True),
    "mse": Metric("1", "Mean squared error"),
    "correlation": METRICS["correlation"],
    "activation_time_mae": METRICS["activation_time_mae"],
    "seconds": Metric("s", "Wall time of a beat"),
}
"""Of potentials on a heart's surface (`surface_scores`), 0 at rest and 1 on the plateau."""
ALL_METRICS = SURFACE_METRICS | IMAGE_METRICS | METRICS | TMP_METRICS | ECG_METRICS
_OF_STUDIES = {
    "conditional_vae": IMAGE_METRICS,
    "forward_surrogate": ECG_METRICS,
    "physics_informed": SURFACE_METRICS,
    "sequence_models": TMP_METRICS,
}


def metrics_of(study: str) -> Mapping[str, Metric]:
    """Metrics of a study by name; the same name may have another unit in another study."""
    return _OF_STUDIES.get(study, METRICS)


def nrmse(truth: Floats, estimate: Floats) -> Doubles:
    """``|U − Û|_F / |U|_F`` of each case.

    Parameters
    ----------
    truth, estimate
        Potentials, shape (case, time, node).

    Returns
    -------
    Shape (case,); 0 where both are zero, inf where only the truth is.
    """
    return np.array([_ratio(_norm(u - v), _norm(u)) for u, v in _pairs(truth, estimate)])


def nrmse_demeaned(truth: Floats, estimate: Floats) -> Doubles:
    """`nrmse` after removing each frame's mean over the nodes from both, shape (case,)."""
    return np.array(
        [_ratio(_norm(_demeaned(u) - _demeaned(v)), _norm(_demeaned(u))) for u, v in _pairs(truth, estimate)]
    )


def correlation(truth: Floats, estimate: Floats) -> Doubles:
    """Pearson correlation over all frames and nodes of a case, demeaned in every frame.

    Returns
    -------
    Shape (case,); 0 where one of the two doesn't vary over the heart.
    """
    values = []
    for u, v in _pairs(truth, estimate):
        a, b = _demeaned(u), _demeaned(v)
        size = _norm(a) * _norm(b)
        values.append(float(np.vdot(a, b)) / size if size > 0 else 0.0)
    return np.asarray(np.clip(np.array(values), -1.0, 1.0))


def dice(truth: NDArray[np.bool_], estimate: NDArray[np.bool_]) -> Doubles:
    """Dice coefficient of two sets of nodes for each case.

    Parameters
    ----------
    truth, estimate
        Membership, shape (case, node).

    Returns
    -------
    Shape (case,), in [0, 1]; 1 where both are empty.
    """
    both = np.sum(truth & estimate, axis=-1)
    total = np.sum(truth, axis=-1) + np.sum(estimate, axis=-1)
    return np.where(total > 0, 2 * both / np.maximum(total, 1), 1.0)


def activation_time_mae(truth_ms: Floats, estimate_ms: Floats, end_ms: float) -> Doubles:
    """Mean absolute error of the activation times over the nodes that are truly activated.

    Parameters
    ----------
    truth_ms, estimate_ms
        Activation times, NaN where there is none, shape (case, node).
    end_ms
        Last frame: a node that should be activated and isn't counts as if it were then.

    Returns
    -------
    In ms, shape (case,); NaN where no node is truly activated. Nodes activated in the estimate only don't count here;
    the Dice coefficient of the scar is about them.
    """
    truth, estimate = truth_ms.astype(np.float64), estimate_ms.astype(np.float64)
    active = np.isfinite(truth)
    error = np.abs(np.where(np.isfinite(estimate), estimate, end_ms) - np.where(active, truth, 0.0))
    count = active.sum(axis=-1)
    return np.where(count > 0, np.sum(error * active, axis=-1) / np.maximum(count, 1), np.nan)


def coverage(truth: Floats, estimate: Floats, std: Floats, level: float) -> Doubles:
    """Share of the potentials that lie within the central interval of a normal distribution, ``|U − Û| ≤ z σ``.

    Parameters
    ----------
    truth, estimate, std
        Potentials and the standard deviation of the estimate, shape (case, time, node).
    level
        Probability of the interval, between 0 and 1.

    Returns
    -------
    Shape (case,), in [0, 1]; ``level`` where the method is calibrated, less where it is too sure.
    """
    if std.shape != estimate.shape:
        raise ValueError(f"standard deviations have shape {std.shape}, expected {estimate.shape}")
    z = float(ndtri(0.5 + level / 2))
    return np.array([np.mean(np.abs(u - v) <= z * s) for (u, v), s in zip(_pairs(truth, estimate), std, strict=True)])


def _pairs(truth: Floats, estimate: Floats) -> list[tuple[Floats, Floats]]:
    if truth.shape != estimate.shape or truth.ndim != 3:
        raise ValueError(f"potentials have shapes {truth.shape} and {estimate.shape}, expected one (case, time, node)")
    return list(zip(truth, estimate, strict=True))


def _demeaned(potentials: Floats) -> Doubles:
    wide = potentials.astype(np.float64)
    return np.asarray(wide - wide.mean(axis=-1, keepdims=True))


def _norm(values: Floats) -> float:
    wide = values.astype(np.float64).ravel()
    return float(np.sqrt(np.dot(wide, wide)))


def _ratio(error: float, size: float) -> float:
    if size > 0 or error == 0:
        return error / size if size > 0 else 0.0
    return float("inf") if np.isfinite(error) else float("nan")
