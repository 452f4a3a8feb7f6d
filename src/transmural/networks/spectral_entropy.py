"""Spectral entropy of signals and the loss made of it (Ogbomo-Harmitt et al. 2025, section 2.3)."""

import math

import torch
from torch import Tensor

# ε of Eq. 4, finite logarithms and shares for empty bins and silent signals; standardised ECGs have powers far above.
_SMALL = 1e-10


def spectral_entropy(signals: Tensor) -> Tensor:
    """Shannon entropy of the power spectra of signals (Eq. 4), in bits.

    Parameters
    ----------
    signals
        Signals of any unit, shape (case, time).

    Returns
    -------
    Shape (case,): 0 where all power is at one frequency, at most the logarithm of the number of frequencies.

    Notes
    -----
    The periodogram from 0 to half the sampling rate. A real signal's other half mirrors it, and would add one bit to
    every entropy (less where there is power at the two ends), which the differences in Eq. 5 don't see.
    """
    # There is no Fourier transform in bfloat16, which autocast would hand over.
    whole = signals.to(torch.promote_types(signals.dtype, torch.float32))
    # Squares of the parts: the modulus has no slope at zero.
    spectrum = torch.view_as_real(torch.fft.rfft(whole, dim=-1))
    power = spectrum.square().sum(dim=-1)
    share = power / (power.sum(dim=-1, keepdim=True) + _SMALL)
    return -(share * torch.log2(share + _SMALL)).sum(dim=-1)


def spectral_entropy_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean square over the cases of the difference in spectral entropy (Eq. 5), bits²; signals are (case, time)."""
    return (spectral_entropy(predicted) - spectral_entropy(truth)).square().mean()


def spectral_entropy_weight(progress: float, epochs: int) -> float:
    """Weight of that loss after ``progress`` of ``epochs`` epochs (Eq. 7): from 1 along half a cosine to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress / epochs))
