"""Errors that a user can act on: one sentence that says what is wrong, where, and what would be right."""

import errno

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


_OF_THE_MACHINE = {
    errno.ENOSPC: "no space left on the disk; make room and rerun",
    errno.EDQUOT: "no space left on the disk within the user's quota; make room and rerun",
    errno.EROFS: "the disk is read-only; make it writable and rerun",
    errno.EACCES: "no permission; give the user that runs this the right to it and rerun",
    errno.EPERM: "no permission; give the user that runs this the right to it and rerun",
    errno.EFBIG: "the file is too large for the limit set (ulimit -f); raise it and rerun",
    errno.EMFILE: "too many open files for the limit set (ulimit -n); raise it and rerun",
    errno.ENFILE: "too many open files on this machine; rerun when there are fewer",
    errno.ENOMEM: "no memory left; rerun with more of it or fewer jobs at a time",
    errno.EIO: "the disk can't be read or written; rerun when it can",
    errno.ESTALE: "the disk was lost meanwhile; rerun when it is back",
    errno.ENOTCONN: "the disk was lost meanwhile; rerun when it is back",
}


def of_the_machine(error: BaseException, place: str) -> str | None:
    """One sentence for an error that is the machine's and not the code's; None for any other.

    Parameters
    ----------
    error
        The error.
    place
        What was being made, named if the error names no file.
    """
    if isinstance(error, MemoryError):
        return f"{place}: {_OF_THE_MACHINE[errno.ENOMEM]}"
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        return f"{error.filename or place}: {_OF_THE_MACHINE[error.errno]}"
    return None
