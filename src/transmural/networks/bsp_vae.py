"""The variational autoencoder of body-surface potentials (Bacoyannis et al. 2019, section 3.2, figure 2).

Published: layers as in `image_vae` with ReLU and a sigmoid at the end, 6 latent variables, NAdam, batches of 32.
Not published is on what the convolutions run. Here a case is an image with the axes electrode row, electrode column
and time, so that they see space and time.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.networks.image_reconstruction import reconstructed, train_autoencoder
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork
from transmural.stores.config import image_networks


def train(
    bsp: NDArray[np.float32],
    validation_bsp: NDArray[np.float32],
    settings: image_networks.ImageVAE,
    run: TrainingRun,
) -> TrainedNetwork:
    """Train the autoencoder.

    Parameters
    ----------
    bsp, validation_bsp
        Potentials to learn from and to decide when to stop, shape (case, electrode row, electrode column, time), scaled
        to [0, 1] by `cohorts.value_range` of the training, as the sigmoid gives no others.
    settings
        Training and sizes.
    run
        Streams, device, checkpoint.

    Raises
    ------
    TrainingError
        If shapes don't fit or values aren't finite; or as `training.fit`.
    """
    return train_autoencoder(bsp, validation_bsp, settings, run, activation="relu", output="sigmoid")


def reconstruct(trained: TrainedNetwork, bsp: NDArray[np.float32], batch_cases: int = 32) -> NDArray[np.float32]:
    """Potentials, scaled as in training, that the mean of their own latent variables gives; same shape.

    Raises
    ------
    TrainingError
        If they have another shape than those of the training, or values that aren't finite.
    """
    return reconstructed(trained, bsp, batch_cases)
