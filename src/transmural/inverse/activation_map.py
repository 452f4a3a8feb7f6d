"""The most probable static latent variable behind an ECG, through the activation-map autoencoder.

    log p(ζ, o | Y) = −½ |y(ζ, o)|² − ½ |ζ|² − ½ (distance of o from the wall / 2 mm)² + constant

with y the difference between the ECGs of the decoded potentials and the measured ones, white for noise and for what the
decoder gets wrong (`ecg_discrepancy`). The posterior has several modes, so the search starts from the encodings of the
training beats with the nearest ECGs, half of them beats with a scar: from a heart without one no scar grows, while one
too many shrinks away. A few steps on every other frame tell which are worth following.

The posterior around the best is taken as Gaussian (Laplace), with the Gauss–Newton Hessian 1 + JᵀJ. Samples of it,
decoded, give the mean and, with the decoder's own error on validation beats, the standard deviation of the potentials.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from transmural.inverse.ecg_discrepancy import WhiteECG
from transmural.inverse.nearest_beat import nearest_few
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.networks.activation_map_vae import ActivationMapModel, read_activation_map_model
from transmural.stores.config.inference import ActivationMAP
from transmural.stores.errors import InferenceError
from transmural.stores.random_streams import case_generator

_DIFFERENCES = 128  # training beats behind the discrepancy
_AT_ONCE = 32
_OUTSIDE_MM = 2.0
_ORIGIN_STEP_MM = 8.0  # of a step of size 1 in latent variables
_PROBE, _PROBE_MM = 0.05, 0.3


@dataclass(frozen=True)
class Search:
    """What stays the same throughout a search.

    Attributes
    ----------
    model
        The trained autoencoder.
    ecg
        White ECGs of the cases.
    time_ms
        Frames on which they stand, shape (time,).
    """

    model: ActivationMapModel
    ecg: WhiteECG
    time_ms: Tensor

    def misfit(self, latent: Tensor, origin: Tensor, case: Tensor) -> Tensor:
        """White differences of samples, shape (sample, value)."""
        tmp, _ = self.model.decode(latent, origin, self.time_ms)
        return self.ecg.misfit(tmp, case)

    def energy(self, latent: Tensor, origin: Tensor, case: Tensor) -> Tensor:
        """−log p(ζ, o | Y) up to a constant, shape (sample,)."""
        prior = latent.square().sum(dim=1) + (self._outside_mm(origin) / _OUTSIDE_MM).square()
        return 0.5 * (self.misfit(latent, origin, case).square().sum(dim=1) + prior)

    def _outside_mm(self, origin: Tensor) -> Tensor:
        """How far origins lie from the nearest node, beyond the size of a node."""
        position = self.model.maps.conduction.position
        nearest = torch.linalg.vector_norm(position - origin[:, None], dim=2).amin(dim=1)
        return (nearest - self.model.maps.conduction.spacing_mm).clamp_min(0)


@method("activation_map", label="Activation-map VAE", needs=("training",), network="activation_map_vae")
def activation_map(problem: Problem) -> Reconstruction:
    """Most probable potentials of the activation-map autoencoder, with their standard deviation.

    Returns
    -------
    Posterior mean and standard deviation of the potentials; of each case the ``misfit`` (mean square of the white
    difference, 1 where the model is right), the ``energy`` −log p(ζ, o | Y), and ``start``, which of the starts led
    to it, the nearest beat first.

    Raises
    ------
    InferenceError
        If the problem has no training beats or no network, or they aren't of one cohort.
    """
    settings = problem.settings.activation_map
    if problem.training is None:
        raise InferenceError("activation_map: needs training beats and the problem has none")
    model = read_activation_map_model(problem.trained, problem.graph)
    if model.latent.shape[0] != problem.training.ecg.shape[0]:
        raise InferenceError(
            f"activation_map: the network was trained on {model.latent.shape[0]} beats and the problem has "
            f"{problem.training.ecg.shape[0]}; give those of its cohort"
        )
    every, coarse = _search(problem, model, 1), _search(problem, model, 2)
    starts = starting_beats(problem.ecg, problem.training.ecg, model.scarred.numpy(), settings.starts)
    latent, origin, start, energy = _best(every, coarse, torch.from_numpy(starts), settings)
    tmp, std = _posterior(every, coarse, latent, origin, settings)
    case = torch.arange(problem.cases)
    misfit = np.concatenate(
        [every.misfit(latent[part], origin[part], part).square().mean(dim=1).numpy() for part in case.split(_AT_ONCE)]
    )
    return Reconstruction(tmp, std, {"misfit": misfit, "energy": energy.numpy(), "start": start.numpy()})


def starting_beats(ecg: np.ndarray, training_ecg: np.ndarray, scarred: np.ndarray, count: int) -> np.ndarray:
    """Training beats from which to start: the nearest in ECG space, then the nearest with a scar.

    Parameters
    ----------
    ecg, training_ecg
        In mV, shapes (case, lead, time) and (beat, lead, time).
    scarred
        Beats with a scar, shape (beat,).
    count
        How many for each case; fewer where there are fewer beats.

    Returns
    -------
    Numbers of beats, shape (case, start), each at most once in a case.
    """
    every = nearest_few(ecg, training_ecg, training_ecg.shape[0])
    some = count - count // 2
    chosen = []
    for ranked in every:
        first = list(ranked[:some])
        more = [beat for beat in ranked[some:] if scarred[beat]] + [beat for beat in ranked[some:] if not scarred[beat]]
        chosen.append(first + more[: count - some])
    return np.array(chosen)


def _search(problem: Problem, model: ActivationMapModel, every: int) -> Search:
    """The search on every so many frames."""
    training = problem.training
    assert training is not None  # noqa: S101
    transfer = torch.from_numpy(problem.centred_transfer.astype(np.float32))
    time_ms = torch.from_numpy(problem.time_ms[::every].astype(np.float32))
    beats = torch.linspace(0, model.latent.shape[0] - 1, min(_DIFFERENCES, model.latent.shape[0])).long().unique()
    parts = []
    with torch.no_grad():
        for part in beats.split(_AT_ONCE):
            tmp, _ = model.decode(model.latent[part], model.origin[part], time_ms)
            predicted = torch.einsum("ln,btn->blt", transfer, tmp)
            parts.append(torch.from_numpy(training.ecg[part.numpy()][:, :, ::every].astype(np.float32)) - predicted)
    difference = torch.cat(parts) * float(np.sqrt(model.underfit))
    ecg = torch.from_numpy(np.ascontiguousarray(problem.ecg[:, :, ::every], dtype=np.float32))
    noise = torch.from_numpy(problem.noise_sd_mv.astype(np.float32))
    return Search(model, WhiteECG.of(ecg, transfer, noise, difference), time_ms)


def _best(every: Search, coarse: Search, starts: Tensor, settings: ActivationMAP) -> tuple[Tensor, ...]:
    """Latent variable, origin, number of the start and energy of each case's best descent."""
    model, (cases, count) = every.model, starts.shape
    case = torch.arange(cases).repeat_interleave(count)
    latent, origin = model.latent[starts.flatten()], model.origin[starts.flatten()]
    latent, origin, energy = _descend(coarse, latent, origin, case, settings.first_steps, settings.learning_rate)
    kept = energy.reshape(cases, count).argsort(dim=1)[:, : settings.survivors]
    chosen = (kept + count * torch.arange(cases)[:, None]).flatten()
    latent, origin, energy = _descend(
        every, latent[chosen], origin[chosen], case[chosen], settings.steps, settings.learning_rate
    )
    best = energy.reshape(kept.shape).argmin(dim=1)
    place = best + kept.shape[1] * torch.arange(cases)
    return latent[place], origin[place], kept[torch.arange(cases), best], energy[place]


def _descend(
    search: Search, latent: Tensor, origin: Tensor, case: Tensor, steps: int, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Descend from every start with Adam, its step falling to zero as a cosine does; some at a time to spare memory."""
    parts = []
    for part in torch.arange(latent.shape[0]).split(_AT_ONCE):
        z, o = latent[part].clone().requires_grad_(), origin[part].clone().requires_grad_()
        optimiser = torch.optim.Adam([{"params": [z], "lr": rate}, {"params": [o], "lr": rate * _ORIGIN_STEP_MM}])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for _ in range(steps):
            optimiser.zero_grad()
            torch.autograd.backward(search.energy(z, o, case[part]).sum())
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            parts.append((z.detach(), o.detach(), search.energy(z, o, case[part])))
    latent, origin, energy = (torch.cat(found) for found in zip(*parts, strict=True))
    return latent, origin, energy


def _posterior(
    every: Search, coarse: Search, latent: Tensor, origin: Tensor, settings: ActivationMAP
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the potentials of each case under the Laplace approximation."""
    model, tmp, std = every.model, [], []
    for case in range(latent.shape[0]):
        factor = _posterior_factor(coarse, latent[case], origin[case], case)
        stream = case_generator(0, "activation_map", case)
        white = torch.from_numpy(stream.standard_normal((settings.samples // 2, factor.shape[0])).astype(np.float32))
        # Each sample with its mirror image, so that their mean is exact to first order.
        step = torch.cat([white, -white]) @ factor.T * float(np.sqrt(settings.temperature))
        modes = latent.shape[1]
        with torch.no_grad():
            sample, density = model.decode(latent[case] + step[:, :modes], origin[case] + step[:, modes:], every.time_ms)
            mean = sample.mean(dim=0)
            own = model.residual_variance(mean[None], density.mean(dim=0)[None], every.time_ms)[0]
            tmp.append(mean.numpy())
            std.append((sample.var(dim=0) + own).sqrt().numpy())
    return np.stack(tmp), np.stack(std)


def _posterior_factor(search: Search, latent: Tensor, origin: Tensor, case: int) -> Tensor:
    """F with F Fᵀ = (1 + JᵀJ)⁻¹, latent variables first and then the origin in mm; J by finite differences."""
    modes = latent.numel()
    size = torch.cat([torch.full((modes,), _PROBE), torch.full((3,), _PROBE_MM)])
    probes = torch.cat([torch.zeros(1, modes + 3), torch.diag(size)])
    rows = []
    with torch.no_grad():
        for part in probes.split(_AT_ONCE):
            numbers = torch.full((part.shape[0],), case)
            rows.append(search.misfit(latent + part[:, :modes], origin + part[:, modes:], numbers))
    values = torch.cat(rows)
    jacobian = ((values[1:] - values[0]) / size[:, None]).double()
    prior = torch.cat([torch.ones(modes), torch.full((3,), 1e-4)]).double()
    hessian = jacobian @ jacobian.T + torch.diag(prior)
    inverse = torch.linalg.inv(torch.linalg.cholesky(hessian))
    return inverse.T.float()
