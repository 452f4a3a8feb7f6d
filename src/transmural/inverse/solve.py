"""Run one method on a problem and measure what it costs.

Time is the wall time of the whole batch divided by its cases. Memory is the peak of the batch beyond its inputs,
divided by its cases too: what NumPy and Python allocated (``tracemalloc``) or, where Linux tells it, the growth of
the process' peak resident memory if that is larger, which also sees LAPACK's and PyTorch's own allocations. Both
are measured in the one run that gives the result; the solution itself counts as memory.
"""

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
        What the method may know; its training beats are handed on only if the method asks for them.

    Returns
    -------
    Reconstruction with ``seconds`` and ``memory_mb`` (MiB) a case. A case whose values aren't all finite has failed:
    it is set to NaN throughout and scored as such.

    Raises
    ------
    ConfigurationError
        If there is no such method.
    InferenceError
        If the method needs training beats and the problem has none, or returns another shape than it must.
    """
    method = get(name)
    if "training" in method.needs and problem.training is None:
        raise InferenceError(f"{name}: needs training beats and the problem has none; give Problem(training=…)")
    if "training" not in method.needs and problem.training is not None:
        problem = replace(problem, training=None)
    result, seconds, peak = _measured(lambda: method.function(problem))
    expected = (problem.cases, problem.time_ms.size, problem.graph.nodes)
    if result.tmp.shape != expected:
        raise InferenceError(f"{name}: returned potentials of shape {result.tmp.shape}, expected {expected}")
    tmp = result.tmp.astype(np.float32, copy=False)
    failed = ~np.array([np.isfinite(case).all() for case in tmp])
    if failed.any():
        tmp = np.where(failed[:, None, None], np.float32(np.nan), tmp)
    share = np.ones(problem.cases) / problem.cases
    return replace(result, tmp=tmp, seconds=seconds * share, memory_mb=peak / _MEBIBYTE * share)


def _measured(function: Callable[[], Reconstruction]) -> tuple[Reconstruction, float, float]:
    """Result, wall time in s and peak memory in bytes beyond what was held before."""
    nested = tracemalloc.is_tracing()
    if nested:
        tracemalloc.reset_peak()
    else:
        tracemalloc.start()
    try:
        before, resident = tracemalloc.get_traced_memory()[0], _reset_resident_peak()
        start = time.perf_counter()
        result = function()
        seconds = time.perf_counter() - start
        traced = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not nested:
            tracemalloc.stop()
    grown = _resident("VmHWM") - resident if resident is not None else 0
    return result, seconds, float(max(traced, grown, 0))


def _reset_resident_peak() -> int | None:
    """Set the peak resident memory back to the present one and return that in bytes; None where it can't be done."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _resident("VmRSS")
    except OSError:
        return None


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}")
