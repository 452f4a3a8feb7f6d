"""Checkpoints: a training that was killed goes on from its last one as if nothing had happened.

A checkpoint is one safetensors file, replaced in a single step, so that whenever a training is killed the last one is
whole. It holds the weights, the best weights, the optimiser's state and, as JSON in its header, the history. No random
state is needed: every epoch draws from streams of its own. What else a training depends on (settings, data, code …)
goes into a digest, and a checkpoint with another digest, or one that isn't as it was written, counts as none.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from transmural.networks.history import History


@dataclass
class TrainingState:
    """All that changes during a training.

    Attributes
    ----------
    model, optimiser
        Network and optimiser, changed in place.
    best
        Weights of the best epoch so far.
    history
        One entry for each epoch done.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    best: dict[str, Tensor] = field(default_factory=dict)
    history: History = field(default_factory=list)

    def keep_as_best(self) -> None:
        """Copy the present weights to the best ones."""
        self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}


def digest_of(settings: Mapping[str, Any], model: nn.Module, *data: Mapping[str, Tensor]) -> str:
    """Digest of all that a training's result follows from.

    Parameters
    ----------
    settings
        Plain values (settings of the training, seed, stream, digest of the code, device …).
    model
        Network as built, of which names and shapes count: its first weights follow from seed and code.
    data
        Tensors learnt from and validated on, of which every byte counts.
    """
    parts = [
        {name: list(value.shape) for name, value in model.state_dict().items()},
        *({name: [list(value.shape), _crc32(value)] for name, value in tensors.items()} for tensors in data),
    ]
    return hashlib.sha256(json.dumps([settings, parts], sort_keys=True).encode()).hexdigest()


def write_checkpoint(path: Path, digest: str, state: TrainingState) -> None:
    """Replace the checkpoint at ``path`` in one step."""
    tensors = {f"model/{name}": value for name, value in state.model.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in state.best.items()}
    for index, values in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{index}/{name}": value for name, value in values.items()}
    # Clones, because safetensors refuses tensors that share memory.
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    history = json.dumps(state.history)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    about = {"digest": digest, "history": history, "crc32": _checksum(history, copies)}
    temporary.write_bytes(save(copies, metadata=about))
    os.replace(temporary, path)


def read_checkpoint(path: Path, digest: str, state: TrainingState) -> bool:
    """Set ``state`` to that of the checkpoint; False, with nothing changed, where there is none of this ``digest``."""
    if not path.is_file():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            if about.get("digest") != digest:
                return False
            # Clones, because tensors within a file aren't aligned, and results can depend on alignment.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError):
        return False
    if about.get("crc32") != _checksum(about.get("history", ""), tensors):
        return False
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimiser": {}}
    for name, value in tensors.items():
        part, _, key = name.partition("/")
        parts[part][key] = value
    state.model.load_state_dict(parts["model"])
    device = next(state.model.parameters()).device
    state.best = {name: value.to(device) for name, value in parts["best"].items()}
    state.history = json.loads(about["history"])
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in parts["optimiser"].items():
        index, _, name = key.partition("/")
        moments.setdefault(int(index), {})[name] = value
    groups = state.optimiser.state_dict()["param_groups"]
    state.optimiser.load_state_dict({"state": moments, "param_groups": groups})
    return True


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint and what a killed writer left of one, if there is any."""
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.part").unlink(missing_ok=True)


def _checksum(history: str, tensors: Mapping[str, Tensor]) -> str:
    """CRC-32 of all that a checkpoint holds, names and shapes among it."""
    value = zlib.crc32(history.encode())
    for name, tensor in sorted(tensors.items()):
        value = _crc32(tensor, zlib.crc32(f"{name} {list(tensor.shape)} {tensor.dtype}".encode(), value))
    return f"{value:08x}"


def _crc32(tensor: Tensor, value: int = 0) -> int:
    return zlib.crc32(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data, value)
