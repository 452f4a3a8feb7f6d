"""Monodomain simulation of beats on the voxels of the heart wall.

    ∂u/∂t = ∇·(D∇u) + (k u (u − a)(1 − u) − u v) / τ,    n·D∇u = 0 at the boundary,

with the recovery variable v and the kinetics of Aliev and Panfilov (`transmural.tissue.aliev_panfilov`), τ milliseconds
a time unit, D transversely isotropic about the fibres and calibrated to the configured velocities
(`transmural.tissue.velocity`). Explicit Euler steps in float32, all cases of a block at once
(`transmural.tissue.kernels`), on the GPU where there is one. Threads work on different blocks. A case's numbers depend
neither on the cases simulated with it nor on the number of threads, bit for bit.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from transmural.stores.config import Simulation
from transmural.stores.errors import SimulationError
from transmural.tissue.aliev_panfilov import Kinetics
from transmural.tissue.blocks import Device, block_factory, uses_gpu
from transmural.tissue.diffusion import transversely_isotropic
from transmural.tissue.neighbours import FACES, wall_graph
from transmural.tissue.recording import Beats as Record
from transmural.tissue.recording import Observers, Recorder, check_capture
from transmural.tissue.rows import LANES
from transmural.tissue.stimulus import stimulated
from transmural.tissue.velocity import calibrated_diffusivities, operator_for, step_count

__all__ = ["Beats", "Observers", "Tissue", "simulate"]


@dataclass(frozen=True, eq=False)
class Tissue:
    """The wall of the heart: cubic voxels and their fibres.

    Attributes
    ----------
    voxel_index
        Grid indices, shape (voxel, 3); in scan order (as from `numpy.argwhere`) for the sake of the caches.
    voxel_position
        Centres in mm, shape (voxel, 3).
    fibre
        Unit vectors along the fibres, shape (voxel, 3).
    spacing_mm
        Edge of a voxel.
    """

    voxel_index: NDArray[np.integer]
    voxel_position: NDArray[np.floating]
    fibre: NDArray[np.floating]
    spacing_mm: float

    @classmethod
    def of(cls, anatomy: xr.Dataset) -> "Tissue":
        """The tissue of an anatomy (`transmural.stores.contracts.ANATOMY`)."""
        index, position, fibre = (anatomy[name].values for name in ("voxel_index", "voxel_position", "fibre"))
        return cls(index, position, fibre, float(anatomy.attrs["spacing_mm"]))


@dataclass(frozen=True, eq=False)
class Beats(Record):
    """Simulated beats: what was recorded (`transmural.tissue.recording.Beats`), and where it was computed.

    Attributes
    ----------
    device
        ``"cpu"`` or ``"gpu"``: where the beats were simulated, whatever was asked for.
    """

    device: Literal["cpu", "gpu"]


def simulate(
    tissue: Tissue,
    excitability: NDArray[np.floating],
    origin_mm: NDArray[np.floating],
    config: Simulation,
    time_ms: NDArray[np.floating],
    observers: Observers,
    *,
    recovery: NDArray[np.floating] | None = None,
    threads: int = 1,
    case_names: Sequence[str] | None = None,
    require_capture: bool = True,
    device: Device = "auto",
    progress: Callable[[int], None] | None = None,
) -> Beats:
    """Simulate one beat a case, from stimuli (u = 1 in a ball of the wall) at its origins at time 0.

    Parameters
    ----------
    tissue
        Voxels and fibres, the same for all cases.
    excitability
        Threshold parameter a of every voxel, shape (case, voxel).
    origin_mm
        Centres of the stimulated balls in mm, shape (case, 3), or (case, site, 3) with NaN for sites that a case lacks.
    config
        The model; ``time_step_ms`` bounds the step, which divides the interval of the frames.
    time_ms
        Times of the frames: equally spaced, from 0, shape (frame,).
    observers
        Nodes and leads.
    recovery
        Constants ε₀ and μ₁ of every case, shape (case, 2); those of ``config`` by default. Velocity and stability,
        which are calibrated with those of ``config``, differ by less than 1 % over usual repolarisation.
    threads
        Blocks of cases simulated at the same time on the CPU.
    case_names
        How errors name the cases; "case 0", "case 1", … by default.
    require_capture
        Refuse beats that activate less than ``config.capture_fraction`` of the excitable voxels.
    device
        "auto" takes the GPU when there is one; `Beats.device` says which it was. CPU and GPU agree to 1e-3 in u.
    progress
        Called with the number of cases finished so far.

    Raises
    ------
    ConfigurationError
        If the time step is unstable on these voxels or they are too coarse for the configured velocity.
    SimulationError
        If an origin lies outside the wall, a beat diverges or fails to capture, naming the cases; if inputs don't fit
        together, naming the input; or if there is no GPU where one is asked for.
    """
    excitability, origin_mm = np.asarray(excitability), np.asarray(origin_mm)
    times: NDArray[np.float64] = np.asarray(time_ms, dtype=np.float64)
    cases = len(excitability)
    names = [f"case {i}" for i in range(cases)] if case_names is None else list(case_names)
    _check(tissue, excitability, origin_mm, recovery, times, observers, names)
    sites = origin_mm.reshape(cases, -1, 3)

    chosen: Literal["cpu", "gpu"] = "gpu" if uses_gpu(device) else "cpu"
    frame_ms = float(times[1] - times[0])
    steps = step_count(frame_ms, config.time_step_ms)
    step_ms = frame_ms / steps
    start = block_factory(_operator(tissue, step_ms, config), step_ms, config.time_unit_ms, chosen)
    faces = wall_graph(tissue.voxel_index, tissue.spacing_mm, FACES)
    recorder = Recorder(observers, config, times, steps)
    record = Record.empty(cases, len(times), observers)

    def run(first: int) -> int:
        u = _stimuli(tissue, faces, sites[first : first + LANES], config, names[first : first + LANES])
        # Lanes beyond the last case repeat it.
        lanes = np.minimum(first + np.arange(LANES), cases - 1)
        a = np.ascontiguousarray(excitability[lanes].T, dtype=np.float32)
        recorder.follow(start(u, a, _kinetics(config, recovery, lanes)), a, names, first, record)
        return min(first + LANES, cases)

    with ThreadPoolExecutor(1 if chosen == "gpu" else threads) as pool:
        for finished in pool.map(run, range(0, cases, LANES)):
            if progress is not None:
                progress(finished)
    if require_capture:
        check_capture(record.activated_fraction, names, config)
    return Beats(record.tmp, record.ecg, record.activated_fraction, chosen)


def _operator(tissue: Tissue, step_ms: float, config: Simulation) -> sparse.csr_matrix:
    along, across = calibrated_diffusivities(config, tissue.spacing_mm, step_ms)
    tensor = transversely_isotropic(tissue.fibre, along, across)
    return operator_for(tissue.voxel_index, tissue.spacing_mm, tensor, step_ms, config)


def _kinetics(config: Simulation, recovery: NDArray[np.floating] | None, lanes: NDArray[np.integer]) -> Kinetics:
    """Constants of a block, with a row for those that differ between its cases."""
    same = Kinetics.of(config)
    if recovery is None:
        return same
    epsilon0, mu1 = np.ascontiguousarray(np.asarray(recovery)[lanes].T, dtype=np.float32)
    return same._replace(epsilon0=epsilon0, mu1=mu1)


def _stimuli(
    tissue: Tissue, faces: sparse.csr_matrix, sites_mm: NDArray[np.floating], config: Simulation, names: list[str]
) -> NDArray[np.float32]:
    """Initial potential of a block, shape (voxel, LANES)."""
    u = np.zeros((len(tissue.voxel_index), LANES), np.float32)
    radius, spacing = config.stimulus_radius_mm, tissue.spacing_mm
    for lane, (origins, name) in enumerate(zip(sites_mm, names, strict=True)):
        for origin in origins[~np.isnan(origins).any(axis=1)]:
            u[stimulated(tissue.voxel_position, faces, origin, radius, spacing, name), lane] = 1
    u[:, len(names) :] = u[:, len(names) - 1, None]
    return u


def _check(
    tissue: Tissue,
    excitability: NDArray[np.floating],
    origin_mm: NDArray[np.floating],
    recovery: NDArray[np.floating] | None,
    time_ms: NDArray[np.float64],
    observers: Observers,
    names: list[str],
) -> None:
    cases, voxels = len(names), len(tissue.voxel_index)
    sites = origin_mm.shape[1:2] if origin_mm.ndim == 3 else ()
    expected = {
        "excitability": (excitability, (cases, voxels)),
        "origin_mm": (origin_mm, (cases, *sites, 3)),
        "voxel_node": (observers.voxel_node, (voxels,)),
        "lead_field": (observers.lead_field, (len(observers.lead_field), voxels)),
    }
    if recovery is not None:
        expected["recovery"] = (np.asarray(recovery), (cases, 2))
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise SimulationError(f"{name}: has shape {array.shape}, expected {shape}")
        lacking = np.isnan(array).all(axis=-1, keepdims=True) if name == "origin_mm" and sites else False
        if not (np.isfinite(array) | lacking).all():
            raise SimulationError(f"{name}: has values that are not finite")
    if not cases:
        raise SimulationError("excitability: there is no case to simulate")
    if sites and (nowhere := np.flatnonzero(np.isnan(origin_mm).all(axis=(1, 2)))).size:
        raise SimulationError(f"origin_mm: {names[nowhere[0]]} has no site; it needs one or more")
    interval = np.diff(time_ms)
    if len(time_ms) < 2 or time_ms[0] != 0 or not np.allclose(interval, interval[0], rtol=1e-6) or interval[0] <= 0:
        raise SimulationError("time_ms: frames must be equally spaced, start at 0 and number at least two")
