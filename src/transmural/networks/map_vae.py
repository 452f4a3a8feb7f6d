"""The variational autoencoder of activation maps (Bacoyannis et al. 2019, section 3.2).

Published: layers as in `image_vae` with tanh everywhere, 6 latent variables, RMSprop, batches of 25. It isn't told
the wall's mask; errors count in the whole image, 0 outside of the wall included.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.networks.image_reconstruction import reconstructed, train_autoencoder
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork
from transmural.stores.config import image_networks


def train(
    maps: NDArray[np.float32],
    validation_maps: NDArray[np.float32],
    settings: image_networks.ImageVAE,
    run: TrainingRun,
) -> TrainedNetwork:
    """Train the autoencoder.

    Parameters
    ----------
    maps, validation_maps
        Activation maps to learn from and to decide when to stop, shape (case, *space) with two or three axes, scaled to
        [0, 1] by `cohorts.value_range` of the training, 0 outside of the wall.
    settings
        Training and sizes.
    run
        Streams, device, checkpoint.

    Raises
    ------
    TrainingError
        If shapes don't fit or values aren't finite; or as `training.fit`.
    """
    return train_autoencoder(maps, validation_maps, settings, run, activation="tanh", output="tanh")


def reconstruct(trained: TrainedNetwork, maps: NDArray[np.float32], batch_cases: int = 32) -> NDArray[np.float32]:
    """Maps, scaled as in training, that the mean of their own latent variables gives; same shape, the whole image.

    Raises
    ------
    TrainingError
        If they have another shape than those of the training, or values that aren't finite.
    """
    return reconstructed(trained, maps, batch_cases)
