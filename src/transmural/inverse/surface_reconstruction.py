"""Beats on a heart's surface, reconstructed by the methods of study 4: what each is told, and what comes back."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.surface_operators import SurfaceOperators, surface_operators
from transmural.cohorts.surface_beats import noisy_ecg
from transmural.inverse.stre import spatio_temporal
from transmural.inverse.surface_tikhonov import surface_tikhonov
from transmural.networks.field_fit import fit_field
from transmural.networks.history import History
from transmural.networks.run import TrainingRun
from transmural.networks.surface_beat import SurfaceBeat
from transmural.networks.surface_physics import SurfaceModel
from transmural.stores.config import Simulation
from transmural.stores.config.physics_informed import CLASSICAL, SurfaceMethods, SurfaceSetting
from transmural.tissue.surface_waves import diffusivity_and_steps


@dataclass(frozen=True, eq=False)
class SurfaceReconstruction:
    """What a method makes of a beat.

    Attributes
    ----------
    potential
        0 at rest, 1 on the plateau, shape (time, vertex).
    seconds
        Wall time; of a fit that was interrupted, that of all its epochs.
    history
        Of the fit of a network, one entry an epoch; else empty.
    """

    potential: NDArray[np.float32]
    seconds: float
    history: History = field(default_factory=list)


class KnownHeart:
    """What all methods know of a heart: its surface, transfer matrix and tissue, never a beat's truth.

    Parameters
    ----------
    geometry
        Has the surface and its matrix (`transmural.stores.contracts.SURFACE_BEATS`).
    electrodes
        Size of the montage.
    simulation
        Kinetics and velocity that are assumed; the diffusivity is the one that gives that velocity on this mesh.
    """

    def __init__(self, geometry: xr.Dataset, electrodes: int, simulation: Simulation) -> None:
        self._vertices = geometry["vertex_position"].values.astype(np.float64)
        self._normals = geometry["vertex_normal"].values.astype(np.float64)
        face, self._time_ms = geometry["face"].values, geometry["time"].values.astype(np.float64)
        self._operators = surface_operators(self._vertices, face)
        frame_ms = float(self._time_ms[1] - self._time_ms[0])
        diffusivity, _ = diffusivity_and_steps(self._operators, len(face), simulation, frame_ms)
        self._model = SurfaceModel.of(simulation, diffusivity)
        matrix = geometry["transfer"].values[geometry["montage_size"].values == electrodes]
        self._transfer = simulation.amplitude_mv * matrix.astype(np.float64)

    @property
    def operators(self) -> SurfaceOperators:
        """Gradient and Laplacian of the surface."""
        return self._operators

    def beat(self, data: NDArray[np.float64], noise_sd: float) -> SurfaceBeat:
        """A beat of which this is recorded.

        Parameters
        ----------
        data
            In mV, shape (electrode, time).
        noise_sd
            Standard deviation of the white noise in mV.
        """
        return SurfaceBeat(
            vertices=self._vertices,
            normals=self._normals,
            laplacian=self._operators.laplacian,
            transfer=self._transfer,
            data=data,
            time_ms=self._time_ms,
            noise_sd=noise_sd,
            model=self._model,
        )

    def reconstruct(
        self, beat: SurfaceBeat, method: str, methods: SurfaceMethods, run: TrainingRun
    ) -> SurfaceReconstruction:
        """The potentials that a method finds.

        Parameters
        ----------
        beat
            Of this heart.
        method
            One of `CLASSICAL`, `DATA_NETWORK` or one of `FIELD_NETWORKS`.
        methods
            Settings.
        run
            Seed, streams and checkpoint of a network's fit.

        Raises
        ------
        TrainingError
            If a fit diverges; the message names it.
        """
        if method in CLASSICAL:
            started = time.perf_counter()
            potential = self._classical(beat, method, methods)
            return SurfaceReconstruction(potential, time.perf_counter() - started)
        fitted = fit_field(beat, methods.fit(method), run)
        seconds = sum(epoch["seconds"] for epoch in fitted.history)
        return SurfaceReconstruction(fitted.potential, seconds, fitted.history)

    def _classical(self, beat: SurfaceBeat, method: str, methods: SurfaceMethods) -> NDArray[np.float32]:
        given = beat.data, beat.transfer
        if method == "stre":
            laplacian, window = self._operators.laplacian, methods.stre.window
            return spatio_temporal(*given, laplacian, beat.noise_sd, window, methods.regularisation).potential
        orders = {"tikhonov0": None, "tikhonov1": self._operators.gradient, "tikhonov2": self._operators.laplacian}
        return surface_tikhonov(*given, orders[method], beat.noise_sd, methods.regularisation).potential


def fit_run(run: TrainingRun, case: int, method: str, seed: int) -> TrainingRun:
    """The run of one fit out of a job's: with a stream and a checkpoint of its own."""
    name = f"{case}_{method}_{seed}"
    checkpoint = run.checkpoint and run.checkpoint / name
    stream = (*run.stream, str(case), method, str(seed))
    # The job tells of whole fits.
    return replace(run, stream=stream, checkpoint=checkpoint, keeps_last=True, progress=None)


def reconstruct_beats(
    beats: xr.Dataset,
    setting: SurfaceSetting,
    wanted: Sequence[tuple[int, str, int]],
    methods: SurfaceMethods,
    simulation: Simulation,
    run: TrainingRun,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Reconstruct beats of a heart, each by several methods.

    Parameters
    ----------
    beats
        `transmural.stores.contracts.SURFACE_BEATS`; of their potentials on the heart nothing is used.
    setting
        Noise and electrodes.
    wanted
        Number of the beat, method and number of the fit (0 for classical methods) of every reconstruction.
    methods
        Settings of the methods.
    simulation
        Tissue that is assumed.
    run
        Seed, stream and folder for checkpoints.
    progress
        Called with reconstructions done and in all.

    Returns
    -------
    xarray.Dataset
        Fulfils `transmural.stores.contracts.SURFACE_RECONSTRUCTIONS`.

    Raises
    ------
    TrainingError
        As `KnownHeart.reconstruct`.
    """
    heart = KnownHeart(beats, setting.electrodes, simulation)
    cases = list(dict.fromkeys(case for case, *_ in wanted))
    data, noise_sd = noisy_ecg(beats.sel(case=cases), setting.electrodes, setting.sigma, run.seed)
    known = {case: heart.beat(*recorded) for case, *recorded in zip(cases, data, noise_sd, strict=True)}
    found = []
    for done, fit in enumerate(wanted, start=1):
        found.append(heart.reconstruct(known[fit[0]], fit[1], methods, fit_run(run, *fit)))
        if progress is not None:
            progress(done, len(wanted))
    case, method, seed = zip(*wanted, strict=True)
    term, history = _histories([one.history for one in found])
    return xr.Dataset(
        {
            "potential": (("fit", "time", "vertex"), np.stack([one.potential for one in found])),
            "seconds": ("fit", np.array([one.seconds for one in found])),
            "history": (("fit", "term", "epoch"), history),
        },
        coords={
            "case": ("fit", list(case)),
            "method": ("fit", list(method)),
            "seed": ("fit", list(seed)),
            "term": term,
            "time": beats["time"].values,
        },
        attrs={"subject": beats.attrs["subject"]},
    )


def _histories(given: Sequence[History]) -> tuple[list[str], NDArray[np.float64]]:
    """Terms of the fits, and their means in every epoch, shape (fit, term, epoch), NaN for what a fit doesn't have."""
    terms = sorted({name for history in given for entry in history for name in entry if name.startswith("train_")})
    values = np.full((len(given), len(terms), max(1, *map(len, given))), np.nan)
    for fit, history in enumerate(given):
        for epoch, entry in enumerate(history):
            values[fit, :, epoch] = [entry.get(term, np.nan) for term in terms]
    return [term.removeprefix("train_") for term in terms], values
