"""Tikhonov regularisation through one (generalised) singular value decomposition of the transfer matrix.

For ``min |H u − y|² + λ² uᵀ R u`` with R = C Cᵀ, the singular value decomposition ``H C⁻ᵀ = Σ s_i p_i q_iᵀ`` gives

    u = Σ_i  s_i / (s_i² + λ²)  (p_iᵀ y)  C⁻ᵀ q_i

(Hansen, Rank-Deficient and Discrete Ill-Posed Problems, 1998, sections 2.3 and 4.2). There are as many terms as
leads; every λ, frame and case uses the same terms.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import svd
from scipy.sparse.linalg import splu

from transmural.stores.errors import InferenceError

Doubles = NDArray[np.float64]

# The identity that makes LᵀL invertible, relative to the mean of its diagonal: large enough for a Cholesky factor in
# double precision, small against the smoothest mode of a Laplacian squared (about 1e-6 for 2,000 nodes).
_IDENTITY_TERM = 1e-8


@dataclass(frozen=True)
class Spectrum:
    """Terms of the reconstruction.

    Attributes
    ----------
    lead_modes
        Orthonormal p_i, shape (lead, mode).
    values
        Singular values s_i, decreasing, shape (mode,); mV per unit of the regularising norm.
    node_modes
        C⁻ᵀ q_i, orthonormal in the norm of R, shape (mode, node).
    """

    lead_modes: Doubles
    values: Doubles
    node_modes: Doubles

    def coefficients(self, ecg: NDArray[np.floating]) -> Doubles:
        """``p_iᵀ y`` in mV of each case and frame, shape (case, mode, time), from ECGs (case, lead, time)."""
        return np.asarray(np.matmul(self.lead_modes.T, ecg.astype(np.float64)))

    def expand(self, coefficients: Doubles, regularisation: Doubles) -> NDArray[np.float32]:
        """Potentials (case, time, node) from ``p_iᵀ y`` (case, mode, time) and one λ a case, shape (case,)."""
        gain = self.values / (self.values**2 + np.asarray(regularisation)[:, None] ** 2)
        filtered = (gain[:, :, None] * coefficients).astype(np.float32)
        # One product a case, so that a case's result doesn't depend on its batch.
        return np.asarray(np.matmul(filtered.transpose(0, 2, 1), self.node_modes.astype(np.float32)), np.float32)


def spectrum(transfer: NDArray[np.floating], operator: sparse.csr_array | None = None) -> Spectrum:
    """Decompose a transfer matrix.

    Parameters
    ----------
    transfer
        mV per unit of TMP, shape (lead, node).
    operator
        Regularising operator L, shape (anything, node), with ``R = LᵀL + ε I`` and ε 1e-8 of the mean diagonal of
        LᵀL; the identity when absent.

    Returns
    -------
    Spectrum without the modes whose singular value is zero to rounding.

    Raises
    ------
    InferenceError
        If the transfer matrix is zero.
    """
    matrix = transfer.astype(np.float64)
    factor = None if operator is None else _Cholesky(regulariser(operator))
    whitened = matrix if factor is None else factor.solve_lower(matrix.T).T
    left, values, right = svd(whitened, full_matrices=False, check_finite=False)
    if values[0] == 0:
        raise InferenceError("problem: the transfer matrix is zero")
    kept = values > values[0] * max(matrix.shape) * np.finfo(float).eps
    modes = right[kept] if factor is None else factor.solve_upper(right[kept].T).T
    return Spectrum(np.ascontiguousarray(left[:, kept]), values[kept], np.ascontiguousarray(modes))


def regulariser(operator: sparse.csr_array) -> sparse.csc_array:
    """``LᵀL + ε I`` of an operator L, shape (node, node), with ε 1e-8 of the mean diagonal of LᵀL."""
    square = sparse.csc_array(operator.T @ operator)
    identity = sparse.eye_array(square.shape[0], format="csc")
    return sparse.csc_array(square + _IDENTITY_TERM * square.diagonal().mean() * identity)


class _Cholesky:
    """Sparse ``R = C Cᵀ``, C a row permutation of a lower triangle, by SuperLU without pivoting.

    SciPy has no sparse Cholesky factorisation; for a symmetric positive definite matrix and one ordering for rows
    and columns, LU = L D Lᵀ with D the diagonal of U.
    """

    def __init__(self, matrix: sparse.csc_array) -> None:
        factor: Any = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        if not np.array_equal(factor.perm_r, factor.perm_c):
            raise InferenceError("spectrum: the regularising operator isn't positive definite")
        scale = sparse.diags_array(np.sqrt(factor.U.diagonal()))
        self._order = np.argsort(factor.perm_r)
        lower = sparse.csc_array(factor.L @ scale)
        # A triangular matrix is its own LU factor under the natural order; SuperLU's solves are compiled.
        self._lower: Any = splu(lower, permc_spec="NATURAL", diag_pivot_thresh=0.0)

    def solve_lower(self, right: Doubles) -> Doubles:
        """``C⁻¹ right``."""
        return np.asarray(self._lower.solve(np.ascontiguousarray(right[self._order])))

    def solve_upper(self, right: Doubles) -> Doubles:
        """``C⁻ᵀ right``."""
        solved = np.empty_like(right)
        solved[self._order] = self._lower.solve(np.ascontiguousarray(right), "T")
        return solved
