"""The configuration of a run: validated whole, before anything is computed."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from transmural.stores.config.model import Section, quantity
from transmural.stores.config.physics import Anatomy, Simulation, Torso
from transmural.stores.config.studies import BeatSampling, CohortDesign, GenerativeEM, Measurement
from transmural.stores.config.subjects import Subject
from transmural.stores.errors import ConfigurationError

__all__ = [
    "Anatomy",
    "BeatSampling",
    "CohortDesign",
    "GenerativeEM",
    "Measurement",
    "Simulation",
    "Study",
    "Subject",
    "Torso",
    "load",
]


class Study(Section):
    """All of a run's configuration."""

    run: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="Name of the run: the folder results/{run}")
    seed: int = quantity("1", "Seed of every random stream", ge=0, le=2**32 - 1)
    subjects: dict[str, Subject] = Field(description="Catalogue of hearts and torsos by name")
    anatomy: Anatomy
    torso: Torso
    simulation: Simulation
    generative_em: GenerativeEM

    @model_validator(mode="after")
    def _subjects_exist(self) -> Self:
        unknown = sorted(set(self.generative_em.subjects) - set(self.subjects))
        if unknown:
            raise ValueError(f"generative_em.subjects names {unknown}; known subjects are {sorted(self.subjects)}")
        return self


def load(config: Mapping[str, Any]) -> Study:
    """Build the validated configuration.

    Raises
    ------
    ConfigurationError
        Listing every problem with its key path, value and what is allowed.
    """
    try:
        return Study.model_validate(config)
    except ValidationError as error:
        lines = [_explain(dict(problem)) for problem in error.errors(include_url=False)]
        raise ConfigurationError("invalid configuration:\n" + "\n".join(f"  - {line}" for line in lines)) from None


def _explain(problem: dict[str, Any]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    value = problem.get("input")
    shown = "" if isinstance(value, Mapping) or problem["type"] == "missing" else f" = {value!r}"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{path}{shown}: {said[0].lower() + said[1:]}" if path else said
