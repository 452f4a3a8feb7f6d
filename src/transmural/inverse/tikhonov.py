"""Tikhonov regularisation of order zero, one and two, frame by frame with one λ a case.

    û = argmin |H u − y|² + λ² |L u|²,      L = identity, gradient or Laplacian on the nodes of the wall

(Tikhonov & Arsenin 1977; Pullan et al. 2010 for its use in electrocardiography). λ is chosen over all frames of a case
by the L-curve or by generalised cross-validation. The gradient and the Laplacian are volume-weighted; the identity is
not, as is usual. Since a constant makes no ECG, û has zero mean over the nodes in every frame.
"""

import numpy as np
from scipy import sparse

from transmural.inverse.parameter_choice import choose
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.inverse.spectrum import spectrum


@method("tikhonov0", label="Tikhonov, order 0", scar="amplitude")
def tikhonov0(problem: Problem) -> Reconstruction:
    """Least potentials: L is the identity. See `regularise`."""
    return regularise(problem, None)


@method("tikhonov1", label="Tikhonov, order 1", scar="amplitude")
def tikhonov1(problem: Problem) -> Reconstruction:
    """Least spatial gradient. See `regularise`."""
    return regularise(problem, problem.graph.gradient)


@method("tikhonov2", label="Tikhonov, order 2", scar="amplitude")
def tikhonov2(problem: Problem) -> Reconstruction:
    """Least Laplacian. See `regularise`."""
    return regularise(problem, problem.graph.laplacian)


def regularise(problem: Problem, operator: sparse.csr_array | None) -> Reconstruction:
    """Minimise ``|H u − y|² + λ² |L u|²`` in every frame.

    Parameters
    ----------
    problem
        ECGs in mV and transfer matrix in mV per unit of TMP.
    operator
        L, shape (anything, node); the identity when absent. A small identity term makes LᵀL invertible
        (see `spectrum.spectrum`).

    Returns
    -------
    Potentials of zero mean over the nodes, and the chosen ``lambda`` of each case, relative to the largest
    singular value.
    """
    modes = spectrum(problem.centred_transfer, operator)
    coefficients = modes.coefficients(problem.ecg)
    energy = np.sum(coefficients**2, axis=2)
    total = np.array([np.sum(case.astype(np.float64) ** 2) for case in problem.ecg])
    unreached = np.maximum(total - energy.sum(axis=1), 0.0)
    _, leads, frames = problem.ecg.shape
    noise = leads * frames * problem.noise_sd_mv.astype(np.float64) ** 2
    each = [slice(case, case + 1) for case in range(problem.cases)]
    weights = np.concatenate(
        [choose(problem.regularisation, modes.values, energy[c], unreached[c], noise[c], leads) for c in each]
    )
    return Reconstruction(modes.expand(coefficients, weights), chosen={"lambda": weights / modes.values[0]})
