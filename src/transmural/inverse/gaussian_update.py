"""Gaussian potentials seen through a transfer matrix: the E-step's update, and the marginal likelihood of the ECG.

For one frame, with U ~ N(m, Σ) and Y = H U + noise of variance σ²,

    Y ~ N(H m, C),    C = H Σ Hᵀ + σ² I,
    U | Y ~ N(m + Σ Hᵀ C⁻¹ (Y − H m),  Σ − Σ Hᵀ C⁻¹ H Σ).

This is eq. 7 of Ghimire et al. 2018 through the identity of Woodbury: systems of the size of the leads (or of their
modes, see `lead_modes`) in place of the nodes'. Σ = diag(v)^½ (diag d + W Wᵀ) diag(v)^½ with v the variances of the
frame; the published model has d = 1 and no W, ours the correlation that `networks.encoded_beats` describes.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

# Frames whose (mode, node) matrices are held at once.
_FRAMES_AT_ONCE = 256


class GaussianUpdate:
    """The update for one transfer matrix and one correlation.

    Parameters
    ----------
    transfer
        H, shape (mode, node).
    modes, rest
        W (node, mode) and d (node,) of the correlation; none for independent nodes.
    """

    def __init__(self, transfer: Tensor, modes: Tensor | None = None, rest: Tensor | None = None) -> None:
        count, nodes = transfer.shape
        self._transfer = transfer
        self._modes = transfer.new_zeros(nodes, 0) if modes is None else modes.to(transfer)
        self._rest = transfer.new_ones(nodes) if rest is None else rest.to(transfer)
        # H diag(v) Hᵀ is linear in v: one product with the products of pairs of rows, of which half suffice.
        first, second = torch.triu_indices(count, count)
        self._halves = first * count + second
        pairs = transfer[first] * transfer[second] * self._rest
        self._pairs = pairs.T.contiguous()
        # Those off the diagonal stand for two entries of a symmetric matrix.
        self._doubled = pairs * self._rest * torch.where(first == second, 1.0, 2.0)[:, None].to(pairs)
        self._place = torch.empty(count, count, dtype=torch.long)
        self._place[first, second] = self._place[second, first] = torch.arange(first.numel())

    def covariance(self, variance: Tensor, noise_variance: Tensor) -> Tensor:
        """C, shape (case, time, mode, mode), from variances (case, time, node) and those of the noise (case,)."""
        covariance = (variance @ self._pairs)[..., self._place]
        if self._modes.shape[1]:
            sd = variance.sqrt()
            for case, part in _blocks(variance):
                seen = (self._transfer * sd[case, part, None, :]) @ self._modes
                covariance[case, part] += seen @ seen.transpose(-1, -2)
        torch.diagonal(covariance, dim1=-2, dim2=-1).add_(noise_variance.to(variance)[:, None, None])
        return covariance

    def whitener(self, variance: Tensor, noise_variance: Tensor) -> Tensor:
        """Inverse Cholesky factors of C, lower triangles with ``K C Kᵀ = I``, shape (case, time, mode, mode)."""
        factor = torch.linalg.cholesky(self.covariance(variance, noise_variance))
        identity = torch.eye(factor.shape[-1], dtype=factor.dtype).expand_as(factor)
        whitener: Tensor = torch.linalg.solve_triangular(factor, identity, upper=False)
        return whitener

    def mean(self, mean: Tensor, variance: Tensor, residual: Tensor, whitener: Tensor) -> Tensor:
        """Posterior mean of U, shape (case, time, node).

        Parameters
        ----------
        mean, variance
            m and v, shape (case, time, node).
        residual
            Y − H m, shape (case, time, mode).
        whitener
            From `whitener`.
        """
        sd = variance.sqrt()
        weights = (whitener.transpose(-1, -2) @ (whitener @ residual[..., None]))[..., 0]
        pulled = sd * (weights @ self._transfer)
        return mean + sd * (self._rest * pulled + (pulled @ self._modes) @ self._modes.T)

    def variance(self, variance: Tensor, whitener: Tensor) -> Tensor:
        """Posterior variance of each node, the diagonal alone, shape (case, time, node)."""
        if self._modes.shape[1]:
            posterior = self._correlated_variance(variance, whitener)
        else:
            precision = (whitener.transpose(-1, -2) @ whitener).flatten(-2)[..., self._halves]
            posterior = torch.addcmul(self._rest, variance, precision @ self._doubled, value=-1.0).mul_(variance)
        # Rounding can take a variance that the ECG determines slightly below zero.
        return posterior.clamp_min(0.0)

    def _correlated_variance(self, variance: Tensor, whitener: Tensor) -> Tensor:
        sd = variance.sqrt()
        posterior = variance * (self._rest + self._modes.square().sum(dim=1))
        for case, part in _blocks(variance):
            seen = whitener[case, part] @ (self._transfer * sd[case, part, None, :])
            shared = seen * self._rest + (seen @ self._modes) @ self._modes.T
            posterior[case, part] -= variance[case, part] * shared.square().sum(dim=-2)
        return posterior


def log_likelihood(residual: Tensor, whitener: Tensor) -> Tensor:
    """``Σ_k log N(Y_k | H m_k, C_k)`` of each case, shape (case,), from residuals and `GaussianUpdate.whitener`."""
    whitened = (whitener @ residual[..., None])[..., 0]
    log_determinant = torch.diagonal(whitener, dim1=-2, dim2=-1).log().sum(dim=(1, 2))
    constant = 0.5 * math.log(2 * math.pi) * residual[0].numel()
    return log_determinant - 0.5 * whitened.square().sum(dim=(1, 2)) - constant


def _blocks(values: Tensor) -> Iterator[tuple[int, slice]]:
    """Numbers of cases and parts of their frames that are small enough to hold (mode, node) matrices of."""
    cases, frames = values.shape[:2]
    for case in range(cases):
        for first in range(0, frames, _FRAMES_AT_ONCE):
            yield case, slice(first, first + _FRAMES_AT_ONCE)
