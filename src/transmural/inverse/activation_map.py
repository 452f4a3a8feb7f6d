"""The most probable static latent variable behind an ECG, through the activation-map autoencoder.

    log p(ζ, o | Y) = −½ |y(ζ, o)|² − ½ |ζ|² − ½ (distance of o from the wall / 2 mm)² + constant

with ζ the scar and the pace, o the origin, and y the difference between the ECGs of the decoded potentials and the
measured ones, white for noise and for what the decoder gets wrong (`ecg_discrepancy`). The posterior has several modes,
so the search has several starts: the encodings of the training beats with the nearest ECGs, and, because no scar grows
where there is none, the most probable of many round scars all over the wall with the origins of those beats. A few
steps tell which starts are worth following. Their origins are millimetres off at first, which hides where the scar is.
So the scars are tried a second time with the origin and pace that were found, and the most probable of these compete
with the best so far. Steps of Gauss–Newton bring the winner to the bottom. Some fifty frames are enough for all this.

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
from transmural.networks.activation_map_vae import PACES, ActivationMapModel, read_activation_map_model
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
_ORIGIN_PRECISION = 1e-4  # 1/mm², so that an origin that no ECG tells has a finite variance
_FRACTIONS = torch.tensor([1, 0.5, 0.25], dtype=torch.float64)  # of a step of Gauss–Newton
_DAMPING = 0.02  # of the mean of the Hessian's diagonal, in steps that may be safer


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

    def misfits_and_energies(self, latent: Tensor, origin: Tensor) -> tuple[Tensor, Tensor]:
        """Mean square of the white differences, and `energies`, of one point of each case."""
        case = torch.arange(latent.shape[0])
        with torch.no_grad():
            parts = [
                self.misfit(latent[p], origin[p], case[p]).square().mean(dim=1) for p in torch.split(case, _AT_ONCE)
            ]
        return torch.cat(parts), self.energies(latent, origin, case)

    def _outside_mm(self, origin: Tensor) -> Tensor:
        """How far origins lie from the nearest node, beyond the size of a node."""
        position = self.model.maps.conduction.position
        nearest: Tensor = torch.linalg.vector_norm(position - origin[:, None], dim=2).amin(dim=1)
        return (nearest - self.model.maps.conduction.spacing_mm).clamp_min(0)


@dataclass(frozen=True)
class Points:
    """Points where a search stands.

    Attributes
    ----------
    latent
        Latent variables, shape (case, point, mode).
    origin
        In mm, shape (case, point, 3).
    kind
        What was started from, shape (case, point): a training ``beat`` or a ``trial scar``.
    """

    latent: Tensor
    origin: Tensor
    kind: NDArray[np.str_]

    def least(self, energy: Tensor, count: int) -> "Points":
        """The ``count`` points of each case with the least energy (case, point)."""
        kept = energy.argsort(dim=1)[:, :count]
        row = torch.arange(kept.shape[0])[:, None]
        return Points(self.latent[row, kept], self.origin[row, kept], self.kind[row.numpy(), kept.numpy()])

    def beside(self, other: "Points") -> "Points":
        """These points and others of the same cases."""
        latent, origin = (torch.cat(both, dim=1) for both in ((self.latent, other.latent), (self.origin, other.origin)))
        return Points(latent, origin, np.concatenate([self.kind, other.kind], axis=1))


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
    found = most_probable(coarse, starting_points(coarse, *given, settings.starts), settings)
    latent, origin, factor = _to_the_bottom(coarse, found.latent[:, 0], found.origin[:, 0], settings.newton_steps)
    tmp, std = _posterior(every, latent, origin, factor, settings)
    misfit, energy = every.misfits_and_energies(latent, origin)
    chosen = {"misfit": misfit.numpy(), "energy": energy.numpy(), "start": found.kind[:, 0]}
    return Reconstruction(tmp, std, chosen)


def starting_points(search: Search, ecg: Tensor, training_ecg: Tensor, count: int) -> Points:
    """Where to start from: half of it nearest beats, half of it the most probable trial scars with their origins.

    Parameters
    ----------
    search
        On some of the frames.
    ecg, training_ecg
        In mV, shapes (case, lead, time) and (beat, lead, time).
    count
        Starts of a case; fewer where there are fewer beats.
    """
    model, beats = search.model, count - count // 2
    tried = max(_TRIED_ORIGINS, count // 4)
    near = torch.from_numpy(nearest_few(ecg.numpy(), training_ecg.numpy(), max(beats, tried)).copy())
    latent, origin = model.latent[near[:, :beats]], model.origin[near[:, :beats]]
    found = Points(latent, origin, np.full(latent.shape[:2], "beat"))
    if count == 1:
        return found
    return found.beside(_trial_scars(search, model.origin[near[:, :tried]], None, count // 2))


def most_probable(search: Search, starts: Points, settings: ActivationMAP) -> Points:
    """The most probable point of each case that descents from the starts and from scars tried again lead to."""
    rate = settings.learning_rate
    found, energy = _descend(search, starts, settings.first_steps, rate)
    found, energy = _descend(search, found.least(energy, settings.survivors), settings.rough_steps, rate)
    found = found.least(energy, 1)
    again = _trial_scars(search, found.origin, found.latent[:, 0, -PACES:], settings.second_starts)
    again, other = _descend(search, again, settings.first_steps, rate)
    found = found.beside(again).least(torch.cat([energy.amin(dim=1, keepdim=True), other], dim=1), 1)
    return _descend(search, found, settings.steps, rate)[0]


def _trial_scars(search: Search, origin: Tensor, pace: Tensor | None, count: int) -> Points:
    """The most probable round scars of each case with any of its origins (case, origin, 3) and its pace (case, 2)."""
    trial, latents, origins = search.model.trial, [], []
    for case, places in enumerate(origin):
        z, o = trial.repeat(len(places), 1), places.repeat_interleave(len(trial), dim=0)
        if pace is not None:
            z[:, -PACES:] = pace[case]
        best = search.energies(z, o, torch.full((len(z),), case)).argsort()[:count]
        latents.append(z[best])
        origins.append(o[best])
    latent = torch.stack(latents)
    return Points(latent, torch.stack(origins), np.full(latent.shape[:2], "trial scar"))


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


def _descend(search: Search, points: Points, steps: int, rate: float) -> tuple[Points, Tensor]:
    """Descend from every point with Adam, its step falling to zero as a cosine does; where it ends, and the energies.

    Some at a time, to spare memory.
    """
    cases, count, modes = points.latent.shape
    number = torch.arange(cases).repeat_interleave(count)
    latent, origin, parts = points.latent.reshape(-1, modes), points.origin.reshape(-1, 3), []
    for part in torch.split(torch.arange(cases * count), _AT_ONCE):
        z, o = latent[part].clone().requires_grad_(), origin[part].clone().requires_grad_()
        optimiser = Adam([z, o], [rate, rate * _ORIGIN_STEP_MM])
        for step in range(steps):
            torch.autograd.backward(search.energy(z, o, number[part]).sum())
            optimiser.step(0.5 * (1 + math.cos(math.pi * step / steps)))
        with torch.no_grad():
            parts.append((z.detach(), o.detach(), search.energy(z, o, number[part])))
    latent, origin, energy = (torch.cat(found) for found in zip(*parts, strict=True))
    found = Points(latent.reshape(points.latent.shape), origin.reshape(points.origin.shape), points.kind)
    return found, energy.reshape(cases, count)


def _to_the_bottom(search: Search, latent: Tensor, origin: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Gauss–Newton from a point of each case, latent variables (case, mode) and origins (case, 3).

    Returns
    -------
    Where it ends, and of each case F with F Fᵀ = (1 + JᵀJ)⁻¹, latent variables first and then the origin in mm, with J
    of the last step.
    """
    latent, origin, factors = latent.clone(), origin.clone(), []
    modes = latent.shape[1]
    prior = torch.cat([torch.ones(modes), torch.full((3,), _ORIGIN_PRECISION)]).double()
    damping = torch.cat([torch.ones(modes), torch.full((3,), _ORIGIN_STEP_MM**-2)]).double()
    for case in range(latent.shape[0]):
        for _ in range(steps):
            misfit, jacobian = _jacobian(search, latent[case], origin[case], case)
            hessian = jacobian @ jacobian.T + torch.diag(prior)
            slope = jacobian @ misfit + torch.cat([latent[case], torch.zeros(3)])
            damped = hessian + _DAMPING * hessian.diagonal().mean() * torch.diag(damping)
            newton, careful = (torch.linalg.solve(matrix, slope) for matrix in (hessian, damped))
            step = -torch.cat([torch.outer(_FRACTIONS, newton), torch.outer(_FRACTIONS, careful)]).float()
            step = torch.cat([torch.zeros(1, modes + 3), step])
            z, o = latent[case] + step[:, :modes], origin[case] + step[:, modes:]
            best = search.energies(z, o, torch.full((len(step),), case)).argmin()
            latent[case], origin[case] = z[best], o[best]
        inverse = torch.linalg.inv(torch.linalg.cholesky(hessian))
        factors.append(inverse.T.float())
    return latent, origin, torch.stack(factors)


def _jacobian(search: Search, latent: Tensor, origin: Tensor, case: int) -> tuple[Tensor, Tensor]:
    """White differences (value,), and their derivatives (mode + 3, value) by finite differences."""
    modes = latent.numel()
    size = torch.cat([torch.full((modes,), _PROBE), torch.full((3,), _PROBE_MM)])
    probes = torch.cat([torch.zeros(1, modes + 3), torch.diag(size)])
    rows = []
    with torch.no_grad():
        for part in torch.split(probes, _AT_ONCE):
            numbers = torch.full((part.shape[0],), case)
            rows.append(search.misfit(latent + part[:, :modes], origin + part[:, modes:], numbers))
    values = torch.cat(rows).double()
    return values[0], (values[1:] - values[0]) / size[:, None]


def _posterior(
    every: Search, latent: Tensor, origin: Tensor, factor: Tensor, settings: ActivationMAP
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
        step = white @ factor[case].T * float(np.sqrt(settings.temperature))
        with torch.no_grad():
            sample, density = model.decode(
                latent[case] + step[:, :modes], origin[case] + step[:, modes:], every.time_ms
            )
            mean = sample.mean(dim=0)
            own = model.residual_variance(mean[None], density.mean(dim=0)[None], every.time_ms)[0]
            tmp.append(mean.numpy())
            std.append((sample.var(dim=0, correction=0) + own).sqrt().numpy())
    return np.stack(tmp), np.stack(std)
