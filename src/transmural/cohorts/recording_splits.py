"""Which recordings train a network, choose it and test it, and the scale of ECGs that training gives.

A random split leaves every heart and every activation pattern in all parts. Held-out hearts, held-out patterns, or
both, ask for what a network does on a heart or a pattern that it has never seen.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.stores.config.sequences import Split
from transmural.stores.errors import ConfigurationError
from transmural.stores.random_streams import case_generator

PARTS = ("training", "validation", "test")
UNUSED = "unused"


def parts_of(recordings: xr.Dataset, split: Split, test_share: float, seed: int) -> NDArray[np.str_]:
    """Part of every recording: "training", "validation", "test" or "unused".

    Parameters
    ----------
    recordings
        All recordings of the study (`contracts.RECORDINGS`).
    split
        ``random``: recordings are dealt. ``heart_out``, ``pattern_out``: whole hearts, or patterns, are. ``both_out``:
        both are, and the test has the test patterns of the test hearts, validation and training likewise; all others
        are unused. Hearts of ``both_out`` are those of ``heart_out``, patterns those of ``pattern_out``.
    test_share
        Share of recordings, hearts or patterns for the test, and again for validation; one at least.
    seed
        Of the run.

    Returns
    -------
    NDArray
        Shape (case,).

    Raises
    ------
    ConfigurationError
        If there are too few hearts or patterns, or a part remains empty.
    """
    if split == "random":
        parts = _dealt(recordings.sizes["case"], test_share, seed, "case")
    elif split in ("heart_out", "pattern_out"):
        parts = _grouped(recordings, split.removesuffix("_out"), test_share, seed)
    else:
        hearts, patterns = (_grouped(recordings, key, test_share, seed) for key in ("heart", "pattern"))
        parts = np.where(hearts == patterns, hearts, UNUSED)
    empty = [part for part in PARTS if part not in parts]
    if empty:
        raise ConfigurationError(
            f"sequence_models.splits: {split} leaves no recording for {', '.join(empty)}; there must be more"
            " recordings of a heart, or fewer patterns"
        )
    return parts


@dataclass(frozen=True, eq=False)
class EcgScaling:
    """Mean and standard deviation in mV of each lead over training recordings, shape (lead,)."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def of(cls, training_ecg: NDArray[np.floating]) -> "EcgScaling":
        """Scale of the training recordings' ECGs, shape (case, lead, time).

        Raises
        ------
        ConfigurationError
            If a lead is constant.
        """
        mean = np.asarray(np.mean(training_ecg, axis=(0, 2), dtype=np.float64))
        deviation = np.asarray(np.std(training_ecg, axis=(0, 2), dtype=np.float64))
        if not (deviation > 0).all():
            lead = int(np.argmin(deviation > 0))
            raise ConfigurationError(f"ecg: lead {lead} is constant in all training recordings, so it has no scale")
        return cls(mean, deviation)

    def scaled(self, ecg: NDArray[np.floating]) -> NDArray[np.float32]:
        """ECGs in mV, shape (case, lead, time), less the mean and over the deviation of each lead."""
        return np.asarray((ecg - self.mean[:, None]) / self.deviation[:, None], dtype=np.float32)


def _dealt(count: int, test_share: float, seed: int, what: str) -> NDArray[np.str_]:
    """Parts of ``count`` recordings or groups: as many at random for validation as for the test, the rest to train."""
    held_out = max(1, round(test_share * count))
    order = case_generator(seed, "sequence_models", "split", what).permutation(count)
    parts = np.full(count, PARTS[0], dtype="<U10")
    parts[order[:held_out]] = PARTS[2]
    parts[order[held_out : 2 * held_out]] = PARTS[1]
    return parts


def _grouped(recordings: xr.Dataset, key: str, test_share: float, seed: int) -> NDArray[np.str_]:
    names, group = np.unique(recordings[key].values.astype(str), return_inverse=True)
    if len(names) < len(PARTS):
        raise ConfigurationError(
            f"sequence_models.splits: {key}_out and both_out need three {key}s or more, one each to train, to validate"
            f" and to test; there are {len(names)}: {', '.join(names)}"
        )
    parts: NDArray[np.str_] = _dealt(len(names), test_share, seed, key)[group]
    return parts
