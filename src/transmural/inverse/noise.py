"""White measurement noise at a stated signal-to-noise ratio.

``SNR = 10 log₁₀(P_signal / σ²)`` with P_signal the mean of the squared ECG over all leads and frames of the case.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from transmural.stores.errors import InferenceError


def noise_level(ecg: NDArray[np.floating], snr_db: float) -> NDArray[np.float64]:
    """Standard deviation of white noise that gives each case the signal-to-noise ratio.

    Parameters
    ----------
    ecg
        Noise-free ECGs in mV, shape (case, lead, time).
    snr_db
        Ratio of the mean signal power to the noise power, in dB.

    Returns
    -------
    Standard deviation in mV, shape (case,).

    Raises
    ------
    InferenceError
        If a case has no signal, so that the ratio has no meaning.
    """
    power = np.array([np.mean(case.astype(np.float64) ** 2) for case in ecg])
    if not (power > 0).all():
        case = int(np.argmin(power > 0))
        raise InferenceError(f"noise: the ECG of case {case} is zero or not finite, so it has no signal-to-noise ratio")
    level: NDArray[np.float64] = np.sqrt(power / 10.0 ** (snr_db / 10.0))
    return level


def add_noise(
    ecg: NDArray[np.floating], snr_db: float, generators: Sequence[np.random.Generator]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Add white noise to each case from the case's own stream.

    Parameters
    ----------
    ecg
        Noise-free ECGs in mV, shape (case, lead, time).
    snr_db
        Ratio of the mean signal power to the noise power, in dB.
    generators
        One random generator a case, so that the noise of a case doesn't depend on the others.

    Returns
    -------
    Noisy ECGs in mV, float32, shape (case, lead, time), and the noise's standard deviation in mV, shape (case,).

    Raises
    ------
    InferenceError
        If the numbers of cases and generators differ, or a case has no signal.
    """
    if len(generators) != ecg.shape[0]:
        raise InferenceError(f"noise: {len(generators)} random streams for {ecg.shape[0]} cases; give one a case")
    level = noise_level(ecg, snr_db)
    noisy = np.empty(ecg.shape, dtype=np.float32)
    for case, generator in enumerate(generators):
        noisy[case] = ecg[case] + level[case] * generator.standard_normal(ecg.shape[1:])
    return noisy, level
