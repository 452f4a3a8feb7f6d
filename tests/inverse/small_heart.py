"""A half shell of voxels in an infinite conductor with beats that spread from an origin: a heart for inverse tests."""

from dataclasses import dataclass

import numpy as np

from transmural.anatomy.node_graph import NodeGraph
from transmural.inverse.noise import add_noise
from transmural.inverse.problem import Problem, Training
from transmural.stores.random_streams import case_generators

AMPLITUDE_MV = 100.0


@dataclass(frozen=True)
class SmallHeart:
    """Geometry of the nodes and the transfer matrix in mV per unit of TMP."""

    graph: NodeGraph
    transfer: np.ndarray
    time_ms: np.ndarray

    def beats(self, origins, scars=None):
        """TMP (case, time, node) of waves at 0.6 mm/ms from the given nodes; scar nodes stay at rest."""
        position = self.graph.position
        distance = np.linalg.norm(position[origins][:, None] - position[None], axis=2)
        arrival = 5.0 + distance / 0.6
        since = self.time_ms[None, :, None] - arrival[:, None]
        with np.errstate(over="ignore"):
            tmp = 1 / (1 + np.exp(-since / 3)) / (1 + np.exp((since - 300) / 25))
        if scars is not None:
            tmp *= ~scars[:, None]
        return tmp.astype(np.float32)

    def ecg(self, tmp):
        """Noise-free ECG in mV, shape (case, lead, time)."""
        return np.matmul(self.transfer, tmp.astype(float).transpose(0, 2, 1))

    def problem(self, origins, snr_db=30.0, training=None, regularisation="l_curve", scars=None):
        """Truth and problem of beats from the given nodes."""
        tmp = self.beats(origins, scars)
        streams = case_generators(7, "noise", cases=origins)
        ecg, level = add_noise(self.ecg(tmp), snr_db, streams)
        return tmp, Problem(ecg, self.transfer, level, self.time_ms, self.graph, regularisation, training)

    def training(self, origins):
        """Training beats from the given nodes."""
        tmp = self.beats(origins)
        return Training(
            tmp, self.ecg(tmp), self.graph.position[origins], np.zeros((len(origins), self.graph.nodes), bool)
        )


def small_heart(spacing=8.0, leads=90, frames=45):
    """A truncated ellipsoidal shell, one voxel a node, with leads on a sphere around it."""
    axis = np.arange(-5, 6) * spacing
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    radius = np.sqrt((x / 38) ** 2 + (y / 36) ** 2 + (z / 44) ** 2)
    index = np.argwhere((radius < 1) & (radius > 0.6) & (z < 20))
    position = (index - 5) * spacing
    nodes = len(index)
    graph = NodeGraph.from_voxels(index, np.arange(nodes), position, np.full(nodes, spacing**3))
    golden = np.pi * (3 - np.sqrt(5))
    height = np.linspace(-0.95, 0.95, leads)
    ring = np.sqrt(1 - height**2)
    angle = golden * np.arange(leads)
    electrode = 110.0 * np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    # Source −∇·(σ∇v) of an infinite homogeneous conductor: the Laplacian of v seen through 1/r.
    square = (graph.gradient.T @ graph.gradient).toarray()
    seen = 1 / np.linalg.norm(electrode[:, None] - position[None], axis=2)
    transfer = seen @ square / (4 * np.pi) * AMPLITUDE_MV / 100
    return SmallHeart(graph, transfer - transfer.mean(axis=1, keepdims=True), np.linspace(0, 440, frames))
