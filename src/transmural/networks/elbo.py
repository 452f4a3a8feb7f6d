"""The loss of the sequential variational autoencoder: its negative evidence lower bound (Ghimire et al. 2018, eq. 3).

    −L = E_q[−log p(U|Z)] + β KL(q(Z|U) ‖ N(0, I)),

the expectation from one sample by reparametrisation (Kingma & Welling 2014), β rising from 0 to 1 over the first part
of training. Both terms are sums over nodes or latent variables and frames; the whole is divided by the number of
values, N T, which changes the step size only. The authors' release divides the divergence by its own number of values
instead, which makes β as large as N over the latent size (about 37): ``kl_scaling: released``.
"""

import math
from typing import Any

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
    frames = likelihood_frames(model, tmp.shape[1])
    mean, log_excess = (value.float() for value in model.decode_excess(latent, frames))
    misfit, squared_error = FlooredMisfit.apply(  # type: ignore[no-untyped-call]
        tmp[:, frames], mean, log_excess, model.floor
    )
    divergence = standard_divergence(latent_mean, latent_log_variance).sum(dim=(1, 2)).mean()
    warm_up = settings.kl_warmup * settings.epochs
    weight = min(1.0, progress / warm_up) if warm_up > 0 else 1.0
    values = tmp[0].numel() if settings.kl_scaling == "proper" else latent[0].numel()
    return {
        "loss": misfit + weight * divergence / values,
        "negative_log_likelihood": misfit + 0.5 * math.log(2 * math.pi),
        "divergence": divergence,
        "squared_error": squared_error,
    }


def likelihood_frames(model: SequentialVAE, frames: int) -> slice:
    """Those of so many frames at which a batch's likelihood is looked at.

    In training one in ``likelihood_every``, from a random one on; in validation all.
    Neighbouring frames say nearly the same, so the mean over them is nearly that over all frames, and its expectation
    is exactly that (up to the frames that the last stride cuts off); the recurrent layers run through every frame.
    """
    every = min(model.settings.likelihood_every, frames) if model.training else 1
    return slice(int(torch.randint(every, ())), None, every) if every > 1 else slice(None)


class FlooredMisfit(torch.autograd.Function):
    """Mean of `gaussian_misfit` over values of the variance ``floor + exp(log_excess)``.

    With that variance both the misfit and its gradients take one exponential and one logarithm a value, and a beat at a
    time stays in the processor's cache: a third of the time of the chain of tensor operations.
    """

    @staticmethod
    def forward(ctx: Any, tmp: Tensor, mean: Tensor, log_excess: Tensor, floor: float) -> tuple[Tensor, Tensor]:
        """Mean misfit and mean squared residual of values (case, time, node); the former's gradients on the way."""
        by_mean, by_excess = torch.empty_like(mean), torch.empty_like(mean)
        misfit, squares = tmp.new_zeros(()), tmp.new_zeros(())
        for truth, found, excess, residual, slope in zip(tmp, mean, log_excess, by_mean, by_excess, strict=True):
            torch.sub(found, truth, out=residual)
            torch.exp(excess, out=slope)
            variance = slope + floor
            square = residual.square()
            squares += square.sum()
            standardised = square.div_(variance)
            slope.div_(variance)
            residual.div_(variance)
            misfit += standardised.sum() + variance.log_().sum()
            slope.mul_(standardised.neg_().add_(1.0)).mul_(0.5)
        ctx.save_for_backward(by_mean, by_excess)
        squared_error = squares / mean.numel()
        ctx.mark_non_differentiable(squared_error)
        return 0.5 * misfit / mean.numel(), squared_error

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Gradients by mean and ``log_excess``."""
        by_mean, by_excess = ctx.saved_tensors
        weight = gradients[0] / by_mean.numel()
        return None, weight * by_mean, weight * by_excess, None


def gaussian_misfit(square: Tensor, log_variance: Tensor) -> Tensor:
    """``−log N`` of each value without its constant, from the squared residual and the log-variance."""
    return 0.5 * (square * torch.exp(-log_variance) + log_variance)


def standard_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback–Leibler divergence in nats of each N(mean, variance) from N(0, 1)."""
    return 0.5 * (mean**2 + torch.exp(log_variance) - 1.0 - log_variance)
