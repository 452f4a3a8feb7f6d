"""Test maps of study 2 that were kept for figures, and what methods predict of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.report.image_labels import setting_words
from transmural.report.quantities import rounded
from transmural.report.style import readable

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]


class KeptMap(NamedTuple):
    """A test map of a setting and what methods predict of it; arrays have the shape of its image.

    Attributes
    ----------
    words
        Which case it is.
    mask, slow, truth
        Wall, slow region, and activation times in ms, NaN outside the wall.
    pacing_mm
        Pacing zones x, y, z from the centre of the image, shape (zone, 3).
    predicted, spread
        Predicted times and standard deviations of samples in ms by method, of those that have any.
    """

    words: str
    mask: Mask
    slow: Mask
    truth: Floats
    pacing_mm: Floats
    predicted: Mapping[str, Floats]
    spread: Mapping[str, Floats]

    def error(self, method: str) -> Floats:
        """Predicted less true time in ms."""
        return np.asarray(self.predicted[method] - self.truth)

    def mean_error(self, method: str) -> str:
        """Mean absolute error in words."""
        return f"{rounded(float(np.nanmean(np.abs(self.error(method)))), 1)} ms"


def kept_of(kept: xr.Dataset, setting: str, places: Sequence[str] = ("best", "median", "worst")) -> list[KeptMap]:
    """The kept maps of a setting.

    Parameters
    ----------
    kept
        Contract PREDICTED_MAPS or PREDICTED_VOLUMES.
    setting
        Name of the setting; there may be none of it.
    places
        Which of its cases, in order.
    """
    found = []
    for place in places:
        for row in np.flatnonzero((kept["setting"].values == setting) & (kept["place"].values == place)):
            one = kept.isel(case=int(row))
            pacing = one["pacing_position"].values
            found.append(
                KeptMap(
                    f"{place.capitalize()}: {readable(str(one['heart'].values))}, map {int(one['number'])}",
                    one["mask"].values,
                    one["slow"].values,
                    one["activation_time"].values,
                    pacing[np.isfinite(pacing).all(axis=-1)],
                    _by_method(one, "predicted"),
                    _by_method(one, "deviation"),
                )
            )
    return found


def headed(setting: str, kept: KeptMap) -> str:
    """A kept map in words, with its setting."""
    return f"{setting_words(setting)}. {kept.words}"


def _by_method(one: xr.Dataset, name: str) -> dict[str, Floats]:
    """Values of those methods that have any."""
    pairs = zip(map(str, one["method"].values), one[name].values, strict=True)
    return {method: values for method, values in pairs if np.isfinite(values).any()}
