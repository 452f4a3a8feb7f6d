"""The design of a study's cohorts: who is simulated, before anything is.

Training as published (Ghimire et al. 2018, section 4): about 50 origins of ventricular activation × 17 tissue
configurations, healthy and one scar in each AHA segment 1 to 16, about 850 beats a heart. Tests: cases whose scar,
origin, or both are not in training (`splits`), and validation cases of the third kind for choosing thresholds and all
else that is chosen. The rich training cohort keeps apart from these (`rich`) and is designed after them.
Names and numbers of cases follow from the configuration alone (`plan`).
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.spatial.distance import pdist

from transmural.cohorts.cases import Case, as_dataset
from transmural.cohorts.heart import Heart, parcels
from transmural.cohorts.origins import training_origins, wall_layers
from transmural.cohorts.plan import PUBLISHED, STUDY, case_count, cohort_names
from transmural.cohorts.scar_configurations import Tissue, largest_overlap, training_tissues
from transmural.cohorts.splits import PARCELS, Training, UnseenCases
from transmural.stores.config import CohortDesign, Simulation
from transmural.stores.errors import GeometryError
from transmural.stores.random_streams import case_generator

_FIRST_NEW = {"validation": 10_000, "unseen_scar": 20_000, "unseen_origin": 30_000, "unseen_both": 40_000}


def design(
    anatomy: xr.Dataset, study: CohortDesign, simulation: Simulation, seed: int, subject: str
) -> dict[str, xr.Dataset]:
    """Origins and tissues of all cohorts of a subject.

    Parameters
    ----------
    anatomy
        Of the subject (`contracts.ANATOMY`).
    study
        Sizes of the cohorts, of scars, and what «unseen» means.
    simulation
        Threshold parameter a of healthy tissue and of scars.
    seed
        Of the run. Streams are named by study, subject, cohort and case.
    subject
        Name of the subject.

    Returns
    -------
    dict
        By the names of `plan.cohort_names`, datasets that fulfil `contracts.COHORT`. ``origin_id`` and ``tissue_id``
        number the training design; those of new origins and scars start at a multiple of 10,000, different for each
        cohort. Besides, ``scar_centre`` (case, xyz) in mm, NaN in healthy tissue. Attributes say what the design
        reached (distances in mm and Dice overlaps with training: the extremes, and the medians over the cases).

    Raises
    ------
    GeometryError
        If the heart has no room for the design; names the subject and the key to relax.
    """
    heart = Heart.of(anatomy)
    try:
        return _design(heart, study, simulation, seed, subject)
    except GeometryError as error:
        raise GeometryError(f"{subject}: {error}") from None


def _design(
    heart: Heart, study: CohortDesign, simulation: Simulation, seed: int, subject: str
) -> dict[str, xr.Dataset]:
    count = study.published.origins
    tissue_streams = [case_generator(seed, STUDY, subject, "tissue", k) for k in range(17)]
    tissues = training_tissues(heart, study.published.tissues, study.scars, simulation, tissue_streams)
    distance = study.unseen.origin_scar_distance_mm
    voxels = np.arange(len(heart.position_mm))
    allowed = np.stack([tissue.clear_sites(voxels, heart.position_mm, distance) for tissue in tissues])
    site, chosen = training_origins(
        heart.graph, wall_layers(heart.transmural), allowed, count, case_generator(seed, STUDY, subject, "origins")
    )
    published = [
        Case(int(site[chosen[number, rank]]), tissue, int(chosen[number, rank]), number)
        for rank in range(count)
        for number, tissue in enumerate(tissues)
    ]
    training = Training(site, tissues)
    cohorts = {PUBLISHED: _dataset(PUBLISHED, published, heart, training)}

    edge = max(study.unseen.origin_distance_mm, heart.spacing_mm)
    owner = parcels(heart.position_mm, edge, 1 + max(PARCELS.values()), case_generator(seed, STUDY, subject, "parcels"))
    for name in cohort_names(study)[1:]:
        streams = [case_generator(seed, STUDY, subject, name, case) for case in range(case_count(study, name))]
        unseen = UnseenCases(heart, training, owner == PARCELS[name], study, simulation)
        cohorts[name] = _dataset(name, unseen.draw(name, streams), heart, training)
    for name, cohort in cohorts.items():
        cohort.attrs.update(study=STUDY, cohort=name, subject=subject, seed=seed)
    return cohorts


def _dataset(name: str, cases: Sequence[Case], heart: Heart, training: Training) -> xr.Dataset:
    return as_dataset(cases, heart, _FIRST_NEW.get(name, 0), _reached(cases, heart, training))


def _reached(cases: Sequence[Case], heart: Heart, training: Training) -> dict[str, float | int]:
    """What the design reached, for readers and reports: how near the new cases come to training, at worst and usually.

    A new case's distance and overlap are those with the training origin and the training scar nearest to it; so the
    overlap is the Dice coefficient, on the voxels, of a look-up that always finds the best of the training scars.
    """
    position = heart.position_mm
    origin = np.array([case.origin for case in cases])
    reached: dict[str, float | int] = {"distinct_origins": len(np.unique(origin))}
    if len(np.unique(origin)) > 1:
        reached["least_origin_spacing_mm"] = float(pdist(position[np.unique(origin)]).min())
    new = [case.origin for case in cases if case.origin_id is None]
    if new:
        gaps = np.linalg.norm(position[new][:, None] - position[training.site], axis=-1)
        reached["least_distance_from_training_origins_mm"] = float(gaps.min())
        reached["median_distance_from_training_origins_mm"] = float(np.median(gaps.min(axis=1)))
    seen = [tissue.scar for tissue in training.tissues if tissue.scar.any()]
    scars: list[Tissue] = [case.tissue for case in cases if case.tissue_id is None]
    if scars:
        overlaps = [largest_overlap(tissue.scar, seen) for tissue in scars]
        reached["largest_overlap_with_training_scars"] = max(overlaps)
        reached["median_overlap_with_training_scars"] = float(np.median(overlaps))
    return reached
