"""Inference constrained by an electrophysiological model (Wang et al. 2010, IEEE Trans. Biomed. Eng. 57(2)).

The comparison of Ghimire et al. 2018: an unscented Kalman filter (`unscented_filter`) follows the potential u from
frame to frame by the Aliev–Panfilov model (`node_model`), the recovery variable being integrated along the mean, and
corrects it by the ECG. The model is that of a healthy heart in sinus rhythm (`sinus_rhythm`) whatever the case: its
threshold and where it is excited are fixed, so it is wrong wherever a beat starts elsewhere or meets a scar.

The published filter runs the model 2N + 1 times a frame for N nodes. Here the covariance lives in the smoothest modes
of the wall (`wall_modes`); with as many modes as nodes it is the full filter. On 146 nodes, 60 modes differ from it by
2 % in sinus rhythm and 5 % in a beat from elsewhere. On the phantoms' 900 nodes, where thresholds magnify small
differences, 200 modes and the full filter differ by 10 to 23 % of the potentials' norm; their errors against the truth
of four training beats, in the mean, are 0.40 and 0.37 (100 modes: 0.42; 400: 0.37), at 0.9 s and 15 s a case.

Size and length of the model's error are those that make the ECGs of training beats likeliest under the filter, which
takes no truth; the mean innovation then is about one. The velocity is that of healthy training beats along the graph.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from transmural.inverse.node_model import NodeModel
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.inverse.sinus_rhythm import SinusRhythm
from transmural.inverse.unscented_filter import unscented_filter
from transmural.inverse.wall_modes import WallModes
from transmural.stores.errors import InferenceError

# The model's potentials lie in [0, 1]; beyond these bounds its cubic kinetics and explicit steps mean nothing. Sigma
# points outside are put on them (Kandepu, Foss & Imsland 2008, J. Process Control 18:753).
_LOWEST, _HIGHEST = -0.2, 1.2
# Noise that a lead has at least, relative to the largest ECG that potentials of one make: exact ECGs would leave the
# filter no room for rounding.
_LEAST_NOISE = 1e-6


@method("ep_constrained", label="EP constrained (reduced rank)")
def ep_constrained(problem: Problem) -> Reconstruction:
    """Unscented filter on a healthy heart in sinus rhythm, its covariance in few modes.

    Parameters
    ----------
    problem
        ECGs in mV, transfer matrix, noise level, coordinates of the wall, and ``inference.ep_constrained``.

    Returns
    -------
    Filtered potentials with their standard deviations; mean ``innovation`` and ``log_likelihood`` of each case (see
    `unscented_filter.Filtered`).

    Raises
    ------
    InferenceError
        If the problem has no settings or coordinates, or waves don't spread over its nodes.
    """
    if problem.wall is None:
        raise InferenceError("ep_constrained: needs the coordinates of the wall; give Problem(wall=…)")
    settings = problem.settings.ep_constrained
    rhythm = SinusRhythm.of(problem.graph, problem.wall)
    modes = WallModes.of(problem.graph, settings.modes, settings.model_error_length_mm)
    frame_ms = float(problem.time_ms[1]) - float(problem.time_ms[0])
    model = NodeModel.calibrated(problem.graph, settings.conduction_velocity_m_per_s, frame_ms)
    start = rhythm.between(*problem.time_ms[:2]).astype(np.float64)
    process_sd = settings.model_error_per_ms * np.sqrt(frame_ms)
    transfer = problem.centred_transfer
    least_noise = _LEAST_NOISE * np.abs(transfer).sum(axis=1).max()
    tmp, std = (np.empty((problem.cases, problem.time_ms.size, problem.graph.nodes), np.float32) for _ in range(2))
    innovation, likelihood = np.empty(problem.cases), np.empty(problem.cases)
    for case, ecg in enumerate(problem.ecg.astype(np.float64)):
        noise_sd = max(float(problem.noise_sd_mv[case]), least_noise)
        step = beat(model, rhythm, problem.time_ms)
        found = unscented_filter(ecg, noise_sd, transfer, modes, process_sd, start, step)
        tmp[case], std[case] = np.clip(found.mean, _LOWEST, _HIGHEST), found.std
        innovation[case], likelihood[case] = found.innovation.mean(), found.log_likelihood
    return Reconstruction(tmp, std, {"innovation": innovation, "log_likelihood": likelihood})


def beat(
    model: NodeModel, rhythm: SinusRhythm, time_ms: NDArray[np.floating]
) -> Callable[[NDArray[np.float32], int], NDArray[np.float32]]:
    """One beat of the model, from rest, as the filter's `unscented_filter.Propagate`.

    It remembers the recovery variable, which follows the first state, so frames must be asked for in turn.

    Parameters
    ----------
    model
        Healthy tissue.
    rhythm
        Where and when it is excited.
    time_ms
        Times of the frames, shape (time,).
    """
    recovery = np.zeros(rhythm.stimulated.shape[1], np.float32)

    def step(points: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
        nonlocal recovery
        bounded = np.clip(points, _LOWEST, _HIGHEST)
        bounded[rhythm.between(*time_ms[frame - 1 : frame + 1])] = 1.0
        after, recovery = model.advance(bounded, recovery)
        return after

    return step
