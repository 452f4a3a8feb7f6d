"""Which activation images train a network, choose it and test it, and the scales that training gives.

A random split, as published, leaves every heart in all parts. Held-out hearts ask for what a network does on a wall
that it has never seen; what chooses it then are other maps of the training's hearts.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.cohorts.plan import volunteer_name
from transmural.cohorts.recording_splits import PARTS, UNUSED
from transmural.cohorts.value_range import ValueRange
from transmural.stores.config.images import ImageParts, ImageSplit
from transmural.stores.errors import ConfigurationError
from transmural.stores.random_streams import case_generator


def parts_of(images: xr.Dataset, split: ImageSplit, study: ImageParts, seed: int) -> NDArray[np.str_]:
    """Part of every map: "training", "validation", "test" or "unused".

    Parameters
    ----------
    images
        All maps of a cohort (`contracts.ACTIVATION_IMAGES` or `ACTIVATION_VOLUMES`).
    split
        ``random``: maps are dealt. ``heart_out``: the study's last hearts test, the first maps of each and no
        more than ``test_maps``; maps of the others are dealt.
    study
        Hearts and shares.
    seed
        Of the run.

    Returns
    -------
    NDArray
        Shape (case,); every part but "unused" has a map.

    Raises
    ------
    ConfigurationError
        If a heart isn't one of the study's, or a part remains empty.
    """
    hearts = images["heart"].values.astype(str)
    draw = case_generator(seed, "conditional_vae", "split", split)
    parts = np.full(len(hearts), PARTS[0], dtype="<U10")
    if split == "random":
        tested = draw.permutation(len(hearts))[: _count(study.test_share, len(hearts))]
    else:
        held_out = [np.flatnonzero(hearts == heart) for heart in _test_hearts(study, hearts)]
        parts[np.concatenate(held_out)] = UNUSED
        tested = np.concatenate([maps[: study.test_maps] for maps in held_out])
    parts[tested] = PARTS[2]
    rest = draw.permutation(np.flatnonzero(parts == PARTS[0]))
    parts[rest[: _count(study.validation_share, len(rest))]] = PARTS[1]
    empty = [part for part in PARTS if part not in parts]
    if empty:
        raise ConfigurationError(
            f"conditional_vae: {split} leaves no map for {', '.join(empty)} of {len(hearts)} maps; there must be more"
            " maps of a heart, or more hearts"
        )
    return parts


@dataclass(frozen=True)
class ImageScaling:
    """Ranges of activation times in the wall, ms, and of potentials, mV, over training maps."""

    maps: ValueRange
    bsp: ValueRange

    @classmethod
    def of(cls, training: xr.Dataset) -> "ImageScaling":
        """Those of training maps.

        Raises
        ------
        TrainingError
            If times or potentials are all the same.
        """
        return cls(ValueRange.of(training["activation_time"].values), ValueRange.of(training["bsp"].values))


def _test_hearts(study: ImageParts, found: NDArray[np.str_]) -> list[str]:
    hearts = [*map(volunteer_name, range(study.hearts)), *study.subjects]
    unknown = sorted(set(found.tolist()) - set(hearts))
    if unknown:
        raise ConfigurationError(
            f"conditional_vae: maps are of {', '.join(unknown)}, which the study doesn't have; its hearts are"
            f" {', '.join(hearts)}"
        )
    return hearts[-study.test_hearts :]


def _count(share: float, maps: int) -> int:
    return max(1, round(share * maps))
