"""The MAP of Z with the potentials integrated out, from several starts.

Given Z every frame's ECG is Gaussian (`gaussian_update`), so the potentials need no steps of their own:

    log p(Y, Z) = Σ_k log N(Y_k | H m_k(Z), H Σ_k(Z) Hᵀ + σ² I) + log p(Z),

whose stationary points are those of the published EM (`em`), reached by plain gradient steps where EM's shrink with the
noise. Three things make it fast and sure:

- **Starts.** log p(Y, Z) has local maxima, so it is climbed from the encodings of the training beats whose ECGs are
  nearest. They are compared once by log p(Y, Z); the best are followed, and the one that ends highest is kept. No
  truth is needed.
- **Σ_k** holds the correlation between nodes of what the decoder leaves over (`networks.encoded_beats`). Independent
  errors hardly show in an ECG, so with D_k alone a good latent path is punished for regional errors of the decoder, and
  the update given Z can't mend them.
- **Covariances** are renewed every few steps, and their own gradient is left out: on validation beats that cost
  nothing in error and saves three quarters of the time. Between renewals only the observed mean H m(Z) is needed, which
  a decoder with a narrow head gives without going through the nodes.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.inverse.adam import Adam
from transmural.inverse.gaussian_update import GaussianUpdate, log_likelihood
from transmural.inverse.nearest_beat import nearest_few
from transmural.inverse.problem import Problem, Reconstruction, Training
from transmural.inverse.registry import method
from transmural.inverse.sequence_inference import SequenceInference, log_prior, misfit_sd
from transmural.networks.sequential_vae import read_generative_model
from transmural.stores.config.inference import MarginalMAP
from transmural.stores.errors import InferenceError

# The learning rate's last value as a share of its largest.
_LAST_RATE = 0.05


@method("marginal_map", label="Marginal MAP (sequential VAE)", needs=("training",), network="sequential_vae")
def marginal_map(problem: Problem) -> Reconstruction:
    """Maximum of log p(Y, Z) over Z, and the potentials given it.

    Parameters
    ----------
    problem
        Noisy ECGs, transfer matrix, noise level, training beats, and the folder of the trained network.

    Returns
    -------
    Posterior mean and standard deviation of the potentials; the ``start`` (number of the training beat) that led
    highest, ``misfit`` (of the decoder's mean, in units of the noise), ``noise_sd_mv`` and ``log_posterior``.

    Raises
    ------
    InferenceError
        If the problem has no training beats.
    """
    if problem.training is None:
        raise InferenceError("marginal_map: needs training beats and the problem has none")
    settings = problem.settings.marginal_map
    generative = read_generative_model(problem.trained, problem.graph.nodes, problem.time_ms.size)
    inference = SequenceInference.of(problem, generative, settings.noise)
    update = GaussianUpdate(inference.transfer, generative.residual_modes, generative.residual_variance)
    beats = nearest_few(problem.ecg, problem.training.ecg, settings.starts)
    beats, starts = _best_starts(inference, update, problem.training, beats, settings.survivors)
    each = torch.arange(inference.cases).repeat_interleave(beats.shape[1])
    ends = climb(inference.select(each), update, starts.flatten(0, 1), settings).reshape(starts.shape)
    # The best start is a candidate itself: where covariances change fast, a climb can end below it.
    candidates, beats = torch.cat([ends, starts[:, :1]], dim=1), np.concatenate([beats, beats[:, :1]], axis=1)
    return _reconstruct(inference, update, candidates, beats)


def climb(inference: SequenceInference, update: GaussianUpdate, standard: Tensor, settings: MarginalMAP) -> Tensor:
    """Gradient steps of Adam on log p(Y, Z) from z ``standard`` (case, time, latent); returns where they end."""
    model = inference.generative.model
    standard = standard.clone().requires_grad_()
    optimiser = Adam([standard], [settings.learning_rate], betas=(0.9, 0.99))
    for step in range(settings.steps):
        latent = inference.latent(standard)
        if step % settings.covariance_steps == 0:
            with torch.no_grad():
                whitener = update.whitener(
                    inference.generative.variance(model.decode_log_variance(latent)), inference.noise_variance
                )
        residual = inference.ecg - model.decode_observed(latent, inference.transfer)
        torch.autograd.backward(-(log_likelihood(residual, whitener) + log_prior(standard)).sum())
        optimiser.step(_rate(step, settings.steps))
    return standard.detach()


@dataclass(frozen=True)
class _Judged:
    """Several z of one case: what they decode to, and log p(Y, Z), shape (candidate,)."""

    mean: Tensor
    variance: Tensor
    residual: Tensor
    whitener: Tensor
    height: Tensor


@torch.no_grad()
def _judge(inference: SequenceInference, update: GaussianUpdate, case: int, standard: Tensor) -> _Judged:
    """Judge z ``standard`` (candidate, time, latent) of a case."""
    one = inference.select(torch.full((standard.shape[0],), case))
    mean, log_variance = one.generative.model.decode(one.latent(standard))
    variance = one.generative.variance(log_variance)
    residual = one.ecg - mean @ one.transfer.T
    whitener = update.whitener(variance, one.noise_variance)
    return _Judged(mean, variance, residual, whitener, log_likelihood(residual, whitener) + log_prior(standard))


def _best_starts(
    inference: SequenceInference, update: GaussianUpdate, training: Training, beats: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], Tensor]:
    """The ``count`` best of each case's candidates ``beats`` (case, candidate), best first, and their encodings."""
    distinct, place = np.unique(beats, return_inverse=True)
    encoded = inference.encode(training.tmp[distinct])[torch.from_numpy(place.reshape(beats.shape))]
    count = min(count, beats.shape[1])
    heights = torch.stack([_judge(inference, update, case, z).height for case, z in enumerate(encoded)])
    best = heights.topk(count).indices
    kept = torch.stack([z[numbers] for z, numbers in zip(encoded, best, strict=True)])
    return np.take_along_axis(beats, best.numpy(), axis=1), kept


def _reconstruct(
    inference: SequenceInference, update: GaussianUpdate, standard: Tensor, beats: NDArray[np.int64]
) -> Reconstruction:
    """Potentials given the highest of each case's candidates, z ``standard`` (case, candidate, time, latent)."""
    shape = (inference.cases, inference.ecg.shape[1], inference.transfer.shape[1])
    tmp, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
    start, misfit, height = np.empty(shape[0], np.int64), np.empty(shape[0]), np.empty(shape[0])
    for case, candidates in enumerate(standard):
        judged = _judge(inference, update, case, candidates)
        top = int(judged.height.argmax())
        mean, variance, residual, whitener = (
            value[top : top + 1] for value in (judged.mean, judged.variance, judged.residual, judged.whitener)
        )
        tmp[case] = update.mean(mean, variance, residual, whitener)[0].numpy()
        std[case] = update.variance(variance, whitener)[0].sqrt().numpy()
        start[case], height[case] = beats[case, top], float(judged.height[top])
        misfit[case] = misfit_sd(residual, inference.noise_variance[case : case + 1])[0]
    noise = inference.noise_variance.double().sqrt().numpy()
    chosen = {"start": start, "misfit": misfit, "noise_sd_mv": noise, "log_posterior": height}
    return Reconstruction(tmp, std, chosen)


def _rate(step: int, steps: int) -> float:
    """Share of the largest learning rate: five steps up, then half a cosine down."""
    down = _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * step / steps))
    return min(1.0, (step + 1) / 5) * down
