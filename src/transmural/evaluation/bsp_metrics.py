"""The five metrics of body-surface potentials from an autoencoder (Bacoyannis et al. 2019, section 4.1).

The paper names them and doesn't define them; these definitions give values of the signs that it prints. Of a case with
potentials x and reconstructions x̂ at its electrodes:

- correlation: Pearson's r of x̂ and x over time, mean over the electrodes; 0 at an electrode where either is constant;
- mean difference: 100 · mean |x̂ − x| / (max x − min x), over all electrodes and times;
- area difference: 100 · (∫|x̂| − ∫|x|) / ∫|x|, mean over the electrodes;
- amplitude difference: 100 · (max |x̂| − max |x|) / max |x|, mean over the electrodes;
- first peak: share of the electrodes at which the first peaks of x̂ and x have the same sign. The first peak of a signal
  is the first maximum of its magnitude above 10 % of the largest.

Beside them the mean squared error, scaled by the range of the training's potentials.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.evaluation.metrics import correlation
from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]

_PEAK = 0.1  # of the largest magnitude


def potential_metrics(truth: Floats, predicted: Floats, span_mv: float) -> dict[str, Doubles]:
    """All metrics of every case.

    Parameters
    ----------
    truth, predicted
        Potentials in mV, shape (case, electrode row, electrode column, time).
    span_mv
        Range of the training's potentials.

    Returns
    -------
    ``correlation, mean_difference, area_difference, amplitude_difference, first_peak, mse``, shape (case,) each.

    Raises
    ------
    InferenceError
        If shapes differ, a value isn't finite or a true potential is zero throughout.
    """
    if truth.ndim != 4 or truth.shape != predicted.shape:
        raise InferenceError(f"potentials have shapes {truth.shape} and {predicted.shape}; give two of one shape")
    for case, signals in enumerate(predicted):
        if not np.isfinite(signals).all():
            raise InferenceError(f"the potentials predicted for row {case} aren't finite")
    true, found = _by_electrode(truth), _by_electrode(predicted)
    if not (np.abs(true).max(axis=2) > 0).all():
        raise InferenceError("a true potential is zero at all times or not a number; leave its case out")
    error = found - true
    span = true.max(axis=(1, 2)) - true.min(axis=(1, 2))
    return {
        "correlation": _correlation(true, found),
        "mean_difference": 100 * np.abs(error).mean(axis=(1, 2)) / span,
        "area_difference": _excess(np.abs(true).sum(axis=2), np.abs(found).sum(axis=2)),
        "amplitude_difference": _excess(np.abs(true).max(axis=2), np.abs(found).max(axis=2)),
        "first_peak": 100 * np.mean(first_peak(true) == first_peak(found), axis=1),
        "mse": np.square(error).mean(axis=(1, 2)) / span_mv**2,
    }


def first_peak(signals: Floats) -> Doubles:
    """Sign of the first peak of every signal (..., time); 0 of one that is zero throughout."""
    size = np.abs(signals)
    # The ends count as peaks, if they are higher than what they border on.
    before = np.concatenate([np.full_like(size[..., :1], -1), size[..., :-1]], axis=-1)
    after = np.concatenate([size[..., 1:], np.full_like(size[..., :1], -1)], axis=-1)
    is_peak = (size > before) & (size >= after) & (size >= _PEAK * size.max(axis=-1, keepdims=True))
    first = np.argmax(is_peak, axis=-1)[..., None]
    return np.sign(np.take_along_axis(signals, first, axis=-1)[..., 0])


def _by_electrode(potentials: Floats) -> Doubles:
    """In double precision, shape (case, electrode, time)."""
    return potentials.reshape(len(potentials), -1, potentials.shape[-1]).astype(np.float64)


def _correlation(true: Doubles, found: Doubles) -> Doubles:
    # Of each electrode, as `correlation` has it of a case of one frame.
    of_electrode = correlation(*(signals.reshape(-1, 1, signals.shape[2]) for signals in (true, found)))
    return np.asarray(of_electrode.reshape(true.shape[:2]).mean(axis=1))


def _excess(true: Doubles, found: Doubles) -> Doubles:
    """By how many percent ``found`` is above ``true``, mean over the electrodes."""
    return np.asarray(100 * ((found - true) / true).mean(axis=1))
