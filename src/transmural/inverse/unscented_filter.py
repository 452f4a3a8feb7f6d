"""Unscented Kalman filter of a field on the wall whose covariance lives in few modes.

State u ~ N(m, Φ C Φᵀ) with the modes Φ (`wall_modes`). With ``C = L Lᵀ`` and l_i the columns of L, the model takes the
2R + 1 sigma points

    x₀ = m,    x_±i = m ± √3 Φ l_i    →    y = f(x)

to the next frame, where (Julier, Uhlmann & Durrant-Whyte 2000, IEEE Trans. Autom. Control 45:477, with κ = 3 − R)

    m = y₀ + Σ (y_i − y₀) / 6,    C = Σ P (y_i − y₀) (y_i − y₀)ᵀ Pᵀ / 6 + Q,

sums over ±i, P the projection on the modes. The covariance is taken about y₀, as they advise where κ is negative: it is
then positive definite for whatever model. With all modes (R nodes) this is the full filter; with fewer, deviations that
no mode shows are left out of the covariance, never out of the mean.

The ECG ``y = H u + noise`` updates both by ``C⁻¹ ← C⁻¹ + Φᵀ Hᵀ H Φ / σ²``, in factors: with ``B = H Φ L / σ`` and
``I + Bᵀ B = M Mᵀ``, L becomes L M⁻ᵀ.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from transmural.inverse.wall_modes import WallModes

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Propagate = Callable[[Singles, int], Singles]
"""Takes states (node, point) from the frame before to the frame of the given number; states stay in their order."""

# Squared distance of the sigma points in standard deviations: a normal distribution's fourth moment is theirs.
_SPREAD = 3.0


@dataclass(frozen=True)
class Filtered:
    """What the filter found in one case.

    Attributes
    ----------
    mean, std
        Mean and standard deviation of each node given the ECG up to the frame, float32, shape (time, node).
    innovation
        ``eᵀ S⁻¹ e`` of the frame's innovation e, of covariance S, over the number of leads, shape (time,); about one
        where the model's noise is what the filter takes it for.
    log_likelihood
        Log density of the ECG under the filter's predictions.
    """

    mean: Singles
    std: Singles
    innovation: Doubles
    log_likelihood: float


def unscented_filter(
    ecg: NDArray[np.floating],
    noise_sd: float,
    transfer: Doubles,
    modes: WallModes,
    process_sd: float,
    start: Doubles,
    propagate: Propagate,
) -> Filtered:
    """Filter one case.

    Parameters
    ----------
    ecg
        In mV, shape (lead, time).
    noise_sd
        Standard deviation of its noise in mV, positive.
    transfer
        H in mV per unit of u, shape (lead, node).
    modes
        Modes of the covariance, and the shape of the model's error.
    process_sd
        Standard deviation of the error that the model makes from frame to frame, and of the first frame.
    start
        Mean in the first frame before its ECG is seen, shape (node,).
    propagate
        The model.
    """
    _, frames = ecg.shape
    leads_of_modes = transfer @ modes.functions
    process = process_sd**2 * np.diag(modes.variance)
    functions, projection = modes.functions.astype(np.float32), modes.projection.astype(np.float32)
    mean, covariance = start.astype(np.float64), process
    means, stds = (np.empty((frames, start.size), np.float32) for _ in range(2))
    innovation, likelihood = np.empty(frames), np.empty(frames)
    for frame in range(frames):
        error = ecg[:, frame] - transfer @ mean
        factor = np.linalg.cholesky(covariance)
        change, factor, innovation[frame], likelihood[frame] = updated(error, noise_sd, leads_of_modes, factor)
        mean = mean + modes.functions @ change
        spread = functions @ factor.astype(np.float32)
        means[frame], stds[frame] = mean, np.sqrt(np.einsum("nm,nm->n", spread, spread))
        if frame + 1 < frames:
            mean, shown = predicted(propagate(sigma_points(mean, spread), frame + 1), projection)
            covariance = shown + process
    return Filtered(means, stds, innovation / len(ecg), float(likelihood.sum()))


def sigma_points(mean: Doubles, spread: NDArray[np.floating]) -> Singles:
    """The points of a mean (node,) and a factor Φ L (node, mode) of its covariance, shape (node, 1 + 2 modes)."""
    count = spread.shape[1]
    points = np.empty((mean.size, 1 + 2 * count), np.float32)
    points[:, 0] = mean
    # In single precision throughout: these arrays are the filter's largest.
    centre, above, below = points[:, :1], points[:, 1 : 1 + count], points[:, 1 + count :]
    np.multiply(spread, np.float32(np.sqrt(_SPREAD)), out=above, casting="same_kind")
    np.subtract(centre, above, out=below)
    above += centre
    return points


def predicted(points: Singles, projection: NDArray[np.floating]) -> tuple[Doubles, Doubles]:
    """Mean (node,) and covariance (mode, mode) of propagated sigma points (node, point)."""
    away = points[:, 1:] - points[:, :1]
    mean = points[:, 0] + away.sum(axis=1, dtype=np.float64) / (2 * _SPREAD)
    shown = (projection @ away).astype(np.float64)
    return mean, shown @ shown.T / (2 * _SPREAD)


def updated(
    error: Doubles, noise_sd: float, leads_of_modes: Doubles, factor: NDArray[np.floating]
) -> tuple[Doubles, Doubles, float, float]:
    """Kalman update of the modes.

    Parameters
    ----------
    error
        Innovation in mV, shape (lead,).
    noise_sd
        Standard deviation of the noise in mV.
    leads_of_modes
        H Φ in mV, shape (lead, mode).
    factor
        L with covariance L Lᵀ, shape (mode, mode).

    Returns
    -------
    Change of the modes' mean (mode,), the new factor (mode, mode), ``eᵀ S⁻¹ e`` and the innovation's log density.
    """
    scaled, whitened = leads_of_modes @ factor / noise_sd, error / noise_sd
    root = np.linalg.cholesky(np.eye(len(factor)) + scaled.T @ scaled)
    half = solve_triangular(root, scaled.T @ whitened, lower=True, check_finite=False)
    new: Doubles = solve_triangular(root, factor.T, lower=True, check_finite=False).T
    distance = float(whitened @ whitened - half @ half)
    size = 2 * np.log(np.diag(root)).sum() + error.size * np.log(2 * np.pi * noise_sd**2)
    return new @ half, new, distance, float(-0.5 * (distance + size))
