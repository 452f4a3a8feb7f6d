"""The rich training cohort: every beat has an origin and a scar of its own.

Where the published design crosses some fifty origins with seventeen tissues, here thousands of beats fill the space
of both: an origin anywhere in the wall, uniform by volume, and a scar anywhere in the left ventricle, drawn as those of
the tests are; a share of the hearts is healthy. «Unseen» must still hold, so no beat starts near an origin of a test or
validation case, and no scar is nearly one of theirs. Every beat draws from its own stream and depends on no other, so
more beats change none of the earlier ones.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from transmural.cohorts.cases import Case, as_dataset
from transmural.cohorts.heart import Heart
from transmural.cohorts.origins import clear_of
from transmural.cohorts.plan import RICH, STUDY
from transmural.cohorts.scar_configurations import OverlapsWith, Tissue, draw_scar, healthy_tissue, overlaps
from transmural.stores.config import RichDesign, Simulation
from transmural.stores.errors import GeometryError
from transmural.stores.random_streams import case_generators

_FIRST_NEW = 50_000
_SCAR_DRAWS = 300
_ORIGIN_DRAWS = 64


def rich_cohort(
    anatomy: xr.Dataset,
    apart: Mapping[str, xr.Dataset],
    study: RichDesign,
    simulation: Simulation,
    seed: int,
    subject: str,
) -> xr.Dataset:
    """Origins and tissues of the rich training cohort of a subject.

    Parameters
    ----------
    anatomy
        Of the subject (`contracts.ANATOMY`).
    apart
        Test and validation cohorts (`contracts.COHORT`) from whose origins and scars the beats keep apart.
    study
        Size of the cohort and of scars, and how far it keeps from the cases of ``apart``.
    simulation
        Threshold parameter a of healthy tissue and of scars.
    seed
        Of the run. Streams are named by study, subject, cohort and case.
    subject
        Name of the subject.

    Returns
    -------
    Dataset that fulfils `contracts.COHORT`. Numbers of origins and of scars are new ones; healthy tissue is 0.
    Attributes say what was reached: for the cases of ``apart``, the distance (mm) to the nearest origin and the Dice
    overlap, on the voxels, with the nearest scar of this cohort, at worst and in the median.

    Raises
    ------
    GeometryError
        If the heart has no room for the design; names the subject and the key to relax.
    """
    heart = Heart.of(anatomy)
    streams = case_generators(seed, STUDY, subject, RICH, cases=range(study.rich.beats))
    try:
        beats = _Beats(heart, list(apart.values()), study, simulation)
        cases = [beats.draw(stream) for stream in streams]
    except GeometryError as error:
        raise GeometryError(f"{subject}: {error}") from None
    cohort = as_dataset(cases, heart, _FIRST_NEW, beats.reached(cases))
    return cohort.assign_attrs(study=STUDY, cohort=RICH, subject=subject, seed=seed)


class _Beats:
    """Draws beats apart from the cases of other cohorts."""

    def __init__(self, heart: Heart, apart: list[xr.Dataset], study: RichDesign, simulation: Simulation) -> None:
        self._heart = heart
        self._study = study
        self._simulation = simulation
        self._kept_origins = np.unique(np.concatenate([cohort["origin"].values for cohort in apart]), axis=0)
        scars = np.unique(np.concatenate([cohort["scar_voxel"].values for cohort in apart]), axis=0)
        self._kept_scars = scars[scars.any(axis=1)]
        self._overlaps = OverlapsWith(self._kept_scars)
        distance = study.rich.origin_distance_mm
        self._sites = np.flatnonzero(clear_of(heart.position_mm, self._kept_origins, distance))
        if len(self._sites) == 0:
            raise GeometryError(
                f"no voxel lies at least {distance:g} mm (generative_em.rich.origin_distance_mm) from all "
                f"{len(self._kept_origins)} test and validation origins; lower that distance or the number of cases"
            )
        self._centres = np.flatnonzero(heart.left_ventricle)

    def draw(self, generator: np.random.Generator) -> Case:
        """One beat from its own stream."""
        if generator.uniform() < self._study.rich.healthy_share:
            tissue = healthy_tissue(len(self._heart.position_mm), self._simulation)
            return Case(int(generator.choice(self._sites)), tissue, tissue_id=0)
        crowded = 0
        for _ in range(_SCAR_DRAWS):
            tissue = self._scar(generator)
            if self._overlaps(tissue.scar[None]).max(initial=0.0) > self._study.rich.scar_overlap_max:
                continue
            if (origin := self._origin(tissue, generator)) is not None:
                return Case(origin, tissue)
            crowded += 1
        raise self._no_room(crowded)

    def reached(self, cases: list[Case]) -> dict[str, float | int]:
        """How near the beats come to the cases that they keep apart from, at worst and in the median."""
        origin = np.unique([case.origin for case in cases])
        distance = np.asarray(cKDTree(self._heart.position_mm[origin]).query(self._kept_origins)[0])
        found: dict[str, float | int] = {
            "distinct_origins": len(origin),
            "least_distance_from_test_origins_mm": float(distance.min()),
            "median_distance_from_test_origins_mm": float(np.median(distance)),
        }
        scars = [case.tissue.scar for case in cases if case.tissue_id is None]
        if scars and len(self._kept_scars):
            overlap = overlaps(self._kept_scars, np.stack(scars)).max(axis=1)
            found["largest_overlap_with_test_scars"] = float(overlap.max())
            found["median_overlap_with_test_scars"] = float(np.median(overlap))
        return found

    def _scar(self, generator: np.random.Generator) -> Tissue:
        centre = int(generator.choice(self._centres))
        return draw_scar(self._heart, centre, self._study.scars, self._simulation, generator)

    def _origin(self, tissue: Tissue, generator: np.random.Generator) -> int | None:
        """A site away from the scar, uniform by volume; None if none of many is."""
        # Drawing until one suits is far cheaper than measuring all sites.
        draws = generator.choice(self._sites, size=_ORIGIN_DRAWS)
        distance = self._study.unseen.origin_scar_distance_mm
        clear = tissue.clear_sites(draws, self._heart.position_mm, distance)
        return int(draws[np.argmax(clear)]) if clear.any() else None

    def _no_room(self, crowded: int) -> GeometryError:
        if crowded:
            return GeometryError(
                f"{crowded} of {_SCAR_DRAWS} scars of the rich cohort leave no origin "
                f"{self._study.unseen.origin_scar_distance_mm:g} mm away to start from; lower "
                "generative_em.unseen.origin_scar_distance_mm or generative_em.scars.radius_max_mm"
            )
        return GeometryError(
            f"each of {_SCAR_DRAWS} scars of the rich cohort overlaps a test or validation scar by more than "
            f"{self._study.rich.scar_overlap_max:g} (generative_em.rich.scar_overlap_max); raise the limit"
        )
