"""What the autoencoders of images are given: checked arrays, and values scaled by the training's range."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.stores.errors import TrainingError


@dataclass(frozen=True)
class ValueRange:
    """Least and greatest value of the training data, which become 0 and 1.

    Attributes
    ----------
    lowest, highest
        In the unit of the data.
    """

    lowest: float
    highest: float

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "ValueRange":
        """That of the values, whatever isn't a number left out.

        Raises
        ------
        TrainingError
            If they have no range.
        """
        known = values[np.isfinite(values)]
        if not known.size or known.min() == known.max():
            raise TrainingError("values that are all the same, or none, can't be scaled; give data that differ")
        return cls(float(known.min()), float(known.max()))

    def scaled(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Values as a share of the range, beyond 0 and 1 where data exceed the training's; 0 where not a number."""
        shares: NDArray[np.float32] = ((values - self.lowest) / (self.highest - self.lowest)).astype(np.float32)
        return np.where(np.isnan(shares), np.float32(0), shares)

    def unscaled(self, shares: NDArray[np.floating]) -> NDArray[np.float32]:
        """The inverse of `scaled`, except that what was not a number becomes `lowest`."""
        return (self.lowest + shares * (self.highest - self.lowest)).astype(np.float32)


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
