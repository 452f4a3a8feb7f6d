"""The loss of the sequential variational autoencoder: its negative evidence lower bound (Ghimire et al. 2018, eq. 3).

    −L = E_q[−log p(U|Z)] + β KL(q(Z|U) ‖ N(0, I)),

the expectation from one sample by reparametrisation (Kingma & Welling 2014), β rising from 0 to 1 over the first part
of training. Both terms are sums over nodes or latent variables and frames; the whole is divided by the number of
values, N T, which changes the step size only. The authors' release divides the divergence by its own number of values
instead, which makes β as large as N over the latent size (about 37): ``kl_scaling: released``.
"""

import math

import torch
from torch import Tensor

from transmural.networks.sequence_autoencoder import SequentialVAE


def negative_elbo(model: SequentialVAE, batch: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
    """Loss of a batch.

    Parameters
    ----------
    model
        The autoencoder.
    batch
        ``tmp``, potentials (case, time, node).
    progress
        Epochs done, for the warm-up of the divergence.

    Returns
    -------
    ``loss``; ``negative_log_likelihood`` a value of the potentials; ``divergence`` in nats a beat;
    ``squared_error`` of the decoder's mean. Means over the batch.
    """
    tmp, settings = batch["tmp"], model.settings
    latent_mean, latent_log_variance = (value.float() for value in model.encode(tmp))
    latent = latent_mean + torch.randn_like(latent_mean) * torch.exp(0.5 * latent_log_variance)
    mean, log_variance = (value.float() for value in model.decode(latent))
    square = (tmp - mean) ** 2
    misfit = gaussian_misfit(square, log_variance).mean()
    divergence = standard_divergence(latent_mean, latent_log_variance).sum(dim=(1, 2)).mean()
    warm_up = settings.kl_warmup * settings.epochs
    weight = min(1.0, progress / warm_up) if warm_up > 0 else 1.0
    values = tmp[0].numel() if settings.kl_scaling == "proper" else latent[0].numel()
    return {
        "loss": misfit + weight * divergence / values,
        "negative_log_likelihood": misfit + 0.5 * math.log(2 * math.pi),
        "divergence": divergence,
        "squared_error": square.mean(),
    }


def gaussian_misfit(square: Tensor, log_variance: Tensor) -> Tensor:
    """``−log N`` of each value without its constant, from the squared residual and the log-variance."""
    return 0.5 * (square * torch.exp(-log_variance) + log_variance)


def standard_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback–Leibler divergence in nats of each N(mean, variance) from N(0, 1)."""
    return 0.5 * (mean**2 + torch.exp(log_variance) - 1.0 - log_variance)
