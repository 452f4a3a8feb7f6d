"""Values as shares of the training's range, as a sigmoid gives them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

    @property
    def span(self) -> float:
        """From the least to the greatest value."""
        return self.highest - self.lowest

    def scaled(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """Values as a share of the range, beyond 0 and 1 where data exceed the training's; 0 where not a number."""
        shares: NDArray[np.float32] = ((values - self.lowest) / self.span).astype(np.float32)
        return np.where(np.isnan(shares), np.float32(0), shares)

    def unscaled(self, shares: NDArray[np.floating]) -> NDArray[np.float32]:
        """The inverse of `scaled`, except that what was not a number becomes `lowest`."""
        return (self.lowest + shares * self.span).astype(np.float32)
