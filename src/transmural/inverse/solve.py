"""Run one method on a problem and measure what it costs.

Time is the wall time of the whole batch divided by its cases, measured in the plain run that gives the result: nothing
traces its allocations, which would make it up to twice as slow. One-off costs of a process (lazy imports, compilation,
threads of the linear algebra) belong to the first call and are included there; later calls of the process don't pay
them again. Importing the method's own module isn't counted.

Memory is the growth of the process' peak resident memory during that run, divided by its cases too: all that was in use
at once beyond the inputs, whoever allocated it (NumPy, LAPACK, PyTorch), the solution itself included, as finely as the
kernel counts (a fraction of a megabyte on a few cores; less is 0). Where the system
doesn't tell the peak of a single run (only Linux does), the method runs once more for its memory alone, under
``tracemalloc``, which sees what NumPy and Python allocate.
"""

import ctypes
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from transmural.inverse.problem import Problem, Reconstruction
from transmural.inverse.registry import get
from transmural.stores.errors import InferenceError

_MEBIBYTE = 1024.0**2


def solve(name: str, problem: Problem) -> Reconstruction:
    """Reconstruct all cases with the named method.

    Parameters
    ----------
    name
        Registered name of the method.
    problem
        What the method may know; its training beats and network are handed on only if the method asks for them.

    Returns
    -------
    Reconstruction with ``seconds`` and ``memory_mb`` (MiB) a case. A case whose values aren't all finite has failed:
    it is set to NaN throughout and scored as such.

    Raises
    ------
    ConfigurationError
        If there is no such method.
    InferenceError
        If the method needs training beats or a network and the problem has none, or returns another shape than it must.
    """
    method = get(name)
    if "training" in method.needs and problem.training is None:
        raise InferenceError(f"{name}: needs training beats and the problem has none; give Problem(training=…)")
    if method.network is not None and problem.network is None:
        raise InferenceError(f"{name}: needs the trained network {method.network}; give Problem(network=…)")
    problem = replace(
        problem,
        training=problem.training if "training" in method.needs else None,
        network=None if method.network is None else problem.network,
    )
    function = method.function  # imports it, which is none of its costs
    result, seconds, memory = _measured(lambda: function(problem))
    expected = (problem.cases, problem.time_ms.size, problem.graph.nodes)
    for what, values in {"potentials": result.tmp, "standard deviations": result.std}.items():
        if values is not None and values.shape != expected:
            raise InferenceError(f"{name}: returned {what} of shape {values.shape}, expected {expected}")
    tmp = result.tmp.astype(np.float32, copy=False)
    failed = ~np.array([np.isfinite(case).all() for case in tmp])
    if failed.any():
        tmp = np.where(failed[:, None, None], np.float32(np.nan), tmp)
    share = np.ones(problem.cases) / problem.cases
    return replace(result, tmp=tmp, seconds=seconds * share, memory_mb=memory / _MEBIBYTE * share)


def _measured(function: Callable[[], Reconstruction]) -> tuple[Reconstruction, float, float]:
    """Result and wall time in s of a plain run, and peak memory in bytes beyond what was held before."""
    before = _reset_resident_peak()
    start = time.perf_counter()
    result = function()
    seconds = time.perf_counter() - start
    memory = _traced_peak(function) if before is None else _resident("VmHWM") - before
    return result, seconds, float(max(memory, 0))


def _reset_resident_peak() -> int | None:
    """Set the peak resident memory back to the present one and return that in bytes; None where it can't be done."""
    try:
        # Memory that glibc keeps after earlier work would be used again without growth, and so not be seen.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        return _resident("VmHWM")
    except (OSError, TypeError):
        return None


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")


def _traced_peak(function: Callable[[], Reconstruction]) -> int:
    """Peak of what NumPy and Python allocate during a run of its own, in bytes; its result is thrown away."""
    nested = tracemalloc.is_tracing()
    if not nested:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not nested:
            tracemalloc.stop()
