"""The regularisation parameter from the data alone: corner of the L-curve, or generalised cross-validation.

With filter factors ``f_i = s_i² / (s_i² + λ²)``, e_i the energy of the data along mode i (summed over the frames
that share λ) and e_⊥ what no mode reaches,

    η(λ) = |u|² = Σ (f_i / s_i)² e_i,      ρ(λ) = |H u − y|² = Σ (1 − f_i)² e_i + e_⊥.

L-curve: the λ of greatest curvature of (½ log ρ, ½ log η) (Hansen & O'Leary 1993, in closed form because
``ρ' = −λ² η'``), the largest where several corners are alike. Cross-validation: the λ of least
``ρ / (M − Σ f_i)²`` for M leads (Golub, Heath & Wahba 1979).

Both have false optima at the smallest λ when data are few or nearly all noise (in the last of Greensite's components,
where one is enough to spoil a case). The noise level is known, so no λ is considered that fits the data better than
the noise allows, ``ρ(λ) < E (1 − Σ f_i / M)`` for noise of energy E: the method of equivalent degrees of freedom
(Turchin 1967; Hall & Titterington 1987, J. R. Stat. Soc. B 49:184) as a bound from below, never under E/2. Data that
are noise alone are thus hardly fitted.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.inverse.problem import Regularisation
from transmural.stores.errors import ConfigurationError

Doubles = NDArray[np.float64]

_GRID_POINTS = 200
# Where the grid ends below: λ of a hundredth of the smallest singular value keeps every mode to 1e-4, and float32
# transfer matrices say nothing below 1e-7 of the largest.
_ALL_KEPT = 1e-2
_SMALLEST = 1e-7


# The L-curve of a set that is mostly noise is nearly straight, its corners all slight. Corners at least this share as
# sharp as the sharpest are alike.
_ALIKE = 0.5
# A single set's noise energy strays from its expectation, and then the bound alone would admit fits to noise.
_LEAST_LEFT = 0.5


def candidates(values: Doubles, points: int = _GRID_POINTS) -> Doubles:
    """λ that are tried, evenly spaced in the logarithm: from the largest singular value to where all modes are kept."""
    return np.geomspace(values[0], max(_ALL_KEPT * values[-1], _SMALLEST * values[0]), points)


def choose(
    method: Regularisation, values: Doubles, energy: Doubles, unreached: Doubles, noise_energy: Doubles, leads: int
) -> Doubles:
    """The λ of each set of data.

    Parameters
    ----------
    method
        ``"l_curve"`` or ``"gcv"``.
    values
        Singular values, decreasing, shape (mode,).
    energy
        Energy of the data along each mode in mV², shape (set, mode).
    unreached
        Energy that no mode reaches in mV², shape (set,).
    noise_energy
        Energy of the noise in the data in mV², shape (set,).
    leads
        Number of leads.

    Returns
    -------
    λ in the unit of the singular values, shape (set,); the largest candidate where there is no signal.

    Raises
    ------
    ConfigurationError
        If there is no such method.
    """
    grid = candidates(values)
    if method == "l_curve":
        score = l_curve_curvature(grid, values, energy, unreached)
    elif method == "gcv":
        score = -cross_validation(grid, values, energy, unreached, leads)
    else:
        raise ConfigurationError(f"generative_em.regularisation = {method!r}: must be 'l_curve' or 'gcv'")
    left = np.maximum(_LEAST_LEFT, 1.0 - _filters(grid, values)[0].sum(axis=1) / leads)
    considered = np.isfinite(score) & (_misfit(grid, values, energy, unreached) >= left * noise_energy[:, None])
    score = np.where(considered, score, -np.inf)
    best = score.max(axis=1, keepdims=True)
    alike = score >= (_ALIKE * best if method == "l_curve" else best)
    # The first, since the grid descends: the smoothest solution among those that are alike.
    return np.asarray(grid[np.argmax((alike & _is_peak(score)) | (score == best) & (best <= 0), axis=1)])


def _is_peak(score: Doubles) -> NDArray[np.bool_]:
    """Whether no neighbour on the grid is higher, shape (set, λ)."""
    padded = np.pad(score, ((0, 0), (1, 1)), constant_values=-np.inf)
    return np.asarray((score >= padded[:, :-2]) & (score >= padded[:, 2:]))


def l_curve_curvature(grid: Doubles, values: Doubles, energy: Doubles, unreached: Doubles) -> Doubles:
    """Curvature of the L-curve at each λ of the grid, shape (set, λ); not a number where there is no signal.

    With m the slope, ``κ = m' / x' / (1 + m²)^(3/2)``, positive at the corner.
    """
    kept, lost = _filters(grid, values)
    size = energy @ (kept / values).T ** 2
    misfit = _misfit(grid, values, energy, unreached)
    slope = -4 / grid * (energy @ (lost * (kept / values) ** 2).T)
    with np.errstate(divide="ignore", invalid="ignore"):
        numerator = grid**4 * size * slope + 2 * grid * misfit * size + grid**2 * misfit * slope
        curvature = -2 * (misfit * size / slope) * numerator / (grid**4 * size**2 + misfit**2) ** 1.5
    return np.asarray(curvature)


def cross_validation(grid: Doubles, values: Doubles, energy: Doubles, unreached: Doubles, leads: int) -> Doubles:
    """Generalised cross-validation function at each λ of the grid, in mV², shape (set, λ)."""
    kept, _ = _filters(grid, values)
    misfit = _misfit(grid, values, energy, unreached)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(misfit / (leads - kept.sum(axis=1)) ** 2)


def _misfit(grid: Doubles, values: Doubles, energy: Doubles, unreached: Doubles) -> Doubles:
    """``ρ(λ)`` in mV², shape (set, λ)."""
    _, lost = _filters(grid, values)
    return np.asarray(energy @ lost.T**2 + unreached[:, None])


def _filters(grid: Doubles, values: Doubles) -> tuple[Doubles, Doubles]:
    """``f_i`` and ``1 − f_i``, each without cancellation, shape (λ, mode)."""
    kept, lost = np.broadcast_arrays(values**2, grid[:, None] ** 2)
    return kept / (kept + lost), lost / (kept + lost)
