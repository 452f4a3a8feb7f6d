"""A decoder of activation maps with known weights and the beats that it decodes: what learns must find it again."""

import numpy as np
import torch

from transmural.networks.action_potential import potential
from transmural.networks.activation_map_vae import ActivationMapModel, encoded
from transmural.networks.activation_maps import ActivationMaps
from transmural.networks.beats import TrainingBeats
from transmural.networks.origin_correction import OriginCorrection
from transmural.networks.scar_level_set import has_scar, scar_prior, signed_distance, trial_scars
from transmural.stores.config.networks import ActivationMapVAE

SETTINGS = ActivationMapVAE(
    epochs=14, least_steps=0, batch_cases=10, learning_rate=0.02, schedule="cosine", weight_decay=0, clip_norm=1.0,
    patience_epochs=20, scar_modes=12, hidden=16, embedding=2, origin_components=4, roughness=1, origin_penalty=1,
)  # fmt: skip
HEALTHY, CORE = 0.15, 0.5


def fibre_tensor(graph):
    """Fibres along x."""
    return np.tile(np.diag([1.0, 0.0, 0.0]), (graph.nodes, 1, 1)).astype(np.float32)


def known_maps(graph, seed=3):
    """A decoder whose waves are a fifth slower than at first, and whose maps vary over the wall."""
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(seed)
        maps = ActivationMaps(graph, torch.from_numpy(fibre_tensor(graph)), SETTINGS)
        with torch.no_grad():
            maps.conduction.velocity.add_(0.2)
            maps.embedding.mul_(5)
    return maps.train(False).requires_grad_(False)


def densities(graph, cases, seed):
    """Scar densities of round scars; every fourth heart has none."""
    draw = np.random.default_rng(seed)
    centre, radius = draw.integers(graph.nodes, size=cases), draw.uniform(1.2, 2.5, cases) * np.cbrt(graph.volume[0])
    border = 0.2 * np.cbrt(graph.volume[0])
    with np.errstate(over="ignore"):
        density = 1 / (1 + np.exp((graph.distances[centre] - radius[:, None]) / border))
    density[::4] = 0
    return np.where(density < 0.02, 0, np.where(density > 0.98, 1, density)).astype(np.float32)


def origins(graph, density, seed):
    """A healthy node of each heart, in mm."""
    draw = np.random.default_rng(seed)
    chosen = [draw.choice(np.flatnonzero(case < 0.05)) for case in density]
    return graph.position[chosen].astype(np.float32)


def decoded_beats(graph, maps, time_ms, cases=40, seed=0, transfer=None):
    """Beats of random scars and origins, just as the decoder has them."""
    density = densities(graph, cases, seed)
    origin = origins(graph, density, seed)
    tmp, activation = decoded(maps, density, origin, time_ms)
    ecg = np.zeros((cases, 1, time_ms.size)) if transfer is None else transfer @ tmp.transpose(0, 2, 1)
    return TrainingBeats(
        tmp, ecg.astype(np.float32), np.where(density > 0.5, np.nan, activation), activation + 300, density > 0.5,
        HEALTHY + (CORE - HEALTHY) * density, origin, time_ms.astype(np.float32), graph, fibre_tensor(graph),
    )  # fmt: skip


def decoded(maps, density, origin, time_ms):
    """Potentials (case, time, node) and activation times (case, node)."""
    with torch.no_grad():
        found, _, _ = maps(torch.from_numpy(density), torch.from_numpy(origin))
        tmp = potential(found, torch.from_numpy(time_ms.astype(np.float32)))
    return tmp.numpy(), found.activation_time.numpy()


def known_model(graph, maps, beats):
    """The autoencoder of which these beats are training beats, without an error of its own."""
    density = (beats.excitability - HEALTHY) / (CORE - HEALTHY)
    distance = signed_distance(density, graph)
    scarred = distance[has_scar(density)]
    scars, _ = scar_prior(scarred, scarred[:3], graph, SETTINGS.scar_modes)
    latent, trial = (
        encoded(scars, torch.from_numpy(values.astype(np.float32)))
        for values in (distance, trial_scars(scarred, graph, 16))
    )
    correction = OriginCorrection.none(graph.nodes)
    return ActivationMapModel(
        maps, scars, correction, latent, torch.from_numpy(beats.origin), trial, torch.zeros(3), 1.0
    )
