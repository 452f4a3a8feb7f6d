"""A linear-Gaussian «autoencoder», for which inference has closed forms."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from transmural.inverse.sequence_inference import SequenceInference
from transmural.networks.sequential_vae import GenerativeModel


class LinearDecoder(nn.Module):
    """``U_k = A Z_k + b`` with a constant variance of each node."""

    def __init__(self, nodes, latent, generator):
        super().__init__()
        self.matrix = torch.randn(nodes, latent, generator=generator)
        self.offset = torch.randn(nodes, generator=generator)
        self.log_var = -2 + 0.5 * torch.randn(nodes, generator=generator)

    def decode(self, latent):
        mean = latent @ self.matrix.T + self.offset
        return mean, self.log_var.expand_as(mean)

    def decode_observed(self, latent, transfer):
        return self.decode(latent)[0] @ transfer.T

    def decode_log_variance(self, latent):
        return self.decode(latent)[1]


@dataclass(frozen=True)
class LinearProblem:
    """Inference with a linear decoder, and its dense counterparts in double precision."""

    inference: SequenceInference
    correlation: np.ndarray

    @property
    def sigma(self):
        """Covariance of U given Z, shape (node, node)."""
        sd = np.exp(0.5 * self.inference.generative.model.log_var.double().numpy())
        return sd[:, None] * self.correlation * sd

    def covariance(self, case):
        """Covariance of the ECG given Z."""
        transfer = self.inference.transfer.double().numpy()
        noise = float(self.inference.noise_variance[case])
        return transfer @ self.sigma @ transfer.T + noise * np.eye(len(transfer))

    def best(self):
        """The z of greatest log p(Y, Z), shape (case, time, latent), from its normal equations."""
        generative, inference = self.inference.generative, self.inference
        transfer = inference.transfer.double().numpy()
        offset, matrix = (v.double().numpy() for v in (generative.model.offset, generative.model.matrix))
        centre, sd = generative.prior_mean.double().numpy(), generative.prior_variance.double().sqrt().numpy()
        found = np.empty((inference.cases, *centre.shape))
        for case, frame in np.ndindex(found.shape[:2]):
            design = transfer @ matrix * sd[frame]
            seen = inference.ecg[case, frame].double().numpy() - transfer @ (matrix @ centre[frame] + offset)
            weight = np.linalg.inv(self.covariance(case))
            normal = design.T @ weight @ design + np.eye(design.shape[1])
            found[case, frame] = np.linalg.solve(normal, design.T @ weight @ seen)
        return found

    def log_posterior(self, standard):
        """Log p(Y, Z) of each case without the prior's constant, by dense Gaussians."""
        inference = self.inference
        mean = inference.generative.model.decode(inference.latent(standard))[0] @ inference.transfer.T
        total = -0.5 * standard.square().sum(dim=(1, 2)).double()
        for case in range(inference.cases):
            covariance = torch.from_numpy(self.covariance(case))
            normal = torch.distributions.MultivariateNormal(mean[case].double(), covariance)
            total[case] += normal.log_prob(inference.ecg[case].double()).sum()
        return total


def linear_problem(cases=2, frames=3, nodes=25, latent=3, leads=6, modes=0, noise_sd=0.5, seed=0):
    """A random problem; with ``modes`` above zero the nodes are correlated."""
    generator = torch.Generator().manual_seed(seed)
    model = LinearDecoder(nodes, latent, generator)
    wide, rest = torch.randn(nodes, modes, generator=generator), torch.ones(nodes)
    if modes:
        rest = 0.5 + torch.rand(nodes, generator=generator)
    prior = torch.randn(frames, latent, generator=generator), 0.5 + torch.rand(frames, latent, generator=generator)
    table = torch.tensor([[-20.0, 20.0], [-20.0, 20.0]])
    generative = GenerativeModel(model, *prior, table, wide, rest)
    transfer = torch.randn(leads, nodes, generator=generator)
    ecg = 3 * torch.randn(cases, frames, leads, generator=generator)
    inference = SequenceInference(generative, ecg, transfer, torch.full((cases,), noise_sd**2))
    correlation = np.diag(rest.double().numpy()) + (wide.double() @ wide.double().T).numpy()
    return LinearProblem(inference, correlation)
