"""Beats of study 4: potentials on a closed surface of the ventricles, and what electrodes on the skin record of them.

A beat's source is the «surface», as it is published: a wave of Aliev and Panfilov on the very surface on which it is
reconstructed, its ECG through the very transfer matrix that is inverted (an inverse crime). Or the «volume», harder and
fairer: the beat is simulated in the wall, with fibres, its ECG comes from all of its voxels, and the surface only
samples it. Between them stand beats of a finer surface that a coarser one samples (`beats_of_finer_surface`), of the
same cells or, «other_cells», of Mitchell's and Schaeffer's.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from transmural.anatomy.surface_points import nearest_on_surface
from transmural.cohorts.beats import coarse_ecg, simulate_cases
from transmural.stores.config import BeatSampling, Simulation
from transmural.stores.contracts import SURFACE_BEATS
from transmural.stores.errors import SimulationError
from transmural.stores.random_streams import case_generator
from transmural.tissue.blocks import Device
from transmural.tissue.events import activation_time
from transmural.tissue.monodomain import Observers, Tissue, simulate
from transmural.tissue.surface_cells import simulate_surface_cells
from transmural.tissue.surface_waves import simulate_surface

Floats = NDArray[np.float64]
SurfaceSource = Literal["surface", "other_cells"]
Source = Literal[SurfaceSource, "volume"]


def origin_vertices(vertices: int, seed: int, subject: str, cases: range, sites: int = 1) -> list[list[int]]:
    """Vertices where the beats of a subject start, ``sites`` different ones a case; each depends on its case only.

    Parameters
    ----------
    vertices
        Of the surface.
    seed, subject
        Of the run, and name of the subject.
    cases
        Numbers of the cases.
    sites
        Vertices that are stimulated at once.
    """
    draws = [case_generator(seed, "physics_informed", subject, "origin", case) for case in cases]
    return [draw.choice(vertices, sites, replace=False).tolist() for draw in draws]


def simulate_surface_beats(
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    origin_vertex: Sequence[Sequence[int]],
    simulation: Simulation,
    time_ms: NDArray[np.floating],
    source: Source,
    *,
    case_names: Sequence[str] | None = None,
    threads: int = 1,
    device: Device = "auto",
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Simulate one beat a case.

    Parameters
    ----------
    anatomy, transfer
        Of the subject (`contracts.ANATOMY`, `contracts.SURFACE_TRANSFER`). With a matrix of extracellular potentials
        the transmembrane potential of "surface" beats stands in for them, as it is published. ECGs of "volume" beats
        come from the voxels' transmembrane potentials, which needs ``transfer_fine``.
    origin_vertex
        Vertices at which each case is stimulated, one or more a case (`origin_vertices`).
    simulation
        The electrophysiological model.
    time_ms
        Times of the frames: equally spaced, from 0, shape (frame,).
    source
        "surface", "other_cells" (on the surface, too) or "volume".
    case_names
        How errors name the cases.
    threads, device, progress
        As for `tissue.monodomain.simulate`; for "volume" beats only.

    Returns
    -------
    xarray.Dataset
        Fulfils `contracts.SURFACE_BEATS`; besides, ``activated_fraction`` (case,). Attributes ``ecg_source``,
        ``rest_mv``, ``amplitude_mv`` and those of ``transfer``; of beats on the surface
        also ``diffusivity_mm2_per_ms`` and ``step_ms``.

    Raises
    ------
    SimulationError
        If a beat diverges or fails to capture, naming it; or if a site is no vertex.
    ConfigurationError
        If triangles or voxels are too coarse for the velocity or the time step is unstable on the voxels.
    """
    names = list(case_names) if case_names is not None else [f"case {i}" for i in range(len(origin_vertex))]
    site = _padded(origin_vertex, transfer.sizes["vertex"], names)
    if source != "volume":
        simulate_waves = simulate_surface if source == "surface" else simulate_surface_cells
        waves = simulate_waves(
            transfer["vertex_position"].values,
            transfer["face"].values,
            origin_vertex,
            simulation,
            time_ms,
            case_names=names,
        )
        tmp, fraction = waves.tmp, waves.activated_fraction
        ecg = coarse_ecg(transfer["transfer"].values, tmp, simulation.amplitude_mv)
        ecg_source = f"{transfer.attrs['matrix']} matrix of the surface (inverse crime)"
        attributes = {"diffusivity_mm2_per_ms": waves.diffusivity_mm2_per_ms, "step_ms": waves.step_ms}
        origin = transfer["vertex_position"].values.astype(float)[site]
        origin[site < 0] = np.nan
    else:
        origin = anatomy["voxel_position"].values.astype(float)[transfer["vertex_voxel"].values[site]]
        origin[site < 0] = np.nan
        tmp, ecg, fraction = _in_the_wall(
            anatomy, transfer, origin, simulation, time_ms, names, threads, device, progress
        )
        ecg_source, attributes = "voxels of the wall", {}
    kept = {name: transfer[name] for name in SURFACE_BEATS.variables if name in transfer and name != "lead"}
    return xr.Dataset(
        {
            **kept,
            "tmp": (("case", "time", "vertex"), tmp),
            "activation_time": (("case", "vertex"), activation_time(tmp, time_ms)),
            "ecg": (("case", "lead", "time"), ecg),
            "origin_vertex": (("case", "site"), site.astype(np.int32)),
            "origin": (("case", "site", "xyz"), origin),
            "activated_fraction": ("case", fraction, {"units": "1", "long_name": "share that the beat activated"}),
        },
        coords={
            "case": np.arange(len(site)),
            "time": np.asarray(time_ms, dtype=float),
            "lead": transfer["lead"].values,
        },
        attrs={
            **transfer.attrs,
            "ecg_source": ecg_source,
            "rest_mv": simulation.rest_mv,
            "amplitude_mv": simulation.amplitude_mv,
            **attributes,
        },
    )


def beats_of_finer_surface(
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    finer: xr.Dataset,
    origin_vertex: Sequence[Sequence[int]],
    simulation: Simulation,
    time_ms: NDArray[np.floating],
    case_names: Sequence[str] | None = None,
    source: SurfaceSource = "surface",
) -> xr.Dataset:
    """Beats of a finer surface of a heart as a coarser one samples them.

    Parameters
    ----------
    anatomy, simulation, time_ms, case_names, source
        As for `simulate_surface_beats`.
    transfer, finer
        Of the surface that samples and of the one on which beats run, to the same electrodes.
    origin_vertex
        Vertices of the surface that samples; beats start at the nearest ones of the other.

    Returns
    -------
    As `simulate_surface_beats`, on the surface that samples, with its matrix and the ECGs of the other.
    """
    tree, position = cKDTree(finer["vertex_position"].values), transfer["vertex_position"].values
    sites = [np.atleast_1d(tree.query(position[list(case)])[1]).tolist() for case in origin_vertex]
    beats = simulate_surface_beats(anatomy, finer, sites, simulation, time_ms, source, case_names=case_names)
    weights = nearest_on_surface(
        transfer["vertex_position"].values, finer["vertex_position"].values, finer["face"].values
    )
    tmp = np.stack([(weights @ case.T).T for case in beats["tmp"].values]).astype(np.float32)
    taken = {name: transfer[name] for name in SURFACE_BEATS.variables if name in transfer and name != "lead"}
    site = _padded(origin_vertex, transfer.sizes["vertex"], list(case_names or map(str, range(len(sites)))))
    other = "tissue" if source == "surface" else "cells"
    sampled = {
        **taken,
        "tmp": (("case", "time", "vertex"), tmp),
        "activation_time": (("case", "vertex"), activation_time(tmp, beats["time"].values)),
        "origin_vertex": (("case", "site"), site.astype(np.int32)),
    }
    attributes = transfer.attrs | {"ecg_source": f"a finer surface of other {other}"}
    return beats.drop_dims(("vertex", "face")).assign(sampled).assign_attrs(attributes)


def beats_at_nodes(
    beats: xr.Dataset,
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    sampling: BeatSampling,
    simulation: Simulation,
    threads: int = 1,
) -> xr.Dataset:
    """Beats in the wall once more, at the nodes, leads and frames of generative_em.

    Parameters
    ----------
    beats
        `contracts.SURFACE_BEATS` whose source is the wall's volume, each from one site; of them only
        site and number are used.
    anatomy, transfer
        Of the subject (`contracts.ANATOMY`, `contracts.TRANSFER`).
    sampling
        Length and frames of a beat.
    simulation
        The electrophysiological model with which the beats were simulated.
    threads
        As for `simulate_cases`.

    Returns
    -------
    xarray.Dataset
        Fulfils `contracts.BEATS`.
    """
    cases, voxels = beats.sizes["case"], anatomy.sizes["voxel"]
    cohort = xr.Dataset(
        {
            "origin": (("case", "xyz"), beats["origin"].values[:, 0]),
            "origin_id": ("case", np.arange(cases)),
            "tissue_id": ("case", np.zeros(cases, dtype=int)),
            "excitability": (("case", "voxel"), np.full((cases, voxels), simulation.a, dtype=np.float32)),
            "scar_voxel": (("case", "voxel"), np.zeros((cases, voxels), dtype=bool)),
        },
        coords={"case": beats["case"].values},
        attrs={"subject": beats.attrs["subject"], "cohort": "mismatch"},
    )
    return simulate_cases(
        anatomy, transfer, cohort, slice(None), sampling, simulation, threads, device=simulation.device
    )


def noisy_ecg(beats: xr.Dataset, electrodes: int, sigma: float, seed: int) -> tuple[Floats, Floats]:
    """Body-surface potentials with white noise; its draws are the case's own and the same for every ``sigma``.

    Parameters
    ----------
    beats
        `contracts.SURFACE_BEATS`; the coordinate ``case`` numbers them.
    electrodes
        Size of the montage.
    sigma
        Standard deviation of the noise as a share of the potentials' root mean square over electrodes and time.
    seed
        Of the run.

    Returns
    -------
    Potentials in mV, shape (case, electrode, time), and the noise's standard deviation in mV, shape (case,).
    """
    ecg = beats["ecg"].values[:, beats["montage_size"].values == electrodes].astype(np.float64)
    subject = str(beats.attrs["subject"])
    draws = [
        case_generator(seed, "physics_informed", subject, "noise", int(case)).standard_normal(ecg.shape[1:])
        for case in beats["case"].values
    ]
    noise_sd = sigma * np.sqrt(np.mean(ecg**2, axis=(1, 2)))
    return ecg + noise_sd[:, None, None] * np.stack(draws), noise_sd


def _in_the_wall(
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    origin_mm: NDArray[np.float64],
    simulation: Simulation,
    time_ms: NDArray[np.floating],
    names: list[str],
    threads: int,
    device: Device,
    progress: Callable[[int], None] | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Beats in the wall at the voxels of the vertices, (case, frame, vertex); their ECGs; shares activated."""
    # Neighbouring vertices may have one voxel. All voxels without vertex are one more observed group, the last.
    voxel, number = np.unique(transfer["vertex_voxel"].values, return_inverse=True)
    observed = np.full(anatomy.sizes["voxel"], len(voxel), dtype=np.int64)
    observed[voxel] = np.arange(len(voxel))
    beats = simulate(
        Tissue.of(anatomy),
        np.broadcast_to(np.float32(simulation.a), (len(origin_mm), anatomy.sizes["voxel"])),
        origin_mm,
        simulation,
        time_ms,
        Observers(observed, transfer["transfer_fine"].values),
        threads=threads,
        case_names=names,
        device=device,
        progress=progress,
    )
    return np.ascontiguousarray(beats.tmp[:, :, number.ravel()]), beats.ecg, beats.activated_fraction


def _padded(origin_vertex: Sequence[Sequence[int]], vertices: int, names: Sequence[str]) -> NDArray[np.int64]:
    """Sites of all cases in one array, shape (case, site), −1 where a case has fewer."""
    if not len(origin_vertex):
        raise SimulationError("origin_vertex: there is no case to simulate")
    for name, given in zip(names, origin_vertex, strict=True):
        if not len(given) or min(given) < 0 or max(given) >= vertices:
            raise SimulationError(
                f"origin_vertex: {name} has {list(given)}, expected one or more of the {vertices} vertices"
            )
    site = np.full((len(origin_vertex), max(map(len, origin_vertex))), -1, dtype=np.int64)
    for row, given in zip(site, origin_vertex, strict=True):
        row[: len(given)] = given
    return site
