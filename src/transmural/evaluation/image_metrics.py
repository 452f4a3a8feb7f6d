"""Metrics of activation maps on images of walls: as published, and beside it what tells methods apart.

Published (Bacoyannis et al. 2019, section 4): the mean squared error, of maps on a scale that isn't stated. Three are
given here: cells of the wall with times scaled to [0, 1] by the training's range (``mse``), the same over the whole
image with 0 outside of the wall (``mse_image``), and cells of the wall with both maps scaled by the true map's own
range (``mse_own``). Errors in ms don't depend on a scale.

``pacing_mm`` is the distance of the earliest cell from the nearest pacing zone. ``slow_auc`` asks whether slow regions
can be seen: how well the slowness |∇T| tells their cells from the others, as the area under the ROC curve.

The deviation of samples is worth something if it is large where the error is (``deviation_correlation``) and if
intervals mean ± z · deviation hold as much of the truth as they say (``coverage_*``). Samples differ in what latent
variables say; what the decoder can't know at all is the noise of p(map | latent). ``coverage_*_widened`` adds the mean
squared error on validation maps to the samples' variance. The error of a single sample
follows from that of the mean: the mean of (xᵢ − t)² over n samples is (x̄ − t)² + (n − 1)/n s².
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import rankdata

from transmural.anatomy.heart_images import cell_centres
from transmural.cohorts.value_range import ValueRange
from transmural.evaluation.metrics import correlation, coverage
from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]
Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEVELS = (50, 80, 90)
"""Of the intervals whose coverage is measured, in percent."""


@dataclass(frozen=True, eq=False)
class PredictedMaps:
    """What a method says of some cases, on the scale on which training maps lie within [0, 1].

    Attributes
    ----------
    maps
        Whole images, shape (case, *space); the mean where samples are drawn.
    deviation
        Standard deviation of the samples (n − 1), likewise; None where none are drawn.
    draws
        Samples a case.
    left_over
        Root of the mean squared error of the same method on validation maps.
    """

    maps: Singles
    deviation: Singles | None = None
    draws: int = 0
    left_over: float = 0.0


class TrueMaps:
    """What predictions are compared with.

    Parameters
    ----------
    images
        Cases of a test (`contracts.ACTIVATION_IMAGES` or `ACTIVATION_VOLUMES`) with the attribute ``cell_mm``.
    scale
        Range of the training's activation times.
    """

    def __init__(self, images: xr.Dataset, scale: ValueRange) -> None:
        self._mask, self._slow = images["mask"].values, images["slow"].values
        self._maps, self._span_ms = scale.scaled(images["activation_time"].values), scale.span
        self._cell_mm = float(images.attrs["cell_mm"])
        axes = self._mask.ndim - 1
        self._zones = images["pacing_position"].values[..., :axes]
        # Of a slice, the place along the long axis is that of its pacing zones too.
        edge = self._mask.shape[1]
        self._centres = cell_centres(edge, self._cell_mm, 0.0 if axes == 2 else None)[..., :axes]

    def each_case(self, predicted: PredictedMaps) -> dict[str, Doubles]:
        """Metrics of every case, shape (case,) each.

        Returns
        -------
        ``mse, mse_image, mse_own, mae_ms, correlation, pacing_mm, slow_auc``, the last NaN where no part of the wall is
        slow, or all of it; with a deviation also ``mse_samples, deviation_ms, deviation_correlation``, and
        ``coverage_*`` and ``coverage_*_widened`` of `LEVELS`.

        Raises
        ------
        InferenceError
            If the shape is another than the truth's, or a value in the image isn't finite.
        """
        deviation = predicted.deviation
        self._check(predicted.maps, "activation times")
        found = [self._of_case(case, image) for case, image in enumerate(predicted.maps)]
        if deviation is not None:
            self._check(deviation, "deviations")
            for case, image in enumerate(predicted.maps):
                found[case] |= self._of_samples(case, image, deviation[case], predicted.draws)
                found[case] |= self._coverages(case, image, deviation[case])
                widened = np.hypot(deviation[case], np.float32(predicted.left_over))
                found[case] |= self._coverages(case, image, widened, "_widened")
        return {name: np.array([values[name] for values in found]) for name in found[0]}

    def _of_case(self, case: int, image: Singles) -> dict[str, float]:
        wall = self._mask[case]
        truth, found = self._maps[case][wall].astype(np.float64), image[wall].astype(np.float64)
        squared, own = float(np.mean((found - truth) ** 2)), float(np.ptp(truth))
        return {
            "mse": squared,
            "mse_image": float(np.mean((image.astype(np.float64) - self._maps[case]) ** 2)),
            "mse_own": squared / own**2 if own > 0 else float("nan"),
            "mae_ms": self._span_ms * float(np.mean(np.abs(found - truth))),
            "correlation": float(correlation(_one(truth), _one(found))[0]),
            "pacing_mm": self._pacing_mm(case, found),
            "slow_auc": area_under_curve(apparent_slowness(image, wall, self._cell_mm)[wall], self._slow[case][wall]),
        }

    def _of_samples(self, case: int, image: Singles, deviation: Singles, draws: int) -> dict[str, float]:
        wall = self._mask[case]
        truth, found, spread = (part[wall].astype(np.float64) for part in (self._maps[case], image, deviation))
        error = np.abs(found - truth)
        return {
            "mse_samples": float(np.mean(error**2 + (draws - 1) / draws * spread**2)),
            "deviation_ms": self._span_ms * float(np.mean(spread)),
            "deviation_correlation": float(correlation(_one(error), _one(spread))[0]),
        }

    def _coverages(self, case: int, image: Singles, deviation: Singles, ending: str = "") -> dict[str, float]:
        wall = self._mask[case]
        truth, found, spread = (_one(part[wall].astype(np.float64)) for part in (self._maps[case], image, deviation))
        return {
            f"coverage_{level}{ending}": 100 * float(coverage(truth, found, spread, level / 100)[0]) for level in LEVELS
        }

    def _pacing_mm(self, case: int, found: Doubles) -> float:
        earliest = self._centres[self._mask[case]][int(np.argmin(found))]
        return float(np.nanmin(np.linalg.norm(self._zones[case] - earliest, axis=1)))

    def _check(self, values: Singles, what: str) -> None:
        if values.shape != self._maps.shape:
            raise InferenceError(f"true maps have the shape {self._maps.shape}, predicted {what} {values.shape}")
        for case, image in enumerate(values):
            if not np.isfinite(image).all():
                raise InferenceError(f"the {what} predicted for row {case} aren't finite")


def apparent_slowness(times: Floats, mask: Mask, cell_mm: float) -> Doubles:
    """|∇T| in the wall, to neighbours that are earlier, as a wave comes from there (first order).

    Parameters
    ----------
    times
        Activation times, shape of the mask; outside the wall they aren't read.
    mask
        Cells of the wall.
    cell_mm
        Edge of a cell.

    Returns
    -------
    In the unit of the times per mm, 0 outside the wall, and where no neighbour in the wall is earlier.
    """
    # Later than any neighbour, so that no wave comes from outside of the wall.
    known = np.pad(np.where(mask, times, np.inf).astype(np.float64), 1, constant_values=np.inf)
    inner = (slice(1, -1),) * mask.ndim
    own, squares = np.where(mask, times, 0.0), np.zeros(mask.shape)
    for axis in range(mask.ndim):
        earliest = np.minimum(np.roll(known, 1, axis)[inner], np.roll(known, -1, axis)[inner])
        squares += np.maximum(own - earliest, 0.0) ** 2
    return np.where(mask, np.sqrt(squares) / cell_mm, 0.0)


def area_under_curve(values: Floats, positive: Mask) -> float:
    """Area under the ROC curve: the share of pairs in which the positive one has the larger value, ties counting half.

    Parameters
    ----------
    values, positive
        Of what is told apart, shape (cell,) each.

    Returns
    -------
    In [0, 1]; NaN if all are positive, or none.
    """
    yes = int(np.count_nonzero(positive))
    no = positive.size - yes
    if not yes or not no:
        return float("nan")
    ranks = float(rankdata(values)[positive].sum())
    return (ranks - yes * (yes + 1) / 2) / (yes * no)


def _one(values: Doubles) -> Doubles:
    """As a case of one frame, for the metrics of potentials."""
    return values[None, None]
