"""The most probable static latent variable behind an ECG, through the activation-map autoencoder.

    log p(ζ, o | Y) = −½ |y(ζ, o)|² − ½ |ζ|² − ½ (distance of o from the wall / 2 mm)² + constant

with ζ the scar and the pace, o the origin, and y the difference between the ECGs of the decoded potentials and the
measured ones, white for noise and for what the decoder gets wrong (`ecg_discrepancy`). The posterior has several modes,
so the search has several starts: the encodings of the training beats with the nearest ECGs, and, because no scar grows
where there is none, the most probable of many round scars all over the wall with the origins of those beats. A few
steps tell which starts are worth following; some fifty frames are enough for all but the last steps. A case whose ECG
is still not explained is searched again from more starts.

The posterior around the best is taken as Gaussian (Laplace), with the Gauss–Newton Hessian 1 + JᵀJ. Samples of it,
decoded, give the mean and, with the decoder's own error on validation beats, the standard deviation of the potentials.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.inverse.adam import Adam
from transmural.inverse.ecg_discrepancy import WhiteECG
from transmural.inverse.nearest_beat import nearest_few
from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import method
from transmural.networks.activation_map_vae import ActivationMapModel, read_activation_map_model
from transmural.stores.config.inference import ActivationMAP
from transmural.stores.errors import InferenceError
from transmural.stores.random_streams import case_generator

Floats = NDArray[np.floating]

_DIFFERENCES = 128  # training beats behind the discrepancy
_AT_ONCE = 16
_COARSE_FRAMES = 50
_TRIED_ORIGINS = 2
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
        energy: Tensor = 0.5 * (self.misfit(latent, origin, case).square().sum(dim=1) + prior)
        return energy

    def energies(self, latent: Tensor, origin: Tensor, case: Tensor) -> Tensor:
        """`energy` without its gradient, a few samples at a time."""
        with torch.no_grad():
            parts = torch.split(torch.arange(latent.shape[0]), _AT_ONCE)
            return torch.cat([self.energy(latent[part], origin[part], case[part]) for part in parts])

    def _outside_mm(self, origin: Tensor) -> Tensor:
        """How far origins lie from the nearest node, beyond the size of a node."""
        position = self.model.maps.conduction.position
        nearest: Tensor = torch.linalg.vector_norm(position - origin[:, None], dim=2).amin(dim=1)
        return (nearest - self.model.maps.conduction.spacing_mm).clamp_min(0)


@dataclass(frozen=True)
class Starts:
    """Where descents start: latent variables (case, start, mode), origins in mm (case, start, 3), and of which kind."""

    latent: Tensor
    origin: Tensor
    kind: NDArray[np.str_]


@dataclass(frozen=True)
class Optimum:
    """The best found of each case: latent variables, origin in mm, energy, misfit, and the kind of start behind it."""

    latent: Tensor
    origin: Tensor
    energy: Tensor
    misfit: Tensor
    kind: NDArray[np.str_]

    def improve(self, case: Tensor, other: "Optimum") -> None:
        """Take over what ``other`` found for the cases numbered ``case`` where its energy is less."""
        better = other.energy < self.energy[case]
        place = case[better]
        for mine, theirs in ((self.latent, other.latent), (self.origin, other.origin)):
            mine[place] = theirs[better]
        self.energy[place], self.misfit[place] = other.energy[better], other.misfit[better]
        self.kind[place.numpy()] = other.kind[better.numpy()]


@method("activation_map", label="Activation-map VAE", needs=("training",), network="activation_map_vae")
def activation_map(problem: Problem) -> Reconstruction:
    """Most probable potentials of the activation-map autoencoder, with their standard deviation.

    Returns
    -------
    Posterior mean and standard deviation of the potentials; of each case the ``misfit`` (mean square of the white
    difference, 1 where the model is right), the ``energy`` −log p(ζ, o | Y), and the ``start`` that led to it: a
    training ``beat`` or a ``trial scar``.

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
    stride = max(1, round(problem.time_ms.size / _COARSE_FRAMES))
    every, coarse = _search(problem, model, 1), _search(problem, model, stride)
    given = torch.from_numpy(problem.ecg), torch.from_numpy(problem.training.ecg)
    case = torch.arange(problem.cases)
    found = _best(every, coarse, starting_points(coarse, *given, case, settings.starts), case, settings)
    poor = case[found.misfit > settings.restart_misfit]
    if poor.numel():
        starts = starting_points(coarse, *given, poor, settings.restarts)
        found.improve(poor, _best(every, coarse, starts, poor, settings))
    tmp, std = _posterior(every, coarse, found.latent, found.origin, settings)
    chosen = {"misfit": found.misfit.numpy(), "energy": found.energy.numpy(), "start": found.kind}
    return Reconstruction(tmp, std, chosen)


def starting_points(search: Search, ecg: Tensor, training_ecg: Tensor, case: Tensor, count: int) -> Starts:
    """Where to start from: half of it nearest beats, half of it the most probable trial scars with their origins.

    Parameters
    ----------
    search
        On some of the frames.
    ecg, training_ecg
        In mV, shapes (case, lead, time) and (beat, lead, time).
    case
        Numbers of the cases to be started.
    count
        Starts of a case; fewer where there are fewer beats.
    """
    model, beats, trials = search.model, count - count // 2, search.model.trial.shape[0]
    tried = max(_TRIED_ORIGINS, count // 4)
    near = torch.from_numpy(nearest_few(ecg[case].numpy(), training_ecg.numpy(), max(beats, tried)).copy())
    latent, origin = model.latent[near[:, :beats]], model.origin[near[:, :beats]]
    kinds = ["beat"] * latent.shape[1]
    if count == 1:
        return Starts(latent, origin, np.array(kinds))
    found = []
    for number, place in zip(case, near[:, :tried], strict=True):
        z, o = model.trial.repeat(len(place), 1), model.origin[place].repeat_interleave(trials, dim=0)
        best = search.energies(z, o, number.expand(z.shape[0])).argsort()[: count // 2]
        found.append((z[best], o[best]))
    latent = torch.cat([latent, torch.stack([z for z, _ in found])], dim=1)
    origin = torch.cat([origin, torch.stack([o for _, o in found])], dim=1)
    return Starts(latent, origin, np.array(kinds + ["trial scar"] * (latent.shape[1] - len(kinds))))


def _search(problem: Problem, model: ActivationMapModel, every: int) -> Search:
    """The search on every so many frames."""
    training = problem.training
    assert training is not None
    transfer = torch.from_numpy(problem.centred_transfer.astype(np.float32))
    time_ms = torch.from_numpy(problem.time_ms[::every].astype(np.float32))
    count = model.latent.shape[0]
    beats = torch.from_numpy(np.linspace(0, count - 1, min(_DIFFERENCES, count), dtype=np.int64))
    parts = []
    with torch.no_grad():
        for part in torch.split(beats, _AT_ONCE):
            tmp, _ = model.decode(model.latent[part], model.origin[part], time_ms, left_out=True)
            predicted = torch.einsum("ln,btn->blt", transfer, tmp)
            parts.append(torch.from_numpy(training.ecg[part.numpy()][:, :, ::every].astype(np.float32)) - predicted)
    difference = torch.cat(parts) * float(np.sqrt(model.underfit))
    ecg = torch.from_numpy(np.ascontiguousarray(problem.ecg[:, :, ::every], dtype=np.float32))
    noise = torch.from_numpy(problem.noise_sd_mv.astype(np.float32))
    return Search(model, WhiteECG.of(ecg, transfer, noise, difference), time_ms)


def _best(every: Search, coarse: Search, starts: Starts, case: Tensor, settings: ActivationMAP) -> Optimum:
    """The best descent of each case."""
    cases, count, modes = starts.latent.shape
    numbers = case.repeat_interleave(count)
    latent, origin = starts.latent.reshape(-1, modes), starts.origin.reshape(-1, 3)
    latent, origin, energy = _descend(coarse, latent, origin, numbers, settings.first_steps, settings.learning_rate)
    kept = energy.reshape(cases, count).argsort(dim=1)[:, : settings.survivors]
    chosen = (kept + count * torch.arange(cases)[:, None]).flatten()
    latent, origin, numbers = latent[chosen], origin[chosen], numbers[chosen]
    latent, origin, _ = _descend(coarse, latent, origin, numbers, settings.steps, settings.learning_rate)
    latent, origin, energy = _descend(every, latent, origin, numbers, settings.last_steps, settings.learning_rate / 5)
    best = energy.reshape(kept.shape).argmin(dim=1)
    place = best + kept.shape[1] * torch.arange(cases)
    latent, origin, energy = latent[place], origin[place], energy[place]
    kind = starts.kind[kept[torch.arange(cases), best].numpy()]
    with torch.no_grad():
        parts = torch.split(torch.arange(cases), _AT_ONCE)
        misfit = torch.cat([every.misfit(latent[p], origin[p], case[p]).square().mean(dim=1) for p in parts])
    return Optimum(latent, origin, energy, misfit, kind)


def _descend(
    search: Search, latent: Tensor, origin: Tensor, case: Tensor, steps: int, rate: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Descend from every start with Adam, its step falling to zero as a cosine does; some at a time to spare memory."""
    parts = []
    for part in torch.split(torch.arange(latent.shape[0]), _AT_ONCE):
        z, o = latent[part].clone().requires_grad_(), origin[part].clone().requires_grad_()
        optimiser = Adam([z, o], [rate, rate * _ORIGIN_STEP_MM])
        for step in range(steps):
            torch.autograd.backward(search.energy(z, o, case[part]).sum())
            optimiser.step(0.5 * (1 + math.cos(math.pi * step / steps)))
        with torch.no_grad():
            parts.append((z.detach(), o.detach(), search.energy(z, o, case[part])))
    latent, origin, energy = (torch.cat(found) for found in zip(*parts, strict=True))
    return latent, origin, energy


def _posterior(
    every: Search, coarse: Search, latent: Tensor, origin: Tensor, settings: ActivationMAP
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the potentials of each case under the Laplace approximation."""
    model, tmp, std = every.model, [], []
    modes = latent.shape[1]
    # The same numbers for every case, so that none depends on its place in the batch.
    stream = case_generator(0, "activation_map")
    half = torch.from_numpy(stream.standard_normal((settings.samples // 2, modes + 3)).astype(np.float32))
    # Each sample with its mirror image, so that their mean is exact to first order.
    white = torch.cat([half, -half])
    for case in range(latent.shape[0]):
        factor = _posterior_factor(coarse, latent[case], origin[case], case)
        step = white @ factor.T * float(np.sqrt(settings.temperature))
        with torch.no_grad():
            sample, density = model.decode(
                latent[case] + step[:, :modes], origin[case] + step[:, modes:], every.time_ms
            )
            mean = sample.mean(dim=0)
            own = model.residual_variance(mean[None], density.mean(dim=0)[None], every.time_ms)[0]
            tmp.append(mean.numpy())
            std.append((sample.var(dim=0, correction=0) + own).sqrt().numpy())
    return np.stack(tmp), np.stack(std)


def _posterior_factor(search: Search, latent: Tensor, origin: Tensor, case: int) -> Tensor:
    """F with F Fᵀ = (1 + JᵀJ)⁻¹, latent variables first and then the origin in mm; J by finite differences."""
    modes = latent.numel()
    size = torch.cat([torch.full((modes,), _PROBE), torch.full((3,), _PROBE_MM)])
    probes = torch.cat([torch.zeros(1, modes + 3), torch.diag(size)])
    rows = []
    with torch.no_grad():
        for part in torch.split(probes, _AT_ONCE):
            numbers = torch.full((part.shape[0],), case)
            rows.append(search.misfit(latent + part[:, :modes], origin + part[:, modes:], numbers))
    values = torch.cat(rows)
    jacobian = ((values[1:] - values[0]) / size[:, None]).double()
    prior = torch.cat([torch.ones(modes), torch.full((3,), 1e-4)]).double()
    hessian = jacobian @ jacobian.T + torch.diag(prior)
    inverse: Tensor = torch.linalg.inv(torch.linalg.cholesky(hessian))
    return inverse.T.float()
