"""The valid part of a configuration with errors, so that cross-checks run on it and their problems are listed too."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

from pydantic import TypeAdapter

from transmural.stores.config.model import Section

Path = tuple[str | int, ...]


def valid_part(model: type[Section], values: Any, invalid: Collection[Path], path: Path = ()) -> Section:
    """A section with its valid fields only; asking for another raises `AttributeError`.

    Parameters
    ----------
    model
        Kind of section.
    values
        Its content as given.
    invalid
        Paths of everything that pydantic refused, from the root of the configuration.
    path
        Path of the section.
    """
    given = values if isinstance(values, Mapping) else {}
    valid: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        here = (*path, name)
        if name not in given:
            if not field.is_required():
                valid[name] = field.get_default(call_default_factory=True)  # type: ignore[call-arg]
        elif sections := section_models(field.annotation):
            if isinstance(given[name], Mapping):
                valid[name] = (
                    {key: _variant(sections, value, invalid, (*here, key)) for key, value in given[name].items()}
                    if len(sections) > 1
                    else valid_part(sections[0], given[name], invalid, here)
                )
        elif not any(problem[: len(here)] == here for problem in invalid):
            annotation: Any = field.annotation
            valid[name] = TypeAdapter[Any](annotation).validate_python(given[name])
    part = model.model_construct()
    # Defaults stand in for missing fields only, not for invalid ones.
    part.__dict__.clear()
    part.__dict__.update(valid)
    return part


def problems(section: Section, path: Path = ()) -> Iterator[str]:
    """All that the cross-checks of a section and of those in it find, from its valid fields."""
    prefix = "".join(f"{part}." for part in path)
    yield from (prefix + said for said in section.problems(partial=True))
    for name, value in section.__dict__.items():
        inside = value.items() if isinstance(value, Mapping) else []
        for entry, below in [(value, (name,)), *((entry, (name, key)) for key, entry in inside)]:
            if isinstance(entry, Section):
                yield from problems(entry, (*path, *below))


def section_models(annotation: Any) -> list[type[Section]]:
    """The kinds of section in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [model for argument in get_args(annotation) for model in section_models(argument)]


def source_of(model: type[Section]) -> str:
    """The ``source`` that a kind of subject answers to."""
    return str(get_args(model.model_fields["source"].annotation)[0])


def _variant(models: list[type[Section]], values: Any, invalid: Collection[Path], path: Path) -> Section | None:
    source = values.get("source") if isinstance(values, Mapping) else None
    model = next((model for model in models if source_of(model) == source), None)
    return None if model is None else valid_part(model, values, invalid, path)
