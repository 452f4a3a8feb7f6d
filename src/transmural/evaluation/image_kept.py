"""Predictions of a few cases that figures show, as stores hold them."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.cohorts.value_range import ValueRange
from transmural.evaluation.image_metrics import PredictedMaps

Singles = NDArray[np.float32]

_MAP_VARIABLES = ("heart", "mask", "slow", "activation_time", "pacing_position")


def kept_potentials(images: xr.Dataset, setting: str, places: Sequence[str], predicted: Singles) -> xr.Dataset:
    """Potentials of a few cases and what the autoencoder makes of them (`contracts.PREDICTED_BSPS`).

    Parameters
    ----------
    images
        The cases; their numbers are the coordinate ``case``.
    setting, places
        Name of the setting, and place of every case.
    predicted
        In mV, shape of the potentials.
    """
    about = images[["heart", "bsp"]]
    return _named(about.assign(predicted=(images["bsp"].dims, predicted)), images, setting, places)


def kept_maps(
    images: xr.Dataset, setting: str, places: Sequence[str], predicted: Mapping[str, PredictedMaps], scale: ValueRange
) -> xr.Dataset:
    """Maps of a few cases and what every method predicts (`contracts.PREDICTED_MAPS` or `PREDICTED_VOLUMES`).

    Parameters
    ----------
    images, setting, places
        As for `kept_potentials`.
    predicted
        Of these cases, by method.
    scale
        Range of the training's activation times, by which predictions are scaled.
    """
    mask, dims = images["mask"].values, ("method", *images["mask"].dims)
    nothing = np.full(mask.shape, np.nan, np.float32)
    maps = [np.where(mask, scale.unscaled(found.maps), nothing) for found in predicted.values()]
    deviations = [
        nothing if found.deviation is None else np.where(mask, np.float32(scale.span) * found.deviation, nothing)
        for found in predicted.values()
    ]
    about = images[list(_MAP_VARIABLES)].assign(
        predicted=(dims, np.stack(maps)), deviation=(dims, np.stack(deviations))
    )
    return _named(about.assign_coords(method=list(predicted)), images, setting, places)


def _named(about: xr.Dataset, images: xr.Dataset, setting: str, places: Sequence[str]) -> xr.Dataset:
    named = about.assign(
        setting=("case", [setting] * len(places)), place=("case", list(places)), number=("case", images["case"].values)
    )
    return named.drop_vars("case").assign_attrs(images.attrs)
