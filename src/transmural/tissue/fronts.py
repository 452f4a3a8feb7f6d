"""How fast a front travels along a cable, and the diffusivity for which it is as fast as it should be."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

_UPSTROKE = 0.5
_CORRECTIONS = 4


def front_velocity(probed: Iterable[NDArray[np.floating]], step_ms: float, apart_mm: float) -> float:
    """Velocity (mm/ms) of a front from potentials at two places; NaN if it doesn't reach both.

    Parameters
    ----------
    probed
        Potentials at the two places, the first reached first: before the first step and after each; read until both
        are above 0.5.
    step_ms
        Time between them.
    apart_mm
        Distance of the places.
    """
    potentials = iter(probed)
    crossing, before = np.full(2, np.nan), next(potentials)
    for number, now in enumerate(potentials):
        for end in np.flatnonzero(np.isnan(crossing) & (now >= _UPSTROKE)):
            crossing[end] = step_ms * (number + (_UPSTROKE - before[end]) / (now[end] - before[end]))
        if not np.isnan(crossing).any():
            break
        before = now
    return float(apart_mm / (crossing[1] - crossing[0]))


def matched_diffusivity(first: float, velocity: float, measured: Callable[[float], float]) -> float | None:
    """Diffusivity for which ``measured`` gives the velocity, found from a first one; None if the wave dies.

    The velocity of a continuous front is as the root of the diffusivity; what the cable's pieces change is small.
    """
    diffusivity = first
    for _ in range(_CORRECTIONS):
        found = measured(diffusivity)
        if not found > 0:
            return None
        diffusivity *= (velocity / found) ** 2
    return diffusivity
