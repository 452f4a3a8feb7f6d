"""One epoch of a training: a pass over the training beats in random batches, then one over the validation beats."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from transmural.networks.device import placed
from transmural.networks.history import Epoch
from transmural.networks.optimisers import optimiser_of
from transmural.networks.run import TrainingRun
from transmural.networks.schedule import learning_rate_factor
from transmural.stores.config.networks import Training
from transmural.stores.errors import TrainingError

_GRADIENT = "gradient norm"

Batch = dict[str, Tensor]
Model = TypeVar("Model", bound=nn.Module)
Loss = Callable[[Model, Batch, float], Mapping[str, Tensor]]


class Epochs(Generic[Model]):
    """Epochs of one training; see `training.fit` for the parameters.

    Attributes
    ----------
    optimiser
        The optimiser whose state goes into checkpoints.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss[Model],
        data: Mapping[str, Tensor],
        validation: Mapping[str, Tensor],
        settings: Training,
        run: TrainingRun,
        device: torch.device,
    ) -> None:
        self._model, self._loss, self._settings, self._run, self._device = model, loss, settings, run, device
        self._data, self._validation = placed(data, device), placed(validation, device)
        larger = run.gpu_batch_multiple if device.type == "cuda" else 1
        self._batch_cases = min(settings.batch_cases * larger, _cases(data))
        self._rate = settings.learning_rate * math.sqrt(max(1.0, self._batch_cases / settings.batch_cases))
        self.optimiser = optimiser_of(model, settings, self._rate)

    def one(self, epoch: int, losses: Sequence[float] = ()) -> Epoch:
        """Train for one epoch, numbered from 0, and validate.

        Parameters
        ----------
        epoch
            Its number.
        losses
            Validation losses of the epochs before, for schedules that look at them.

        Raises
        ------
        TrainingError
            If a term of the loss, or the gradient, isn't finite; the message says where.
        """
        started = time.perf_counter()
        with self._run.torch_stream("training", epoch):
            trained = self._train(epoch, losses)
        with self._run.torch_stream("validation"):
            validated = self._validate(epoch)
        return {
            "epoch": epoch + 1,
            "seconds": time.perf_counter() - started,
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "gradient_norm": trained.pop(_GRADIENT),
            **{f"train_{name}": mean for name, mean in trained.items()},
            **{f"validation_{name}": mean for name, mean in validated.items()},
        }

    def _train(self, epoch: int, losses: Sequence[float]) -> dict[str, float]:
        self._model.train()
        order = self._run.generator("batches", epoch).permutation(_cases(self._data))
        batches = _batches(self._data, order, self._batch_cases, self._device)
        steps = _steps(order.size, self._batch_cases)
        rows: list[Tensor] = []
        sizes: list[int] = []
        names: list[str] = []
        for step, (batch, cases) in enumerate(batches):
            rate = self._rate * learning_rate_factor(
                epoch * steps + step, self._settings.epochs * steps, self._settings.schedule, losses
            )
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            terms = self._terms(batch, epoch + step / steps)
            self.optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(terms["loss"])
            norm = nn.utils.clip_grad_norm_(self._model.parameters(), self._settings.clip_norm)
            self.optimiser.step()
            names = [*terms, _GRADIENT]
            # Reading a number would wait for the GPU; all are read at the end of the epoch.
            rows.append(torch.stack([value.detach().float() for value in [*terms.values(), norm]]))
            sizes.append(cases)
        return self._means(names, rows, sizes, epoch, "")

    def _validate(self, epoch: int) -> dict[str, float]:
        self._model.train(False)
        order = np.arange(_cases(self._validation))
        rows: list[Tensor] = []
        sizes: list[int] = []
        names: list[str] = []
        with torch.no_grad():
            for batch, cases in _batches(self._validation, order, self._batch_cases, self._device):
                terms = self._terms(batch, float(self._settings.epochs))
                names = list(terms)
                rows.append(torch.stack([value.float() for value in terms.values()]))
                sizes.append(cases)
        return self._means(names, rows, sizes, epoch, " of the validation")

    def _terms(self, batch: Batch, progress: float) -> Mapping[str, Tensor]:
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._device.type == "cuda"):
            return self._loss(self._model, batch, progress)

    def _means(
        self, names: list[str], rows: list[Tensor], sizes: list[int], epoch: int, whose: str
    ) -> dict[str, float]:
        """Means over the cases of what every step gave, after checking that all of it is finite."""
        values = torch.stack(rows).cpu().double().numpy()
        bad = np.argwhere(~np.isfinite(values))
        if bad.size:
            step, term = bad[0]
            raise TrainingError(
                f"{self._run.name}: the {names[term]} isn't finite in epoch {epoch + 1}, step {step + 1} of "
                f"{len(rows)}{whose}; lower learning_rate or clip_norm"
            )
        return dict(zip(names, np.average(values, axis=0, weights=sizes).tolist(), strict=True))


def _cases(data: Mapping[str, Tensor]) -> int:
    return int(next(iter(data.values())).shape[0])


def _steps(cases: int, batch_cases: int) -> int:
    return math.ceil(cases / batch_cases)


def _batches(
    data: Mapping[str, Tensor], order: NDArray[np.integer], batch_cases: int, device: torch.device
) -> Iterator[tuple[Batch, int]]:
    """Batches of nearly equal size in this order, and their sizes.

    A batch is always a copy: parts of an array aren't aligned, and results can depend on alignment.
    """
    for part in np.array_split(order, _steps(order.size, batch_cases)):
        index = torch.from_numpy(part)
        yield (
            {name: value.index_select(0, index.to(value.device)).to(device) for name, value in data.items()},
            part.size,
        )
