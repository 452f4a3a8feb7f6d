"""Methods of generative_em on beats of study 4: as trained there, on the inference nodes, then sampled on the surface.

Study 4 fits a network to every beat; methods that have learnt from simulated beats of the heart reconstruct any beat of
it. To be compared beat by beat they are given the same beats, simulated in the wall, at the electrodes that both
studies share and at the frames that they know. What they find at the nodes is taken at each vertex from the node of the
voxel nearest to it, and between frames interpolated.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.inverse.preparation import prepare
from transmural.inverse.solve import solve
from transmural.stores.config import Inference, Measurement, Simulation
from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]

TRUTH_AT_NODES = "truth_at_nodes"
"""Name under which the true potentials of the nodes are kept: what sampling alone costs."""


def reconstruct_amortised(
    beats: xr.Dataset,
    nodal: xr.Dataset,
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    sigma: float,
    seed: int,
    measurement: Measurement,
    simulation: Simulation,
    methods: Mapping[str, tuple[Path | None, Inference | None]],
    training: xr.Dataset | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Reconstruct beats by methods of generative_em and sample what they find on the surface.

    Parameters
    ----------
    beats
        `contracts.SURFACE_BEATS`; of them vertices, times and numbers are used.
    nodal
        The same beats from `cohorts.surface_beats.beats_at_nodes`.
    anatomy, transfer
        Of the subject.
    sigma
        Standard deviation of the noise as a share of the potentials' root mean square.
    seed
        Of the run.
    measurement
        Montage and choice of regularisation; its noise is replaced by ``sigma``.
    simulation
        Span of the potentials.
    methods
        Folder of the trained network and settings of every method, by its registered name; None for what it doesn't
        have.
    training
        Training beats (`contracts.BEATS`), for methods that learn from them directly.
    progress
        Called with methods done and in all.

    Returns
    -------
    xarray.Dataset
        Fulfils `contracts.SURFACE_RECONSTRUCTIONS`, without histories; the true potentials at the nodes as one more
        method, `TRUTH_AT_NODES`.

    Raises
    ------
    InferenceError
        If a method lacks what it needs, or a reconstruction isn't finite, naming method and case.
    """
    noisy = measurement.model_copy(update={"snr_db": -20 * math.log10(sigma)})
    subject = str(beats.attrs["subject"])
    stream = (seed, "physics_informed", subject, "amortised")
    found: dict[str, tuple[Floats, Floats]] = {TRUTH_AT_NODES: (nodal["tmp"].values, np.zeros(nodal.sizes["case"]))}
    for done, (name, (network, inference)) in enumerate(methods.items(), start=1):
        problem = prepare(
            nodal, anatomy, transfer, noisy, simulation.amplitude_mv, stream, training, network, inference
        )
        reconstruction = solve(name, problem)
        failed = beats["case"].values[~np.isfinite(reconstruction.tmp).all(axis=(1, 2))]
        if len(failed):
            raise InferenceError(f"{name}: {subject}, case {failed[0]} of mismatch: the reconstruction isn't finite")
        assert reconstruction.seconds is not None
        found[name] = reconstruction.tmp, reconstruction.seconds
        if progress is not None:
            progress(done, len(methods))
    node, times = beats["vertex_node"].values, beats["time"].values
    potential = [at_times(tmp[..., node], nodal["time"].values, times) for tmp, _ in found.values()]
    cases = beats.sizes["case"]
    return xr.Dataset(
        {
            "potential": (("fit", "time", "vertex"), np.concatenate(potential)),
            "seconds": ("fit", np.concatenate([seconds for _, seconds in found.values()])),
            "history": (("fit", "term", "epoch"), np.full((cases * len(found), 1, 1), np.nan)),
        },
        coords={
            "case": ("fit", np.tile(beats["case"].values, len(found))),
            "method": ("fit", np.repeat(list(found), cases)),
            "seed": ("fit", np.zeros(cases * len(found), dtype=int)),
            "term": ["misfit"],
            "time": times,
        },
        attrs={"subject": subject},
    )


def at_times(values: Floats, from_ms: Floats, to_ms: Floats) -> NDArray[np.float32]:
    """Values of shape (case, time, place) interpolated linearly in time.

    Parameters
    ----------
    values
        At ``from_ms``.
    from_ms, to_ms
        Ascending times; ``to_ms`` lie within ``from_ms``.
    """
    after = np.clip(np.searchsorted(from_ms, to_ms), 1, len(from_ms) - 1)
    share = ((to_ms - from_ms[after - 1]) / (from_ms[after] - from_ms[after - 1]))[:, None]
    found = (1 - share) * values[:, after - 1] + share * values[:, after]
    return np.asarray(found, dtype=np.float32)
