"""Networks from 12-lead ECGs to potentials at named points (Ornelas-Munoz et al.): trained, and used for prediction.

Predictions come from the ECG alone. What the published test of the Transformer very probably did is
`predict_teacher_forced`, which is given the truth.
"""

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork
from transmural.networks.sequence_network import SequenceNetwork, sequence_loss
from transmural.networks.training import fit
from transmural.stores.config.sequences import SEQUENCE_NETWORKS, SequenceTraining
from transmural.stores.errors import TrainingError

Cut = Literal["full", "limited", "any_length"]

_MODEL = "model."
_BATCH = 64


def cut_to(ecg: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """A copy of ECGs (case, lead, sample) with zeros after so many samples; zero is a lead's mean, as they are scaled.

    Raises
    ------
    TrainingError
        If that is not between 1 and the samples there are.
    """
    if not 1 <= samples <= ecg.shape[2]:
        raise TrainingError(f"ECGs of {ecg.shape[2]} samples can't be cut to {samples}; give 1 to {ecg.shape[2]}")
    cut = ecg.copy()
    cut[:, :, samples:] = 0
    return cut


def train(
    model_name: str,
    ecg: NDArray[np.float32],
    tmp: NDArray[np.float32],
    validation_ecg: NDArray[np.float32],
    validation_tmp: NDArray[np.float32],
    settings: SequenceTraining,
    run: TrainingRun,
    cut: Cut,
    segment_samples: int,
) -> TrainedNetwork:
    """Train a network.

    Parameters
    ----------
    model_name
        ``cnn``, ``cnn_lstm``, ``transformer``, ``unet`` or ``bilstm``.
    ecg, validation_ecg
        Standardised ECGs to learn from and to decide when to stop, shape (case, lead, sample).
    tmp, validation_tmp
        Their potentials, dimensionless, shape (case, sample, point).
    settings
        Training and dropout.
    run
        Streams, device, checkpoint.
    cut
        What is seen of an ECG, the rest being zero: ``full``, all; ``limited``, the first segment, in predictions too;
        ``any_length``, another number of segments whenever a recording is seen, in predictions all. The Transformer
        reads the first segment only, whatever is cut.
    segment_samples
        Samples of a segment, by which those of a record can be divided.

    Returns
    -------
    Weights (``model.*``) and the description from which `predict` builds the network again.

    Raises
    ------
    TrainingError
        If there is no such network or cut, shapes don't fit or values aren't finite; or as `training.fit`.
    """
    _check_choice(run.name, "network", model_name, SEQUENCE_NETWORKS)
    _check_choice(run.name, "cut", cut, get_args(Cut))
    _check(ecg, tmp, f"{run.name}: training")
    _check(validation_ecg, validation_tmp, f"{run.name}: validation")
    _check_alike(run.name, (validation_ecg.shape[1:], validation_tmp.shape[1:]), (ecg.shape[1:], tmp.shape[1:]))
    leads, samples, points = *ecg.shape[1:], tmp.shape[2]
    if segment_samples < 1 or samples % segment_samples:
        raise TrainingError(
            f"{run.name}: records of {samples} samples don't divide into segments of {segment_samples}; give a divisor"
        )
    description = {
        "network": model_name,
        "leads": leads,
        "points": points,
        "samples": samples,
        "segment_samples": segment_samples,
        "cut": cut,
        "settings": settings.model_dump(),
    }
    with run.torch_stream("weights"):
        model = SequenceNetwork(description)
    data = {"ecg": _tensor(ecg), "tmp": _tensor(tmp)}
    watched = {"ecg": _tensor(validation_ecg), "tmp": _tensor(validation_tmp)}
    history = fit(model, sequence_loss, data, watched, settings, run)
    tensors = {_MODEL + name: value.cpu() for name, value in model.state_dict().items()}
    return TrainedNetwork(tensors, description, history)


def predict(trained: TrainedNetwork, ecg: NDArray[np.float32], batch_cases: int = _BATCH) -> NDArray[np.float32]:
    """Potentials that a trained network predicts from ECGs alone; the Transformer by free rollout.

    Parameters
    ----------
    trained
        What `train` gave; the tensors' device computes.
    ecg
        ECGs standardised as in training, shape (case, lead, sample).
    batch_cases
        Cases at a time.

    Returns
    -------
    Dimensionless, shape (case, sample, point).

    Raises
    ------
    TrainingError
        If the ECGs have another shape than those of the training, or values that aren't finite.
    """
    _check_shown(trained, ecg)
    return _in_batches(trained, batch_cases, ecg)


def predict_teacher_forced(
    trained: TrainedNetwork, ecg: NDArray[np.float32], tmp: NDArray[np.float32], batch_cases: int = _BATCH
) -> NDArray[np.float32]:
    """What the Transformer gives if the true segment before each is its input: the published protocol, no prediction.

    Parameters
    ----------
    trained, ecg, batch_cases
        As in `predict`.
    tmp
        True potentials, dimensionless, shape (case, sample, point).

    Returns
    -------
    Dimensionless, shape (case, sample, point).

    Raises
    ------
    TrainingError
        As `predict`, for the potentials too; or if the network isn't the Transformer.
    """
    if trained.description["network"] != "transformer":
        raise TrainingError(
            f"only the transformer can be given true potentials and this is {trained.description['network']}; "
            "use predict"
        )
    _check_shown(trained, ecg)
    _check(ecg, tmp, "transformer:")
    potentials = (trained.description["samples"], trained.description["points"])
    if tmp.shape[1:] != potentials:
        raise TrainingError(
            f"transformer: true potentials of shape {tmp.shape[1:]} (sample, point) were given and it was trained on "
            f"{potentials}; give potentials at the same points"
        )
    return _in_batches(trained, batch_cases, ecg, tmp)


def _in_batches(trained: TrainedNetwork, batch_cases: int, *shown: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network gives, shape (case, sample, point), if ECGs, and possibly true potentials, are shown to it."""
    model = SequenceNetwork(trained.description)
    model.load_state_dict({name.removeprefix(_MODEL): value for name, value in trained.tensors.items()})
    device = next(iter(trained.tensors.values())).device
    model.to(device).train(False)
    description = trained.description
    given = np.empty((len(shown[0]), description["samples"], description["points"]), np.float32)
    with torch.no_grad():
        for first in range(0, len(given), batch_cases):
            part = slice(first, first + batch_cases)
            tensors = [_tensor(values[part]).to(device) for values in shown]
            given[part] = (model(*tensors) if len(tensors) == 1 else model.teacher_forced(*tensors)).cpu()
    return given


def _tensor(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _check_choice(whose: str, what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise TrainingError(f"{whose}: no {what} '{name}'; give one of {', '.join(known)}")


def _check_alike(whose: str, validation: tuple[tuple[int, ...], ...], training: tuple[tuple[int, ...], ...]) -> None:
    if validation != training:
        raise TrainingError(
            f"{whose}: ECGs and potentials of the validation have shapes {validation[0]} and {validation[1]}, those of "
            f"the training {training[0]} and {training[1]}, (lead, sample) and (sample, point); give both the same"
        )


def _check(ecg: NDArray[np.float32], tmp: NDArray[np.float32], whose: str) -> None:
    """Raise `TrainingError` if ECGs and potentials can't belong together or have values that aren't finite."""
    if ecg.ndim != 3 or tmp.ndim != 3 or not ecg.size or not tmp.size or (ecg.shape[0], ecg.shape[2]) != tmp.shape[:2]:
        raise TrainingError(
            f"{whose} ECGs of shape {ecg.shape} don't fit potentials of shape {tmp.shape}; give (case, lead, sample) "
            "and (case, sample, point), none of them empty"
        )
    _check_finite(ecg, f"{whose} ECGs")
    _check_finite(tmp, f"{whose} potentials")


def _check_shown(trained: TrainedNetwork, ecg: NDArray[np.float32]) -> None:
    """Raise `TrainingError` if these ECGs can't be shown to the network."""
    name, shape = trained.description["network"], (trained.description["leads"], trained.description["samples"])
    if ecg.ndim != 3 or ecg.shape[1:] != shape:
        raise TrainingError(
            f"{name} was trained on ECGs of shape {shape} (lead, sample) and these are {ecg.shape[1:]}; give such ECGs"
        )
    _check_finite(ecg, f"{name}: ECGs")


def _check_finite(values: NDArray[np.float32], whose: str) -> None:
    finite = np.isfinite(values).all(axis=(1, 2))
    if not finite.all():
        case = int(np.flatnonzero(~finite)[0])
        raise TrainingError(f"{whose}: case {case} has values that aren't finite; leave it out")
