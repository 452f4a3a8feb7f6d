"""A linear regression with noise in its loss, and settings and runs to fit it: the smallest training there is."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from transmural.networks.run import TrainingRun
from transmural.stores.config import Training

RUN = TrainingRun(seed=7, stream=("line",), device="cpu")
SETTINGS = Training(
    epochs=12,
    least_steps=0,
    batch_cases=8,
    learning_rate=0.05,
    schedule="cosine",
    weight_decay=0.0,
    clip_norm=10.0,
    patience_epochs=12,
)


def settings(**changed):
    return SETTINGS.model_copy(update=changed)


def line(run=RUN):
    with run.torch_stream("weights"):
        return nn.Linear(3, 1)


def cases(count, seed, spread=0.1):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 3))
    y = x @ [[1.0], [-2.0], [0.5]] + 0.3 + spread * draw.normal(size=(count, 1))
    return {"x": torch.tensor(x, dtype=torch.float32), "y": torch.tensor(y, dtype=torch.float32)}


DATA, VALIDATION = cases(30, 0), cases(10, 1)


def squares(model, batch, progress):
    error = (model(batch["x"]) - batch["y"]).square().mean()
    return {"loss": error, "progress": torch.tensor(progress)}


def noisy_squares(model, batch, progress):
    """Squares at inputs that are shaken, as reparametrised latent variables are."""
    shaken = batch["x"] + 0.1 * torch.randn_like(batch["x"])
    return {"loss": (model(shaken) - batch["y"]).square().mean()}


def checkpointed(path):
    return replace(RUN, checkpoint=path)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def without_seconds(history):
    return [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in history]
