"""From a cohort to its beats: what every case's heart does, and what the leads record of it.

Cohorts are simulated in shards of consecutive cases. A case's numbers depend on the case alone, so the shards of a
cohort together are the same, bit for bit on one kind of device, however many there are.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from transmural.stores.config import BeatSampling, Simulation
from transmural.stores.errors import SimulationError
from transmural.tissue.blocks import Device
from transmural.tissue.events import activation_time, repolarisation_time
from transmural.tissue.monodomain import Observers, Tissue, simulate

_ACTIVATED = {"units": "1", "long_name": "share of the excitable voxels that the beat activated"}


def frame_times(study: BeatSampling) -> NDArray[np.float64]:
    """Times of the frames in ms, from the stimulus to the end of the beat, shape (frame,)."""
    return np.linspace(0.0, study.duration_ms, study.frames)


def simulate_cases(
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    cohort: xr.Dataset,
    cases: slice,
    study: BeatSampling,
    simulation: Simulation,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
    device: Device = "auto",
) -> xr.Dataset:
    """Beats of one shard of a cohort.

    Parameters
    ----------
    anatomy, transfer
        Of the subject (`contracts.ANATOMY`, `contracts.TRANSFER`).
    cohort
        From `design.design` (`contracts.COHORT`).
    cases
        Cases of the shard, from `plan.shards`.
    study
        Length and frames of a beat. With ``inverse_crime`` the ECGs come from the coarse transfer matrix and the TMP at
        the nodes, the model that is inverted, instead of from the fine grid.
    simulation
        The electrophysiological model.
    threads
        Blocks of cases simulated at the same time.
    progress
        Called with the number of cases finished so far.
    device
        Where to simulate: "cpu", "gpu", or "auto" for the GPU when there is one. The two agree to 1e-3 in u, not bit
        for bit.

    Returns
    -------
    xarray.Dataset
        Fulfils `contracts.BEATS`; besides, ``activated_fraction`` (case,). Attributes ``ecg_source`` (``"fine grid"``
        or ``"coarse transfer matrix (inverse crime)"``), ``simulated_on`` (``"cpu"`` or ``"gpu"``), ``rest_mv``,
        ``amplitude_mv`` and those of the cohort.

    Raises
    ------
    SimulationError
        If there is no such case, or a beat diverges or fails to capture, naming the cohort and its case; or if there is
        no GPU where one is asked for.
    ConfigurationError
        If the time step is unstable on these voxels or they are too coarse for the configured velocity.
    """
    shard = cohort.isel(case=cases)
    name = str(cohort.attrs.get("cohort", "cohort"))
    if shard.sizes["case"] == 0:
        raise SimulationError(f"{name}: has {cohort.sizes['case']} cases, none of them in {cases}")
    time_ms = frame_times(study)
    voxel_node = anatomy["voxel_node"].values
    field = transfer["transfer_fine"].values
    beats = simulate(
        Tissue.of(anatomy),
        shard["excitability"].values,
        shard["origin"].values,
        simulation,
        time_ms,
        Observers(voxel_node, field[:0] if study.inverse_crime else field),
        threads=threads,
        case_names=[f"{name} case {number}" for number in shard["case"].values],
        device=device,
        progress=progress,
    )
    ecg = beats.ecg
    if study.inverse_crime:
        ecg = coarse_ecg(transfer["transfer"].values, beats.tmp, simulation.amplitude_mv)
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), beats.tmp),
            "ecg": (("case", "lead", "time"), ecg),
            "activation_time": (("case", "node"), activation_time(beats.tmp, time_ms)),
            "repolarisation_time": (("case", "node"), repolarisation_time(beats.tmp, time_ms)),
            "scar": (("case", "node"), node_scar(shard["scar_voxel"].values, voxel_node)),
            "excitability": (("case", "node"), node_mean(shard["excitability"].values, voxel_node)),
            "activated_fraction": ("case", beats.activated_fraction, _ACTIVATED),
            **{key: shard[key] for key in ("origin", "origin_id", "tissue_id")},
        },
        coords={"case": shard["case"].values, "time": time_ms, "lead": transfer["lead"].values},
        attrs={
            **cohort.attrs,
            "ecg_source": "coarse transfer matrix (inverse crime)" if study.inverse_crime else "fine grid",
            "simulated_on": beats.device,
            "rest_mv": simulation.rest_mv,
            "amplitude_mv": simulation.amplitude_mv,
        },
    )


def coarse_ecg(transfer: NDArray[np.floating], tmp: NDArray[np.floating], amplitude_mv: float) -> NDArray[np.float32]:
    """ECG in mV, shape (case, lead, time), of nodal TMP (case, time, node) through the matrix (lead, node)."""
    # One thread: how a library splits a product between threads may change its last bits.
    with threadpool_limits(1):
        millivolt = amplitude_mv * np.asarray(transfer, dtype=np.float64)
        ecg = [millivolt @ potential.T.astype(np.float64) for potential in tmp]
    return np.asarray(ecg, dtype=np.float32)


def node_scar(scar_voxel: NDArray[np.bool_], voxel_node: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Nodes, shape (case, node), more than half of whose voxels, shape (case, voxel), are scar."""
    voxels = np.bincount(voxel_node)
    scarred = [np.bincount(voxel_node, weights=scar, minlength=len(voxels)) for scar in scar_voxel]
    return np.asarray(np.stack(scarred) > voxels / 2)


def node_mean(field: NDArray[np.floating], voxel_node: NDArray[np.integer]) -> NDArray[np.float32]:
    """Mean of a field, shape (case, voxel), over the voxels of each node, shape (case, node)."""
    voxels = np.bincount(voxel_node)
    return np.stack([np.bincount(voxel_node, weights=values) / voxels for values in field]).astype(np.float32)
