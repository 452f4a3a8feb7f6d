"""Maps and potentials without a network: what a network must beat to have learnt something.

Of activation maps: the mean map knows no potentials at all, the nearest map is the training map whose potentials are
nearest, and ridge regression the best linear map from potentials. Walls differ, so training maps are extended to the
whole image, every cell outside of a wall having the time of the nearest cell inside, before they are averaged or
regressed; what is predicted is cut by the wall that is asked for. Of what autoencoders reconstruct: as many principal
components as they have latent variables.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from transmural.cohorts.image_splits import ImageScaling
from transmural.cohorts.recording_splits import EcgScaling
from transmural.evaluation.sequence_baselines import ecg_ridge, leading_axes
from transmural.inverse.nearest_beat import nearest

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class KnownMaps:
    """Maps that methods may learn from.

    Attributes
    ----------
    maps
        Scaled to [0, 1], 0 outside of the wall, shape (case, *space).
    bsp
        Potentials in mV, shape (case, electrode row, electrode column, time).
    mask
        Walls, shape (case, *space).
    """

    maps: Singles
    bsp: Singles
    mask: Mask

    @classmethod
    def of(cls, images: xr.Dataset, scaling: ImageScaling) -> "KnownMaps":
        """Those of simulated images."""
        maps = scaling.maps.scaled(images["activation_time"].values)
        return cls(maps, images["bsp"].values, images["mask"].values)


class MapBaselines:
    """Baselines that predict maps, taught once; each gives scaled images, 0 outside of the walls asked for.

    Parameters
    ----------
    training
        Maps to learn from.
    validation
        Maps that choose the weight of the ridge.

    Raises
    ------
    ConfigurationError
        If the potential of an electrode is the same in all training maps.
    InferenceError
        If there are fewer than two training maps.
    """

    def __init__(self, training: KnownMaps, validation: KnownMaps) -> None:
        # Only cells that are wall in a training map are learnt; elsewhere the nearest of them stands in.
        self._cells = np.asarray(training.mask.any(axis=0))
        self._place = self._cells.ravel().cumsum().reshape(self._cells.shape)[nearest_wall(self._cells)] - 1
        self._bsp = _leads(training.bsp)
        self._maps, chosen_by = (extended(each.maps, each.mask)[:, self._cells] for each in (training, validation))
        self._mean = self._maps.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._scaling = EcgScaling.of(self._bsp)
        self._ridge = ecg_ridge(
            self._scaling.scaled(self._bsp), self._maps[:, None],
            self._scaling.scaled(_leads(validation.bsp)), chosen_by[:, None],
        )  # fmt: skip

    def mean_map(self, mask: Mask) -> Singles:
        """Mean of the training maps, in walls (case, *space)."""
        return self._cut(np.broadcast_to(self._mean, (len(mask), self._mean.size)), mask)

    def nearest_map(self, bsp: Singles, mask: Mask) -> Singles:
        """Training map with the least Euclidean distance of potentials in mV, in walls (case, *space)."""
        return self._cut(self._maps[nearest(_leads(bsp), self._bsp)[0]], mask)

    def ridge(self, bsp: Singles, mask: Mask) -> Singles:
        """Ridge regression from potentials, every electrode standardised, in walls (case, *space)."""
        return self._cut(self._ridge.tmp(self._scaling.scaled(_leads(bsp)))[:, 0], mask)

    def _cut(self, values: Singles, mask: Mask) -> Singles:
        return np.where(mask, values[:, self._place], np.float32(0))


@dataclass(frozen=True, eq=False)
class PrincipalSubspace:
    """Mean of some images and the directions in which they differ most.

    Attributes
    ----------
    mean
        Shape of an image.
    axes
        Orthonormal, shape (pixel, axis).
    """

    mean: Doubles
    axes: Doubles

    @classmethod
    def of(cls, images: Singles, count: int) -> "PrincipalSubspace":
        """That of images (case, *shape) with so many axes, or fewer where they don't differ in so many.

        Raises
        ------
        InferenceError
            If there are fewer than two images, or all are the same.
        """
        mean = np.asarray(images.mean(axis=0, dtype=np.float64))
        return cls(mean, leading_axes(_flat(images, mean), count)[1])

    def projected(self, images: Singles) -> Singles:
        """What is left of images (case, *shape) in the subspace; same shape."""
        change = _flat(images, self.mean) @ self.axes @ self.axes.T
        return np.asarray(self.mean + change.reshape(images.shape), dtype=np.float32)


def extended(maps: Singles, mask: Mask) -> Singles:
    """Maps whose cells outside of the wall have the value of the nearest cell inside, shape (case, *space)."""
    found = np.empty_like(maps)
    place: tuple[NDArray[np.int32], ...] = ()
    for case, wall in enumerate(mask):
        # Maps of a heart follow one another, and have one wall.
        if not case or not np.array_equal(wall, mask[case - 1]):
            place = nearest_wall(wall)
        found[case] = maps[case][place]
    return found


def nearest_wall(wall: Mask) -> tuple[NDArray[np.int32], ...]:
    """Indices along every axis of the wall's cell nearest to each cell of the image, each of the wall's shape."""
    return tuple(distance_transform_edt(~wall, return_distances=False, return_indices=True))


def _leads(bsp: Singles) -> Singles:
    """Potentials (case, electrode row, electrode column, time) with electrodes along one axis."""
    return bsp.reshape(len(bsp), -1, bsp.shape[-1])


def _flat(images: Singles, mean: Doubles) -> Doubles:
    return (images - mean).reshape(len(images), -1)
