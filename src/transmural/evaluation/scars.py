"""Scars from reconstructed potentials: one scalar a node, and a threshold below which the node is scar.

Two definitions (Ghimire et al. 2018, section 4): *physiological*, where the potentials keep their shape, from absence
or delay of activation and shortening of the action potential; *amplitude*, where they don't, from the peak of the
signal. The paper gives no formula. The first is here the share of the record during which u > 0.7, which each of
those lowers (the authors' later code takes scar where it is less than a quarter); the second is the peak over time
relative to the mean peak of the nodes, so that it doesn't depend on how much a method shrinks.

Thresholds come from validation beats, by the greatest mean Dice coefficient, never from test beats.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]

DEPOLARISED_LEVEL = 0.7
_CANDIDATES = 20_000


def depolarised_share(tmp: Floats, level: float = DEPOLARISED_LEVEL) -> Doubles:
    """Share of the record during which the potential exceeds a level.

    Parameters
    ----------
    tmp
        Dimensionless potentials at evenly spaced frames, linear between them, shape (case, time, node).
    level
        Dimensionless.

    Returns
    -------
    In [0, 1], shape (case, node).
    """
    share = np.empty((tmp.shape[0], tmp.shape[2]))
    for case, signal in enumerate(tmp):
        above = np.maximum(signal - np.float32(level), 0)
        below = np.maximum(np.float32(level) - signal, 0)
        # Of a straight line from p to q relative to the level, max(p, 0) + max(q, 0) over |p| + |q| lies above.
        rise = above[:-1] + above[1:]
        span = rise + below[:-1] + below[1:]
        share[case] = np.mean(np.divide(rise, span, out=np.zeros_like(rise), where=span > 0), axis=0, dtype=np.float64)
    return share


def relative_peak(tmp: Floats) -> Doubles:
    """Greatest potential of each node over time, relative to the mean of these over the nodes.

    Parameters
    ----------
    tmp
        Potentials, shape (case, time, node); an unexcited node stays near or below zero also when the spatial mean
        is unknown and taken as zero.

    Returns
    -------
    Shape (case, node); 0 throughout a case in which nothing rises above zero.
    """
    peak = tmp.max(axis=1).astype(np.float64)
    mean = peak.mean(axis=1, keepdims=True)
    return np.asarray(np.divide(peak, mean, out=np.zeros_like(peak), where=mean > 0))


_FIELDS: dict[str, Callable[[Floats], Doubles]] = {"physiological": depolarised_share, "amplitude": relative_peak}


def scar_field(tmp: Floats, definition: str) -> Doubles:
    """The scalar that is low in scars, under the definition that the method declares.

    Parameters
    ----------
    tmp
        Potentials, shape (case, time, node).
    definition
        ``"physiological"`` or ``"amplitude"``.

    Returns
    -------
    Shape (case, node).

    Raises
    ------
    InferenceError
        If there is no such definition.
    """
    if definition not in _FIELDS:
        raise InferenceError(f"scar definition '{definition}' is unknown; a method declares one of {sorted(_FIELDS)}")
    return _FIELDS[definition](tmp)


def best_threshold(field: Doubles, scar: NDArray[np.bool_]) -> float:
    """The threshold with the greatest mean Dice coefficient over the cases that have a scar.

    Parameters
    ----------
    field
        Scalar that is low in scars, shape (case, node); cases with values that aren't finite teach nothing.
    scar
        True scar, shape (case, node).

    Returns
    -------
    Threshold: nodes below it are scar. Where several do equally well, the middle of the first such stretch; 0 where
    every case with a scar has failed.

    Raises
    ------
    InferenceError
        If no case has a scar.
    """
    scarred = scar.any(axis=1)
    if not scarred.any():
        raise InferenceError(
            f"scar threshold: none of the {scar.shape[0]} validation cases has a scar; raise "
            "generative_em.validation_cases or generative_em.scars.radius_min_mm"
        )
    usable = scarred & np.isfinite(field).all(axis=1)
    if not usable.any():
        return 0.0
    field, scar = field[usable], scar[usable]
    candidates = _between(np.unique(field))
    mean = np.mean([_dice_below(candidates, *case) for case in zip(field, scar, strict=True)], axis=0)
    best = mean >= mean.max() - 1e-12
    first = int(np.argmax(best))
    stretch = best[first:]
    last = first + (int(np.argmin(stretch)) if not stretch.all() else stretch.size) - 1
    return float(0.5 * (candidates[first] + candidates[last]))


def _between(values: Doubles) -> Doubles:
    """Thresholds that tell sorted values apart: the middles between them and one above all, thinned if many."""
    kept = values[np.unique(np.linspace(0, values.size - 1, min(values.size, _CANDIDATES)).astype(int))]
    return np.append(0.5 * (kept[:-1] + kept[1:]), np.nextafter(kept[-1], np.inf))


def _dice_below(thresholds: Doubles, field: Doubles, scar: NDArray[np.bool_]) -> Doubles:
    """Dice coefficient of ``field < threshold`` with the scar of one case, shape (threshold,)."""
    found = np.searchsorted(np.sort(field), thresholds, side="left")
    right = np.searchsorted(np.sort(field[scar]), thresholds, side="left")
    return np.asarray(2 * right / (found + scar.sum()))
