"""What is kept of a simulation: node potentials and ECGs at every frame, and whether the beats are healthy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transmural.stores.config import Simulation
from transmural.stores.errors import SimulationError
from transmural.tissue.blocks import Block
from transmural.tissue.kernels import lead_potentials, observe
from transmural.tissue.rows import LANES

_DIVERGED = 2.0
_UPSTROKE = 0.5


@dataclass(frozen=True, eq=False)
class Observers:
    """What is recorded of every frame.

    Attributes
    ----------
    voxel_node
        Node of every voxel, shape (voxel,); nodes are numbered from 0 and each has a voxel.
    lead_field
        Lead potential (mV) per transmembrane potential (mV) of each voxel, shape (lead, voxel); no row for no ECG.
    """

    voxel_node: NDArray[np.integer]
    lead_field: NDArray[np.floating]

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.voxel_node.max()) + 1


@dataclass(frozen=True, eq=False)
class Beats:
    """Simulated beats.

    Attributes
    ----------
    tmp
        Transmembrane potential, mean over each node's voxels, 0 rest to 1 plateau, shape (case, frame, node).
    ecg
        Lead potentials in mV, from the voxels, shape (case, lead, frame).
    activated_fraction
        Share of the excitable voxels (a below the scar threshold) that the beat depolarised, shape (case,).
    """

    tmp: NDArray[np.float32]
    ecg: NDArray[np.float32]
    activated_fraction: NDArray[np.float64]

    @classmethod
    def empty(cls, cases: int, frames: int, observers: Observers) -> "Beats":
        """Room for the beats of ``cases`` cases."""
        return cls(
            np.empty((cases, frames, observers.nodes), np.float32),
            np.empty((cases, len(observers.lead_field), frames), np.float32),
            np.empty(cases),
        )


class Recorder:
    """Follows blocks through the frames and writes what it sees into `Beats`; safe to share between threads."""

    def __init__(self, observers: Observers, config: Simulation, time_ms: NDArray[np.float64], steps: int) -> None:
        self._node = np.ascontiguousarray(observers.voxel_node, dtype=np.uint32)
        self._share = (1 / np.bincount(self._node))[self._node].astype(np.float32)
        # Potentials are differences: the resting potential is a constant and drops out of every lead.
        self._lead_field = np.ascontiguousarray(config.amplitude_mv * observers.lead_field, dtype=np.float32)
        self._voxel = np.arange(len(self._node), dtype=np.uint32)
        self._nodes, self._config, self._time_ms, self._steps = observers.nodes, config, time_ms, steps

    def follow(self, block: Block, a: NDArray[np.float32], names: list[str], first: int, beats: Beats) -> None:
        """Simulate a block to the last frame; its lanes are the cases ``first``, ``first`` + 1, … as far as named.

        Raises
        ------
        SimulationError
            If a case diverges, naming it and the time.
        """
        cases = slice(first, min(first + LANES, len(names)))
        count = cases.stop - cases.start
        node_mean = np.empty((self._nodes, LANES), np.float32)
        potential = np.empty((len(self._lead_field), LANES), np.float32)
        peak = np.zeros(a.shape, np.float32)
        for frame, time in enumerate(self._time_ms):
            u = block.advance(self._steps if frame else 0)
            observe(u, self._node, self._share, node_mean, peak)
            # Written so that a NaN counts as diverged.
            diverged = ~(np.abs(node_mean[:, :count]) <= _DIVERGED).all(axis=0)
            if diverged.any():
                raise SimulationError(
                    f"{names[first + int(diverged.argmax())]}: the potential diverged before {time:g} ms;"
                    " simulation.time_step_ms is too large for the kinetics or a parameter is out of the model's range"
                )
            beats.tmp[cases, frame] = node_mean[:, :count].T
            lead_potentials(self._lead_field, self._voxel, u, potential)
            beats.ecg[cases, :, frame] = potential[:, :count].T
        excitable = a < self._config.scar_threshold_a
        fraction = (excitable & (peak > _UPSTROKE)).sum(axis=0) / np.maximum(excitable.sum(axis=0), 1)
        beats.activated_fraction[cases] = fraction[:count]


def check_capture(activated_fraction: NDArray[np.float64], names: list[str], config: Simulation) -> None:
    """Raise `SimulationError` naming the beats that activated too little of the excitable tissue."""
    died = np.flatnonzero(activated_fraction < config.capture_fraction)
    if len(died):
        some = ", ".join(f"{names[i]} ({activated_fraction[i]:.0%})" for i in died[:5])
        raise SimulationError(
            f"{len(died)} of {len(names)} beats activated less than {config.capture_fraction:.0%} of the excitable"
            f" voxels: {some}{', …' if len(died) > 5 else ''}; simulation.stimulus_radius_mm ="
            f" {config.stimulus_radius_mm:g} mm is probably too small for the stimulus to capture"
        )
