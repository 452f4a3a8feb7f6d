"""Trivial baseline: the mean of the training beats, whatever the ECG."""

import numpy as np

from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.stores.errors import InferenceError


@method("mean_beat", label="Mean beat", needs=("training",))
def mean_beat(problem: Problem) -> Reconstruction:
    """Mean transmembrane potential of the training beats.

    Raises
    ------
    InferenceError
        If the problem has no training beats.
    """
    if problem.training is None:
        raise InferenceError("mean_beat: needs training beats and the problem has none")
    beats = problem.training.tmp
    mean = beats.mean(axis=0, dtype=np.float64)
    return Reconstruction(np.repeat(mean.astype(np.float32)[None], problem.cases, axis=0))
