"""What every script does around its one call: log, one BLAS thread, one-line failures, progress.

BLAS runs on one thread whatever the cores, so that results are the same bits with any ``--cores``; parallelism
comes from jobs.
"""

import contextlib
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from threadpoolctl import threadpool_limits

from transmural.stores.errors import TransmuralError
from transmural.stores.provenance import provenance

_SECONDS_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def step(snakemake) -> Iterator[Callable[[int, int], None]]:
    """Run a step with its output in the rule's log; yields a progress function ``(done, total)`` for the console."""
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    console = sys.stderr
    name = " ".join([snakemake.rule, *dict(snakemake.wildcards.items()).values()])
    with (
        log.open("w", buffering=1) as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
        threadpool_limits(1),
    ):
        stream.write(f"started {_now()}\n")
        try:
            yield _progress(name, console, stream)
        except TransmuralError as error:
            stream.write(f"{error}\n")
            console.write(f"{name}: {error}\n")
            sys.exit(1)
        except Exception as error:
            traceback.print_exc(file=stream)
            console.write(f"{name}: unexpected {type(error).__name__}: {error} (traceback in {log})\n")
            sys.exit(1)
        stream.write(f"finished {_now()}\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
            console.flush()

    return progress
