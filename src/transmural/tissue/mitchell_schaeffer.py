"""The two-variable model of Mitchell and Schaeffer, and its action potential placed at activation times.

With v the dimensionless transmembrane potential, h the gate and J the stimulus, time in ms,

    dv/dt = h v² (1 − v) / τ_in − v / τ_out + J
    dh/dt = (1 − h) / τ_open  where v < v_gate,  −h / τ_close elsewhere.

A rested cell fires when v exceeds the smaller root of v (1 − v) = τ_in / τ_out, 0.053 with the standard constants. For
τ_in ≪ τ_out ≪ τ_close the plateau ends when h falls to 4 τ_in / τ_out, after τ_close ln(τ_out / 4 τ_in), 241 ms; the
standard constants are not quite as far apart, and v falls below v_gate after 285 ms.

Source: C. C. Mitchell and D. G. Schaeffer, «A two-current model for the dynamics of cardiac membrane», Bull Math Biol
65, 767–793, 2003.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid, solve_ivp


class MitchellSchaeffer(NamedTuple):
    """Constants: times in ms, the gate's threshold dimensionless."""

    tau_in: float = 0.3
    tau_out: float = 6.0
    tau_open: float = 120.0
    tau_close: float = 150.0
    v_gate: float = 0.13


STANDARD = MitchellSchaeffer()

# From rest, by a current that lifts v somewhat above the gate's threshold.
_STIMULUS_PER_MS = 0.1
_STIMULUS_MS = 2.0
_TEMPLATE_STEP_MS = 0.02
_TEMPLATE_MS = 600.0
_TOLERANCE = 1e-9


def rates(v: Any, h: Any, cell: MitchellSchaeffer = STANDARD) -> tuple[Any, Any]:
    """Return dv/dt and dh/dt in 1/ms without a stimulus; numbers or arrays of one shape."""
    gate = np.where(v < cell.v_gate, (1 - h) / cell.tau_open, -h / cell.tau_close)
    return _current(v, h, cell), gate


def _current(v: Any, h: Any, cell: MitchellSchaeffer) -> Any:
    return h * v * v * (1 - v) / cell.tau_in - v / cell.tau_out


def cell_potential(
    time_ms: NDArray[np.floating],
    stimulus_per_ms: float = _STIMULUS_PER_MS,
    stimulus_ms: float = _STIMULUS_MS,
    cell: MitchellSchaeffer = STANDARD,
    tolerance: float = _TOLERANCE,
) -> NDArray[np.float64]:
    """Potential of a rested cell that a current stimulates from time 0 on.

    Parameters
    ----------
    time_ms
        Ascending times, the first at or after 0.
    stimulus_per_ms, stimulus_ms
        Current J in 1/ms and how long it flows.
    cell
        Constants.
    tolerance
        Relative error of a step of the Runge–Kutta method.

    Returns
    -------
    NDArray
        v, shape (time,).
    """
    times = np.asarray(time_ms, dtype=np.float64)
    found = np.zeros(len(times))
    state, now, end = np.array([0.0, 1.0]), 0.0, float(times[-1])
    open_gate, current = True, stimulus_per_ms
    while now < end:
        # Right-hand sides are smooth between the stimulus' end and passages of the gate's threshold.
        until = min(stimulus_ms, end) if now < stimulus_ms else end
        current = stimulus_per_ms if now < stimulus_ms else 0.0

        def rate(_: float, y: NDArray[np.float64], j: float = current, is_open: bool = open_gate) -> list[float]:
            v, h = y
            gate = (1 - h) / cell.tau_open if is_open else -h / cell.tau_close
            return [_current(v, h, cell) + j, gate]

        def passage(_: float, y: NDArray[np.float64]) -> float:
            return float(y[0] - cell.v_gate)

        passage.terminal, passage.direction = True, 1.0 if open_gate else -1.0  # type: ignore[attr-defined]
        part = solve_ivp(
            rate, (now, until), state, rtol=tolerance, atol=tolerance, events=passage, dense_output=True, max_step=5.0
        )
        solution: Any = part.sol
        within = (times >= now) & (times <= part.t[-1])
        found[within] = solution(times[within])[0] if within.any() else 0.0
        if part.status == 1:
            open_gate = not open_gate
        state, now = part.y[:, -1], float(part.t[-1])
    return found


@cache
def _template() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Times in ms from the steepest upstroke, potentials of the standard cell from rest to rest, and their integral."""
    times = np.arange(0.0, _TEMPLATE_MS, _TEMPLATE_STEP_MS)
    potential = cell_potential(times)
    integral = cumulative_trapezoid(potential, times, initial=0)
    return times - times[np.gradient(potential).argmax()], potential, integral


def action_potentials(
    activation_ms: NDArray[np.floating],
    time_ms: NDArray[np.floating],
    crossing_ms: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Potentials of cells whose steepest upstroke is at given times, all with the action potential of one cell.

    Parameters
    ----------
    activation_ms
        Any shape; a NaN stays at rest.
    time_ms
        Shape (time,).
    crossing_ms
        How long a wave takes through the cell of the grid, shape of ``activation_ms``: the potential then is the mean
        over the cell, not that of its centre. On coarse grids, where the upstroke is narrower than a cell, potentials
        outside the tissue would else jump as the wave enters one cell after the other.

    Returns
    -------
    NDArray
        v, 0 at rest to about 1, shape (*shape of activation, time).
    """
    since, potential, integral = _template()
    after = np.asarray(time_ms, dtype=np.float64) - np.asarray(activation_ms, dtype=np.float64)[..., None]
    after = np.nan_to_num(after, nan=since[0])
    if crossing_ms is None:
        return np.interp(after, since, potential, left=0.0, right=0.0).astype(np.float32)
    half = 0.5 * np.nan_to_num(np.asarray(crossing_ms, dtype=np.float64), nan=1.0)[..., None]
    passed, coming = (np.interp(after + shift, since, integral) for shift in (half, -half))
    found: NDArray[np.float32] = ((passed - coming) / (2 * half)).astype(np.float32)
    return np.where(np.isnan(np.asarray(activation_ms))[..., None], np.float32(0), found)
