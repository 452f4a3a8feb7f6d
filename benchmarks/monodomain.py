"""Speed of the monodomain solver: node updates a second, share of memory bandwidth, 850 beats, and a peer.

Usage: python benchmarks/monodomain.py [threads]. See README.md beside this file.
"""

import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numba import njit

from transmural.stores.config import Simulation
from transmural.tissue.blocks import block_factory
from transmural.tissue.diffusion import transversely_isotropic
from transmural.tissue.monodomain import Observers, Tissue, simulate
from transmural.tissue.rows import LANES
from transmural.tissue.velocity import calibrated_diffusivities, operator_for

HERE = Path(__file__).parent
BEATS, DURATION_MS, FRAMES, NODES, LEADS = 850, 550.0, 201, 1900, 132
SPACING_MM, STEP_MS = 2.0, 0.25
PEER_STEP_MS = 0.2  # isotropic tissue needs a smaller step
NO_PEER = (
    "finitewave: not compared; install it (`pip install finitewave`) or name an interpreter that has it in"
    " FINITEWAVE_PYTHON"
)


def heart() -> Tissue:
    """Half an ellipsoidal shell of about 20,000 voxels with fibres that turn through the wall."""
    grid = np.stack(np.meshgrid(*[np.arange(-30, 31)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    position = SPACING_MM * grid
    depth = np.linalg.norm(position / [36.0, 36.0, 54.0], axis=1)
    wall = (depth > 0.665) & (depth < 1.0) & (position[:, 2] < 22)
    index, position = grid[wall], position[wall]
    normal = position / np.array([36.0, 36.0, 54.0]) ** 2
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    around = np.cross(normal, [0.013, 0.017, 1.0])
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    angle = np.deg2rad(60 - 120 * (depth[wall] - 0.665) / 0.335)[:, None]
    return Tissue(index, position, np.cos(angle) * around + np.sin(angle) * np.cross(normal, around), SPACING_MM)


@njit(nogil=True)
def _triad(a: Any, b: Any, c: Any) -> None:
    for i in range(len(a)):
        a[i] = b[i] + np.float32(3) * c[i]


def _rate(work: Callable[[int], object], threads: int, amount: float) -> float:
    """Amount of work a second when all threads work at once, best of five, by the threads' own CPU time.

    CPU time, so that other programs on the machine don't count, as far as they leave memory and caches alone.
    """

    def timed(thread: int) -> float:
        start = time.thread_time()
        work(thread)
        return time.thread_time() - start

    with ThreadPoolExecutor(threads) as pool:
        rounds = [sum(amount / seconds for seconds in pool.map(timed, range(threads))) for _ in range(6)]
    return max(rounds[1:])


def bandwidth_gb_per_s(threads: int) -> float:
    """STREAM triad (McCalpin): 12 bytes an element of float32, arrays far larger than the caches."""
    arrays = [[np.ones(24_000_000, np.float32) for _ in range(3)] for _ in range(threads)]
    return _rate(lambda thread: _triad(*arrays[thread]), threads, 12 * arrays[0][0].size) / 1e9


def kernel(tissue: Tissue, config: Simulation, threads: int) -> tuple[float, float]:
    """Node updates a second of all threads together, and bytes an update must move when nothing stays in a cache."""
    along, across = calibrated_diffusivities(config, SPACING_MM, STEP_MS)
    tensor = transversely_isotropic(tissue.fibre, along, across)
    operator = operator_for(tissue.voxel_index, SPACING_MM, tensor, STEP_MS, config)
    start = block_factory(operator, STEP_MS, config, "cpu")
    voxels = len(tissue.voxel_index)
    u = np.random.default_rng(0).random((voxels, LANES), dtype=np.float32)
    blocks = [start(u, np.full_like(u, config.a)) for _ in range(threads)]
    steps = 110
    rate = _rate(lambda thread: blocks[thread].advance(steps), threads, steps * voxels * LANES)
    # u read and written, v read and written, a read; a weight and a column number for every entry, shared by the lanes.
    return rate, 20 + 8 * operator.nnz / voxels / LANES


def paper_scale(tissue: Tissue, config: Simulation, threads: int) -> tuple[float, float, float]:
    """Wall and CPU seconds of one block of beats a thread, and the peak memory of this process in GB."""
    voxels, generator = len(tissue.voxel_index), np.random.default_rng(0)
    cases = threads * LANES
    observers = Observers(np.arange(voxels) * NODES // voxels, 1e-4 * generator.standard_normal((LEADS, voxels)))
    origins = tissue.voxel_position[generator.integers(voxels, size=cases)]
    excitability = np.full((cases, voxels), config.a, np.float32)
    frames = np.linspace(0, DURATION_MS, FRAMES)
    simulate(tissue, excitability, origins, config, frames[:2], observers, require_capture=False, device="cpu")
    wall, cpu = time.perf_counter(), time.process_time()
    simulate(tissue, excitability, origins, config, frames, observers, threads=threads, device="cpu")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def peer() -> str | None:
    """Interpreter that has finitewave: this one, or the one named by FINITEWAVE_PYTHON."""
    named = os.environ.get("FINITEWAVE_PYTHON")
    return named or (sys.executable if importlib.util.find_spec("finitewave") else None)


def against_finitewave(interpreter: str, config: Simulation, isotropic: bool) -> tuple[float, float]:
    """Node updates a CPU second, ours and finitewave's, one thread each, on a slab of 60 × 60 × 6 voxels."""
    mesh = np.zeros((62, 62, 8), np.int8)
    mesh[1:-1, 1:-1, 1:-1] = 1
    index = np.argwhere(mesh)
    along, across = calibrated_diffusivities(config, SPACING_MM, PEER_STEP_MS)
    fibre = np.array([1.0, 0.0, 0.0] if isotropic else [0.8, 0.6, 0.0])
    across = along if isotropic else across
    tissue = Tissue(index, SPACING_MM * index, np.tile(fibre, (len(index), 1)), SPACING_MM)
    tensor = transversely_isotropic(tissue.fibre, along, across)
    operator = operator_for(tissue.voxel_index, SPACING_MM, tensor, PEER_STEP_MS, config)
    u = np.zeros((len(index), LANES), np.float32)
    u[index[:, 0] < 8] = 1
    block = block_factory(operator, PEER_STEP_MS, config, "cpu")(u, np.full_like(u, config.a))
    block.advance(2)
    steps = 400
    begin = time.process_time()
    block.advance(steps)
    ours = steps * u.size / (time.process_time() - begin)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        np.savez(
            path,
            mesh=mesh,
            fibre=np.zeros(0) if isotropic else np.broadcast_to(fibre, (*mesh.shape, 3)),
            along=along * config.time_unit_ms,
            across=across * config.time_unit_ms,
            spacing_mm=SPACING_MM,
            step=PEER_STEP_MS / config.time_unit_ms,
            steps=steps,
            a=config.a,
        )
        command = [interpreter, str(HERE / "finitewave_peer.py"), str(path)]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, "NUMBA_NUM_THREADS": "1"}
        )
    _, cpu, updates, _ = map(float, done.stdout.split()[-4:])
    return ours, updates / cpu


def main(threads: int) -> None:
    """Print all measurements."""
    config = Simulation(**yaml.safe_load((HERE.parent / "config" / "config.yaml").read_text())["simulation"])
    tissue = heart()
    print(f"{len(tissue.voxel_index)} voxels of {SPACING_MM} mm, {LANES} beats a block, step {STEP_MS} ms")
    for count in sorted({1, threads}):
        triad = bandwidth_gb_per_s(count)
        rate, size = kernel(tissue, config, count)
        print(
            f"{count} thread(s): {rate / 1e9:.2f}e9 node updates/s × {size:.1f} bytes = {rate * size / 1e9:.0f} GB/s,"
            f" {rate * size / 1e9 / triad:.0%} of the STREAM triad's {triad:.0f} GB/s"
        )
    wall, cpu, memory = paper_scale(tissue, config, threads)
    blocks = -(-BEATS // LANES)
    print(
        f"{threads * LANES} beats × {DURATION_MS:g} ms, {FRAMES} frames, {NODES} nodes, {LEADS} leads:"
        f" {wall:.1f} s wall, {cpu:.1f} s CPU, peak {memory:.1f} GB"
    )
    print(
        f"{BEATS} beats: {blocks * cpu / threads:.0f} CPU seconds, or {blocks * cpu / threads**2:.0f} s on {threads}"
        f" idle core(s) ({-(-blocks // threads) * wall:.0f} s at the wall time just measured)"
    )
    interpreter = peer()
    if interpreter is None:
        print(NO_PEER)
        return
    for isotropic in (True, False):
        ours, theirs = against_finitewave(interpreter, config, isotropic)
        print(
            f"finitewave, {'isotropic' if isotropic else 'anisotropic'} slab, one thread: {theirs / 1e6:.1f}e6 node"
            f" updates/s, ours {ours / 1e6:.0f}e6: {ours / theirs:.0f} ×"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else len(os.sched_getaffinity(0)))
