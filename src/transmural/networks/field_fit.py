"""One fit a beat: the field that explains the body-surface potentials and obeys the Aliev–Panfilov model.

What is minimised is told in `field_loss`. The loop is that of every training, `training`: a case of it is a run of
consecutive instants, all vertices at once, so that numerical derivatives at the interval of the data cost two instants
a run and not three times as many. Balanced weights are part of the state, and an interrupted fit goes on from its
checkpoint with the same bits. There is no validation data: the last weights are kept.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.networks.checkpoint import digest_of
from transmural.networks.field_loss import FieldLoss, WeighedField
from transmural.networks.field_network import FieldNetwork
from transmural.networks.history import History
from transmural.networks.run import TrainingRun
from transmural.networks.surface_beat import SurfaceBeat
from transmural.networks.surface_physics import uniform_course
from transmural.networks.training import fit, with_least_steps
from transmural.stores.config.physics_informed import FieldFit


@dataclass(frozen=True, eq=False)
class FittedField:
    """A fit's result.

    Attributes
    ----------
    potential, recovery
        u and v, dimensionless, shape (time, vertex).
    history
        One entry an epoch (`history`): means of misfit (1 at the noise level), squared residuals, weights and α.
    network
        The field at any place and time.
    """

    potential: NDArray[np.float32]
    recovery: NDArray[np.float32]
    history: History
    network: FieldNetwork


def fit_field(beat: SurfaceBeat, settings: FieldFit, run: TrainingRun) -> FittedField:
    """Fit the field of one beat.

    Parameters
    ----------
    beat
        Data, surface and model; never the truth.
    settings
        Network, physics and training.
    run
        Streams, checkpoint, progress; the fit is the same for the same seed and stream. On a GPU nothing is gained
        at these sizes, and single precision is needed; ``run.device`` is taken as "cpu".

    Raises
    ------
    TrainingError
        If the inputs don't fit together, or the loss isn't finite.
    """
    with run.torch_stream("weights"):
        state = WeighedField(settings, uniform_course(beat.model, beat.stimulus_ms[0], float(beat.time_ms[-1])))
    data = runs(beat, settings.batch_instants)
    settings = with_least_steps(settings, len(data["time"]))
    loss = FieldLoss(beat, settings)
    # Only what must not be empty: nothing is chosen by it.
    validation = {name: values[:1] for name, values in data.items()}
    identity = digest_of({"model": repr(beat.model), "settings": settings.model_dump()}, state, loss.constants)
    history = fit(
        state, loss, data, validation, settings, replace(run, device="cpu", code=run.code + identity), "remaining"
    )
    with torch.no_grad():
        # A few instants at a time, as in the fit: all at once would take the memory of a hundred steps.
        times = torch.split(_single(beat.time_ms), settings.batch_instants)
        field = torch.cat([state.network.field(loss.vertices, part) for part in times])
    potential, recovery = field.unbind(-1)
    return FittedField(potential.numpy(), recovery.numpy(), history, state.network)


def runs(beat: SurfaceBeat, instants: int) -> dict[str, Tensor]:
    """Every run of so many consecutive instants: times (run, instant) and data (run, instant, electrode)."""
    instants = min(instants, len(beat.time_ms))
    first = np.arange(len(beat.time_ms) - instants + 1)
    # The instants near either end are in few of these runs; further copies of the end runs make up for it.
    ends = np.repeat(first[[0, -1]], instants // 2)
    index = np.concatenate([first, ends])[:, None] + np.arange(instants)
    return {"time": _single(beat.time_ms)[index], "data": _single(beat.data.T)[index]}


def _single(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
