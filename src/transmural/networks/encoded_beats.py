"""What inference keeps of the training beats as the trained autoencoder sees them.

- **p(Z)**, the first two moments of the encoded posteriors, marginalised over the beats, for every frame and latent
  dimension (Ghimire et al. 2018, eq. 6): the variance is the mean of the variances plus the variance of the means.
- **Calibrated variances.** A decoder trained on few beats is too sure of new ones at the fronts, and its least standard
  deviation, which tempers that, makes it too unsure elsewhere. So its variance S is mapped to the mean squared residual
  that validation beats have where it gives S: a table of log-variances, made monotone.
- **The correlation of the residuals.** Given Z the nodes are independent in the published model, but what a decoder
  gets wrong (a front that arrives late) it gets wrong in whole regions, which is far more of the ECG than independent
  errors make. With S the calibrated
  variances, the residuals of encoded and decoded beats have the covariance

      Σ_k = diag(S_k)^½ (diag d + W Wᵀ) diag(S_k)^½,

  W the leading principal components of the standardised residuals and d what these leave of their variance.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.optimize import isotonic_regression
from torch import Tensor

from transmural.networks.sequence_autoencoder import SequentialVAE

_BEATS_AT_ONCE = 50
# Beats and frames whose residuals are looked at; they are a sample anyway.
_BEATS = 300
_EVERY = 3
# Entries of the table of variances, each the mean of one bin of as many values.
_BINS = 32
# A standard deviation of 0.003, a tenth of what any network here reaches; keeps logarithms finite.
_LEAST_VARIANCE = 1e-5
# Independent part of a node's variance at least, as a share of all of it: keeps the covariance positive definite.
_LEAST_SHARE = 0.01


@torch.no_grad()
def latent_moments(model: SequentialVAE, tmp: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of p(Z), shape (time, latent) each, from potentials (case, time, node)."""
    encoded = [model.encode(part) for part in _parts(tmp)]
    mean = torch.cat([mean for mean, _ in encoded]).double()
    variance = torch.cat([log_variance for _, log_variance in encoded]).double().exp()
    return mixture_moments(mean, variance)


def mixture_moments(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of an equal mixture of Gaussians along the first dimension."""
    return mean.mean(dim=0).float(), (variance.mean(dim=0) + mean.var(dim=0, unbiased=False)).float()


@torch.no_grad()
def variance_calibration(model: SequentialVAE, validation: Tensor) -> Tensor:
    """Table from the decoder's log-variances (first row, increasing) to calibrated ones (second row), shape (2, bin).

    Parameters
    ----------
    model
        The trained autoencoder.
    validation
        Potentials (case, time, node) of beats it wasn't trained on.
    """
    decoded = [(part, *model.decode(model.encode(part)[0])) for part in _parts(validation)]
    log_variance = torch.cat([value.flatten() for _, _, value in decoded]).double().numpy()
    square = torch.cat([(part - mean).square().flatten() for part, mean, _ in decoded]).double().numpy()
    bins = np.array_split(np.argsort(log_variance, kind="stable"), _BINS)
    known = np.array([log_variance[numbers].mean() for numbers in bins])
    found = isotonic_regression(np.array([square[numbers].mean() for numbers in bins])).x
    # Bins of one and the same log-variance would make the table ambiguous.
    distinct = np.concatenate([[True], np.diff(known) > 0])
    table = np.stack([known, np.log(np.maximum(found, _LEAST_VARIANCE))])[:, distinct]
    return torch.from_numpy(np.ascontiguousarray(table, np.float32))


def calibrated(log_variance: Tensor, table: Tensor) -> Tensor:
    """Log-variances looked up in the table, linear between its entries and constant beyond them."""
    known, found = table[0], table[1]
    if known.numel() == 1:
        return found.expand_as(log_variance)
    inside = log_variance.contiguous().clamp(float(known[0]), float(known[-1]))
    below = torch.bucketize(inside, known).clamp(1, known.numel() - 1) - 1
    slope = found.diff() / known.diff()
    return found[below] + slope[below] * (inside - known[below])


@torch.no_grad()
def residual_correlation(
    model: SequentialVAE, table: Tensor, tmp: Tensor, validation: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """Correlation of what the decoder leaves over.

    Parameters
    ----------
    model, table
        The trained autoencoder, and the table of its calibrated variances.
    tmp, validation
        Potentials (case, time, node) of training beats, which give the shape, and of beats it wasn't trained on, which
        give the size: a small cohort's residuals are much smaller than those of new beats.
    count
        Number of modes.

    Returns
    -------
    W, shape (node, mode), and d, shape (node,).
    """
    residual = _standardised(model, table, tmp[:: max(1, tmp.shape[0] // _BEATS)])
    size = _standardised(model, table, validation).square().mean() / residual.square().mean()
    covariance = (size * (residual.T @ residual) / residual.shape[0]).numpy()
    count = min(count, covariance.shape[0])
    values, vectors = np.linalg.eigh(covariance)
    modes = vectors[:, ::-1][:, :count] * np.sqrt(np.maximum(values[::-1][:count], 0.0))
    total = np.diagonal(covariance)
    rest = np.maximum(total - np.sum(modes**2, axis=1), _LEAST_SHARE * total)
    return torch.from_numpy(modes.astype(np.float32)), torch.from_numpy(rest.astype(np.float32))


def _standardised(model: SequentialVAE, table: Tensor, tmp: Tensor) -> Tensor:
    """Residuals of encoded and decoded beats over their calibrated standard deviation, shape (frame, node)."""
    parts, frames = [], slice(None, None, _EVERY)
    for part in _parts(tmp):
        mean, log_variance = model.decode(model.encode(part)[0], frames)
        residual = (part[:, frames] - mean) * torch.exp(-0.5 * calibrated(log_variance, table))
        parts.append(residual.flatten(0, 1).double())
    return torch.cat(parts)


def _parts(tmp: Tensor) -> Iterator[Tensor]:
    """Potentials of a few beats at a time."""
    for first in range(0, tmp.shape[0], _BEATS_AT_ONCE):
        yield tmp[first : first + _BEATS_AT_ONCE]
