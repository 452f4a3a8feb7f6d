"""Activation and repolarisation times of transmembrane potentials, simulated or reconstructed.

Activation is the time of steepest upstroke, found between the frames: the slopes of the intervals around the steepest
one are interpolated by a parabola. Repolarisation is the first time after the peak at which the potential has lost 90 %
of its peak, interpolated linearly.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def activation_time(
    tmp: NDArray[np.floating], time_ms: NDArray[np.floating], level: float | None = 0.5
) -> NDArray[np.float64]:
    """Time of the steepest upstroke.

    Parameters
    ----------
    tmp
        Transmembrane potential, shape (..., time, node).
    time_ms
        Times of the frames, equally spaced, shape (time,).
    level
        Potential that an activated node reaches at some time; None for potentials of unknown offset and scale.

    Returns
    -------
    NDArray
        In ms, shape (..., node): NaN where ``level`` isn't reached, the first frame's time where it is reached at once.
    """
    time_ms = _checked_times(time_ms, 3)
    return _each_case(tmp, lambda case: _activation(case, time_ms, level))


def repolarisation_time(
    tmp: NDArray[np.floating], time_ms: NDArray[np.floating], level: float | None = 0.5, fraction: float = 0.9
) -> NDArray[np.float64]:
    """Time at which ``fraction`` of the peak potential is lost.

    Parameters
    ----------
    tmp
        Transmembrane potential, shape (..., time, node), 0 at rest.
    time_ms
        Times of the frames, equally spaced, shape (time,).
    level
        As in `activation_time`.
    fraction
        Share of the peak that is lost, 0 to 1.

    Returns
    -------
    NDArray
        In ms, shape (..., node): NaN where ``level`` isn't reached or the potential doesn't fall that far.
    """
    time_ms = _checked_times(time_ms, 2)
    return _each_case(tmp, lambda case: _repolarisation(case, time_ms, level, fraction))


def action_potential_duration(
    tmp: NDArray[np.floating], time_ms: NDArray[np.floating], level: float | None = 0.5, fraction: float = 0.9
) -> NDArray[np.float64]:
    """Time from activation to repolarisation in ms, shape (..., node); NaN where either is."""
    return repolarisation_time(tmp, time_ms, level, fraction) - activation_time(tmp, time_ms, level)


def _each_case(
    tmp: NDArray[np.floating], find: Callable[[NDArray[np.floating]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Apply ``find`` to one (time, node) field after another, which keeps temporaries small."""
    tmp = np.asarray(tmp)
    fields = tmp.reshape(-1, *tmp.shape[-2:])
    found = np.empty((len(fields), tmp.shape[-1]))
    for case, field in enumerate(fields):
        found[case] = find(field)
    return found.reshape(*tmp.shape[:-2], tmp.shape[-1])


def _activation(u: NDArray[np.floating], time_ms: NDArray[np.float64], level: float | None) -> NDArray[np.float64]:
    rise = np.diff(u, axis=0)
    node = np.arange(u.shape[1])
    steepest = rise.argmax(axis=0)
    inner = np.clip(steepest, 1, len(rise) - 2) if len(rise) > 2 else np.ones_like(steepest)
    before, at, after = (rise[np.clip(inner + k, 0, len(rise) - 1), node].astype(np.float64) for k in (-1, 0, 1))
    curvature = before - 2 * at + after
    peaked = (inner == steepest) & (curvature < 0)
    offset = np.where(peaked, 0.5 * (before - after) / np.where(peaked, curvature, 1.0), 0.0)
    interval = time_ms[1] - time_ms[0]
    found: NDArray[np.float64] = time_ms[0] + interval * (steepest + 0.5 + np.clip(offset, -0.5, 0.5))
    if level is not None:
        found[u[0] >= level] = time_ms[0]
        found[~(u.max(axis=0) >= level)] = np.nan
    return found


def _repolarisation(
    u: NDArray[np.floating], time_ms: NDArray[np.float64], level: float | None, fraction: float
) -> NDArray[np.float64]:
    node = np.arange(u.shape[1])
    peak_frame = u.argmax(axis=0)
    peak = u[peak_frame, node]
    threshold = ((1 - fraction) * peak).astype(u.dtype)
    below = (u < threshold) & (np.arange(len(u))[:, None] > peak_frame)
    frame = below.argmax(axis=0)
    falls = below[frame, node]
    last = u[np.maximum(frame - 1, 0), node].astype(np.float64)
    drop = np.where(falls, last - u[frame, node], 1.0)
    found = time_ms[frame] - (time_ms[1] - time_ms[0]) * (threshold - u[frame, node]) / drop
    found[~falls] = np.nan
    if level is not None:
        found[~(peak >= level)] = np.nan
    result: NDArray[np.float64] = found
    return result


def _checked_times(time_ms: NDArray[np.floating], fewest: int) -> NDArray[np.float64]:
    time: NDArray[np.float64] = np.asarray(time_ms, dtype=np.float64)
    interval = np.diff(time)
    if len(time) < fewest or not np.allclose(interval, interval[0]):
        raise ValueError(f"time_ms: at least {fewest} equally spaced frames are needed")
    return time
