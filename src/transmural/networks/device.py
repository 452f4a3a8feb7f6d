"""Where a network computes, and where its data lie: on a GPU where torch sees one, else on the CPU."""

from collections.abc import Mapping

import torch
from torch import Tensor

from transmural.stores.errors import TrainingError


def chosen_device(name: str) -> torch.device:
    """The device that ``"cpu"``, ``"gpu"`` or ``"auto"`` stands for.

    Raises
    ------
    TrainingError
        If a GPU is asked for and torch sees none.
    """
    seen = torch.cuda.is_available()
    if name == "gpu" and not seen:
        raise TrainingError("training.device is gpu, and torch sees no CUDA device; choose auto or cpu")
    return torch.device("cuda" if name != "cpu" and seen else "cpu")


def placed(data: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """The data on the device; on the CPU if they would take more than half of a GPU's free memory."""
    if device.type == "cuda":
        size = sum(value.nbytes for value in data.values())
        if size > torch.cuda.mem_get_info(device)[0] / 2:
            return {name: value.cpu() for name, value in data.items()}
    return {name: value.to(device) for name, value in data.items()}
