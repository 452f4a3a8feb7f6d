"""The configuration of a run: validated whole, before anything is computed."""

import math
import reprlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal

from pydantic import Field, ValidationError

from transmural.stores.config.activation_images import ActivationImageDesign
from transmural.stores.config.images import ConditionalVAEStudy
from transmural.stores.config.inference import Inference
from transmural.stores.config.model import CROSS_CHECK, Section, Whole, cross_check, quantity, repeated
from transmural.stores.config.networks import Training, TrainingResources, network_settings
from transmural.stores.config.partial import Path, problems, section_models, source_of, valid_part
from transmural.stores.config.physics import Anatomy, Simulation, Torso, stability_limit_ms, steps_ms
from transmural.stores.config.physics_informed import PhysicsInformedStudy
from transmural.stores.config.robustness import Robustness, VariedCases
from transmural.stores.config.sequences import RecordingDesign, SequenceModelsStudy
from transmural.stores.config.sheets import ForwardSurrogateStudy, SheetDesign
from transmural.stores.config.studies import (
    Audit,
    BeatSampling,
    CohortDesign,
    Convergence,
    GenerativeEM,
    Measurement,
    RichDesign,
)
from transmural.stores.config.subjects import Name, Phantom, Subject, Surfaces
from transmural.stores.errors import ConfigurationError

__all__ = [
    "ActivationImageDesign",
    "Anatomy",
    "Audit",
    "BeatSampling",
    "CohortDesign",
    "ConditionalVAEStudy",
    "Convergence",
    "ForwardSurrogateStudy",
    "GenerativeEM",
    "Inference",
    "Measurement",
    "PhysicsInformedStudy",
    "RecordingDesign",
    "RichDesign",
    "Robustness",
    "SequenceModelsStudy",
    "SheetDesign",
    "Simulation",
    "Study",
    "Subject",
    "Torso",
    "Training",
    "TrainingResources",
    "VariedCases",
    "load",
    "network_settings",
]

# Beyond this cosine, two axes aren't at right angles (within 5 degrees).
_OBLIQUE = math.sin(math.radians(5.0))
# A value of a few lines of YAML, whose lists may hold one another, can be endless when written out.
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 20
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 100


class Study(Section):
    """All of a run's configuration."""

    run: Name = Field(description="Name of the run: the folder results/{run}")
    seed: Whole = quantity("1", "Seed of every random stream", ge=0, le=2**32 - 1)
    studies: list[
        Literal["generative_em", "conditional_vae", "sequence_models", "physics_informed", "forward_surrogate"]
    ] = Field(min_length=1, description="Studies that are run; the sections of others are only checked")
    subjects: dict[Name, Subject] = Field(description="Catalogue of hearts and torsos by name")
    anatomy: Anatomy
    torso: Torso
    simulation: Simulation
    training: TrainingResources
    generative_em: GenerativeEM
    forward_surrogate: ForwardSurrogateStudy
    sequence_models: SequenceModelsStudy
    conditional_vae: ConditionalVAEStudy
    physics_informed: PhysicsInformedStudy

    @cross_check
    def _studies_are_distinct(self) -> Iterator[str]:
        yield from repeated("studies", self.studies)

    @cross_check
    def _run_overwrites_nothing(self) -> Iterator[str]:
        if self.run == "reference":
            yield "run = 'reference' is the folder of committed results; choose another name"

    @cross_check
    def _subjects_exist(self) -> Iterator[str]:
        for study in ("generative_em", "sequence_models", "conditional_vae", "physics_informed"):
            unknown = sorted(set(getattr(self, study).subjects) - set(self.subjects))
            if unknown:
                yield f"{study}.subjects names {unknown}; known subjects are {sorted(map(str, self.subjects))}"

    @cross_check
    def _amortised_methods_know_such_beats(self) -> Iterator[str]:
        given, learnt = self.physics_informed, self.generative_em
        if not given.amortised.methods:
            return
        if given.amortised.cohort not in learnt.cohorts:
            yield (
                f"physics_informed.amortised.cohort ('{given.amortised.cohort}') must be one of generative_em.cohorts "
                f"{learnt.cohorts}"
            )
        if learnt.duration_ms < given.duration_ms:
            yield (
                f"generative_em.duration_ms ({learnt.duration_ms:g}) must be at least physics_informed.duration_ms "
                f"({given.duration_ms:g}), whose beats physics_informed.amortised.methods reconstruct"
            )
        if given.electrodes[0] != self.anatomy.electrodes or learnt.montage != "body_surface":
            yield (
                f"physics_informed.amortised.methods need the montage of which they learnt: generative_em.montage "
                f"'body_surface' and physics_informed.electrodes ({given.electrodes[0]}) as anatomy.electrodes "
                f"({self.anatomy.electrodes})"
            )

    @cross_check
    def _axes_are_at_right_angles(self) -> Iterator[str]:
        for name, subject in self.subjects.items():
            if isinstance(subject, Surfaces):
                with suppress(AttributeError):
                    yield from _axes(f"subjects.{name}", subject)

    @cross_check
    def _voxels_show_the_walls(self) -> Iterator[str]:
        for name in dict.fromkeys(self.generative_em.subjects):
            subject = self.subjects.get(name)
            if isinstance(subject, Phantom):
                for key, words, count in (("lv_wall_mm", "two voxels", 2), ("rv_wall_mm", "one voxel", 1)):
                    thickness = getattr(subject, key, math.inf)
                    if thickness < count * self.anatomy.voxel_mm:
                        yield (
                            f"subjects.{name}.{key} ({thickness}) is thinner than {words} of anatomy.voxel_mm "
                            f"({self.anatomy.voxel_mm}); voxels of at most {thickness / count:g} mm can show it"
                        )

    @cross_check
    def _time_step_can_be_stable(self) -> Iterator[str]:
        step = steps_ms(self.simulation, self.generative_em.duration_ms, self.generative_em.frames)
        limit = stability_limit_ms(self.simulation, self.anatomy.voxel_mm)
        if step > limit:
            yield (
                f"simulation.time_step_ms ({self.simulation.time_step_ms}): steps of {step:.4g} ms are unstable on "
                f"voxels of anatomy.voxel_mm ({self.anatomy.voxel_mm}); it must be below {limit:.3g}"
            )

    @cross_check
    def _recordings_can_be_stable(self) -> Iterator[str]:
        design = self.sequence_models
        given = self.simulation.model_copy(update={"time_step_ms": design.time_step_ms})
        step = steps_ms(given, design.sample_ms, 2)
        limit = stability_limit_ms(given, design.voxel_mm)
        if step > limit:
            yield (
                f"sequence_models.time_step_ms ({design.time_step_ms}): steps of {step:.4g} ms are unstable on voxels "
                f"of sequence_models.voxel_mm ({design.voxel_mm}); it must be below {limit:.3g}"
            )

    @cross_check
    def _variations_can_be_simulated(self) -> Iterator[str]:
        tissue, limit = self.generative_em.robustness.tissue, self.simulation.scar_threshold_a
        for a in tissue.a:
            if a >= limit:
                yield f"generative_em.robustness.tissue.a ({a}) must lie below simulation.scar_threshold_a ({limit})"
        step = steps_ms(self.simulation, self.generative_em.duration_ms, self.generative_em.frames)
        for factor in tissue.velocity:
            velocity = factor * self.simulation.conduction_velocity_m_per_s
            faster = self.simulation.model_copy(update={"conduction_velocity_m_per_s": velocity})
            stable = stability_limit_ms(faster, self.anatomy.voxel_mm)
            if step > stable:
                yield (
                    f"generative_em.robustness.tissue.velocity ({factor}): steps of {step:.4g} ms are unstable at that "
                    f"velocity; simulation.time_step_ms must be below {stable:.3g}"
                )


def load(config: Mapping[str, Any], methods: Collection[str] | None = None) -> Study:
    """Build the validated configuration.

    Parameters
    ----------
    config
        The configuration as read from YAML; numbers may be given as text.
    methods
        Names of the known inverse methods; without them the configured names aren't checked.

    Raises
    ------
    ConfigurationError
        Listing every problem with its key path, value and what is allowed.
    """
    lines: list[str] = []
    try:
        study: Section = Study.model_validate(config)
    except ValidationError as error:
        refused: list[dict[str, Any]] = [dict(problem) for problem in error.errors(include_url=False)]
        lines = [_explain(problem) for problem in refused if problem["type"] != CROSS_CHECK]
        study = valid_part(Study, config, {_key_path(problem["loc"]) for problem in refused})
        lines += problems(study)
    if methods is not None:
        lines += _unknown_methods(study, methods)
    if lines or not isinstance(study, Study):
        raise ConfigurationError("invalid configuration:\n" + "\n".join(f"  - {line}" for line in lines))
    return study


def _unknown_methods(study: Any, known: Collection[str]) -> Iterator[str]:
    whole, fitted = getattr(study, "generative_em", None), getattr(study, "physics_informed", None)
    sections = {
        "generative_em.methods": whole,
        "generative_em.robustness.methods": getattr(whole, "robustness", None),
        "physics_informed.amortised.methods": getattr(fitted, "amortised", None),
    }
    for key, section in sections.items():
        names = getattr(section, "methods", [])
        unknown = [name for name in dict.fromkeys(names) if name not in known]
        if unknown:
            yield f"{key} names {unknown}; known inverse methods are {sorted(known)}"


def _axes(path: str, subject: Surfaces) -> Iterator[str]:
    lengths = {key: math.hypot(*getattr(subject, key)) for key in ("left", "head")}
    for key, length in lengths.items():
        if length == 0:
            yield f"{path}.{key} = {getattr(subject, key)} must be a direction, not zero"
    if all(lengths.values()):
        cosine = sum(x * z for x, z in zip(subject.left, subject.head, strict=True)) / math.prod(lengths.values())
        if abs(cosine) > _OBLIQUE:
            angle = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
            yield (
                f"{path}.left = {subject.left} and {path}.head = {subject.head} are {angle:.0f}° apart; "
                "they must be at right angles (within 5°)"
            )


def _key_path(location: Path) -> Path:
    """Where the value stands in the file: without the kinds of subject and of value that pydantic tried."""
    if location[:1] != ("subjects",):
        return location
    kinds = {source_of(model) for model in section_models(Study.model_fields["subjects"].annotation)}
    tail = location[3:] if location[2:3] and location[2] in kinds else location[2:]
    return (*location[:2], *(part for part in tail if not _is_kind(part)))


def _is_kind(part: str | int) -> bool:
    return str(part) == "str" or str(part).startswith(("list[", "function-before["))


def _explain(problem: dict[str, Any]) -> str:
    place = _key_path(problem["loc"])
    value = problem.get("input")
    said = problem["msg"].removeprefix("Value error, ")
    said = said[0].lower() + said[1:]
    if place[-1:] == ("[key]",):
        return f"{'.'.join(map(str, place[:-2]))} has the name {_SHORT.repr(value)}: {said}"
    path = ".".join(map(str, place))
    shown = "" if isinstance(value, Mapping) or problem["type"] == "missing" else f" = {_SHORT.repr(value)}"
    return f"{path}{shown}: {said}" if path else f"configuration{shown}: {said}"
