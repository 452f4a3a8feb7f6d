"""The surrogate of the forward problem on a sheet (Ogbomo-Harmitt et al. 2025): trained, and used for prediction.

Convolutions turn every frame of a propagating wave into a latent vector, an attentive LSTM turns their sequence into
the ECG at one electrode. The loss is Huber's plus the difference in spectral entropy, whose weight falls to zero over
the training (Eq. 6 and 7); the epoch with the best R² of the validation is kept.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import huber_loss

from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork
from transmural.networks.sheet_encoder import sheet_encoder
from transmural.networks.spectral_entropy import spectral_entropy_loss, spectral_entropy_weight
from transmural.networks.surrogate_decoder import SurrogateDecoder
from transmural.networks.training import fit, with_least_steps
from transmural.stores.config.networks import ForwardSurrogate as Settings
from transmural.stores.errors import TrainingError

_MODEL = "model."

_SYMMETRIES = 8

# What the ablation study of section 3 changes, and what is ours, by form.
FORMS: dict[str, dict[str, Any]] = {
    "surrogate": {},
    "no_cnn": {"encoder": "mean_voltage"},
    "no_attention": {"attention": False},
    "no_time_embedding": {"time_embedding": False},
    "no_spectral_entropy": {"spectral_entropy": False},
    "no_currents": {"maps": "potentials"},
}


class ForwardSurrogate(nn.Module):
    """Encoder and decoder.

    Parameters
    ----------
    settings
        Sizes, and which parts there are.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = sheet_encoder(settings)
        self.decoder = SurrogateDecoder(settings)

    def forward(self, tmp: Tensor) -> Tensor:
        """Standardised ECG (case, time) of potentials (case, time, row, column)."""
        ecg: Tensor = self.decoder(self.encoder(tmp))
        return ecg


def turned(tmp: Tensor, symmetry: int) -> Tensor:
    """Maps (case, time, row, column) under one of a square's eight symmetries, numbered from 0, which is none."""
    if symmetry & 1:
        tmp = tmp.flip(2)
    if symmetry & 2:
        tmp = tmp.flip(3)
    if symmetry & 4 and tmp.shape[2] == tmp.shape[3]:
        tmp = tmp.transpose(2, 3)
    return tmp.contiguous()


def surrogate_loss(model: ForwardSurrogate, batch: Mapping[str, Tensor], progress: float) -> dict[str, Tensor]:
    """Loss of a batch (Eq. 6).

    Parameters
    ----------
    model
        The surrogate.
    batch
        ``tmp``, potentials (case, time, row, column), and ``ecg``, standardised ECGs (case, time).
    progress
        Epochs done, for the weight of the spectral entropy.

    Returns
    -------
    ``loss``; ``huber``; ``spectral_entropy`` (bits²), unweighted, also where it isn't in the loss; ``unexplained``,
    the mean of 1 − R² over the cases.
    """
    truth = batch["ecg"]
    # The network hears its own values in training as in testing. Given the true value before (teacher forcing), it
    # would learn to copy it, which is nearly right at this sampling rate, and look at the maps no more.
    tmp = batch["tmp"]
    if model.training and model.settings.symmetries:
        tmp = turned(tmp, int(torch.randint(_SYMMETRIES, ())))
    predicted = model(tmp)
    huber = huber_loss(predicted, truth)
    entropy = spectral_entropy_loss(predicted, truth)
    loss = huber
    if model.settings.spectral_entropy:
        loss = huber + spectral_entropy_weight(progress, model.settings.epochs) * entropy
    variation = (truth - truth.mean(dim=1, keepdim=True)).square().sum(dim=1)
    unexplained = ((predicted.detach() - truth).square().sum(dim=1) / variation).mean()
    return {"loss": loss, "huber": huber, "spectral_entropy": entropy, "unexplained": unexplained}


def train(
    tmp: NDArray[np.float32],
    ecg: NDArray[np.floating],
    validation_tmp: NDArray[np.float32],
    validation_ecg: NDArray[np.floating],
    settings: Settings,
    run: TrainingRun,
) -> TrainedNetwork:
    """Train the surrogate.

    Parameters
    ----------
    tmp, validation_tmp
        Potentials to learn from and to decide when to stop, dimensionless, shape (case, time, row, column).
    ecg, validation_ecg
        Their ECGs in any unit, shape (case, time).
    settings
        Sizes, parts and training.
    run
        Streams, device, checkpoint.

    Returns
    -------
    Weights (``model.*``) and the training ECGs' mean and standard deviation (``ecg_mean``, ``ecg_sd``), by which ECGs
    are standardised.

    Raises
    ------
    TrainingError
        If shapes don't fit, values aren't finite or an ECG has no variance; or as `training.fit`.
    """
    _check(tmp, ecg, f"{run.name}: training")
    _check(validation_tmp, validation_ecg, f"{run.name}: validation")
    if validation_tmp.shape[1:] != tmp.shape[1:]:
        raise TrainingError(
            f"{run.name}: the validation maps have shape {validation_tmp.shape[1:]} (time, row, column) and the "
            f"training maps {tmp.shape[1:]}; give both the same"
        )
    # The weight of the spectral entropy falls over all epochs, so the model must know how many there will be.
    settings = with_least_steps(settings, tmp.shape[0])
    mean, sd = float(np.mean(ecg, dtype=np.float64)), float(np.std(ecg, dtype=np.float64))
    with run.torch_stream("weights"):
        model = ForwardSurrogate(settings)
    data = _tensors(tmp, (ecg - mean) / sd)
    watched = _tensors(validation_tmp, (validation_ecg - mean) / sd)
    history = fit(model, surrogate_loss, data, watched, settings, run, monitor="unexplained")
    tensors = {_MODEL + name: value.cpu() for name, value in model.state_dict().items()}
    tensors |= {name: torch.tensor(value, dtype=torch.float64) for name, value in (("ecg_mean", mean), ("ecg_sd", sd))}
    return TrainedNetwork(tensors, {"maps": list(tmp.shape[1:]), "settings": settings.model_dump()}, history)


def predict(trained: TrainedNetwork, tmp: NDArray[np.float32], batch_cases: int = 16) -> NDArray[np.float32]:
    """ECGs that a trained surrogate predicts.

    Parameters
    ----------
    trained
        What `train` gave; the tensors' device computes.
    tmp
        Potentials, dimensionless, shape (case, time, row, column).
    batch_cases
        Cases at a time.

    Returns
    -------
    Shape (case, time), in the unit of the training's ECGs.

    Raises
    ------
    TrainingError
        If the maps have another shape than those of the training.
    """
    maps = tuple(trained.description["maps"])
    if tmp.shape[1:] != maps:
        raise TrainingError(
            f"the surrogate was trained on maps of shape {maps} (time, row, column) and these are {tmp.shape[1:]}; "
            "train it on maps of this shape"
        )
    model = ForwardSurrogate(Settings(**trained.description["settings"]))
    model.load_state_dict({k.removeprefix(_MODEL): v for k, v in trained.tensors.items() if k.startswith(_MODEL)})
    device = trained.tensors["ecg_mean"].device
    model.to(device).train(False)
    mean, sd = (trained.tensors[name].item() for name in ("ecg_mean", "ecg_sd"))
    potentials = torch.from_numpy(np.ascontiguousarray(tmp, dtype=np.float32))
    with torch.no_grad():
        standard = torch.cat([model(batch.to(device)).cpu() for batch in torch.split(potentials, batch_cases)])
    return (standard.double() * sd + mean).float().numpy()


def _tensors(tmp: NDArray[np.float32], ecg: NDArray[np.floating]) -> dict[str, Tensor]:
    arrays = {"tmp": tmp, "ecg": ecg}
    return {name: torch.from_numpy(np.ascontiguousarray(v, dtype=np.float32)) for name, v in arrays.items()}


def _check(tmp: NDArray[np.float32], ecg: NDArray[np.floating], whose: str) -> None:
    """Raise `TrainingError` if maps and ECGs can't be learnt from."""
    if tmp.ndim != 4 or not tmp.size or ecg.shape != tmp.shape[:2]:
        raise TrainingError(
            f"{whose} maps of shape {tmp.shape} don't fit ECGs of shape {ecg.shape}; give (case, time, row, column) "
            "and (case, time), none of them empty"
        )
    for name, values in (("maps", tmp), ("ECGs", ecg)):
        if not np.isfinite(values).all():
            case = int(np.argwhere(~np.isfinite(values))[0, 0])
            raise TrainingError(f"{whose} {name}: case {case} has values that aren't finite; leave it out")
    constant = np.flatnonzero(ecg.max(axis=1) == ecg.min(axis=1))
    if constant.size:
        raise TrainingError(f"{whose} ECGs: case {constant[0]} has no variance, so there is no R² of it; leave it out")
