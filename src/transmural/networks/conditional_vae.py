"""ECG imaging by a β-CVAE, in 2-D or 3-D: trained, and sampled given conditions alone.

It is the published network (Bacoyannis et al. 2019) or ours, as its settings say.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.networks.conditional_network import ConditionalNetwork, conditional_loss
from transmural.networks.fully_conditioned import FullyConditionedNetwork
from transmural.networks.image_inputs import checked, checked_mask, in_batches
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork
from transmural.networks.training import fit
from transmural.stores.config import image_networks
from transmural.stores.errors import TrainingError
from transmural.stores.random_streams import case_generator

Maps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]
"""Activation maps, potentials and masks of the same cases, as `train` wants them."""

Network = ConditionalNetwork | FullyConditionedNetwork

_AXES = (2, 3)
_BATCH = 8


def train(
    training: Maps,
    validation: Maps,
    settings: image_networks.ConditionalVAE | image_networks.FullyConditionedVAE,
    run: TrainingRun,
    electrode_axes: tuple[int | None, int] = (0, 1),
) -> TrainedNetwork:
    """Train the network.

    Parameters
    ----------
    training, validation
        Cases to learn from and to decide when to stop: activation maps (case, *space) with two or three axes, scaled
        to [0, 1] by `cohorts.value_range` of the training, 0 outside of the wall; potentials in any one unit,
        (case, electrode row, electrode column, time), which the network standardises; masks of the wall (case, *space).
    settings
        Training and sizes.
    run
        Streams, device, checkpoint.
    electrode_axes
        Axes of space along which electrode rows and columns follow one another: (2, 0) in the hearts of
        `cohorts.activation_images`, (None, 1) in its slices, across which rows stand.

    Returns
    -------
    Weights and the description from which `sample` and `reconstruct` build the network again.

    Raises
    ------
    TrainingError
        If shapes don't fit, values aren't finite or a mask is empty; or as `training.fit`.
    """
    maps, bsp, _ = training
    if maps.ndim - 1 not in _AXES or bsp.ndim != 4:
        raise TrainingError(
            f"{run.name}: maps have the shape {maps.shape} and potentials {bsp.shape}; give (case, *space) with two or "
            "three axes, and (case, electrode row, electrode column, time)"
        )
    if isinstance(settings, image_networks.FullyConditionedVAE) and any(size % 4 for size in maps.shape[1:]):
        raise TrainingError(f"{run.name}: maps have the shape {maps.shape}; each axis of space must be a multiple of 4")
    rows, columns = electrode_axes
    space = range(maps.ndim - 1)
    if rows == columns or columns not in space or rows not in (None, *space):
        raise TrainingError(
            f"{run.name}: electrode_axes are {electrode_axes} and must be two of {list(space)}, or None and one of them"
        )
    shape, electrodes = maps.shape[1:], bsp.shape[1:]
    data = _tensors(f"{run.name}, training", training, shape, electrodes)
    watched = _tensors(f"{run.name}, validation", validation, shape, electrodes)
    description = {
        "shape": list(shape),
        "electrodes": list(electrodes),
        "electrode_axes": list(electrode_axes),
        "settings": settings.model_dump(),
    }
    with run.torch_stream("weights"):
        model = _built(description)
    model.conditions.standardise(data["bsp"])
    history = fit(model, conditional_loss, data, watched, settings, run, settings.monitor)
    return TrainedNetwork({name: value.cpu() for name, value in model.state_dict().items()}, description, history)


def sample(
    trained: TrainedNetwork,
    bsp: NDArray[np.float32],
    mask: NDArray[np.bool_],
    count: int,
    seeds: Sequence[int],
    batch_cases: int = _BATCH,
) -> NDArray[np.float32]:
    """Activation maps that fit potentials and wall, with latent variables drawn from the prior N(0, I).

    Parameters
    ----------
    trained
        What `train` gave; the tensors' device computes.
    bsp
        Potentials in the training's unit, shape (case, electrode row, electrode column, time).
    mask
        Wall, shape (case, *space).
    count
        Maps a case (published: 10).
    seeds
        A case's draws follow from its own alone, shape (case,).
    batch_cases
        Cases at a time.

    Returns
    -------
    Scaled as in training, 0 outside of the wall, shape (case, sample, *space).

    Raises
    ------
    TrainingError
        If shapes aren't those of the training, values aren't finite, a mask is empty, ``count`` isn't positive, or
        there isn't a seed a case.
    """
    if count < 1:
        raise TrainingError(f"conditional network: {count} samples of a case can't be drawn; give 1 or more")
    if len(seeds) != len(bsp):
        raise TrainingError(f"conditional network: there are {len(seeds)} seeds for {len(bsp)} cases; give one a case")
    conditions = _conditions(trained, bsp, mask)
    drawn = count, trained.description["settings"]["latent"]
    draws = [case_generator(seed, "conditional_vae", "samples") for seed in seeds]
    latent = np.stack([draw.standard_normal(drawn, dtype=np.float32) for draw in draws])
    model, device = _network(trained)
    maps = np.empty((len(bsp), count, *mask.shape[1:]), np.float32)
    with torch.no_grad():
        for part, (chosen, *given) in in_batches(
            {"latent": torch.from_numpy(latent), **conditions}, batch_cases, device
        ):
            maps[part] = model.decode(chosen, model.known(*given)).cpu()
    return maps


def reconstruct(
    trained: TrainedNetwork,
    maps: NDArray[np.float32],
    bsp: NDArray[np.float32],
    mask: NDArray[np.bool_],
    batch_cases: int = _BATCH,
) -> NDArray[np.float32]:
    """Maps decoded from the mean of q(z | map, conditions): it is shown the truth, so this is no prediction.

    Parameters
    ----------
    trained, bsp, mask, batch_cases
        As in `sample`.
    maps
        Activation maps as in training, shape (case, *space).

    Returns
    -------
    Scaled as in training, 0 outside of the wall, shape (case, *space).

    Raises
    ------
    TrainingError
        As `sample`, for the maps too.
    """
    conditions = _conditions(trained, bsp, mask)
    shown = checked("conditional network", "maps", maps, trained.description["shape"], len(bsp))
    model, device = _network(trained)
    found = np.empty(maps.shape, np.float32)
    with torch.no_grad():
        for part, (truth, *given) in in_batches({"maps": shown, **conditions}, batch_cases, device):
            known = model.known(*given)
            mean, _ = model.encode(truth, known)
            found[part] = model.decode(mean.unsqueeze(1), known).squeeze(1).cpu()
    return found


def _tensors(whose: str, cases: Maps, shape: tuple[int, ...], electrodes: tuple[int, ...]) -> dict[str, Tensor]:
    maps, bsp, mask = cases
    tensors = {
        "maps": checked(whose, "maps", maps, shape),
        "bsp": checked(whose, "potentials", bsp, electrodes, len(maps)),
        "mask": checked_mask(whose, mask, shape, len(maps)),
    }
    if (tensors["maps"] * (1 - tensors["mask"])).any():
        raise TrainingError(f"{whose}: maps aren't 0 outside of the wall; set them to 0 there")
    return tensors


def _conditions(trained: TrainedNetwork, bsp: NDArray[np.float32], mask: NDArray[np.bool_]) -> dict[str, Tensor]:
    whose, description = "conditional network", trained.description
    return {
        "bsp": checked(whose, "potentials", bsp, description["electrodes"]),
        "mask": checked_mask(whose, mask, description["shape"], len(bsp)),
    }


def _network(trained: TrainedNetwork) -> tuple[Network, torch.device]:
    model = _built(trained.description)
    model.load_state_dict(dict(trained.tensors))
    device = next(iter(trained.tensors.values())).device
    return model.to(device).train(False), device


def _built(description: Mapping[str, Any]) -> Network:
    ours = "condition_units" in description["settings"]
    return FullyConditionedNetwork(description) if ours else ConditionalNetwork(description)
