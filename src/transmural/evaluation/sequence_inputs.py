"""What a test does to an ECG before a network reads it: shift it, or add noise.

Every recording draws from its own stream, and the same at every level, so that a change of a score is the level's own.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from transmural.inverse.noise import add_noise
from transmural.stores.errors import InferenceError

Singles = NDArray[np.float32]


def shifted(ecg: Singles, most_samples: int, generators: Sequence[np.random.Generator]) -> Singles:
    """ECGs whose onset is not known exactly: shifted by whole samples, evenly up to ``most_samples`` either way.

    Parameters
    ----------
    ecg
        Shape (case, lead, sample); at both ends the first and last value are held.
    most_samples
        Largest shift.
    generators
        One a case.

    Returns
    -------
    Of the same shape.

    Raises
    ------
    InferenceError
        If the numbers of cases and generators differ.
    """
    if len(generators) != len(ecg):
        raise InferenceError(f"onset jitter: {len(generators)} random streams for {len(ecg)} cases; give one a case")
    samples = np.arange(ecg.shape[2])
    shifts = [round(generator.uniform(-1, 1) * most_samples) for generator in generators]
    return np.stack([each[:, np.clip(samples - k, 0, samples[-1])] for each, k in zip(ecg, shifts, strict=True)])


def noisy(ecg: Singles, snr_db: float, generators: Sequence[np.random.Generator]) -> Singles:
    """ECGs in mV with white noise, shape (case, lead, sample); see `inverse.noise.add_noise`."""
    return add_noise(ecg, snr_db, generators)[0]
