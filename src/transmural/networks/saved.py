"""Trained networks on disk: weights as safetensors, everything else as JSON, whole or absent.

The folder holds ``weights.safetensors`` and ``network.json`` (description, history, provenance, the size and CRC-32 of
the weights, and the CRC-32 of all this, which tell damage). The history is read without importing torch, which takes a
second.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transmural.networks.history import History, is_history
from transmural.stores.errors import StoreError, reason
from transmural.stores.files import crc32, whole_folder

if TYPE_CHECKING:
    import torch

_WEIGHTS = "weights.safetensors"
_ABOUT = "network.json"


@dataclass(frozen=True)
class TrainedNetwork:
    """What a training gives.

    Attributes
    ----------
    tensors
        Weights and whatever else inference needs of the training (normalisation, moments of the prior), by name.
    description
        Architecture and settings from which the network is built again; plain values that JSON can hold.
    history
        One entry an epoch (see `history`).
    """

    tensors: Mapping[str, "torch.Tensor"]
    description: Mapping[str, Any]
    history: History


def write_network(trained: TrainedNetwork, folder: str | Path, record: Mapping[str, Any]) -> None:
    """Write a trained network to ``folder``, whole or not at all; a folder that exists is replaced.

    Parameters
    ----------
    trained
        What to write; tensors may lie on any device.
    folder
        Final place.
    record
        Provenance: rule, wildcards, parameters, versions of packages.
    """
    from safetensors.torch import save

    with whole_folder(folder) as temporary:
        weights = temporary / _WEIGHTS
        # Clones, because safetensors refuses tensors that share memory or are views.
        weights.write_bytes(save({name: t.detach().cpu().contiguous().clone() for name, t in trained.tensors.items()}))
        about = {
            "description": dict(trained.description),
            "history": trained.history,
            "provenance": dict(record),
            "weights": {"bytes": weights.stat().st_size, "crc32": crc32(weights)},
        }
        about = json.loads(json.dumps(about, allow_nan=False))  # as it will be read
        about["crc32"] = _crc32(about)
        (temporary / _ABOUT).write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


def read_network(folder: str | Path) -> TrainedNetwork:
    """Read what `write_network` wrote, its tensors on the CPU.

    Raises
    ------
    StoreError
        If a file is missing, unreadable, truncated or altered; the message names it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder)
    about = _about(folder)
    path = folder / _WEIGHTS
    if not path.is_file():
        raise StoreError(f"{path}: missing; delete {folder} and rerun")
    written = about["weights"]
    if path.stat().st_size != written.get("bytes") or crc32(path) != written.get("crc32"):
        raise StoreError(f"{path}: content differs from what was written; delete {folder} and rerun")
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise StoreError(f"{path}: unreadable ({reason(error)}); delete {folder} and rerun") from error
    return TrainedNetwork(tensors, about["description"], about["history"])


def read_history(folder: str | Path) -> History:
    """History of a trained network, without reading its weights.

    Raises
    ------
    StoreError
        As `read_network`.
    """
    history: History = _about(Path(folder))["history"]
    return history


def _about(folder: Path) -> dict[str, Any]:
    path = folder / _ABOUT
    if not path.is_file():
        raise StoreError(f"{path}: missing, so {folder} is not a trained network of this project; delete it and rerun")
    try:
        about: dict[str, Any] = json.loads(path.read_text())
        absent = {"description", "history", "provenance", "weights", "crc32"} - about.keys()
    except (ValueError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: unreadable ({reason(error)}); delete {folder} and rerun") from error
    if absent:
        raise StoreError(f"{path}: has no {', '.join(sorted(absent))}; delete {folder} and rerun")
    if about.pop("crc32") != _crc32(about):
        raise StoreError(f"{path}: content differs from what was written; delete {folder} and rerun")
    mappings = all(isinstance(about[key], dict) for key in ("description", "provenance", "weights"))
    if not mappings or not is_history(about["history"]):
        raise StoreError(f"{path}: isn't the description of a trained network; delete {folder} and rerun")
    return about


def _crc32(about: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(about, sort_keys=True).encode())
