"""The learning rate's course over a training: a short linear warm-up, then half a cosine down to a small share."""

import math
from typing import Literal

_WARM_UP = 0.03
_LAST = 0.01

Schedule = Literal["cosine", "constant"]


def learning_rate_factor(step: int, steps: int, schedule: Schedule) -> float:
    """Share of the largest learning rate at a step.

    Parameters
    ----------
    step, steps
        Number of the step from 0, and of all steps of the training.
    schedule
        ``"cosine"`` rises linearly over the first 3 % of the steps and falls to 0.01 at the last one (Loshchilov &
        Hutter 2017, without restarts); ``"constant"`` is 1 throughout.
    """
    if schedule == "constant":
        return 1.0
    warm_up = max(1, round(_WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step + 1 - warm_up) / (steps - warm_up)
    return _LAST + (1 - _LAST) * 0.5 * (1 + math.cos(math.pi * done))
