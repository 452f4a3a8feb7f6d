"""Potentials without a network: what a network must beat to have learnt something from an ECG.

The mean trace knows no ECG at all. Ridge regression is the best linear map from the ECG, and the nearest recording the
best guess without any model. None of them is given a true potential of the recordings that it is tested on;
`hold_last_segment` is given nothing else, and stands beside networks that are fed true potentials.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from transmural.inverse.nearest_beat import nearest
from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]
Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Leading principal components of the ECG; those behind them hold less than the single precision of their values.
_COMPONENTS = 300
_SMALLEST_EIGENVALUE = 1e-13
# Relative to the largest eigenvalue of the ECG's second moments.
_RIDGE_WEIGHTS = 10.0 ** np.arange(-12, 2)


def mean_trace(tmp: Singles, cases: int) -> Singles:
    """Mean over the training recordings at every time and point, the same for every case.

    Parameters
    ----------
    tmp
        Training potentials, shape (case, sample, point).
    cases
        How many are asked for.

    Returns
    -------
    Shape (case, sample, point).
    """
    mean = np.mean(tmp, axis=0, dtype=np.float64).astype(np.float32)
    return np.broadcast_to(mean, (cases, *mean.shape))


def nearest_recording(training_ecg: Singles, tmp: Singles, ecg: Singles) -> Singles:
    """Potentials of the training recording whose ECG is nearest in the root mean square over leads and samples.

    Parameters
    ----------
    training_ecg, tmp
        ECGs (case, lead, sample) and potentials (case, sample, point) of the training recordings.
    ecg
        Of the recordings asked for, on the same scale and as long as ``training_ecg``.

    Returns
    -------
    Shape (case, sample, point).

    Raises
    ------
    InferenceError
        If the ECGs differ in leads or samples, or their number isn't that of the potentials.
    """
    _check_fit(training_ecg, tmp, "nearest recording")
    _check_ecg(ecg, training_ecg.shape[1:], "nearest recording")
    return tmp[nearest(ecg, training_ecg)[0]]


@dataclass(frozen=True, eq=False)
class EcgRidge:
    """A linear map from a whole ECG to the potentials at all times and points.

    Attributes
    ----------
    ecg_mean
        Mean training ECG, shape (lead, sample).
    components
        Weights of every lead and sample in each component, scaled and shrunk, shape (lead × sample, component).
    tmp_mean
        Mean training potentials, shape (sample, point).
    map
        Potentials of a component, shape (component, sample × point).
    weight
        Chosen ridge weight, relative to the largest eigenvalue of the ECG's second moments.
    """

    ecg_mean: Doubles
    components: Doubles
    tmp_mean: Doubles
    map: Singles
    weight: float

    def tmp(self, ecg: Singles) -> Singles:
        """Potentials (case, sample, point) of ECGs (case, lead, sample), scaled and as long as those of the training.

        Raises
        ------
        InferenceError
            If leads or samples aren't those of the training.
        """
        _check_ecg(ecg, self.ecg_mean.shape, "ridge")
        scores = _flat(ecg, self.ecg_mean) @ self.components
        change = (scores.astype(np.float32) @ self.map).reshape(len(ecg), *self.tmp_mean.shape)
        return np.asarray(change + self.tmp_mean.astype(np.float32))


def ecg_ridge(ecg: Singles, tmp: Singles, validation_ecg: Singles, validation_tmp: Singles) -> EcgRidge:
    """Ridge regression from the principal components of the ECG to the potentials.

    Y = Z (ZᵀZ + λ)⁻¹ Zᵀ Y with the scores Z of the leading components. They are orthogonal, so all weights λ share
    U Uᵀ Y, U = Z / |Z|; the best by the squared error on the validation is taken.

    Parameters
    ----------
    ecg, validation_ecg
        Scaled ECGs, shape (case, lead, sample).
    tmp, validation_tmp
        Potentials, shape (case, sample, point); the samples may be more than those of the ECG.

    Raises
    ------
    InferenceError
        If shapes don't fit, there are fewer than two training recordings, or all training ECGs are the same.
    """
    _check_fit(ecg, tmp, "ridge")
    _check_fit(validation_ecg, validation_tmp, "ridge, validation")
    _check_ecg(validation_ecg, ecg.shape[1:], "ridge, validation")
    ecg_mean, tmp_mean = (np.asarray(np.mean(known, axis=0, dtype=np.float64)) for known in (ecg, tmp))
    values, vectors = leading_axes(_flat(ecg, ecg_mean), _COMPONENTS)
    whitening = vectors / np.sqrt(values)
    unit = _flat(ecg, ecg_mean) @ whitening
    # Columns of U sum to zero, so the mean potential needn't be taken from Y, which is gigabytes.
    moment = unit.astype(np.float32).T @ tmp.reshape(len(tmp), -1)
    errors = _validation_errors(
        _flat(validation_ecg, ecg_mean) @ whitening, validation_tmp, tmp_mean, moment, values / values[0]
    )
    weight = float(_RIDGE_WEIGHTS[int(np.argmin(errors))])
    return EcgRidge(ecg_mean, whitening * _shrinkage(values / values[0], weight), tmp_mean, moment, weight)


def hold_last_segment(tmp: Singles, segment_samples: int) -> Singles:
    """The last true value of each segment, held over the next one; rest, 0, over the first.

    What a network is worth that is fed true potentials: nothing is predicted here.

    Parameters
    ----------
    tmp
        True potentials, shape (case, sample, point).
    segment_samples
        Samples of a segment.

    Returns
    -------
    Of the same shape.
    """
    last = np.arange(tmp.shape[1]) // segment_samples * segment_samples - 1
    held = tmp[:, np.maximum(last, 0)]
    held[:, last < 0] = 0.0
    return held


def leading_axes(flat: Doubles, most: int) -> tuple[Doubles, Doubles]:
    """Leading eigenvalues and eigenvectors of XᵀX, at most so many and only those that aren't rounding.

    Parameters
    ----------
    flat
        Centred ECGs X, shape (case, lead × sample).
    most
        How many are wanted.

    Returns
    -------
    Eigenvalues, largest first, and eigenvectors, shape (lead × sample, axis).

    Raises
    ------
    InferenceError
        If there are fewer than two cases, or all are the same.
    """
    cases, size = flat.shape
    count = min(most, size, cases - 1)
    if count < 1 or not flat.any():
        raise InferenceError(f"ridge: {cases} training recordings whose ECGs don't differ; give two that do")
    few = cases < size
    # XXᵀ has the same eigenvalues, and is the smaller of the two where recordings are few.
    second = flat @ flat.T if few else flat.T @ flat
    values, vectors = eigh(second, subset_by_index=[len(second) - count, len(second) - 1])
    kept = values[::-1] > _SMALLEST_EIGENVALUE * values[-1]
    values, vectors = values[::-1][kept], vectors[:, ::-1][:, kept]
    return values, flat.T @ vectors / np.sqrt(values) if few else vectors


def _shrinkage(values: Doubles, weight: float) -> Doubles:
    return np.asarray(values / (values + weight))


def _validation_errors(
    unit: Doubles, validation_tmp: Singles, tmp_mean: Doubles, moment: Singles, values: Doubles
) -> list[float]:
    """|Y − (U s) M|² for every weight, less |Y|²: two small products hold all that depends on the potentials."""
    flat = moment.reshape(len(moment), -1)
    wanted = validation_tmp.reshape(len(validation_tmp), -1) @ flat.T - tmp_mean.astype(np.float32).ravel() @ flat.T
    second = flat @ flat.T
    errors = []
    for weight in _RIDGE_WEIGHTS:
        scores = unit * _shrinkage(values, float(weight))
        errors.append(float(np.sum((scores @ second) * scores) - 2 * np.sum(scores * wanted)))
    return errors


def _flat(ecg: Singles, mean: Doubles) -> Doubles:
    return (ecg - mean).reshape(len(ecg), -1)


def _check_fit(ecg: Singles, tmp: Singles, whose: str) -> None:
    if ecg.ndim != 3 or tmp.ndim != 3 or not ecg.size or len(ecg) != len(tmp):
        raise InferenceError(
            f"{whose}: ECGs of shape {ecg.shape} don't fit potentials of shape {tmp.shape}; give (case, lead, sample) "
            "and (case, sample, point)"
        )


def _check_ecg(ecg: Singles, shape: tuple[int, ...], whose: str) -> None:
    if ecg.shape[1:] != shape:
        raise InferenceError(f"{whose}: trained on ECGs of shape {shape} (lead, sample) and these are {ecg.shape[1:]}")
