"""What a network learns from: simulated beats of one heart as plain arrays, with the graph of its nodes."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.node_graph import NodeGraph

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TrainingBeats:
    """Simulated beats of one heart.

    Attributes
    ----------
    tmp
        Transmembrane potential, dimensionless, shape (case, time, node).
    ecg
        Noise-free ECGs in mV of all leads of the heart's transfer matrices, shape (case, lead, time).
    activation_time, repolarisation_time
        Times in ms of steepest upstroke and of 90 % repolarisation, NaN where there is none, shape (case, node).
    scar
        Whether most of the node is scar, shape (case, node).
    excitability
        Threshold parameter a of the Aliev–Panfilov model, mean over each node's voxels, shape (case, node).
    origin
        Site in mm where each beat starts, shape (case, 3).
    time_ms
        Times of the frames, shape (time,).
    graph
        Nodes of the wall: positions, volumes, and which are neighbours.
    fibre_tensor
        Mean of f fᵀ over each node's fibres f, shape (node, 3, 3).
    """

    tmp: Floats
    ecg: Floats
    activation_time: Floats
    repolarisation_time: Floats
    scar: NDArray[np.bool_]
    excitability: Floats
    origin: Floats
    time_ms: Floats
    graph: NodeGraph
    fibre_tensor: Floats

    @classmethod
    def of(cls, beats: xr.Dataset, anatomy: xr.Dataset) -> Self:
        """Beats of a store (contract BEATS) of a heart (contract ANATOMY)."""
        return cls(
            tmp=beats["tmp"].values,
            ecg=beats["ecg"].values,
            activation_time=beats["activation_time"].values,
            repolarisation_time=beats["repolarisation_time"].values,
            scar=beats["scar"].values,
            excitability=beats["excitability"].values,
            origin=beats["origin"].values,
            time_ms=beats["time"].values,
            graph=NodeGraph.of(anatomy),
            fibre_tensor=fibre_tensor(anatomy),
        )

    @property
    def cases(self) -> int:
        """Number of beats."""
        return int(self.tmp.shape[0])


def fibre_tensor(anatomy: xr.Dataset) -> Floats:
    """Mean of f fᵀ over the fibres f of each node's voxels, shape (node, 3, 3)."""
    fibre, node = anatomy["fibre"].values.astype(np.float64), anatomy["voxel_node"].values
    voxels = np.bincount(node)
    products = [[np.bincount(node, fibre[:, i] * fibre[:, j]) / voxels for j in range(3)] for i in range(3)]
    return np.moveaxis(np.array(products), 2, 0).astype(np.float32)
