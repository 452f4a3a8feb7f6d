"""Networks and baselines that have learnt from the same maps, as functions for every setting of study 2.

A `Method` is told potentials and wall of test cases and cannot be told anything else. What is `Shown` a map gives it
back from fewer numbers: that is what autoencoders of maps are for, but of a conditional network it is no prediction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from transmural.cohorts.image_splits import ImageScaling
from transmural.evaluation.image_baselines import KnownMaps, MapBaselines, PrincipalSubspace
from transmural.evaluation.image_metrics import PredictedMaps
from transmural.networks import bsp_vae, conditional_vae, map_vae
from transmural.networks.saved import TrainedNetwork

Singles = NDArray[np.float32]

SHOWN = "cvae_shown"
"""The published network, shown the true map: no prediction."""
PUBLISHED = "cvae"
_DRAWN = 16  # cases whose samples are held at a time
_WATCHED = 64  # validation maps at most, from which the error left over is taken


@dataclass(frozen=True, eq=False)
class Conditions:
    """What is known of cases whose maps are asked for.

    Attributes
    ----------
    bsp
        Potentials in mV, shape (case, electrode row, electrode column, time).
    mask
        Walls, shape (case, *space).
    seeds
        Of each case's draws.
    """

    bsp: Singles
    mask: NDArray[np.bool_]
    seeds: Sequence[int]

    def of(self, cases: Sequence[int]) -> "Conditions":
        """Those of some of the cases."""
        return Conditions(self.bsp[cases], self.mask[cases], [self.seeds[case] for case in cases])


Method = Callable[[Conditions], PredictedMaps]
Shown = Callable[[Conditions, Singles], PredictedMaps]
Repeated = Callable[[Singles], Singles]
"""From scaled potentials to scaled potentials, both (case, electrode row, electrode column, time)."""


class ImageMethods:
    """All methods of one cohort and one split.

    Parameters
    ----------
    networks
        Trained networks by form.
    training, validation
        Maps from which all of them learn.
    scaling
        Scales of the training.
    draws
        Maps that a conditional network draws of a case.
    """

    def __init__(
        self,
        networks: Mapping[str, TrainedNetwork],
        training: KnownMaps,
        validation: KnownMaps,
        scaling: ImageScaling,
        draws: int,
    ) -> None:
        self._networks, self._training, self._scaling, self._draws = networks, training, scaling, draws
        self._watched = KnownMaps(validation.maps[:_WATCHED], validation.bsp[:_WATCHED], validation.mask[:_WATCHED])
        self._baselines = MapBaselines(training, validation)

    def potentials(self) -> dict[str, Repeated]:
        """What makes potentials of potentials."""
        network = self._networks["bsp_vae"]
        known = self._scaling.bsp.scaled(self._training.bsp)
        components = PrincipalSubspace.of(known, network.description["settings"]["latent"])
        mean = known.mean(axis=0, dtype=np.float64).astype(np.float32)
        return {
            "vae": partial(bsp_vae.reconstruct, network),
            "pca": components.projected,
            "mean_bsp": lambda bsp: np.broadcast_to(mean, bsp.shape),
        }

    def maps(self) -> dict[str, Shown]:
        """What makes maps of maps."""
        network = self._networks["map_vae"]
        components = PrincipalSubspace.of(self._training.maps, network.description["settings"]["latent"])
        return {
            "vae": lambda _, maps: PredictedMaps(map_vae.reconstruct(network, maps)),
            "pca": lambda _, maps: PredictedMaps(components.projected(maps)),
            "mean_map": lambda given, _: PredictedMaps(self._baselines.mean_map(given.mask)),
        }

    def conditional(self) -> dict[str, Method]:
        """What makes maps of potentials and walls: every conditional network, and the baselines."""
        names = [name for name in self._networks if name.startswith(PUBLISHED)]
        drawn: dict[str, Method] = {name: self._sampled(self._networks[name]) for name in names}
        return drawn | {
            "mean_map": lambda given: PredictedMaps(self._baselines.mean_map(given.mask)),
            "nearest_map": lambda given: PredictedMaps(self._baselines.nearest_map(given.bsp, given.mask)),
            "ridge": lambda given: PredictedMaps(self._baselines.ridge(given.bsp, given.mask)),
        }

    def _sampled(self, network: TrainedNetwork) -> Method:
        """Samples of a network, with the error that it has on validation maps, found when it is first asked."""

        @cache
        def left_over() -> float:
            watched = self._watched
            found = _drawn(network, self._draws, Conditions(watched.bsp, watched.mask, range(len(watched.mask))))
            squares = ((found.maps - watched.maps) ** 2)[watched.mask]
            return float(np.sqrt(squares.mean(dtype=np.float64)))

        return lambda given: replace(_drawn(network, self._draws, given), left_over=left_over())

    def shown(self) -> dict[str, Shown]:
        """The published conditional network where it is shown the true map."""
        network = self._networks[PUBLISHED]
        return {
            SHOWN: lambda given, maps: PredictedMaps(conditional_vae.reconstruct(network, maps, given.bsp, given.mask))
        }


def _drawn(network: TrainedNetwork, draws: int, given: Conditions) -> PredictedMaps:
    """Mean and deviation of the samples of each case, which don't depend on what other cases there are."""
    mean, deviation = (np.empty(given.mask.shape, np.float32) for _ in range(2))
    # Samples of all cases together would be gigabytes.
    for first in range(0, len(given.seeds), _DRAWN):
        part = slice(first, first + _DRAWN)
        samples = conditional_vae.sample(
            network, given.bsp[part], given.mask[part], draws, given.seeds[part], batch_cases=1
        )
        mean[part], deviation[part] = samples.mean(axis=1), samples.std(axis=1, ddof=1)
    return PredictedMaps(mean, deviation, draws)
