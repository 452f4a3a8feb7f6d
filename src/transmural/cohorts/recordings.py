"""Recordings of study 3: 12-lead ECGs and transmembrane potentials at 75 points, of many hearts, simulated.

A recording is one beat of 500 ms from the stimulus on. Recordings of a heart differ in the activation pattern, which is
shared with other hearts, and in repolarisation, of which two numbers are drawn for every recording: cycle length and
the conductance of the rapid delayed rectifier, g_Kr. The model has neither, so they act on its recovery
(`transmural.tissue.aliev_panfilov`):

    ε₀ = 2 ε₀' (1000 ms / cycle length),    μ₁ = μ₁' g_Kr^0.4,

ε₀' and μ₁' being the configured ones. Since v grows exponentially from what ε₀ gives it, the action potential lengthens
with the logarithm of the cycle length, as in restitution; μ₁ rules how fast v grows, and so when and how steeply the
action potential ends. With the configured kinetics a single cell has an APD90 of 309 ms at 1000 ms and normal g_Kr,
262 ms at 500 ms, and 373 and 276 ms with half and one and a half times g_Kr; in hearts it is some 30 ms shorter: means
over the points lie between 204 and 354 ms.
"""

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.places import WallMap
from transmural.anatomy.recording_points import recording_points
from transmural.cohorts.activation_patterns import Pattern, pattern, sites
from transmural.stores.config import Simulation
from transmural.stores.config.sequences import RecordingDesign
from transmural.stores.errors import SimulationError
from transmural.stores.random_streams import case_generator
from transmural.tissue.blocks import Device
from transmural.tissue.monodomain import Observers, Tissue, simulate
from transmural.torso.leads import STANDARD_12

_REFERENCE_CYCLE_MS = 1000.0
_FASTER_RECOVERY = 2.0
_RECTIFIER_EXPONENT = 0.4


def sample_times(design: RecordingDesign) -> NDArray[np.float64]:
    """Times of the samples of a record in ms, from the stimulus, shape (time,)."""
    return design.sample_ms * np.arange(design.samples, dtype=np.float64)


def pattern_number(design: RecordingDesign, heart_number: int, recording: int) -> int:
    """Pattern of a heart's recording: all in turn, each heart going on where the one before ends."""
    return (heart_number * design.recordings + recording) % design.patterns


def repolarisation(
    simulation: Simulation, cycle_length_ms: NDArray[np.floating], rapid_rectifier: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Constants ε₀ and μ₁ of the model, shape (case, 2).

    Parameters
    ----------
    simulation
        Has those at a cycle length of 2000 ms and normal g_Kr.
    cycle_length_ms
        Shape (case,).
    rapid_rectifier
        g_Kr relative to normal, shape (case,).
    """
    epsilon0 = _FASTER_RECOVERY * simulation.epsilon0 * _REFERENCE_CYCLE_MS / np.asarray(cycle_length_ms)
    mu1 = simulation.mu1 * np.asarray(rapid_rectifier) ** _RECTIFIER_EXPONENT
    return np.stack([epsilon0, mu1], axis=1)


def simulate_recordings(
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    design: RecordingDesign,
    simulation: Simulation,
    seed: int,
    heart: str,
    heart_number: int,
    recordings: range,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
    device: Device = "auto",
) -> xr.Dataset:
    """Simulate some of a heart's recordings; each depends on seed, heart and its number only.

    Parameters
    ----------
    anatomy, transfer
        Of the heart; of the transfer, ``transfer_fine`` with the standard 12 leads (`torso.transfer.voxel_transfer`).
    design
        What is drawn, and the samples.
    simulation
        The electrophysiological model; the time step is the design's.
    seed
        Of the run.
    heart, heart_number
        Name of the heart, and its place among all hearts of the study, which says with which pattern it begins.
    recordings
        Numbers of the recordings.
    threads
        Blocks of cases simulated at the same time on the CPU.
    progress
        Called with the number of recordings finished so far.
    device
        As for `tissue.monodomain.simulate`.

    Returns
    -------
    xarray.Dataset
        Fulfils `contracts.RECORDINGS`, with ``kind`` (case,) ("focal" or "purkinje") and ``activated_fraction`` (case,)
        besides; attributes ``rest_mv``, ``amplitude_mv``, ``simulated_on``.

    Raises
    ------
    SimulationError
        If a recording diverges or a beat fails to capture, naming heart and recording; or as `simulate` says.
    ConfigurationError
        If the time step is unstable on these voxels.
    """
    if not len(recordings):
        raise SimulationError(f"{heart}: there is no recording to simulate in {recordings}")
    points, voxels = recording_points(anatomy)
    lead = [str(name) for name in transfer["lead"].values]
    field = transfer["transfer_fine"].values[[lead.index(name) for name in STANDARD_12]]
    drawn = [_draw(design, seed, heart, number) for number in recordings]
    cycle_length, rapid_rectifier = (np.array(column) for column in zip(*drawn, strict=True))
    patterns = [pattern(design, seed, pattern_number(design, heart_number, number)) for number in recordings]
    beats = simulate(
        Tissue.of(anatomy),
        np.broadcast_to(np.float32(simulation.a), (len(recordings), anatomy.sizes["voxel"])),
        _origins(patterns, anatomy),
        simulation.model_copy(update={"time_step_ms": design.time_step_ms}),
        sample_times(design),
        Observers(_points_and_rest(voxels, anatomy.sizes["voxel"]), field),
        recovery=repolarisation(simulation, cycle_length, rapid_rectifier),
        threads=threads,
        case_names=[f"{heart} recording {number}" for number in recordings],
        device=device,
        progress=progress,
    )
    case = ("case",)
    return xr.Dataset(
        {
            "ecg": ((*case, "lead", "time"), beats.ecg),
            "tmp": ((*case, "time", "point"), beats.tmp[:, :, : len(points)]),
            "heart": (case, np.full(len(recordings), heart)),
            "pattern": (case, np.array([given.name for given in patterns])),
            "kind": (case, np.array([given.kind for given in patterns]), {"long_name": "kind of activation pattern"}),
            "cycle_length": (case, cycle_length),
            "rapid_rectifier": (case, rapid_rectifier),
            "activated_fraction": (case, beats.activated_fraction, {"units": "1"}),
        },
        coords={
            "case": np.array(recordings, np.int64),
            "lead": np.array(STANDARD_12),
            "time": sample_times(design),
            "point": np.array(points),
        },
        attrs={
            "rest_mv": simulation.rest_mv,
            "amplitude_mv": simulation.amplitude_mv,
            "simulated_on": beats.device,
        },
    )


def _draw(design: RecordingDesign, seed: int, heart: str, number: int) -> tuple[float, float]:
    """Cycle length in ms and relative g_Kr of one recording."""
    draw = case_generator(seed, "sequence_models", "recording", heart, number)
    return float(draw.uniform(*design.cycle_length_ms)), float(draw.uniform(*design.rapid_rectifier))


def _origins(patterns: Sequence[Pattern], anatomy: xr.Dataset) -> NDArray[np.float64]:
    """Sites of every recording in mm, shape (case, site, 3), NaN where a pattern has fewer."""
    wall = WallMap.of(anatomy)
    where = {name: sites(given, wall, anatomy) for name, given in {p.name: p for p in patterns}.items()}
    origins = np.full((len(patterns), max(map(len, where.values())), 3), np.nan)
    for row, given in zip(origins, patterns, strict=True):
        row[: len(where[given.name])] = where[given.name]
    return origins


def _points_and_rest(point_voxel: Sequence[int], voxels: int) -> NDArray[np.int64]:
    """Node of every voxel: each point's voxel is one of its own, all others are one more, the last."""
    node = np.full(voxels, len(point_voxel), dtype=np.int64)
    node[list(point_voxel)] = np.arange(len(point_voxel))
    return node
