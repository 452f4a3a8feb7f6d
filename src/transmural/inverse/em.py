"""Expectation-maximisation as published (Ghimire et al. 2018, section 3): the MAP of Z and the potentials given it.

E-step: with Z fixed, p(U|Y, Z) is Gaussian in every frame (eq. 7; `gaussian_update`). M-step: a few gradient steps on

    L(Z) = E_{p(U|Y, Ẑ)} log p(U|Z) + log p(Z)                                                       (eq. 8);

the expectation holds the squared distance of the posterior mean from the decoder's and the posterior variances. Both
steps raise log p(Y, Z), in which U is integrated out; it needs no truth and tells when to stop. At high
signal-to-noise ratios the steps get small with the variance that the ECG leaves, so EM stops far from its optimum;
`marginal_map` climbs log p(Y, Z) itself.

What the authors' release does otherwise can be had by options, for comparison: stopping at the iterate nearest the
truth (`least_error`), a likelihood divided by N T beside an undivided p(Z), a start at a healthy beat.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.inverse.adam import Adam
from transmural.inverse.gaussian_update import GaussianUpdate, log_likelihood
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.inverse.sequence_inference import SequenceInference, log_prior, misfit_sd
from transmural.networks.sequential_vae import read_generative_model
from transmural.stores.config.inference import ExpectationMaximisation
from transmural.stores.errors import InferenceError

# Iterations over which the growth of log p(Y, Z) is judged; single ones of a gradient method are too unsteady.
_JUDGED = 5


@dataclass(frozen=True)
class Iterate:
    """State after an E-step.

    Attributes
    ----------
    tmp
        Posterior mean of the potentials, shape (case, time, node).
    variance
        Their posterior variance, of the same shape.
    log_posterior
        log p(Y, Z) up to a constant, shape (case,).
    misfit
        Root-mean-square residual of the ECG before the update, in units of the noise, shape (case,).
    iterations
        M-steps behind each case's Z; a case that has stopped keeps its number, shape (case,).
    """

    tmp: Tensor
    variance: Tensor
    log_posterior: NDArray[np.float64]
    misfit: NDArray[np.float64]
    iterations: NDArray[np.int64]


@method("em", label="EM (sequential VAE)", network="sequential_vae")
def em(problem: Problem) -> Reconstruction:
    """Expectation-maximisation with the settings of the problem.

    Parameters
    ----------
    problem
        Noisy ECGs, transfer matrix, noise level, and the folder of the trained network.

    Returns
    -------
    Posterior mean and standard deviation of the potentials; ``iterations``, ``misfit`` (of the decoder's mean, in
    units of the noise) and ``log_posterior``.
    """
    return expectation_maximisation(problem, problem.settings.em)


def expectation_maximisation(problem: Problem, settings: ExpectationMaximisation) -> Reconstruction:
    """Iterate until every case has stopped; see `em` and, for the steps between, `em_iterates`."""
    for iterate in em_iterates(problem, settings):
        last = iterate
    chosen = {"iterations": last.iterations, "misfit": last.misfit, "log_posterior": last.log_posterior}
    return Reconstruction(last.tmp.numpy(), last.variance.sqrt().numpy(), chosen)


def em_iterates(problem: Problem, settings: ExpectationMaximisation) -> Iterator[Iterate]:
    """All E-steps, the first one at the start, the last one when every case has stopped.

    Parameters
    ----------
    problem
        As for `em`; with training beats where the start is at a healthy one.
    settings
        Iterations, steps, stopping, and the release's variants.

    Raises
    ------
    InferenceError
        If the start is at a healthy beat and there is none.
    """
    generative = read_generative_model(problem.trained, problem.graph.nodes, problem.time_ms.size)
    inference = SequenceInference.of(problem, generative)
    yield from iterates(inference, _start(problem, inference, settings.start), settings)


def iterates(inference: SequenceInference, standard: Tensor, settings: ExpectationMaximisation) -> Iterator[Iterate]:
    """E-steps and M-steps in turn from z ``standard`` (case, time, latent); see `em_iterates`."""
    model = inference.generative.model
    standard = standard.clone().requires_grad_()
    optimiser = Adam([standard], [settings.learning_rate])
    update = GaussianUpdate(inference.transfer)
    running = torch.ones(inference.cases, dtype=torch.bool)
    iterations = np.zeros(inference.cases, dtype=np.int64)
    log_posteriors: list[NDArray[np.float64]] = []
    for _ in range(settings.iterations + 1):
        decoded = model.decode(inference.latent(standard))
        iterate = _e_step(inference, update, standard, *decoded, iterations.copy())
        yield iterate
        log_posteriors.append(iterate.log_posterior)
        running &= torch.from_numpy(_grows(log_posteriors, settings.tolerance))
        if not running.any():
            break
        for step in range(settings.gradient_steps):
            mean, log_variance = decoded if step == 0 else model.decode(inference.latent(standard))
            gain = _m_step_objective(iterate, mean, log_variance, standard, settings.prior_weighting)
            before = standard.detach().clone()
            torch.autograd.backward(-gain)
            optimiser.step()
            with torch.no_grad():
                standard[~running] = before[~running]
        iterations += running.numpy()


def least_error(iterates: Iterable[Iterate], truth: NDArray[np.floating]) -> Reconstruction:
    """Of each case the iterate nearest the truth: how the release's script for synthetic data stops.

    No method may do this; it is for measuring what such stopping is worth.

    Parameters
    ----------
    iterates
        From `em_iterates`.
    truth
        True potentials, shape (case, time, node).
    """
    target = torch.from_numpy(np.asarray(truth, dtype=np.float32))
    least = torch.full((target.shape[0],), torch.inf)
    tmp, variance = torch.full_like(target, torch.nan), torch.full_like(target, torch.nan)
    iterations = np.zeros(target.shape[0], dtype=np.int64)
    for iterate in iterates:
        distance = (iterate.tmp - target).square().sum(dim=(1, 2))
        nearer = distance < least
        least = torch.where(nearer, distance, least)
        tmp[nearer], variance[nearer] = iterate.tmp[nearer], iterate.variance[nearer]
        iterations[nearer.numpy()] = iterate.iterations[nearer.numpy()]
    return Reconstruction(tmp.numpy(), variance.sqrt().numpy(), {"iterations": iterations})


def _start(problem: Problem, inference: SequenceInference, start: str) -> Tensor:
    shape = (inference.cases, *inference.generative.prior_mean.shape)
    if start == "prior_mean":
        return torch.zeros(shape)
    if problem.training is None or problem.training.scar.any(axis=1).all():
        raise InferenceError("em: to start at a healthy beat it needs training beats with one among them")
    healthy = int(np.argmin(problem.training.scar.any(axis=1)))
    return inference.encode(problem.training.tmp[healthy : healthy + 1]).expand(shape).clone()


@torch.no_grad()
def _e_step(
    inference: SequenceInference,
    update: GaussianUpdate,
    standard: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    iterations: NDArray[np.int64],
) -> Iterate:
    """Posterior of the potentials given Z (eq. 7)."""
    variance = log_variance.exp()
    residual = inference.ecg - mean @ inference.transfer.T
    whitener = update.whitener(variance, inference.noise_variance)
    log_posterior = log_likelihood(residual, whitener) + log_prior(standard)
    return Iterate(
        update.mean(mean, variance, residual, whitener),
        update.variance(variance, whitener),
        log_posterior.double().numpy(),
        misfit_sd(residual, inference.noise_variance),
        iterations,
    )


class ExpectedMisfit(torch.autograd.Function):
    """Sum of `networks.elbo.gaussian_misfit` over values of which a mean and a variance are known.

    Misfit and gradients are computed together, a case at a time, which stays in the processor's cache.
    """

    @staticmethod
    def forward(ctx: Any, known: Tensor, variance: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Misfit of the decoded ``mean`` and ``log_variance``, all (case, time, node), to what is ``known``."""
        by_mean, by_log_variance = torch.empty_like(known), torch.empty_like(known)
        misfit = known.new_zeros(())
        parts = (known, variance, mean, log_variance, by_mean, by_log_variance)
        for found, spread, decoded, log, residual, slope in zip(*parts, strict=True):
            precision = torch.exp(-log)
            torch.sub(decoded, found, out=residual)
            torch.square(residual, out=slope).add_(spread).mul_(precision)
            misfit += 0.5 * (slope.sum() + log.sum())
            residual.mul_(precision)
            slope.mul_(-0.5).add_(0.5)
        ctx.save_for_backward(by_mean, by_log_variance)
        return misfit

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Gradients by ``mean`` and ``log_variance``."""
        by_mean, by_log_variance = ctx.saved_tensors
        return None, None, gradients[0] * by_mean, gradients[0] * by_log_variance


def _m_step_objective(iterate: Iterate, mean: Tensor, log_variance: Tensor, standard: Tensor, weighting: str) -> Tensor:
    """Eq. 8, summed over the cases, each of which has a Z of its own."""
    misfit: Tensor = ExpectedMisfit.apply(  # type: ignore[no-untyped-call]
        iterate.tmp, iterate.variance, mean, log_variance
    )
    likelihood = -misfit
    if weighting == "released":
        likelihood = likelihood / mean[0].numel()
    return likelihood + log_prior(standard).sum()


def _grows(log_posteriors: list[NDArray[np.float64]], tolerance: float) -> NDArray[np.bool_]:
    """Whether log p(Y, Z) of each case has grown by more than the tolerance over the last iterations."""
    now = log_posteriors[-1]
    if len(log_posteriors) <= _JUDGED:
        return np.ones(now.shape, dtype=bool)
    return np.asarray(now - log_posteriors[-1 - _JUDGED] > tolerance * np.abs(now))
