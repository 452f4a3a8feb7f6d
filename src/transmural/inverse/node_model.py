"""The Aliev–Panfilov model with fixed, healthy tissue on the inference nodes: what `ep_constrained` takes for true.

    ∂u/∂t = D Δu + (k u (u − a)(1 − u) − u v) / τ

with the Laplacian of the nodes' graph, kinetics and constants of Aliev & Panfilov 1996 and explicit Euler steps
(`transmural.tissue.kernels`). Nodes lie several millimetres apart, more than the front is wide, so D isn't that of
tissue: it is corrected until waves on these nodes have the wanted velocity, which they keep with little change between
nodes. Diffusion is isotropic, since fibres turn by 120° within the two or three nodes of the wall's thickness.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.anatomy.node_graph import NodeGraph
from transmural.stores.errors import InferenceError
from transmural.tissue.aliev_panfilov import Kinetics
from transmural.tissue.diffusion import largest_eigenvalue
from transmural.tissue.kernels import advance, step_weights
from transmural.tissue.rows import LANES
from transmural.tissue.velocity import step_count

Singles = NDArray[np.float32]

KINETICS = Kinetics(np.float32(8.0), np.float32(0.002), np.float32(0.2), np.float32(0.3))
HEALTHY_A = 0.15
TIME_UNIT_MS = 12.9
_RATE_PER_MS = float(KINETICS.k) / TIME_UNIT_MS

_LONGEST_STEP_MS = 1.0
_STABLE_SHARE = 0.8
_CORRECTIONS = 3
# Velocity is measured on beats that start from this share of the nodes, enough to capture on coarse ones too.
_STARTED_SHARE = 0.1
_OBSERVED_MS = 2.0
_UPSTROKE = 0.5
_CAPTURED = 0.95
# Three times as long as a wave of the wanted velocity takes counts as blocked.
_PATIENCE = 3.0


@dataclass(frozen=True, eq=False)
class NodeModel:
    """The model, ready to take steps.

    Attributes
    ----------
    weights
        Explicit diffusion step (`transmural.tissue.kernels.step_weights`).
    step_ms
        Its length.
    steps
        Steps of a frame.
    """

    weights: tuple[NDArray[np.int64], NDArray[np.uint32], Singles]
    step_ms: float
    steps: int

    @classmethod
    def with_diffusivity(cls, graph: NodeGraph, diffusivity: float, frame_ms: float) -> Self:
        """Model with D in mm²/ms and the longest stable steps, 1 ms at most, of which a frame has a whole number."""
        scale = sparse.diags_array(1.0 / np.sqrt(graph.volume.astype(np.float64)))
        operator = sparse.csr_matrix(diffusivity * (scale @ graph.laplacian))
        # Symmetric, with the eigenvalues of the operator.
        eigenvalue = largest_eigenvalue(sparse.csr_matrix(diffusivity * (graph.laplacian @ scale)))
        steps = step_count(frame_ms, min(_LONGEST_STEP_MS, _STABLE_SHARE * 2 / (eigenvalue + _RATE_PER_MS)))
        return cls(step_weights(operator, frame_ms / steps), frame_ms / steps, steps)

    @classmethod
    def calibrated(cls, graph: NodeGraph, velocity_mm_per_ms: float, frame_ms: float) -> Self:
        """Model whose waves have the given velocity along the graph's shortest paths.

        Raises
        ------
        InferenceError
            If the wall is in parts, or waves don't spread over the nodes.
        """
        if graph.components != 1:
            raise InferenceError(f"node model: the wall is in {graph.components} parts, between which no wave can pass")
        # The front of the continuous model, c = √(k D / 2τ) (1 − 2a) (see `transmural.tissue.velocity`).
        diffusivity = 2 * (velocity_mm_per_ms / (1 - 2 * HEALTHY_A)) ** 2 / _RATE_PER_MS
        patience_ms = _PATIENCE * float(graph.distance_from(0).max()) / velocity_mm_per_ms
        for _ in range(_CORRECTIONS):
            measured = cls.with_diffusivity(graph, diffusivity, _OBSERVED_MS).velocity(graph, patience_ms)
            # A wave that is blocked has no velocity.
            diffusivity *= float(np.clip((velocity_mm_per_ms / measured) ** 2, 0.5, 2.0)) if measured > 0 else 2.0
        if not cls.with_diffusivity(graph, diffusivity, _OBSERVED_MS).velocity(graph, patience_ms) > 0:
            raise InferenceError(
                f"node model: waves of {velocity_mm_per_ms:g} m/s don't spread over these {graph.nodes} nodes; "
                "take more nodes or a larger velocity"
            )
        return cls.with_diffusivity(graph, diffusivity, frame_ms)

    def advance(self, u: Singles, v: Singles) -> tuple[Singles, Singles]:
        """Take states one frame on.

        Parameters
        ----------
        u
            Potentials, float32, shape (node, state).
        v
            Recovery variable from which every state starts, float32, shape (node,).

        Returns
        -------
        Potentials, shape (node, state), and the recovery variable along the first of them, shape (node,).
        """
        after, recovery = np.empty_like(u), v
        block, block_v = (np.empty((len(u), LANES), np.float32) for _ in range(2))
        for first in range(0, u.shape[1], LANES):
            states = u[:, first : first + LANES]
            # Lanes beyond the last state repeat it.
            block[:, : states.shape[1]], block[:, states.shape[1] :] = states, states[:, -1:]
            block_v[:] = v[:, None]
            self._advance_block(block, block_v)
            after[:, first : first + LANES] = block[:, : states.shape[1]]
            if first == 0:
                recovery = block_v[:, 0].copy()
        return after, recovery

    def _advance_block(self, u: Singles, v: Singles) -> None:
        """Take one frame's steps in place; potential and recovery variable have the shape (node, LANES)."""
        threshold = np.full_like(u, HEALTHY_A)
        step = np.float32(self.step_ms / TIME_UNIT_MS)
        advance(u, np.empty_like(u), v, threshold, *self.weights, KINETICS, step, self.steps)

    def velocity(self, graph: NodeGraph, patience_ms: float) -> float:
        """Velocity in mm/ms of waves along shortest paths, the median over sites all over the wall.

        NaN if a wave hasn't spread over nearly the whole wall within ``patience_ms``.
        """
        sites = np.linspace(0, graph.nodes - 1, LANES).astype(int)
        distance = np.stack([graph.distance_from(int(site)) for site in sites], axis=1)
        started = distance <= np.quantile(distance, _STARTED_SHARE, axis=0)
        u, v = started.astype(np.float32), np.zeros(distance.shape, np.float32)
        arrival = np.where(started, 0.0, np.nan)
        interval = self.step_ms * self.steps
        for frame in range(1, int(patience_ms / interval) + 1):
            self._advance_block(u, v)
            arrival[np.isnan(arrival) & (u >= _UPSTROKE)] = frame * interval
            if not np.isnan(arrival).any():
                break
        if np.mean(np.isfinite(arrival)) < _CAPTURED:
            return float("nan")
        used = np.isfinite(arrival) & ~started
        slopes = [np.polyfit(distance[of, n], arrival[of, n], 1)[0] for n, of in enumerate(used.T)]
        return float(1 / np.median(slopes))
