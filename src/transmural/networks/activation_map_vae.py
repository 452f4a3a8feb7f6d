"""The activation-map autoencoder: one static latent variable a beat, decoded into maps and from these into potentials.

The latent variable is ζ, the scar as a level set over the wall (`scar_level_set`), the origin, and the pace: by how
much a beat's activation times and durations differ from those of the training beats, all of which have pace zero.
Encoder and prior of ζ are linear and Gaussian and stand in closed form; the decoder goes through the physics of the
wall (`activation_maps`) and a template of the action potential (`action_potential`), and is learnt from the beats; what
it then leaves over as a function of the origin is interpolated between the training beats (`origin_correction`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import nnls
from torch import Tensor
from torch.nn.functional import huber_loss, pad

from transmural.anatomy.node_graph import NodeGraph
from transmural.networks.action_potential import potential
from transmural.networks.activation_maps import ActivationMaps
from transmural.networks.beats import TrainingBeats
from transmural.networks.epochs import Batch
from transmural.networks.origin_correction import OriginCorrection, lacking
from transmural.networks.registry import network
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork, read_network
from transmural.networks.scar_level_set import ScarPrior, has_scar, scar_prior, signed_distance, trial_scars
from transmural.networks.training import fit
from transmural.stores.config.networks import ActivationMapVAE as Settings
from transmural.stores.errors import StoreError

_MODEL, _CORRECTION = "model.", "correction."
_FRAMES = 20  # of a gradient step, drawn anew each time
_ARRIVAL_WEIGHT, _ARRIVAL_MS = 1e-3, 4.0
# Arrival in the core of a scar, which the wave goes around, teaches nothing.
_CONDUCTING = 0.6
_DECODED = 16
# Tissue that is healthy, and that the wave reaches as it would without the scar.
_HEALTHY, _UNDELAYED_MS, _ACTIVATED = 0.02, 0.5, 0.5
_TRIALS = 48
# Pace of a beat: relative deviation of activation times and of durations for a latent variable of 1.
_PACE = 0.1
PACES = 2
_COVERED, _NORMAL_90 = 0.9, 1.6449


@dataclass(frozen=True)
class ActivationMapModel:
    """A trained autoencoder.

    Attributes
    ----------
    maps
        The decoder's network, its weights fixed.
    scars
        Prior and decoder of the scar.
    correction
        What depends on the origin and the network hasn't learnt.
    latent, origin
        Encodings of the training beats: ζ and pace, shape (beat, mode + 2), and origin in mm, shape (beat, 3).
    trial
        Encodings of round scars all over the wall, shape (trial, mode + 2).
    residual
        Variance of what the decoder leaves over in validation beats, by (∂u/∂t)² in ms², by 4 s (1 − s), and at least.
    underfit
        Mean square of the decoder's error on validation beats over that on training beats, at least 1.
    """

    maps: ActivationMaps
    scars: ScarPrior
    correction: OriginCorrection
    latent: Tensor
    origin: Tensor
    trial: Tensor
    residual: Tensor
    underfit: float

    def decode(self, latent: Tensor, origin: Tensor, time_ms: Tensor, left_out: bool = False) -> tuple[Tensor, Tensor]:
        """Potentials (case, time, node) and scar density (case, node) of latent variables.

        With ``left_out`` those of training beats are decoded as if the correction by origin had not seen them.
        """
        modes = self.scars.modes.shape[1]
        density = self.scars.density(latent[:, :modes])
        maps = self.correction(self.maps(density, origin)[0], origin, left_out)
        delay, length = torch.exp(_PACE * latent[:, modes:]).unsqueeze(-1).unbind(dim=1)
        maps = maps._replace(activation_time=delay * maps.activation_time, duration=length * maps.duration)
        return potential(maps, time_ms), density

    def residual_variance(self, tmp: Tensor, density: Tensor, time_ms: Tensor) -> Tensor:
        """Variance of the decoder's error, shape (case, time, node)."""
        by_slope, by_border, least = self.residual
        slope = torch.gradient(tmp, spacing=(time_ms,), dim=1)[0]
        variance: Tensor = by_slope * slope.square() + (by_border * _border(density))[:, None] + least
        return variance


def encoded(scars: ScarPrior, distance: Tensor) -> Tensor:
    """Latent variables (case, mode + 2) of scars with signed distances (case, node) at the training beats' pace."""
    return pad(scars.encode(distance), (0, PACES))


@network("activation_map_vae", label="Activation-map VAE")
def train(beats: TrainingBeats, validation: TrainingBeats, settings: Settings, run: TrainingRun) -> TrainedNetwork:
    """Learn the prior of scars in closed form and the decoder by gradient.

    Parameters
    ----------
    beats, validation
        Beats to learn from, and beats that decide when to stop.
    settings
        Sizes and training.
    run
        Streams, device, checkpoint.

    Returns
    -------
    Weights (``model.*``), prior of scars, encodings of the training beats, and the decoder's error on validation beats;
    see `ActivationMapModel`.

    Raises
    ------
    TrainingError
        If too few beats have a scar, or the loss isn't finite.
    """
    healthy, core = float(beats.excitability.min()), float(beats.excitability.max())
    density, watched_density = (
        np.clip((cohort.excitability - healthy) / max(core - healthy, 1e-6), 0, 1) for cohort in (beats, validation)
    )
    distance, watched_distance = (signed_distance(values, beats.graph) for values in (density, watched_density))
    with_scar = distance[has_scar(density)]
    scars, share = scar_prior(with_scar, watched_distance[has_scar(watched_density)], beats.graph, settings.scar_modes)
    with run.torch_stream("weights"):
        maps = ActivationMaps(beats.graph, torch.from_numpy(beats.fibre_tensor), settings)
    time_ms = torch.from_numpy(beats.time_ms.astype(np.float32))
    data, watched = _tensors(beats, density), _tensors(validation, watched_density)
    loss = _Loss(time_ms, settings, len(np.unique(beats.origin, axis=0)))
    history = fit(maps, loss, data, watched, settings, run)
    maps.cpu()
    trials = trial_scars(with_scar, beats.graph, _TRIALS)
    latent, watched_latent, trial = (
        encoded(scars, torch.from_numpy(values.astype(np.float32))) for values in (distance, watched_distance, trials)
    )
    correction = _correction(maps, data, time_ms)
    model = ActivationMapModel(maps, scars, correction, latent, data["origin"], trial, torch.zeros(3), 1.0)
    some = torch.from_numpy(np.linspace(0, beats.cases - 1, min(4 * validation.cases, beats.cases)).astype(np.int64))
    seen, _ = _errors(model, latent[some], data["origin"][some], data["tmp"][some], time_ms, left_out=True)
    unseen, residual = _errors(model, watched_latent, watched["origin"], watched["tmp"], time_ms)
    tensors = {_MODEL + name: value for name, value in maps.state_dict().items()}
    tensors |= {"scar_mean": scars.mean, "scar_modes": scars.modes, "latent": latent, "origin": data["origin"]}
    tensors |= {"trial": trial, "residual": residual}
    tensors |= {_CORRECTION + name: value for name, value in vars(correction).items()}
    description = {
        "nodes": beats.graph.nodes,
        "settings": settings.model_dump(),
        "width_mm": scars.width_mm,
        "stationary_share": share,
        "underfit": max(unseen / seen, 1.0),
    }
    return TrainedNetwork(tensors, description, history)


def read_activation_map_model(folder: str | Path, graph: NodeGraph) -> ActivationMapModel:
    """Read a trained autoencoder.

    Parameters
    ----------
    folder
        What `saved.write_network` wrote.
    graph
        Nodes of the wall on which it was trained.

    Raises
    ------
    StoreError
        If the folder is damaged, or the network is of another heart.
    """
    trained = read_network(folder)
    about, tensors = trained.description, dict(trained.tensors)
    if about["nodes"] != graph.nodes:
        raise StoreError(
            f"{folder}: trained for {about['nodes']} nodes, and the problem has {graph.nodes}; train it again on beats "
            "of this heart"
        )
    with torch.random.fork_rng():
        maps = ActivationMaps(graph, torch.eye(3).expand(graph.nodes, 3, 3) / 3, Settings(**about["settings"]))
    maps.load_state_dict({k.removeprefix(_MODEL): v for k, v in tensors.items() if k.startswith(_MODEL)})
    maps.train(False).requires_grad_(False)
    maps.conduction.fix()
    scars = ScarPrior(tensors["scar_mean"], tensors["scar_modes"], float(about["width_mm"]))
    learnt = {k.removeprefix(_CORRECTION): v for k, v in tensors.items() if k.startswith(_CORRECTION)}
    rest = {name: tensors[name] for name in ("latent", "origin", "trial", "residual")}
    return ActivationMapModel(maps, scars, OriginCorrection(**learnt), **rest, underfit=float(about["underfit"]))


class _Loss:
    """Mean squared error of the potentials, and of arrival times where the wave goes, with weak priors on the heart.

    The velocity tensors are smooth along the wall and corrections by origin small: priors whose weight falls with the
    number of origins from which the beats show the wall.
    """

    def __init__(self, time_ms: Tensor, settings: Settings, origins: int) -> None:
        self._time_ms, self._settings, self._origins = time_ms, settings, origins

    def __call__(self, model: ActivationMaps, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Terms of the loss of a batch."""
        maps, arrival, by_origin = model(batch["density"], batch["origin"])
        frames = torch.randperm(self._time_ms.numel())[:_FRAMES].to(arrival.device)
        tmp = potential(maps, self._time_ms.to(arrival.device)[frames])
        error = (tmp - batch["tmp"][:, frames]).square().mean()
        late = arrival - batch["activation_time"]
        conducting = torch.isfinite(late) & (batch["density"] < _CONDUCTING)
        late = torch.where(conducting, late, 0.0)
        time = huber_loss(late, torch.zeros_like(late), delta=_ARRIVAL_MS)
        prior = self._settings.roughness * model.conduction.roughness()
        prior = prior + self._settings.origin_penalty * by_origin.square().mean()
        return {"loss": error + _ARRIVAL_WEIGHT * time + prior / self._origins, "tmp": error, "arrival": time}


def _tensors(beats: TrainingBeats, density: NDArray[np.floating]) -> dict[str, Tensor]:
    arrays = {
        "tmp": beats.tmp,
        "density": density,
        "origin": beats.origin,
        "activation_time": beats.activation_time,
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)) for name, array in arrays.items()}


@torch.no_grad()
def _correction(maps: ActivationMaps, data: Mapping[str, Tensor], time_ms: Tensor) -> OriginCorrection:
    """What the network leaves over in healthy tissue of the training beats, as a function of the origin."""
    found = []
    for part in torch.split(torch.arange(data["origin"].shape[0]), _DECODED):
        density, origin, tmp = (data[name][part] for name in ("density", "origin", "tmp"))
        decoded, arrival, _ = maps(density, origin)
        delay = arrival - maps.conduction(torch.zeros_like(density), origin)
        known = (density < _HEALTHY) & (delay < _UNDELAYED_MS) & (tmp.amax(dim=1) > _ACTIVATED)
        found.append((*lacking(decoded, tmp, time_ms), known))
    return OriginCorrection.learnt(data["origin"], *(torch.cat(values) for values in zip(*found, strict=True)))


def _errors(
    model: ActivationMapModel, latent: Tensor, origin: Tensor, tmp: Tensor, time_ms: Tensor, left_out: bool = False
) -> tuple[float, Tensor]:
    """Mean square of the decoder's error over the potentials', and how its variance goes with slope and scar border.

    Errors have heavier tails than a Gaussian; the variances are scaled so that 90 % of them lie in its 90 % interval.
    """
    parts = torch.split(torch.arange(latent.shape[0]), _DECODED)
    with torch.no_grad():
        decoded = [model.decode(latent[part], origin[part], time_ms, left_out) for part in parts]
    found, density = (torch.cat(values) for values in zip(*decoded, strict=True))
    square = (found - tmp).square()
    slope = torch.gradient(found, spacing=(time_ms,), dim=1)[0].square()
    features = (slope, _border(density)[:, None].expand_as(slope), torch.ones(()).expand_as(slope))
    gram = np.array([[float((first * second).sum(dtype=torch.float64)) for second in features] for first in features])
    seen = np.array([float((feature * square).sum(dtype=torch.float64)) for feature in features])
    factor = np.linalg.cholesky(gram + 1e-9 * np.trace(gram) * np.eye(3))
    shares, _ = nnls(factor.T, np.linalg.solve(factor, seen))
    variance = sum(share * feature for share, feature in zip(shares.tolist(), features, strict=True))
    ratio = (square / (variance + 1e-9)).flatten()
    scale = float(ratio.kthvalue(max(1, int(_COVERED * ratio.numel()))).values) / _NORMAL_90**2
    error = float(square.sum(dtype=torch.float64) / tmp.square().sum(dtype=torch.float64))
    return error, torch.from_numpy((scale * shares).astype(np.float32))


def _border(density: Tensor) -> Tensor:
    return 4 * density * (1 - density)
