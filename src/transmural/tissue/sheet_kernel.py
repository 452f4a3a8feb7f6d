"""Inner loop of the monodomain solver on a sheet: diffusion and Fenton–Karma kinetics in one pass over memory.

A row of nodes is the contiguous dimension, and each arithmetic operation is done for many nodes of it at once (SIMD).
Arrays have a margin of one node, whose faces let nothing through, so that no node is special. Gates relax exactly over
a step (Rush & Larsen 1978), the potential takes an explicit Euler step, all in float32. Rows that no wave has reached
yet are left out: at rest nothing changes, to the last bit.
"""

import os
from typing import NamedTuple

import numpy as np
from numba import njit

from transmural.tissue.fenton_karma import FentonKarma, inward_current

_compile = njit(nogil=True, fastmath={"contract"}, error_model="numpy", cache="NUMBA_CACHE_DIR" in os.environ)
_inline = njit(inline="always", fastmath={"contract"}, error_model="numpy")
_current = _inline(inward_current)

# Ahead of a wave the potential falls exponentially; what is less than this is rest.
_REST = np.float32(1e-7)
_FAR = np.float32(4.97)


class StepFactors(NamedTuple):
    """What is left of a gate's distance from its steady state after a step, and the step in ms."""

    v_closes: np.float32
    v1_opens: np.float32
    v2_opens: np.float32
    w_closes: np.float32
    w_opens: np.float32
    step: np.float32

    @classmethod
    def of(cls, cell: FentonKarma, step_ms: float) -> "StepFactors":
        """Factors of a time step."""
        times = (cell.tau_v_plus, cell.tau_v1_minus, cell.tau_v2_minus, cell.tau_w_plus, cell.tau_w_minus)
        left = [np.float32(np.exp(-step_ms / time)) for time in times]
        return cls(left[0], left[1], left[2], left[3], left[4], np.float32(step_ms))


def single(cell: FentonKarma) -> FentonKarma:
    """The constants in float32."""
    return FentonKarma(*(np.float32(value) for value in cell))  # type: ignore[arg-type]


@_inline
def _switch(x):  # type: ignore[no-untyped-def]
    """1 + tanh(x) within 1e-4, and exactly 0 far below; a quotient of polynomials vectorises, np.tanh doesn't."""
    s = min(max(x, -_FAR), _FAR)
    s2 = s * s
    upper = s * (np.float32(135135) + s2 * (np.float32(17325) + s2 * (np.float32(378) + s2)))
    lower = np.float32(135135) + s2 * (np.float32(62370) + s2 * (np.float32(3150) + s2 * np.float32(28)))
    value = np.float32(1) + upper / lower
    return value if x > -_FAR else np.float32(0)


@_compile
def advance(u, u_next, v, w, east, south, cell, factors, active, steps):  # type: ignore[no-untyped-def]
    """Take ``steps`` steps from ``u``, ``v``, ``w`` (row, column) in place; ``u_next`` is scratch like ``u``.

    ``east`` and ``south`` are the shares that a step exchanges with the next column and row, ``active`` (2,) the first
    and last row that may not be at rest, which is kept up to date.
    """
    one, zero = np.float32(1), np.float32(0)
    columns = u.shape[1]
    source, target = u, u_next
    for _ in range(steps):
        first, last = max(active[0] - 1, 1), min(active[1] + 1, u.shape[0] - 2)
        for i in range(first, last + 1):
            here, above, below, out = source[i], source[i - 1], source[i + 1], target[i]
            right, down, up = east[i], south[i], south[i - 1]
            gate_v, gate_w = v[i], w[i]
            for j in range(1, columns - 1):
                x = here[j]
                diffused = right[j] * (here[j + 1] - x) - right[j - 1] * (x - here[j - 1])
                diffused += down[j] * (below[j] - x) - up[j] * (x - above[j])
                vj, wj = gate_v[j], gate_w[j]
                change = _current(x, vj, wj, _switch(cell.k * (x - cell.u_csi)), cell, one)
                new = x + diffused + factors.step * change
                out[j] = new if abs(new) > _REST else zero
                open_v = factors.v2_opens if x >= cell.u_v else factors.v1_opens
                gate_v[j] = vj * factors.v_closes if x >= cell.u_c else one - (one - vj) * open_v
                gate_w[j] = wj * factors.w_closes if x >= cell.u_c else one - (one - wj) * factors.w_opens
        if _any(target[first]):
            active[0] = min(active[0], first)
        if _any(target[last]):
            active[1] = max(active[1], last)
        source, target = target, source
    if steps % 2:
        u[:] = u_next


@_compile
def mark_activated(u, active, time_ms, level, activation_ms):  # type: ignore[no-untyped-def]
    """Note ``time_ms`` where ``u`` is above ``level`` for the first time; ``activation_ms`` is infinite before."""
    for i in range(active[0], active[1] + 1):
        here, found = u[i], activation_ms[i]
        for j in range(len(here)):
            found[j] = min(found[j], time_ms if here[j] > level else np.float32(np.inf))


@_inline
def _any(row):  # type: ignore[no-untyped-def]
    highest = np.float32(0)
    for j in range(len(row)):
        highest = max(highest, abs(row[j]))
    return highest > np.float32(0)
