"""The learning rate's course over a training.

A short linear warm-up, then half a cosine down to a small share; or halvings where the validation loss stands still.
"""

import math
from collections.abc import Sequence
from typing import Literal

_WARM_UP = 0.03
_LAST = 0.01
_PLATEAU_EPOCHS = 5
_PLATEAU_FACTOR = 0.5

Schedule = Literal["cosine", "constant", "plateau"]


def learning_rate_factor(step: int, steps: int, schedule: Schedule, losses: Sequence[float] = ()) -> float:
    """Share of the largest learning rate at a step.

    Parameters
    ----------
    step, steps
        Number of the step from 0, and of all steps of the training.
    schedule
        ``"cosine"`` rises linearly over the first 3 % of the steps and falls to 0.01 at the last one (Loshchilov &
        Hutter 2017, without restarts); ``"constant"`` is 1 throughout; ``"plateau"`` is halved by every plateau (see
        `plateaus`) of the validation loss.
    losses
        Validation losses of the epochs before.
    """
    if schedule == "plateau":
        return float(_PLATEAU_FACTOR ** plateaus(losses))
    if schedule == "constant":
        return 1.0
    warm_up = max(1, round(_WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step + 1 - warm_up) / (steps - warm_up)
    return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * done))


def plateaus(losses: Sequence[float]) -> int:
    """How often five consecutive epochs were no better than the best before, counted anew after every five.

    It follows from the losses alone, so that a resumed training has the same rates; a scheduler would have a state.
    """
    best, waiting, found = math.inf, 0, 0
    for loss in losses:
        waiting = 0 if loss < best else waiting + 1
        best = min(best, loss)
        if waiting == _PLATEAU_EPOCHS:
            found, waiting = found + 1, 0
    return found
