"""What `em` and `marginal_map` share: a problem in the terms of a trained sequential autoencoder.

Latent variables are handled as z = (Z − Z̄) / √C, with Z̄ and C the moments of p(Z) (Ghimire et al. 2018, eq. 6), so that
p(Z) is a standard Gaussian in z and one step size suits all of them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.inverse.lead_modes import LeadModes
from transmural.inverse.problem import Problem
from transmural.networks.sequential_vae import GenerativeModel


@dataclass(frozen=True)
class SequenceInference:
    """A batch of cases of one heart, with its generative model.

    Attributes
    ----------
    generative
        Autoencoder, moments of p(Z), correlation of the residuals.
    ecg
        Coefficients of the lead modes in mV, shape (case, time, mode).
    transfer
        Transfer matrix of the lead modes, shape (mode, node).
    noise_variance
        In mV², shape (case,).
    """

    generative: GenerativeModel
    ecg: Tensor
    transfer: Tensor
    noise_variance: Tensor

    @classmethod
    def of(cls, problem: Problem, generative: GenerativeModel, noise: str = "given") -> "SequenceInference":
        """Cast a problem; ``noise`` is ``"given"`` or ``"inferred"`` (see `lead_modes`)."""
        modes = LeadModes.of(problem)
        sd = problem.noise_sd_mv if noise == "given" else modes.inferred_noise_sd()
        # Single precision needs some noise for Cholesky factors; this is far below any that measurements have.
        least = 1e-4 * float(np.sqrt(np.mean(modes.ecg**2)))
        return cls(
            generative,
            _float32(modes.ecg),
            _float32(modes.transfer),
            _float32(np.maximum(sd, least).astype(np.float64) ** 2),
        )

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.ecg.shape[0])

    def latent(self, standard: Tensor) -> Tensor:
        """Z from z, shape (case, time, latent)."""
        return self.generative.prior_mean + standard * self.generative.prior_variance.sqrt()

    def standard(self, latent: Tensor) -> Tensor:
        """Standardised z from Z."""
        return (latent - self.generative.prior_mean) / self.generative.prior_variance.sqrt()

    def encode(self, tmp: NDArray[np.floating]) -> Tensor:
        """The z at which the encoder puts potentials (case, time, node)."""
        with torch.no_grad():
            return self.standard(self.generative.model.encode(_float32(tmp))[0])

    def select(self, cases: Tensor) -> "SequenceInference":
        """The cases with these numbers, of which one may appear several times."""
        return SequenceInference(self.generative, self.ecg[cases], self.transfer, self.noise_variance[cases])


def log_prior(standard: Tensor) -> Tensor:
    """``log p(Z)`` of each case up to a constant, shape (case,)."""
    return -0.5 * standard.square().sum(dim=(1, 2))


def misfit_sd(residual: Tensor, noise_variance: Tensor) -> NDArray[np.float64]:
    """Root-mean-square residual of the lead modes in units of the noise, shape (case,)."""
    return np.asarray((residual.square().mean(dim=(1, 2)) / noise_variance).sqrt().double().numpy())


def _float32(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
