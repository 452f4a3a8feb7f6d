"""Errors that a user can act on: one sentence that says what is wrong, where, and what would be right."""

_LONGEST_REASON = 200


class TransmuralError(Exception):
    """Base of every error raised on purpose; scripts print it as one line, without a traceback."""


class ConfigurationError(TransmuralError):
    """The configuration is invalid; the message lists every problem, one a line."""


class GeometryError(TransmuralError):
    """An anatomy, surface, label image or electrode set can't be used; the message names the object."""


class StoreError(TransmuralError):
    """A store is absent, truncated, altered or not what its contract says; the message names file and variable."""


class SimulationError(TransmuralError):
    """A simulation diverged or a beat failed to capture; the message names the case and the time."""


class InferenceError(TransmuralError):
    """An inverse method can't work with what it was given, or diverged; the message names method and case."""


class TrainingError(TransmuralError):
    """A network can't be trained, or its loss is no longer finite; the message names network, epoch and step."""


def reason(error: BaseException) -> str:
    """What a library says of its failure, for use in a sentence: first line, cut, without what a terminal obeys."""
    lines = str(error).strip().splitlines()
    said = lines[0][:_LONGEST_REASON] if lines else type(error).__name__
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in said)
