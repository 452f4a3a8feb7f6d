"""Test and validation cases, unseen in training by a stated distance (origins) or overlap (scars).

| cohort | origin | scar |
|---|---|---|
| unseen_scar | of training | new |
| unseen_origin | new | of training, or healthy |
| unseen_both | new | new |
| validation | new | new |

Every case draws from its own stream and depends only on the cases before it in its own cohort, so more cases change
none of the earlier ones. New origins and new scar centres of different cohorts come from different parcels of the
heart: no two cohorts share any.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from transmural.cohorts.cases import Case
from transmural.cohorts.heart import Heart
from transmural.cohorts.origins import clear_of, spread_choice
from transmural.cohorts.scar_configurations import Tissue, draw_scar, largest_overlap
from transmural.stores.config import CohortDesign, Simulation
from transmural.stores.errors import GeometryError

PARCELS = {"validation": 0, "unseen_scar": 1, "unseen_origin": 1, "unseen_both": 2}
_SCAR_DRAWS = 300
_SCARS_TO_CHOOSE_FROM = 4


@dataclass(frozen=True, eq=False)
class Training:
    """What the training cohort has shown: its sites (voxels, shape (site,)) and its tissues, healthy first."""

    site: NDArray[np.int64]
    tissues: Sequence[Tissue]


class UnseenCases:
    """Draws the cases of one test or validation cohort.

    Parameters
    ----------
    heart, training
        The heart, and what its training cohort has shown.
    parcel
        Voxels from which new origins and new scar centres are drawn, shape (voxel,).
    study, simulation
        What «unseen» means; size and excitability of scars.
    """

    def __init__(
        self,
        heart: Heart,
        training: Training,
        parcel: NDArray[np.bool_],
        study: CohortDesign,
        simulation: Simulation,
    ) -> None:
        self._heart = heart
        self._training = training
        self._study = study
        self._simulation = simulation
        distance = study.unseen.origin_distance_mm
        unseen = clear_of(heart.position_mm, heart.position_mm[training.site], distance)
        self._new_sites = np.flatnonzero(unseen & parcel)
        self._scar_centres = np.flatnonzero(heart.left_ventricle & parcel)

    def draw(self, setting: str, generators: Sequence[np.random.Generator]) -> list[Case]:
        """One case for each generator, the case's own stream.

        Parameters
        ----------
        setting
            ``"unseen_scar"``, ``"unseen_origin"``, ``"unseen_both"`` or ``"validation"``.
        generators
            Streams of the cases, in order.

        Raises
        ------
        GeometryError
            If the heart has no room for so many unseen cases; names the key to relax and what was reached.
        """
        one: dict[str, Callable[[list[Case], np.random.Generator], Case]] = {
            "unseen_scar": self._unseen_scar,
            "unseen_origin": self._unseen_origin,
            "unseen_both": self._unseen_both,
            "validation": self._unseen_both,
        }
        cases: list[Case] = []
        for generator in generators:
            cases.append(one[setting](cases, generator))
        return cases

    def _unseen_scar(self, earlier: list[Case], generator: np.random.Generator) -> Case:
        sites = self._training.site
        tissue = self._new_scar(earlier, lambda scar: self._clear(sites, scar), generator)
        number = _least_used(np.flatnonzero(self._clear(sites, tissue)), [c.origin_id for c in earlier], generator)
        return Case(int(sites[number]), tissue, origin_id=number)

    def _unseen_origin(self, earlier: list[Case], generator: np.random.Generator) -> Case:
        tissues = self._training.tissues
        # Healthy tissue is the first and suits every origin.
        origin = self._new_origin(earlier, np.ones(len(self._new_sites), dtype=bool), generator)
        suited = np.flatnonzero([self._clear(np.array([origin]), tissue)[0] for tissue in tissues])
        number = _least_used(suited, [c.tissue_id for c in earlier], generator)
        return Case(origin, tissues[number], tissue_id=number)

    def _unseen_both(self, earlier: list[Case], generator: np.random.Generator) -> Case:
        free = ~np.isin(self._new_sites, [case.origin for case in earlier])
        if not free.any():
            raise self._no_new_origin(earlier)
        tissue = self._new_scar(earlier, lambda scar: self._clear(self._new_sites, scar) & free, generator)
        return Case(self._new_origin(earlier, self._clear(self._new_sites, tissue), generator), tissue)

    def _clear(self, sites: NDArray[np.int64], tissue: Tissue) -> NDArray[np.bool_]:
        return tissue.clear_sites(sites, self._heart.position_mm, self._study.unseen.origin_scar_distance_mm)

    def _new_origin(self, earlier: list[Case], allowed: NDArray[np.bool_], generator: np.random.Generator) -> int:
        taken = [case.origin for case in earlier]
        candidate = self._new_sites[allowed & ~np.isin(self._new_sites, taken)]
        if len(candidate) == 0:
            raise self._no_new_origin(earlier)
        position = self._heart.position_mm
        return spread_choice(candidate, position, position[taken], generator)

    def _no_new_origin(self, earlier: list[Case]) -> GeometryError:
        position, sites = self._heart.position_mm, self._training.site
        distance, _ = cKDTree(position[sites]).query(position)
        reached = float(np.max(distance))
        return GeometryError(
            f"only {len(earlier)} new origins lie at least {self._study.unseen.origin_distance_mm:g} mm "
            f"(generative_em.unseen.origin_distance_mm) from all {len(sites)} training origins, from which no "
            f"site is farther than {reached:.1f} mm; lower that distance, generative_em.published.origins "
            "or the number of cases"
        )

    def _new_scar(
        self,
        earlier: list[Case],
        origins: Callable[[Tissue], NDArray[np.bool_]],
        generator: np.random.Generator,
    ) -> Tissue:
        """A scar unlike those of training that leaves an origin to start from, away from the scars before it."""
        seen = [tissue.scar for tissue in self._training.tissues if tissue.scar.any()]
        limit = self._study.unseen.scar_overlap_max
        suited: list[Tissue] = []
        least, crowded = 1.0, 0
        for _ in range(_SCAR_DRAWS):
            centre = int(generator.choice(self._scar_centres))
            scar = draw_scar(self._heart, centre, self._study.scars, self._simulation, generator)
            overlap = largest_overlap(scar.scar, seen)
            least = min(least, overlap)
            if overlap > limit:
                continue
            if not origins(scar).any():
                crowded += 1
                continue
            suited.append(scar)
            if not earlier or len(suited) == _SCARS_TO_CHOOSE_FROM:
                break
        if suited:
            others = np.array([case.tissue.centre_mm for case in earlier]).reshape(-1, 1, 3)
            centres = np.array([scar.centre_mm for scar in suited])
            apart = np.linalg.norm(centres - others, axis=-1).min(axis=0) if earlier else np.zeros(len(suited))
            return suited[int(np.argmax(apart))]
        if crowded:
            raise GeometryError(
                f"{crowded} of {_SCAR_DRAWS} new scars are unlike those of training, but leave no origin "
                f"{self._study.unseen.origin_scar_distance_mm:g} mm away to start from; lower "
                "generative_em.unseen.origin_scar_distance_mm or generative_em.unseen.origin_distance_mm"
            )
        raise GeometryError(
            f"none of {_SCAR_DRAWS} new scars overlaps every training scar by at most {limit:g} "
            f"(generative_em.unseen.scar_overlap_max); the least overlap reached is {least:.2f}: raise the limit, or "
            "lower generative_em.published.tissues or generative_em.scars.radius_max_mm"
        )


def _least_used(suited: NDArray[np.integer], used: Sequence[int | None], generator: np.random.Generator) -> int:
    """One of the ``suited`` numbers that occur least among those ``used``, at random."""
    times = Counter(used)
    uses = np.array([times[int(number)] for number in suited])
    return int(generator.choice(suited[uses == uses.min()]))
