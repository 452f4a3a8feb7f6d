"""Names and numbers of hearts and cases as they follow from the configuration: jobs are planned before data exist."""

from typing import Literal

from transmural.stores.config import CohortDesign, RichDesign
from transmural.stores.config.sheets import TISSUE_CLASSES, SheetDesign, TissueClass
from transmural.stores.errors import ConfigurationError

STUDY = "generative_em"
PUBLISHED = "published"
RICH = "rich"
NO_TRAINING = "none"
VALIDATION = "validation"
SheetCohort = Literal["published", "moved"]
SHEET_COHORTS: tuple[SheetCohort, ...] = ("published", "moved")


def cohort_names(study: CohortDesign) -> list[str]:
    """Cohorts that `design.design` makes: published training, validation, then the test settings."""
    return [PUBLISHED, VALIDATION, *study.settings]


def case_count(study: CohortDesign, cohort: str) -> int:
    """Number of cases of a cohort; of the rich one, where the study has it.

    Raises
    ------
    ConfigurationError
        If the study has no such cohort.
    """
    if cohort == PUBLISHED:
        return study.published.origins * study.published.tissues
    if cohort == RICH and isinstance(study, RichDesign):
        return study.rich.beats
    if cohort == VALIDATION:
        return study.validation_cases
    if cohort in study.settings:
        return study.test_cases
    raise ConfigurationError(f"generative_em has no cohort '{cohort}'; it has {cohort_names(study)}")


def shards(cases: int, shard_cases: int) -> list[slice]:
    """Consecutive cases that one job simulates, ``shard_cases`` at a time; the last shard may be smaller."""
    return [slice(first, min(first + shard_cases, cases)) for first in range(0, cases, shard_cases)]


def classes_of(design: SheetDesign, cohort: SheetCohort) -> list[TissueClass]:
    """Class of every sheet of a cohort, in order."""
    counts = design.sheets.model_dump()
    return [
        name for name in TISSUE_CLASSES for _ in range(counts[name] if cohort == "published" else design.moved_sheets)
    ]


def volunteer_name(number: int) -> str:
    """Name of the volunteer with this number, counted from 0: ``volunteer_01`` is the first."""
    return f"volunteer_{number + 1:02d}"
