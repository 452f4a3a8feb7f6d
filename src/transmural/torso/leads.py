"""Leads as linear combinations of electrode potentials.

Body-surface leads are measured against Wilson's central terminal, the mean of RA, LA and LL (Wilson et al. 1934,
Am. Heart J. 9:447); the standard ECG has I, II, III, Goldberger's augmented leads and V1 to V6. Every combination
has weights that sum to zero, so that no lead sees a constant potential.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.image import LIMB_ELECTRODES

REFERENCE = "Wilson's central terminal: (RA + LA + LL) / 3"
STANDARD_12 = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_LIMB_LEADS: dict[str, dict[str, float]] = {
    "I": {"LA": 1, "RA": -1},
    "II": {"LL": 1, "RA": -1},
    "III": {"LL": 1, "LA": -1},
    "aVR": {"RA": 1, "LA": -1 / 2, "LL": -1 / 2},
    "aVL": {"LA": 1, "RA": -1 / 2, "LL": -1 / 2},
    "aVF": {"LL": 1, "RA": -1 / 2, "LA": -1 / 2},
}
_CENTRAL_TERMINAL: dict[str, float] = {"RA": 1 / 3, "LA": 1 / 3, "LL": 1 / 3}


@dataclass(frozen=True)
class Leads:
    """Names, montages and weights of leads.

    Attributes
    ----------
    names, montage
        Of each lead; the montage is ``'body_surface'`` or ``'standard_12'``.
    weights
        Lead from electrode potentials, shape (lead, electrode + 10): body-surface electrodes, then those of
        `LIMB_ELECTRODES`. Rows sum to zero.
    """

    names: tuple[str, ...]
    montage: tuple[str, ...]
    weights: NDArray[np.float64]


def leads(electrode_names: tuple[str, ...]) -> Leads:
    """All leads of a subject: one a body-surface electrode, then the standard 12."""
    body = len(electrode_names)
    column = {name: body + number for number, name in enumerate(LIMB_ELECTRODES)}
    weights = np.zeros((body + len(STANDARD_12), body + len(LIMB_ELECTRODES)))
    weights[np.arange(body), np.arange(body)] = 1.0
    for row, name in enumerate(STANDARD_12, start=body):
        for electrode, weight in _LIMB_LEADS.get(name, {name: 1.0}).items():
            weights[row, column[electrode]] += weight
    unipolar = [*range(body), *(body + STANDARD_12.index(f"V{number}") for number in range(1, 7))]
    for electrode, weight in _CENTRAL_TERMINAL.items():
        weights[unipolar, column[electrode]] -= weight
    montage = ("body_surface",) * body + ("standard_12",) * len(STANDARD_12)
    return Leads((*electrode_names, *STANDARD_12), montage, weights)
