"""Potentials that generative models make out of nothing but their priors, and how like simulated ones they are.

The question of figure 2 of Ghimire et al. (2018), where potentials from the encoded posterior p(Z) (eq. 6) are shown
beside those from N(0, I). A number decides it here: the distance of every generated trace (the potential of one node
over a beat) from the nearest simulated one, relative to the size of simulated traces. It is 0 for a trace of the
training beats; what traces of new simulated beats have is the best that a model can reach.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.networks.activation_map_vae import ActivationMapModel
from transmural.networks.sequential_vae import GenerativeModel

Floats = NDArray[np.floating]
Doubles = NDArray[np.float64]

SIMULATED, ENCODED, STANDARD, MAPS = "simulated", "encoded_posterior", "standard_normal", "activation_maps"
_BEATS = 64
_TRACES = 1000
# Of the training beats, to find the nearest in.
_TRAINING_TRACES = 40_000
_AT_ONCE = 256


@dataclass(frozen=True)
class Traces:
    """Traces of one source.

    Attributes
    ----------
    potential
        Potentials over time at single nodes, shape (trace, time).
    error
        Distance of each from the nearest training trace (`nearest_trace_error`), shape (trace,).
    """

    potential: Floats
    error: Doubles


def generated_traces(
    training: Floats,
    new: Floats,
    time_ms: Floats,
    sequential: GenerativeModel,
    maps: ActivationMapModel | None,
    generator: np.random.Generator,
) -> dict[str, Traces]:
    """Traces of new simulated beats and of every generative model.

    Parameters
    ----------
    training, new
        Potentials of the training beats, and of simulated beats that no network was trained on, (beat, time, node).
    time_ms
        Frames.
    sequential, maps
        Trained autoencoders; the second may be missing.
    generator
        Draws latent variables, beats and nodes.

    Returns
    -------
    Sources by name: `SIMULATED`, `ENCODED`, `STANDARD` and, if there is one, `MAPS`.
    """
    beats = {
        SIMULATED: new,
        ENCODED: from_encoded_posterior(sequential, _BEATS, generator),
        STANDARD: from_standard_normal(sequential, _BEATS, generator),
    }
    if maps is not None:
        beats[MAPS] = from_activation_maps(maps, time_ms, _BEATS, generator)
    known = traces(training, _TRAINING_TRACES, generator)
    drawn = {name: traces(tmp, _TRACES, generator) for name, tmp in beats.items()}
    return {name: Traces(potential, nearest_trace_error(potential, known)) for name, potential in drawn.items()}


@torch.no_grad()
def from_encoded_posterior(model: GenerativeModel, beats: int, generator: np.random.Generator) -> Floats:
    """Means of p(U|Z) for Z from p(Z), the moments of the encoded training beats; shape (beat, time, node)."""
    noise = _normal(generator, beats, *model.prior_mean.shape)
    return np.asarray(model.model.decode(model.prior_mean + noise * model.prior_variance.sqrt())[0].numpy())


@torch.no_grad()
def from_standard_normal(model: GenerativeModel, beats: int, generator: np.random.Generator) -> Floats:
    """Means of p(U|Z) for Z from N(0, I), which the training pulls the encodings towards; shape (beat, time, node)."""
    return np.asarray(model.model.decode(_normal(generator, beats, *model.prior_mean.shape))[0].numpy())


@torch.no_grad()
def from_activation_maps(
    model: ActivationMapModel, time_ms: Floats, beats: int, generator: np.random.Generator
) -> Floats:
    """Potentials of the activation-map autoencoder; shape (beat, time, node).

    Scars and paces are drawn from their prior N(0, I), origins from those of the training beats.
    """
    latent = _normal(generator, beats, model.latent.shape[1])
    origin = model.origin[torch.from_numpy(generator.integers(model.origin.shape[0], size=beats))]
    return np.asarray(model.decode(latent, origin, torch.from_numpy(time_ms.astype(np.float32)))[0].numpy())


def traces(tmp: Floats, count: int, generator: np.random.Generator) -> Floats:
    """Potentials over time at randomly drawn nodes of randomly drawn beats.

    Parameters
    ----------
    tmp
        Shape (beat, time, node).
    count
        Traces to draw; all of them where there are fewer.

    Returns
    -------
    Shape (trace, time).
    """
    beats, _, nodes = tmp.shape
    drawn = generator.choice(beats * nodes, min(count, beats * nodes), replace=False)
    return np.asarray(tmp[drawn // nodes, :, drawn % nodes])


def nearest_trace_error(generated: Floats, simulated: Floats) -> Doubles:
    """Distance of each trace from the nearest simulated one, over the root-mean-square size of simulated traces.

    Parameters
    ----------
    generated, simulated
        Shapes (trace, time).

    Returns
    -------
    Dimensionless, shape (trace,); 0 for a trace that is among the simulated ones.
    """
    squares = np.sum(simulated.astype(np.float64) ** 2, axis=1)
    error = np.empty(len(generated))
    for first in range(0, len(generated), _AT_ONCE):
        part = generated[first : first + _AT_ONCE]
        nearest = np.argmin(squares - 2 * (part @ simulated.T), axis=1)
        # From the difference itself: that of squares would lose small distances in its rounding.
        error[first : first + len(part)] = np.linalg.norm(part.astype(np.float64) - simulated[nearest], axis=1)
    return np.asarray(error / np.sqrt(squares.mean()))


def _normal(generator: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))
