"""The training loop of every network of the project: any module, any loss, any data.

Adam (AdamW with weight decay; Loshchilov & Hutter 2019) on random batches, its learning rate following `schedule`,
gradients clipped to a largest norm. After every epoch the validation loss decides which weights are the best, and
training stops when no epoch has been better for a while; the best weights are what remains. The validation loss is
always evaluated as after the last epoch and with the same random numbers, so that epochs compare even while the weights
of the loss's terms change.

An epoch draws its batches and the random numbers of its losses from streams of its own, so a training that was
interrupted goes on from its checkpoint with the same bits (on one machine, on the CPU). On a GPU, networks compute in
bfloat16 where that is safe (autocast), batches are larger, and the learning rate grows with the square root of their
size (the rule of Malladi et al. 2022 for Adam).
"""

import math
import time
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from transmural.networks.checkpoint import TrainingState, digest_of, read_checkpoint, write_checkpoint
from transmural.networks.device import chosen_device
from transmural.networks.epochs import Epochs, Loss
from transmural.networks.history import History, appended, best_epoch, is_exhausted, validation_losses
from transmural.networks.run import TrainingRun
from transmural.stores.config.networks import Training

SECONDS_BETWEEN_CHECKPOINTS = 20.0
EPOCHS_BETWEEN_CHECKPOINTS = 50
# A large network's checkpoint takes seconds; checkpoints must not take more than this share of the time.
LARGEST_SHARE = 0.05

Model = TypeVar("Model", bound=nn.Module)
Settings = TypeVar("Settings", bound=Training)


def fit(
    model: Model,
    loss: Loss[Model],
    data: Mapping[str, Tensor],
    validation: Mapping[str, Tensor],
    settings: Training,
    run: TrainingRun,
    monitor: str = "loss",
) -> History:
    """Train ``model`` in place; it ends on the training's device with the weights of the best epoch.

    Parameters
    ----------
    model
        Network, built within ``run.torch_stream("weights")`` so that its first weights are the run's own.
    loss
        ``loss(model, batch, progress)`` with a batch of ``data`` and the epochs done so far (a fraction within an
        epoch), for warm-ups. Returns scalar tensors by name, means over the batch's cases; ``"loss"`` is minimised, the
        others are recorded. Its random numbers come from torch's generator.
    data, validation
        What is learnt from and what decides when to stop: tensors by name whose first dimension are the cases.
    settings
        Epochs (see `with_least_steps`), batches, learning rate, clipping, patience.
    run
        Streams, device, checkpoint, progress.
    monitor
        Term whose validation mean picks the best epoch.

    Returns
    -------
    One entry an epoch (see `history`).

    Raises
    ------
    TrainingError
        If the loss or its gradient isn't finite, or a GPU is asked for and there is none.
    """
    device = chosen_device(run.device)
    settings = with_least_steps(settings, len(next(iter(data.values()))))
    digest = ""
    if run.checkpoint is not None:
        given = {
            **settings.model_dump(),
            **run.identity,
            "monitor": monitor,
            "device": device.type,
            "torch": torch.__version__,
        }
        digest = digest_of(given, model, data, validation)
    epochs = Epochs(model.to(device), loss, data, validation, settings, run, device)
    state = TrainingState(model, epochs.optimiser)
    if run.checkpoint is not None:
        read_checkpoint(run.checkpoint, digest, state)
    written, cost = time.perf_counter(), 0.0
    while len(state.history) < settings.epochs and not is_exhausted(state.history, settings.patience_epochs):
        entry = epochs.one(len(state.history), validation_losses(state.history))
        state.history = appended(state.history, entry, monitor)
        done = len(state.history)
        if best_epoch(state.history) == done:
            state.keep_as_best()
        if run.progress is not None:
            run.progress(done, settings.epochs)
        due = time.perf_counter() - written >= max(SECONDS_BETWEEN_CHECKPOINTS, cost / LARGEST_SHARE)
        due = due or (run.keeps_last and done == settings.epochs)
        if run.checkpoint is not None and (due or done % EPOCHS_BETWEEN_CHECKPOINTS == 0):
            started = time.perf_counter()
            write_checkpoint(run.checkpoint, digest, state)
            written = time.perf_counter()
            cost = written - started
    model.load_state_dict(state.best)
    model.train(False)
    return state.history


def with_least_steps(settings: Settings, cases: int) -> Settings:
    """Settings with so many epochs that a small cohort gets its least number of gradient steps."""
    epochs = max(settings.epochs, math.ceil(settings.least_steps / math.ceil(cases / settings.batch_cases)))
    return settings.model_copy(update={"epochs": epochs})
