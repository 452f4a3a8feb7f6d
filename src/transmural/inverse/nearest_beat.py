"""Trivial baseline: the training beat whose noise-free ECG is nearest to the case's, ``argmin_j |Y − Y_j|_F``."""

import numpy as np
from numpy.typing import NDArray

from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.stores.errors import InferenceError

# The batched product ranks the beats in single precision; the nearest of these few is then found exactly, so that
# the choice doesn't depend on how the product was blocked.
_SHORT_LIST = 5


@method("nearest_beat", label="Nearest beat", needs=("training",))
def nearest_beat(problem: Problem) -> Reconstruction:
    """Transmembrane potential of the training beat with the nearest ECG.

    Returns
    -------
    Potentials, and the number of the chosen ``beat`` of each case with its ``ecg_distance_mv`` (root mean square).

    Raises
    ------
    InferenceError
        If the problem has no training beats.
    """
    if problem.training is None:
        raise InferenceError("nearest_beat: needs training beats and the problem has none")
    beat, distance = nearest(problem.ecg, problem.training.ecg)
    tmp = problem.training.tmp[beat].astype(np.float32, copy=False)
    return Reconstruction(tmp, chosen={"beat": beat, "ecg_distance_mv": distance})


def nearest(
    ecg: NDArray[np.floating], training_ecg: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The training beat nearest to each case in ECG space.

    Parameters
    ----------
    ecg, training_ecg
        ECGs in mV, shapes (case, lead, time) and (beat, lead, time).

    Returns
    -------
    Number of the beat, and root-mean-square difference of the ECGs in mV, both of shape (case,).
    """
    short = nearest_few(ecg, training_ecg, _SHORT_LIST)
    cases, beats = _flat(ecg), _flat(training_ecg)
    chosen = np.empty(cases.shape[0], dtype=np.int64)
    distance = np.empty(cases.shape[0])
    for case, numbers in enumerate(short):
        exact = np.mean((beats[numbers].astype(np.float64) - cases[case]) ** 2, axis=1)
        order = np.lexsort((numbers, exact))
        chosen[case], distance[case] = numbers[order[0]], np.sqrt(exact[order[0]])
    return chosen, distance


def nearest_few(ecg: NDArray[np.floating], training_ecg: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Numbers of the ``count`` training beats nearest to each case in ECG space, nearest first, shape (case, count).

    Arguments as for `nearest`; all beats where there are fewer.
    """
    cases, beats = _flat(ecg), _flat(training_ecg)
    squares = np.array([np.dot(beat, beat) for beat in beats])
    rank = squares - 2 * (cases @ beats.T)
    return np.asarray(np.argsort(rank, axis=1, kind="stable")[:, :count])


def _flat(ecg: NDArray[np.floating]) -> NDArray[np.float32]:
    """ECGs as vectors in single precision, shape (case, lead × time)."""
    return ecg.reshape(ecg.shape[0], -1).astype(np.float32, copy=False)
