"""Greensite's method: zero-order Tikhonov on each temporal principal component (Greensite & Huiskamp 1998).

    Y = Σ_k σ_k a_k b_kᵀ   →   U = Σ_k x_k b_kᵀ,    x_k = argmin |H x − σ_k a_k|² + λ_k² |x|²

The components b_k are the directions in time; each has its own λ_k. Those with σ_k ≤ noise (√M + √T), the largest
singular value that white noise alone would give for M leads and T frames, carry no signal and are left out. The
mean over the leads is removed from ECG and transfer matrix first, so the result doesn't depend on the reference.

The decomposition gathers noise: of a component just above the floor nearly all is noise. How much of each is so is
known for large matrices (Benaych-Georges & Nadakuditi 2012; Gavish & Donoho 2017) and bounds λ_k from below (see
`parameter_choice`); without that, one such component in twenty cases was enough to spoil a whole case.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.inverse.parameter_choice import choose
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.inverse.spectrum import Spectrum, spectrum


@method("greensite", label="Greensite", scar="amplitude")
def greensite(problem: Problem) -> Reconstruction:
    """Zero-order Tikhonov with temporal constraint, the unconstrained method of Ghimire et al. 2018.

    Parameters
    ----------
    problem
        ECGs in mV, transfer matrix in mV per unit of TMP, and noise level.

    Returns
    -------
    Potentials of zero mean over the nodes; ``components`` kept (at least one) and the ``lambda`` of the first and the
    last of them, relative to the largest singular value of the transfer matrix.
    """
    transfer = problem.centred_transfer
    modes = spectrum(transfer - transfer.mean(axis=0))
    _, leads, frames = problem.ecg.shape
    # Centring takes one degree of freedom from the leads.
    degrees = leads - 1
    tmp = np.empty((problem.cases, frames, problem.graph.nodes), dtype=np.float32)
    components = np.empty(problem.cases, dtype=np.int32)
    first, last = np.empty(problem.cases), np.empty(problem.cases)
    for case in range(problem.cases):
        ecg = problem.ecg[case].astype(np.float64)
        noise_sd = float(problem.noise_sd_mv[case])
        floor = noise_sd * (np.sqrt(leads) + np.sqrt(frames))
        spatial, temporal = principal_components(ecg - ecg.mean(axis=0), floor)
        noise = noise_energy(np.sum(spatial**2, axis=0), noise_sd, degrees, frames)
        sources, weights = _sources(problem, modes, spatial, noise, degrees)
        tmp[case] = temporal.T.astype(np.float32) @ sources
        components[case], first[case], last[case] = spatial.shape[1], weights[0], weights[-1]
    largest = modes.values[0]
    chosen = {"components": components, "lambda_first": first / largest, "lambda_last": last / largest}
    return Reconstruction(tmp, chosen=chosen)


def principal_components(ecg: NDArray[np.float64], floor: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Components of one case with a singular value above ``floor``, at least one.

    Parameters
    ----------
    ecg
        ECG in mV, shape (lead, time).
    floor
        Largest singular value that noise alone would give, in mV.

    Returns
    -------
    ``σ_k a_k`` in mV, shape (lead, component), and the orthonormal ``b_k``, shape (component, time).
    """
    left, values, right = np.linalg.svd(ecg, full_matrices=False)
    count = max(int(np.sum(values > floor)), 1)
    return left[:, :count] * values[:count], right[:count]


def noise_energy(energy: NDArray[np.float64], noise_sd: float, leads: int, frames: int) -> NDArray[np.float64]:
    """Share of each spatial component's energy that is white noise.

    With ``x²`` the energy of the signal behind an observed ``s²``, found from ``s² = (x² + M σ²)(x² + T σ²) / x²``, the
    observed direction has the squared cosine ``(x⁴ − M T σ⁴) / (x² (x² + M σ²))`` with the signal's, and the rest is
    noise: about ``M σ²``, one frame's, far above the floor, and everything at or below it.

    Parameters
    ----------
    energy
        ``σ_k²`` in mV², shape (component,).
    noise_sd
        Standard deviation of the noise in mV.
    leads, frames
        M and T.

    Returns
    -------
    In mV², shape (component,).
    """
    variance = noise_sd**2
    excess = energy - (leads + frames) * variance
    product = leads * frames * variance**2
    signal = 0.5 * (excess + np.sqrt(np.maximum(excess**2 - 4 * product, 0.0)))
    above = (excess > 0) & (signal**2 > product)
    signal = np.where(above, signal, 1.0)
    cosine = np.where(above, (signal**2 - product) / (signal * (signal + leads * variance)), 0.0)
    return np.asarray(energy * (1.0 - cosine))


def _sources(
    problem: Problem, modes: Spectrum, spatial: NDArray[np.float64], noise: NDArray[np.float64], degrees: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Source (component, node) and λ (component,) of each spatial component (lead, component)."""
    coefficients = modes.coefficients(spatial.T[:, :, None])
    energy = coefficients[:, :, 0] ** 2
    unreached = np.maximum(np.sum(spatial**2, axis=0) - energy.sum(axis=1), 0.0)
    weights = choose(problem.regularisation, modes.values, energy, unreached, noise, degrees)
    return modes.expand(coefficients, weights)[:, 0], weights
