"""What every script does around its one call: log, one BLAS thread, one-line failures, progress.

BLAS runs on one thread whatever the cores, so that results are the same bits with any ``--cores``; parallelism
comes from jobs.
"""

import contextlib
import gc
import io
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from threadpoolctl import threadpool_limits

from transmural.stores.errors import TransmuralError, of_the_machine
from transmural.stores.provenance import provenance

_SECONDS_BETWEEN_LINES = 10.0

# Nothing of what is imported is garbage; looking for it there takes a tenth of a short job's time.
gc.disable()


@contextlib.contextmanager
def step(snakemake) -> Iterator[Callable[[int, int], None]]:
    """Run a step with its output in the rule's log; yields a progress function ``(done, total)`` for the console."""
    gc.freeze()
    gc.enable()
    path = Path(snakemake.log[0])
    stream = console = _Unfailing(sys.stderr)
    name = " ".join([snakemake.rule, *dict(snakemake.wildcards.items()).values()])
    with contextlib.ExitStack() as until_end:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = _Unfailing(until_end.enter_context(path.open("wb", buffering=0)))
            until_end.enter_context(contextlib.redirect_stdout(stream))
            until_end.enter_context(contextlib.redirect_stderr(stream))
            until_end.enter_context(threadpool_limits(1))
            stream.write(f"started {_now()}\n")
            yield _progress(name, console, stream)
        except Exception as error:
            told = _explained(error, snakemake.output[0])
            if told is None:
                told = f"unexpected {type(error).__name__}: {error} (traceback in {path})"
                stream.write(traceback.format_exc())
            else:
                stream.write(f"{told}\n")
            console.write(f"{name}: {told}\n")
            sys.exit(1)
        stream.write(f"finished {_now()}\n")


def _explained(error: Exception, output: str) -> str | None:
    """One sentence for an error that a user can act on; None for any other."""
    if isinstance(error, TransmuralError):
        return str(error)
    if any(frame.filename.endswith("numba/core/caching.py") for frame in traceback.extract_tb(error.__traceback__)):
        kernels = os.environ.get("NUMBA_CACHE_DIR", "the folder of compiled kernels")
        return f"{kernels}: compiled kernels can't be read or written ({error}); delete the folder and rerun"
    return of_the_machine(error, output)


class _Unfailing(io.TextIOBase):
    """Text that goes to a file; what can't be written (the disk is full, nobody reads any more) is left out."""

    def __init__(self, file) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._file.write(text.encode() if isinstance(self._file, io.RawIOBase) else text)
            self._file.flush()
        return len(text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def use_one_thread() -> None:
    """Let torch compute on one thread: how it splits a sum between threads changes its last bits."""
    import torch

    torch.set_num_threads(1)


def made_by(snakemake) -> dict:
    """What a store records of the job that made it: rule, wildcards, and parameters (configuration, seed, digest)."""
    return provenance(
        rule=snakemake.rule, wildcards=dict(snakemake.wildcards.items()), params=dict(snakemake.params.items())
    )


def _progress(name, console, stream) -> Callable[[int, int], None]:
    started = last = time.perf_counter()

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.perf_counter()
        line = f"{name}: {done}/{total}, {now - started:.0f} s\n"
        stream.write(line)
        if now - last >= _SECONDS_BETWEEN_LINES and done < total:
            last = now
            console.write(line)

    return progress
