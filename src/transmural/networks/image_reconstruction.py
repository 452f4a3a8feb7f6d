"""Autoencoders of images of one kind: trained, and used for reconstruction."""

import numpy as np
import torch
from numpy.typing import NDArray

from transmural.networks.image_inputs import checked, in_batches
from transmural.networks.image_vae import Activation, ImageVAE, image_loss
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork
from transmural.networks.training import fit
from transmural.stores.config import image_networks
from transmural.stores.errors import TrainingError

_AXES = (2, 3)
_BATCH = 32


def train_autoencoder(
    images: NDArray[np.float32],
    validation: NDArray[np.float32],
    settings: image_networks.ImageVAE,
    run: TrainingRun,
    activation: Activation,
    output: Activation,
) -> TrainedNetwork:
    """Train an autoencoder.

    Parameters
    ----------
    images, validation
        Images to learn from and to decide when to stop, shape (case, *shape), two or three axes.
    settings
        Training and sizes.
    run
        Streams, device, checkpoint.
    activation, output
        Of the hidden layers and of the last.

    Returns
    -------
    Weights and the description from which `reconstructed` builds the network again.

    Raises
    ------
    TrainingError
        If shapes don't fit or values aren't finite; or as `training.fit`.
    """
    if images.ndim - 1 not in _AXES:
        raise TrainingError(f"{run.name}: images have the shape {images.shape}; give a case, then two or three axes")
    shape = images.shape[1:]
    data = {"images": checked(run.name, "training images", images)}
    watched = {"images": checked(run.name, "validation images", validation, shape)}
    description = {
        "shape": list(shape),
        "activation": activation,
        "output": output,
        "settings": settings.model_dump(),
    }
    with run.torch_stream("weights"):
        model = ImageVAE(description)
    history = fit(model, image_loss, data, watched, settings, run)
    return TrainedNetwork({name: value.cpu() for name, value in model.state_dict().items()}, description, history)


def reconstructed(
    trained: TrainedNetwork, images: NDArray[np.float32], batch_cases: int = _BATCH
) -> NDArray[np.float32]:
    """Images that the mean of their own latent variables gives, shape (case, *shape).

    Raises
    ------
    TrainingError
        If images have another shape than those of the training, or values that aren't finite.
    """
    shown = {"images": checked("autoencoder", "images", images, trained.description["shape"])}
    model = ImageVAE(trained.description)
    model.load_state_dict(dict(trained.tensors))
    device = next(iter(trained.tensors.values())).device
    model.to(device).train(False)
    found = np.empty(images.shape, np.float32)
    with torch.no_grad():
        for part, (batch,) in in_batches(shown, batch_cases, device):
            found[part] = model(batch).cpu()
    return found
