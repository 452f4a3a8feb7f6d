"""Base of all configuration models: unknown keys are refused, values are immutable, units are in the descriptions."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """One section of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


def quantity(unit: str, description: str, **bounds: Any) -> Any:
    """A number with its unit; ``bounds`` are pydantic's ``gt``, ``ge``, ``lt``, ``le``."""
    return Field(description=description, json_schema_extra={"unit": unit}, **bounds)
