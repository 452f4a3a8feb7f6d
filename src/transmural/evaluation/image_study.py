"""What study 2 tests: autoencoders of potentials and of maps, and activation maps from potentials and walls.

Settings: ``bsp_vae`` (potentials given back), ``map_vae`` (maps given back) and ``cvae_2d`` (maps of slices from
potentials), all on maps dealt at random, as published; the same with ``_heart_out`` on hearts of which nothing was
learnt; and ``cvae_3d``, maps of whole hearts, held out likewise.
"""

from collections.abc import Mapping
from time import perf_counter

import numpy as np
import pandas as pd
import xarray as xr

from transmural.cohorts.image_splits import ImageScaling, parts_of
from transmural.cohorts.recording_splits import PARTS
from transmural.evaluation.examples import examples, together
from transmural.evaluation.image_baselines import KnownMaps
from transmural.evaluation.image_kept import kept_maps, kept_potentials
from transmural.evaluation.image_methods import Conditions, ImageMethods, Method, Shown
from transmural.evaluation.image_metrics import TrueMaps
from transmural.evaluation.image_scores import ScoredCases, score_maps, score_potentials
from transmural.networks.saved import TrainedNetwork
from transmural.stores.config.images import ConditionalVAEStudy, ImageCohort, ImageSplit, ImageTraining
from transmural.stores.random_streams import case_generator

Scored = tuple[pd.DataFrame, xr.Dataset]

STUDY = "conditional_vae"


class ImageStudy:
    """Everything that is scored, from simulated images and trained networks.

    Parameters
    ----------
    slices, volumes
        All maps of the study (contracts ACTIVATION_IMAGES, ACTIVATION_VOLUMES), shards concatenated.
    networks
        Every network of ``study.trainings``.
    study
        Settings.
    seed
        Seed of the run, which parts the maps and draws the samples of conditional networks.
    """

    def __init__(
        self,
        slices: xr.Dataset,
        volumes: xr.Dataset,
        networks: Mapping[ImageTraining, TrainedNetwork],
        study: ConditionalVAEStudy,
        seed: int,
    ) -> None:
        self._images: dict[ImageCohort, xr.Dataset] = {"slices": slices, "volumes": volumes}
        self._networks, self._study, self._seed = networks, study, seed

    def scores(self) -> tuple[pd.DataFrame, xr.Dataset, xr.Dataset, xr.Dataset]:
        """Tidy scores of every setting (`image_scores`), and what is kept for figures.

        Returns
        -------
        Scores; potentials (contract PREDICTED_BSPS), slices (PREDICTED_MAPS) and volumes (PREDICTED_VOLUMES) that are
        predicted best, in the middle and worst: potentials by the autoencoder's squared error, maps by the absolute
        error of the autoencoder, or of the conditional network of ours.

        Raises
        ------
        ConfigurationError
            If a part of a split has no maps.
        InferenceError
            If a baseline can't learn, or something can't be scored.
        """
        rows: list[pd.DataFrame] = []
        potentials: list[xr.Dataset] = []
        slices: list[xr.Dataset] = []
        suffixes: dict[ImageSplit, str] = {"random": "", "heart_out": "_heart_out"}
        for split, suffix in suffixes.items():
            test = self._test("slices", split)
            for kept, (scores, drawn) in (
                (potentials, test.potentials(f"bsp_vae{suffix}")),
                (slices, test.maps(f"map_vae{suffix}")),
                (slices, test.conditional(f"cvae_2d{suffix}")),
            ):
                rows.append(scores)
                kept.append(drawn)
        scores, volumes = self._test("volumes", "heart_out").conditional("cvae_3d")
        return pd.concat([*rows, scores], ignore_index=True), together(potentials), together(slices), volumes

    def _test(self, cohort: ImageCohort, split: ImageSplit) -> "_SplitTest":
        networks = {
            training.form: network
            for training, network in self._networks.items()
            if (training.cohort, training.split) == (cohort, split)
        }
        return _SplitTest(self._images[cohort], networks, self._study, self._seed, split)


class _SplitTest:
    """The test maps of one cohort and split, and the methods that have learnt from its training maps."""

    def __init__(
        self,
        images: xr.Dataset,
        networks: Mapping[str, TrainedNetwork],
        study: ConditionalVAEStudy,
        seed: int,
        split: ImageSplit,
    ) -> None:
        part = parts_of(images, split, study, seed)
        training, validation, test = (images.isel(case=np.flatnonzero(part == name)) for name in PARTS)
        self._scaling = ImageScaling.of(training)
        known = [KnownMaps.of(each, self._scaling) for each in (training, validation)]
        self._methods = ImageMethods(networks, known[0], known[1], self._scaling, study.samples)
        hearts = [str(name) for name in test["heart"].values]
        # A map's own number, with its heart, names its stream: maps of other hearts move no draw.
        streams = zip(hearts, test["case"].values, strict=True)
        seeds = [int(case_generator(seed, STUDY, "draws", *stream).integers(2**31)) for stream in streams]
        self._given = Conditions(test["bsp"].values, test["mask"].values, seeds)
        self._maps = self._scaling.maps.scaled(test["activation_time"].values)
        self._truth = TrueMaps(test, self._scaling.maps)
        numbers = np.flatnonzero(part == PARTS[2])
        self._test = test.assign_coords(case=numbers)
        self._tested = ScoredCases(hearts, [int(number) for number in numbers])

    def potentials(self, setting: str) -> Scored:
        """What autoencoders make of potentials."""
        scale, truth, methods = self._scaling.bsp, self._given.bsp, self._methods.potentials()
        shown = scale.scaled(truth)
        found = {name: scale.unscaled(method(shown)) for name, method in methods.items()}
        scores = pd.concat(
            [
                score_potentials(self._tested, truth, predicted, scale.span, setting, name)
                for name, predicted in found.items()
            ],
            ignore_index=True,
        )
        places = _places(scores, "vae", "mse")
        chosen = list(places.values())
        return scores, kept_potentials(self._test.isel(case=chosen), setting, list(places), found["vae"][chosen])

    def maps(self, setting: str) -> Scored:
        """What autoencoders make of maps."""
        return self._scored(setting, self._methods.maps(), "vae")

    def conditional(self, setting: str) -> Scored:
        """Maps from potentials and walls."""
        predicted = {name: _never_shown(method) for name, method in self._methods.conditional().items()}
        return self._scored(setting, predicted | self._methods.shown(), "cvae_conditioned")

    def _scored(self, setting: str, methods: Mapping[str, Shown], drawn_by: str) -> Scored:
        """Scores of all methods, and the cases that ``drawn_by`` predicts best, in the middle and worst."""
        rows = []
        # One at a time: the predictions of all methods together are gigabytes.
        for name, method in methods.items():
            started = perf_counter()
            predicted = method(self._given, self._maps)
            seconds = (perf_counter() - started) / len(self._maps)
            rows.append(score_maps(self._tested, self._truth, predicted, seconds, setting, name))
        scores = pd.concat(rows, ignore_index=True)
        places = _places(scores, drawn_by, "mae_ms")
        chosen = list(places.values())
        given, maps = self._given.of(chosen), self._maps[chosen]
        found = {name: method(given, maps) for name, method in methods.items()}
        return scores, kept_maps(self._test.isel(case=chosen), setting, list(places), found, self._scaling.maps)


def _never_shown(method: Method) -> Shown:
    return lambda given, _: method(given)


def _places(scores: pd.DataFrame, method: str, metric: str) -> dict[str, int]:
    """Rows of the test cases that a method predicts best, in the middle and worst."""
    chosen = scores[(scores["method"] == method) & (scores["metric"] == metric)]
    return examples(chosen["value"].to_numpy())
