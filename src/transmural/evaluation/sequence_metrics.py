"""Metrics of predicted potentials: pooled as published, and recording by recording.

Published (Ornelas-Munoz et al.): MAE, MSE, R², Pearson and Spearman over all time steps, points and recordings of a
test set at once, on potentials scaled to [0, 1]. Most of that variance is the course that all action potentials share,
so that a mean trace does well; the errors of activation times and of action potential durations say what it misses.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from transmural.evaluation.metrics import activation_time_mae
from transmural.stores.errors import InferenceError
from transmural.tissue.events import activation_time, repolarisation_time

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]

# A prediction whose variance is this share of its mean square doesn't vary: that is rounding in single precision.
_CONSTANT = 1e-12


class TruePotentials:
    """What predictions are compared with; what depends on the truth alone is computed once.

    Parameters
    ----------
    tmp
        Scaled potentials, 0 at rest, shape (case, time, point).
    time_ms
        Times of the samples, equally spaced.
    amplitude_mv
        Height of an action potential of 1.

    Raises
    ------
    InferenceError
        If there is no case, a value isn't finite or a case doesn't vary.
    """

    def __init__(self, tmp: Floats, time_ms: Floats, amplitude_mv: float) -> None:
        self._tmp = np.asarray(tmp, dtype=np.float32)
        self._time_ms, self._amplitude_mv = np.asarray(time_ms, dtype=np.float64), amplitude_mv
        if self._tmp.ndim != 3 or not self._tmp.size or self._tmp.shape[1] != len(self._time_ms):
            raise InferenceError(
                f"true potentials: shape {self._tmp.shape} with {len(self._time_ms)} times; give (case, time, point)"
            )
        for case, signal in enumerate(self._tmp):
            # A NaN isn't above anything.
            if not np.isfinite(signal).all() or not signal.max() > signal.min():
                raise InferenceError(f"true potentials: those of row {case} aren't finite or don't vary; leave it out")

    def pooled(self, predicted: Floats) -> dict[str, float]:
        """Metrics over all values of all cases at once, as published: ``mae, mse, r2, pearson, spearman``.

        Parameters
        ----------
        predicted
            Of the shape of the truth.

        Raises
        ------
        InferenceError
            If the shape is another, or a value isn't finite.
        """
        predicted = self._checked(predicted)
        values = _from_sums(_sums(self._tmp, predicted).sum(axis=0))
        return {name: float(value) for name, value in values.items()} | {"spearman": _spearman(self._ranks, predicted)}

    def each_case(self, predicted: Floats) -> dict[str, Doubles]:
        """Metrics of every case, shape (case,) each: those of `pooled`, and ``mae_mv, activation_time_mae, apd90_mae``.

        The last two are in ms, NaN where no point of the case is truly activated (or repolarised) within the record.

        Raises
        ------
        InferenceError
            As `pooled`.
        """
        predicted = self._checked(predicted)
        values = _from_sums(_sums(self._tmp, predicted))
        ranked = zip(self._ranks_of_cases, predicted, strict=True)
        values["spearman"] = np.array([_spearman(ranks, signal) for ranks, signal in ranked])
        values["mae_mv"] = values["mae"] * self._amplitude_mv
        end = float(self._time_ms[-1])
        activation = activation_time(predicted, self._time_ms)
        values["activation_time_mae"] = activation_time_mae(self._activation, activation, end)
        recovery = repolarisation_time(predicted, self._time_ms)
        truth = self._recovery - self._activation
        values["apd90_mae"] = duration_mae(truth, activation, recovery, end)
        return values

    @cached_property
    def _ranks(self) -> Doubles:
        return _centred_ranks(self._tmp)

    @cached_property
    def _ranks_of_cases(self) -> list[Floats]:
        # Exact in single precision, as a recording has far fewer than 2^23 values.
        return [_centred_ranks(signal).astype(np.float32) for signal in self._tmp]

    @cached_property
    def _activation(self) -> Doubles:
        return activation_time(self._tmp, self._time_ms)

    @cached_property
    def _recovery(self) -> Doubles:
        return repolarisation_time(self._tmp, self._time_ms)

    def _checked(self, predicted: Floats) -> Floats:
        if np.shape(predicted) != self._tmp.shape:
            raise InferenceError(f"true potentials have shape {self._tmp.shape}, predicted ones {np.shape(predicted)}")
        for case, signal in enumerate(predicted):
            if not np.isfinite(signal).all():
                raise InferenceError(f"the potentials predicted for row {case} aren't finite")
        return np.asarray(predicted, dtype=np.float32)


def duration_mae(truth_ms: Floats, activation_ms: Floats, recovery_ms: Floats, end_ms: float) -> Doubles:
    """Mean absolute error of action potential durations over the points where the record holds the true one whole.

    Parameters
    ----------
    truth_ms
        True durations, NaN where the record holds none, shape (case, point).
    activation_ms, recovery_ms
        Predicted times, NaN where there is none.
    end_ms
        Last sample: a predicted action potential that doesn't end counts as if it did then, one that is absent as 0.

    Returns
    -------
    In ms, shape (case,); NaN where no true duration is known.
    """
    known = np.isfinite(truth_ms)
    ended = np.where(np.isfinite(recovery_ms), recovery_ms, end_ms)
    duration = np.where(np.isfinite(activation_ms), ended - activation_ms, 0.0)
    error = np.where(known, np.abs(duration - truth_ms), 0.0).sum(axis=-1)
    count = known.sum(axis=-1)
    return np.where(count > 0, error / np.maximum(count, 1), np.nan)


def _sums(truth: Floats, predicted: Floats) -> Doubles:
    """Of each case: count, Σx, Σy, Σx², Σy², Σxy, Σ|x−y|, Σ(x−y)²; shape (case, 8). Sums of cases add up."""
    sums = np.empty((len(truth), 8))
    for case, signals in enumerate(zip(truth, predicted, strict=True)):
        x, y = (np.asarray(signal, dtype=np.float64).ravel() for signal in signals)
        error = x - y
        sums[case] = x.size, x.sum(), y.sum(), x @ x, y @ y, x @ y, np.abs(error).sum(), error @ error
    return sums


def _from_sums(sums: Doubles) -> dict[str, Doubles]:
    """MAE, MSE, R² and Pearson from sums (..., 8); the correlation with a constant is 0."""
    count, x, y, xx, yy, xy, absolute, squared = np.moveaxis(sums, -1, 0)
    x_variation, y_variation = xx - x * x / count, yy - y * y / count
    varies = y_variation > _CONSTANT * yy
    size = np.sqrt(x_variation * np.where(varies, y_variation, 1.0))
    pearson = np.where(varies, np.clip((xy - x * y / count) / size, -1, 1), 0.0)
    return {"mae": absolute / count, "mse": squared / count, "r2": 1 - squared / x_variation, "pearson": pearson}


def _in_order(values: Floats) -> tuple[NDArray[np.int64], Doubles]:
    """Order that sorts all values, and their ranks in that order less the mean rank; equal ones share their mean rank.

    As `scipy.stats.rankdata`, of which it takes a third of the time: argsort needn't be stable here.
    """
    order = np.argsort(values, axis=None)
    ascending = values.ravel()[order]
    first = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    equals = np.diff(first, append=order.size)
    return order, np.repeat(first + (equals - order.size) / 2, equals)


def _centred_ranks(values: Floats) -> Doubles:
    """Ranks less the mean rank; flat."""
    order, ascending = _in_order(values)
    ranks = np.empty(order.size)
    ranks[order] = ascending
    return ranks


def _spearman(truth: Floats, predicted: Floats) -> float:
    """Correlation with the centred ranks of the truth; 0 where the prediction is constant."""
    order, ranks = _in_order(predicted)
    wide = truth.astype(np.float64, copy=False)
    size = float(np.sqrt((wide @ wide) * (ranks @ ranks)))
    return float(np.clip(wide[order] @ ranks / size, -1, 1)) if size > 0 else 0.0
