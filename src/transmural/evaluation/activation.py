"""Activation times of reconstructions, by the rule that gives those of the truth: the steepest upstroke.

Potentials of physiological shape are treated as the truth is. Where a method preserves neither offset nor size (it
declares its scars by amplitude), a level means nothing, so every node counts as activated at its steepest upstroke.
The heart is at rest before the beat: a frame of zeros goes before the first, without which the stimulated region, up
from the start, would have no upstroke.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.tissue.events import activation_time

Floats = NDArray[np.floating]


def reconstructed_activation(tmp: Floats, time_ms: Floats, definition: str) -> NDArray[np.float64]:
    """Activation time of every node.

    Parameters
    ----------
    tmp
        Reconstructed potentials, finite, shape (case, time, node).
    time_ms
        Times of the frames, equally spaced, shape (time,).
    definition
        How the method's scars show: ``"physiological"`` potentials, or only the ``"amplitude"``.

    Returns
    -------
    In ms, shape (case, node), never before the first frame; NaN where a node isn't activated, and throughout a case of
    zeros.
    """
    if definition == "physiological":
        return activation_time(tmp, time_ms)
    interval = float(time_ms[1]) - float(time_ms[0])
    earlier = np.concatenate([[time_ms[0] - interval], time_ms.astype(np.float64)])
    times = np.empty((tmp.shape[0], tmp.shape[2]))
    for case, signal in enumerate(tmp):
        from_rest = np.concatenate([np.zeros_like(signal[:1]), signal])
        times[case] = np.maximum(activation_time(from_rest, earlier, level=None), time_ms[0])
    times[~tmp.any(axis=(1, 2))] = np.nan
    return times
