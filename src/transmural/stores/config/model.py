"""Base of all configuration models: unknown keys are refused, values are immutable, units are in the descriptions.

What a single value may be stands in its field; what several must be together, in methods marked `cross_check`. These
can also run on a section of which only some fields are valid, so that all problems are listed at once.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

CROSS_CHECK = "cross_check"


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("boolean", "Input should be a number, not true or false")
    return value


# Text that is a number is one (Snakemake's --config gives "-3"), but `true` isn't 1.
Number = Annotated[float, BeforeValidator(_no_boolean)]
Whole = Annotated[int, BeforeValidator(_no_boolean)]
_Section = TypeVar("_Section", bound="Section")


def cross_check(method: Callable[[_Section], Iterator[str]]) -> Callable[[_Section], Iterator[str]]:
    """Mark a method that yields a sentence for each problem; a sentence begins with the key."""
    method.__dict__[CROSS_CHECK] = True
    return method


class Section(BaseModel):
    """One section of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)
    cross_checks: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Collect the names of the cross-checks, those of the bases first."""
        marked = {n: None for c in reversed(cls.__mro__) for n, m in vars(c).items() if hasattr(m, CROSS_CHECK)}
        cls.cross_checks = tuple(marked)

    def problems(self, partial: bool = False) -> list[str]:
        """What is wrong between fields that are valid on their own; ``partial`` skips checks whose fields aren't."""
        found: list[str] = []
        for name in self.cross_checks:
            if partial:
                with suppress(AttributeError):
                    found += getattr(self, name)()
            else:
                found += getattr(self, name)()
        return found

    @model_validator(mode="after")
    def _cross_checked(self) -> Self:
        if problems := self.problems():
            raise PydanticCustomError(CROSS_CHECK, "{problems}", {"problems": "; ".join(problems)})
        return self


def quantity(unit: str, description: str, **bounds: Any) -> Any:
    """A number with its unit; ``bounds`` are pydantic's ``gt``, ``ge``, ``lt``, ``le``."""
    return Field(description=description, json_schema_extra={"unit": unit}, **bounds)


def repeated(key: str, names: Collection[str]) -> Iterator[str]:
    """The problem of a list in which a name appears twice."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        yield f"{key} names {twice} more than once; name each once"
