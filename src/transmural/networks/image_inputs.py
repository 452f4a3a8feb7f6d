"""What the autoencoders of images are given: checked arrays."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.stores.errors import TrainingError


def checked(
    whose: str, what: str, values: NDArray[np.generic], shape: Sequence[int] | None = None, cases: int | None = None
) -> Tensor:
    """A float32 tensor of arrays (case, …) that can be learnt from or shown.

    Parameters
    ----------
    whose, what
        Of the message.
    values
        Numbers or masks, shape (case, …).
    shape, cases
        What they must have, if anything.

    Raises
    ------
    TrainingError
        If the shape is another, there is no case, or a value isn't finite.
    """
    found, wanted = tuple(values.shape[1:]), None if shape is None else tuple(shape)
    if not values.size or (wanted is not None and found != wanted):
        raise TrainingError(
            f"{whose}: {what} have the shape {values.shape} and a case must have {wanted or 'values'}; give such"
        )
    if cases is not None and len(values) != cases:
        raise TrainingError(f"{whose}: there are {what} of {len(values)} cases beside {cases} others; give all of each")
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        raise TrainingError(
            f"{whose}: {what} of case {int(np.flatnonzero(~finite)[0])} have values that aren't finite; scale them "
            "with ValueRange, or leave the case out"
        )
    return torch.from_numpy(np.array(values, dtype=np.float32))


def checked_mask(whose: str, mask: NDArray[np.generic], shape: Sequence[int] | None, cases: int | None) -> Tensor:
    """As `checked`, of masks (case, *space) of the wall.

    Raises
    ------
    TrainingError
        As `checked`; or if a value is neither 0 nor 1, or a case has no wall.
    """
    tensor = checked(whose, "masks", mask, shape, cases)
    if not ((tensor == 0) | (tensor == 1)).all():
        raise TrainingError(f"{whose}: masks hold values other than 0 and 1; give True in the wall and False elsewhere")
    empty = (tensor.flatten(1).sum(dim=1) == 0).nonzero()
    if len(empty):
        raise TrainingError(f"{whose}: the mask of case {int(empty[0, 0])} has no wall; leave the case out")
    return tensor


def in_batches(tensors: Mapping[str, Tensor], size: int, device: torch.device) -> Iterator[tuple[slice, list[Tensor]]]:
    """So many cases of each tensor at a time on the device, and which."""
    cases = len(next(iter(tensors.values())))
    for first in range(0, cases, size):
        part = slice(first, first + size)
        yield part, [tensor[part].to(device) for tensor in tensors.values()]
