"""The sequential variational autoencoder (see `sequence_autoencoder`): trained, and read back for inference."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from transmural.networks.beats import TrainingBeats
from transmural.networks.elbo import negative_elbo
from transmural.networks.encoded_beats import calibrated, latent_moments, residual_correlation, variance_calibration
from transmural.networks.principal_components import principal_components
from transmural.networks.registry import network
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork, read_network
from transmural.networks.sequence_autoencoder import SequentialVAE
from transmural.networks.training import fit, with_least_steps
from transmural.stores.config.networks import SequentialVAE as Settings
from transmural.stores.errors import StoreError

_MODEL = "model."


@dataclass(frozen=True)
class GenerativeModel:
    """A trained autoencoder with what inference needs of its training beats (see `encoded_beats`).

    Attributes
    ----------
    model
        Encoder and decoder, their weights fixed.
    prior_mean, prior_variance
        Moments of p(Z), shape (time, latent).
    variance_table
        Calibrated log-variances, shape (2, bin).
    residual_modes, residual_variance
        W and d of the residuals' correlation, shapes (node, mode) and (node,).
    """

    model: SequentialVAE
    prior_mean: Tensor
    prior_variance: Tensor
    variance_table: Tensor
    residual_modes: Tensor
    residual_variance: Tensor

    def variance(self, log_variance: Tensor) -> Tensor:
        """Calibrated variances for the decoder's log-variances."""
        return calibrated(log_variance, self.variance_table).exp()


@network("sequential_vae", label="Sequential VAE")
def train(beats: TrainingBeats, validation: TrainingBeats, settings: Settings, run: TrainingRun) -> TrainedNetwork:
    """Train the autoencoder and keep with it what inference needs of the training beats.

    Parameters
    ----------
    beats, validation
        Beats to learn from, and beats that decide when to stop.
    settings
        Sizes, variants and training.
    run
        Streams, device, checkpoint.

    Returns
    -------
    Weights (``model.*``), moments of p(Z) (``prior_mean``, ``prior_variance``; eq. 6), calibrated variances
    (``variance_table``) and the correlation of what the decoder leaves over (``residual_modes``,
    ``residual_variance``); see `encoded_beats`.
    """
    data = {"tmp": torch.from_numpy(beats.tmp)}
    watched = {"tmp": torch.from_numpy(validation.tmp)}
    # The divergence's warm-up is a share of all epochs, so the model must know how many there will be.
    settings = with_least_steps(settings, beats.cases)
    with run.torch_stream("weights"):
        model = SequentialVAE(beats.tmp.shape[2], settings)
    model.start_from(principal_components(beats.tmp, settings.components))
    history = fit(model, negative_elbo, data, watched, settings, run)
    model.cpu()
    table = variance_calibration(model, watched["tmp"])
    modes, rest = residual_correlation(model, table, data["tmp"], watched["tmp"], settings.residual_modes)
    prior_mean, prior_variance = latent_moments(model, data["tmp"])
    tensors = {_MODEL + name: value for name, value in model.state_dict().items()}
    tensors |= {"prior_mean": prior_mean, "prior_variance": prior_variance}
    tensors |= {"variance_table": table, "residual_modes": modes, "residual_variance": rest}
    return TrainedNetwork(tensors, {"nodes": int(beats.tmp.shape[2]), "settings": settings.model_dump()}, history)


def read_generative_model(folder: str | Path, nodes: int, frames: int) -> GenerativeModel:
    """Read a trained autoencoder.

    Parameters
    ----------
    folder
        What `saved.write_network` wrote.
    nodes, frames
        What the problem at hand has.

    Raises
    ------
    StoreError
        If the folder is damaged, or the network is of another heart or another number of frames.
    """
    trained = read_network(folder)
    known = (int(trained.description["nodes"]), int(trained.tensors["prior_mean"].shape[0]))
    if known != (nodes, frames):
        raise StoreError(
            f"{folder}: trained for {known[0]} nodes and {known[1]} frames, and the problem has {nodes} and {frames}; "
            "train it again on beats of this heart"
        )
    model = SequentialVAE(nodes, Settings(**trained.description["settings"]))
    model.load_state_dict({k.removeprefix(_MODEL): v for k, v in trained.tensors.items() if k.startswith(_MODEL)})
    model.train(False).requires_grad_(False)
    rest = {name: value for name, value in trained.tensors.items() if not name.startswith(_MODEL)}
    return GenerativeModel(model, **rest)
