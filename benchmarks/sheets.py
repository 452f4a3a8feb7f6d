"""The solver of sheets of Fenton–Karma tissue beside a peer: node updates a second, velocity, activation times.

Usage: python benchmarks/sheets.py. See README.md beside this file.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from monodomain import NO_PEER, peer
from numpy.typing import NDArray

from transmural.tissue.fenton_karma import ATRIAL_CELLS, FentonKarma
from transmural.tissue.sheet_kernel import StepFactors, advance, mark_activated, single
from transmural.tissue.sheets import Sheet

HERE = Path(__file__).parent
NODES, SPACING_MM, DIFFUSIVITY = 100, 0.3, 0.1
STIMULUS_MM, PATCH_MM, PATCH_RADIUS_MM = 3.0, 18.0, 5.0
DURATION_MS, LEVEL = 60.0, 0.5
VELOCITY_MM = (5.0, 27.0)  # along the margin, where the wave stays plane
REPEATS, BEATS = 3, 10

# finitewave has one time constant for v below the threshold where we have two; a first wave meets neither, as v is 1.
CELL = ATRIAL_CELLS["remodelled"]
CELL = CELL._replace(tau_v2_minus=CELL.tau_v1_minus)


def problem() -> tuple[Sheet, NDArray[np.bool_]]:
    """A sheet with a round patch that doesn't conduct, and the stimulus of a plane wave from the left."""
    place = SPACING_MM * (np.arange(NODES) + 0.5)
    patch = np.hypot(place - PATCH_MM, (place - place.mean())[:, None]) < PATCH_RADIUS_MM
    return Sheet(np.where(patch, 0, DIFFUSIVITY), SPACING_MM), np.tile(place < STIMULUS_MM, (NODES, 1))


def state(sheet: Sheet, stimulus: NDArray[np.bool_], step_ms: float) -> list[Any]:
    """What the kernel steps, as at the start of a beat."""
    u = np.pad(stimulus.astype(np.float32), 1)
    east, south = (np.ascontiguousarray(weight * step_ms, dtype=np.float32) for weight in sheet.faces())
    gates = np.ones_like(u), np.ones_like(u)
    return [u, np.zeros_like(u), *gates, east, south, single(CELL), StepFactors.of(CELL, step_ms), np.array([1, NODES])]


def activation(sheet: Sheet, stimulus: NDArray[np.bool_], step_ms: float, steps: int) -> NDArray[np.float32]:
    """Activation times to a step, in ms."""
    beat = state(sheet, stimulus, step_ms)
    found = np.full_like(beat[0], np.inf)
    for step in range(steps + 1):
        if step:
            advance(*beat, 1)
        mark_activated(beat[0], beat[-1], np.float32(step * step_ms), np.float32(LEVEL), found)
    return found[1:-1, 1:-1]


def rate(sheet: Sheet, stimulus: NDArray[np.bool_], step_ms: float, steps: int) -> float:
    """Updates a CPU second of nodes that conduct, best of some."""
    seconds = []
    for _ in range(REPEATS):
        beats = [state(sheet, stimulus, step_ms) for _ in range(BEATS)]
        begin = time.process_time()
        for beat in beats:
            advance(*beat, steps)
        seconds.append(time.process_time() - begin)
    return float(BEATS * steps * sheet.conducting.sum() / min(seconds))


def finitewave(
    interpreter: str, sheet: Sheet, stimulus: NDArray[np.bool_], step_ms: float, steps: int
) -> tuple[NDArray[np.float32], float]:
    """The peer's activation times and rate."""
    with tempfile.TemporaryDirectory() as folder:
        path, found = Path(folder) / "problem.npz", Path(folder) / "activation.npy"
        np.savez(
            path,
            mesh=np.pad(sheet.conducting.astype(np.int8), 1),
            stimulus=np.pad(stimulus.astype(np.int8), 1),
            diffusivity=DIFFUSIVITY,
            spacing_mm=SPACING_MM,
            step_ms=step_ms,
            steps=steps,
            repeats=REPEATS,
            level=LEVEL,
            **names(CELL),
        )
        command = [interpreter, str(HERE / "finitewave_sheet_peer.py"), str(path), str(found)]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, "NUMBA_NUM_THREADS": "1"}
        )
        cpu, updates = map(float, done.stdout.split()[-2:])
        times = np.load(found)[1:-1, 1:-1]
    return np.where(times < 0, np.inf, times), updates / cpu


def names(cell: FentonKarma) -> dict[str, float]:
    """Constants by finitewave's names."""
    renamed = {"tau_v_plus": "tau_v_p", "tau_v1_minus": "tau_v_m", "tau_w_plus": "tau_w_p", "tau_w_minus": "tau_w_m"}
    renamed["u_csi"] = "uc_si"
    constants = cell._asdict()
    del constants["tau_v2_minus"], constants["u_v"]
    return {renamed.get(name, name): value for name, value in constants.items()}


def velocity(times: NDArray[np.float32]) -> float:
    """Of the plane wave, in m/s: a line through the activation times of the first row."""
    place = SPACING_MM * (np.arange(NODES) + 0.5)
    chosen = (place > VELOCITY_MM[0]) & (place < VELOCITY_MM[1])
    return float(1 / np.polyfit(place[chosen], times[0, chosen], 1)[0])


def main() -> None:
    """Print speed and agreement at two time steps."""
    sheet, stimulus = problem()
    interpreter = peer()
    print(f"{NODES} × {NODES} nodes {SPACING_MM} mm apart, D {DIFFUSIVITY} mm²/ms, {DURATION_MS:g} ms, one thread")
    for step_ms in (0.05, 0.02):
        steps = round(DURATION_MS / step_ms)
        times, ours = activation(sheet, stimulus, step_ms, steps), rate(sheet, stimulus, step_ms, steps)
        print(f"step {step_ms} ms: {ours / 1e6:.0f}e6 node updates/s, plane wave {velocity(times):.4f} m/s")
        if interpreter is None:
            continue
        their_times, theirs = finitewave(interpreter, sheet, stimulus, step_ms, steps)
        compared = sheet.conducting & ~stimulus
        apart = their_times[compared] - times[compared]
        print(
            f"  finitewave: {theirs / 1e6:.1f}e6 node updates/s (ours {ours / theirs:.0f} ×), plane wave"
            f" {velocity(their_times):.4f} m/s; activation times apart by {np.sqrt(np.mean(apart**2)):.3f} ms"
            f" (root mean square), {np.abs(apart).max():.3f} ms at most, of {times[compared].max():.0f} ms"
        )
    if interpreter is None:
        print(NO_PEER)


if __name__ == "__main__":
    main()
