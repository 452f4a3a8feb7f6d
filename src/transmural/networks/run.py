"""One run of a training: which random streams it draws from, where it computes and where it can be resumed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from transmural.stores.random_streams import case_generator


@dataclass(frozen=True)
class TrainingRun:
    """How a network is trained apart from its settings.

    Attributes
    ----------
    seed
        Seed of the study's run.
    stream
        Names that belong to this training alone (study, subject, cohort, network); with the seed they name its streams.
    checkpoint
        File from which an interrupted training goes on; without one, it starts anew.
    device
        ``"cpu"``, ``"gpu"``, or ``"auto"`` for a GPU where torch sees one.
    progress
        Called with the epochs done and in all.
    gpu_batch_multiple
        Factor by which batches are larger on a GPU.
    code
        Digest of the code that trains: a checkpoint of other code isn't resumed.
    keeps_last
        Write a checkpoint after the last epoch too, so that a job of many short trainings repeats none of them.
    """

    seed: int
    stream: tuple[str, ...]
    checkpoint: Path | None = None
    device: str = "auto"
    progress: Callable[[int, int], None] | None = None
    gpu_batch_multiple: int = 1
    code: str = ""
    keeps_last: bool = False

    @property
    def name(self) -> str:
        """Name of the training in messages."""
        return " ".join(self.stream)

    @property
    def identity(self) -> dict[str, Any]:
        """What of the run its result follows from."""
        return {
            "seed": self.seed,
            "stream": list(self.stream),
            "gpu_batch_multiple": self.gpu_batch_multiple,
            "code": self.code,
        }

    def generator(self, *key: int | str) -> np.random.Generator:
        """NumPy's generator of one of this training's streams."""
        return case_generator(self.seed, *self.stream, *key)

    @contextmanager
    def torch_stream(self, *key: int | str) -> Iterator[None]:
        """Within it torch draws from one of this training's streams, on every device; afterwards as if never used.

        Networks are built within ``torch_stream("weights")``, so that their first weights belong to the training.
        """
        with torch.random.fork_rng():
            seed = int(self.generator(*key).integers(2**63))
            torch.default_generator.manual_seed(seed)
            if torch.cuda.is_available():
                torch.cuda.manual_seed_all(seed)
            yield
