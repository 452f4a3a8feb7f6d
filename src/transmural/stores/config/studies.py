"""What each study simulates, infers and reports."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from transmural.stores.config.inference import Inference
from transmural.stores.config.model import Number, Section, Whole, cross_check, quantity, repeated
from transmural.stores.config.networks import Networks
from transmural.stores.config.robustness import Robustness

Setting = Literal["unseen_scar", "unseen_origin", "unseen_both"]
TrainingCohort = Literal["published", "rich"]


class Published(Section):
    """The training cohort as published: every origin combined with every tissue configuration."""

    origins: Whole = quantity("1", "Origins of ventricular activation", ge=2, le=500)
    tissues: Whole = quantity("1", "Tissue configurations: healthy and scars of AHA segments 1 to 16", ge=2, le=17)


class Scars(Section):
    """Size and shape of simulated scars."""

    radius_min_mm: Number = quantity("mm", "Smallest mean radius", ge=5, le=40)
    radius_max_mm: Number = quantity("mm", "Largest mean radius", ge=5, le=60)
    elongation_max: Number = quantity("1", "Largest ratio of the two axes along the wall", ge=1, le=4)

    @cross_check
    def _ordered(self) -> Iterator[str]:
        if self.radius_min_mm > self.radius_max_mm:
            yield f"radius_min_mm ({self.radius_min_mm}) exceeds radius_max_mm ({self.radius_max_mm})"


class Unseen(Section):
    """What «unseen» means for the test and validation cases."""

    origin_distance_mm: Number = quantity(
        "mm", "Least distance of a test origin from every training origin", ge=0, le=50
    )
    scar_overlap_max: Number = quantity("1", "Largest Dice overlap of a test scar with any training scar", gt=0, lt=1)
    origin_scar_distance_mm: Number = quantity(
        "mm", "Least distance of an origin from the scar of its beat", ge=0, le=50
    )


class Rich(Section):
    """The rich training cohort: every beat has its own origin and its own scar."""

    beats: Whole = quantity("1", "Beats of a heart", ge=10, le=10_000)
    healthy_share: Number = quantity("1", "Share of the beats without a scar", ge=0, lt=1)
    origin_distance_mm: Number = quantity("mm", "Least distance from every test and validation origin", ge=0, le=50)
    scar_overlap_max: Number = quantity("1", "Largest Dice overlap with any test or validation scar", gt=0, le=1)


class NewScars(Section):
    """Scars that are drawn, and what every cohort keeps."""

    scars: Scars
    unseen: Unseen


class RichDesign(NewScars):
    """Who is simulated in the rich training cohort."""

    rich: Rich


class CohortDesign(NewScars):
    """Who is simulated: published training, validation and test cohorts."""

    published: Published
    settings: list[Setting] = Field(min_length=1, description="Test settings")
    test_cases: Whole = quantity("1", "Test cases of a setting", ge=2, le=1000)
    validation_cases: Whole = quantity("1", "Validation cases, for thresholds", ge=2, le=1000)

    @cross_check
    def _settings_are_distinct(self) -> Iterator[str]:
        yield from repeated("settings", self.settings)


class BeatSampling(Section):
    """What is kept of every simulated beat."""

    duration_ms: Number = quantity("ms", "Length of a beat", ge=200, le=2000)
    frames: Whole = quantity("1", "Time frames of a beat, first and last included", ge=11, le=2001)
    shard_cases: Whole = quantity("1", "Beats simulated by one job", ge=1, le=5000)
    inverse_crime: bool = Field(description="Make ECGs with the coarse transfer matrix; results are labelled so")


class Measurement(Section):
    """What an inverse method is given."""

    snr_db: Number = quantity(
        "dB", "Signal-to-noise ratio of the ECGs (mean signal power over noise power)", ge=-10, le=120
    )
    montage: Literal["body_surface", "standard_12"] = Field(description="Leads that are inverted")
    regularisation: Literal["l_curve", "gcv"] = Field(
        description="How Tikhonov and Greensite choose their parameter: corner of the L-curve, or cross-validation"
    )


class Audit(Section):
    """Defects of the authors' release, one at a time, against the corrected form (training cohort: the first)."""

    hearts: Whole = quantity("1", "Hearts that are audited, the first of `subjects`; 0 for no audit", ge=0, le=1000)
    cases: Whole = quantity("1", "Test cases of a heart, the first of the setting in which most is new", ge=2, le=1000)


class Convergence(Section):
    """EM against the marginal MAP, step by step, on validation beats of the first heart."""

    cases: Whole = quantity("1", "Validation beats, the first ones", ge=1, le=1000)
    steps: Whole = quantity("1", "Gradient steps over which EM is followed", ge=1, le=100_000)


class GenerativeEM(Measurement, BeatSampling, RichDesign, CohortDesign):
    """Study 1 (Ghimire et al. 2018).

    Its parts stand in classes of their own, so that a rule depends on no more of it than it uses.
    """

    subjects: list[str] = Field(min_length=1, description="Names from `subjects`")
    cohorts: list[TrainingCohort] = Field(min_length=1, description="Training cohorts, each learnt from apart")
    methods: list[str] = Field(min_length=1, description="Inverse methods, by their registered names")
    networks: Networks
    inference: Inference
    robustness: Robustness
    audit: Audit
    convergence: Convergence
    reference_method: str = Field(description="Method that the paired tests compare with each other one")

    @cross_check
    def _subjects_are_distinct(self) -> Iterator[str]:
        yield from repeated("subjects", self.subjects)

    @cross_check
    def _cohorts_are_distinct(self) -> Iterator[str]:
        yield from repeated("cohorts", self.cohorts)

    @cross_check
    def _methods_are_distinct(self) -> Iterator[str]:
        yield from repeated("methods", self.methods)

    @cross_check
    def _reference_is_a_method(self) -> Iterator[str]:
        if self.reference_method not in self.methods:
            yield f"reference_method '{self.reference_method}' must be one of methods {self.methods}"

    @cross_check
    def _robustness_has_cases(self) -> Iterator[str]:
        if self.robustness.setting not in self.settings:
            yield f"robustness.setting '{self.robustness.setting}' must be one of settings {self.settings}"
