"""Between stores and methods: the problem that simulated beats pose, and the store of what a method found.

Leads are chosen and noise is added on the way in; the truth is left behind.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.node_graph import NodeGraph
from transmural.inverse.noise import add_noise
from transmural.inverse.problem import Problem, Reconstruction, Training, WallCoordinates
from transmural.inverse.registry import Method
from transmural.stores.config import Inference, Measurement
from transmural.stores.random_streams import case_generators


def prepare(
    beats: xr.Dataset,
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    study: Measurement,
    amplitude_mv: float,
    stream: tuple[int, str, str, str],
    training: xr.Dataset | None = None,
    network: Path | None = None,
    inference: Inference | None = None,
) -> Problem:
    """Noisy ECGs of all cases of a cohort with what a method may know of the heart.

    Parameters
    ----------
    beats
        Simulated beats (contract BEATS); only ``ecg`` and ``time`` are used.
    anatomy, transfer
        Geometry of the nodes, and the coarse transfer matrix (contracts ANATOMY and TRANSFER).
    study
        Montage, signal-to-noise ratio and how regularisation parameters are chosen.
    amplitude_mv
        Span of the TMP from 0 to 1, which turns the transfer matrix from mV into units of dimensionless TMP.
    stream
        Seed, study, subject and cohort: with the case's number they name the case's noise.
    training
        Training beats (contract BEATS) for methods that need them.
    network
        Folder of the trained network for methods that declare one.
    inference
        Settings of methods that infer through a generative model.
    """
    leads = transfer["montage"].values == study.montage
    ecg, noise = add_noise(
        beats["ecg"].values[:, leads], study.snr_db, case_generators(*stream, "noise", cases=range(beats.sizes["case"]))
    )
    return Problem(
        ecg=ecg,
        transfer=amplitude_mv * transfer["transfer"].values[leads],
        noise_sd_mv=noise,
        time_ms=beats["time"].values,
        graph=NodeGraph.of(anatomy),
        regularisation=study.regularisation,
        training=None if training is None else _training(training, leads),
        network=network,
        inference=inference,
        wall=WallCoordinates(anatomy["node_transmural"].values, anatomy["node_segment"].values),
        lead_names=tuple(str(name) for name in transfer["lead"].values[leads]),
    )


def as_dataset(found: Reconstruction, time_ms: NDArray[np.floating], method: Method) -> xr.Dataset:
    """What a method found, as a dataset of the contract RECONSTRUCTION.

    What the method chose stands in variables ``chosen_<name>``; how its scars show (see `registry.Method`) in the
    attribute ``scar_definition``.
    """
    variables = {"tmp": (("case", "time", "node"), found.tmp)}
    if found.std is not None:
        variables["std"] = (("case", "time", "node"), found.std)
    by_case: dict[str, NDArray[np.generic] | None] = {"seconds": found.seconds, "memory_mb": found.memory_mb}
    by_case |= {f"chosen_{name}": values for name, values in found.chosen.items()}
    return xr.Dataset(
        variables | {name: ("case", np.asarray(values)) for name, values in by_case.items()},
        coords={"time": time_ms},
        attrs={"method": method.name, "label": method.label, "scar_definition": method.scar},
    )


def _training(beats: xr.Dataset, leads: NDArray[np.bool_]) -> Training:
    return Training(
        tmp=beats["tmp"].values,
        ecg=beats["ecg"].values[:, leads],
        origin=beats["origin"].values,
        scar=beats["scar"].values,
    )
