"""What an inverse method gets and what it returns.

The measurement model is that of Ghimire et al. 2018, eq. 4: ``Y = H U + noise``, with Y the ECGs in mV, U the
dimensionless transmembrane potential (0 rest, 1 plateau) at the nodes, and H the transfer matrix in mV per unit of U.
A `Problem` holds a batch of cases of one heart and has no field for the truth.

A potential that is constant over the heart makes no ECG (the rows of H sum to zero), so a method without a prior on
time courses can only find U up to its spatial mean; such reconstructions have zero spatial mean in each frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.node_graph import NodeGraph
from transmural.stores.config import Inference
from transmural.stores.errors import InferenceError

Floats = NDArray[np.floating]
Regularisation = Literal["l_curve", "gcv"]

# Transfer matrices are stored in float32, whose rounding leaves row sums of about 1e-7 of the row's norm.
_ROW_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Training:
    """Simulated beats of the same heart that a method may learn from.

    Attributes
    ----------
    tmp
        Transmembrane potential, dimensionless, shape (case, time, node).
    ecg
        Noise-free ECGs in mV with the problem's leads and frames, shape (case, lead, time).
    origin
        Site in mm where each beat starts, shape (case, 3).
    scar
        Whether most of the node is scar, shape (case, node), bool.
    """

    tmp: Floats
    ecg: Floats
    origin: Floats
    scar: NDArray[np.bool_]


@dataclass(frozen=True)
class WallCoordinates:
    """Where in the wall the nodes lie.

    Attributes
    ----------
    transmural
        0 endocardium to 1 epicardium, shape (node,).
    segment
        AHA segment 1 to 17 of the left ventricle, 18 right ventricle, shape (node,).
    """

    transmural: Floats
    segment: NDArray[np.integer]


@dataclass(frozen=True)
class Problem:
    """A batch of inverse problems on one heart: what a method may know, and nothing else.

    Attributes
    ----------
    ecg
        Noisy ECGs in mV, shape (case, lead, time).
    transfer
        mV at each lead per unit of dimensionless TMP, shape (lead, node); its rows sum to zero.
    noise_sd_mv
        Standard deviation of the white noise of each case, shape (case,).
    time_ms
        Times of the frames, shape (time,).
    graph
        Nodes of the wall: positions, volumes, and which are neighbours.
    regularisation
        How a regularisation parameter is chosen: ``"l_curve"`` or ``"gcv"``.
    training
        Training beats; present only when the method asks for them in ``needs``.
    network
        Folder of the trained network; present only when the method declares one.
    inference
        Settings of the methods that infer through a generative model (`generative_em.inference`); see `settings`.
    wall
        Where in the wall the nodes lie, for methods that know where sinus rhythm starts.
    lead_names
        Names of the leads, for messages; numbers when empty.

    Raises
    ------
    InferenceError
        When shapes disagree, a value isn't finite (naming case and lead), or rows of ``transfer`` don't sum to zero.
    """

    ecg: Floats
    transfer: Floats
    noise_sd_mv: Floats
    time_ms: Floats
    graph: NodeGraph
    regularisation: Regularisation = "l_curve"
    training: Training | None = None
    network: Path | None = None
    inference: Inference | None = None
    wall: WallCoordinates | None = None
    lead_names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        self._check_shapes()
        self._check_values()
        if self.training is not None:
            self._check_training(self.training)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.ecg.shape[0])

    @property
    def settings(self) -> Inference:
        """Settings of inference.

        Raises
        ------
        InferenceError
            If the problem has none.
        """
        if self.inference is None:
            raise InferenceError("problem: the method needs settings and the problem has none; give inference=…")
        return self.inference

    @property
    def trained(self) -> Path:
        """Folder of the trained network.

        Raises
        ------
        InferenceError
            If the problem has none.
        """
        if self.network is None:
            raise InferenceError("problem: the method needs a trained network and the problem has none; give network=…")
        return self.network

    @cached_property
    def centred_transfer(self) -> NDArray[np.float64]:
        """Transfer matrix in double precision with row sums that are zero to rounding, shape (lead, node)."""
        transfer = self.transfer.astype(np.float64)
        return np.asarray(transfer - transfer.mean(axis=1, keepdims=True))

    def lead_name(self, lead: int) -> str:
        """Name of a lead for messages."""
        return self.lead_names[lead] if self.lead_names else str(lead)

    def _check_shapes(self) -> None:
        if self.ecg.ndim != 3 or self.ecg.size == 0:
            raise InferenceError(
                f"problem: ecg has shape {self.ecg.shape}, expected (case, lead, time), none of them 0"
            )
        cases, leads, frames = self.ecg.shape
        expected: dict[str, tuple[NDArray[np.generic], tuple[int, ...]]] = {
            "transfer": (self.transfer, (leads, self.graph.nodes)),
            "noise_sd_mv": (self.noise_sd_mv, (cases,)),
            "time_ms": (self.time_ms, (frames,)),
        }
        if self.wall is not None:
            expected["wall.transmural"] = (self.wall.transmural, (self.graph.nodes,))
            expected["wall.segment"] = (self.wall.segment, (self.graph.nodes,))
        for name, (array, shape) in expected.items():
            if array.shape != shape:
                raise InferenceError(
                    f"problem: {name} has shape {array.shape}, expected {shape} for {cases} cases, {leads} leads, "
                    f"{frames} frames and {self.graph.nodes} nodes"
                )
        if self.lead_names and len(self.lead_names) != leads:
            raise InferenceError(f"problem: {len(self.lead_names)} lead names for {leads} leads")

    def _check_values(self) -> None:
        bad = ~np.isfinite(self.ecg).all(axis=2)
        if bad.any():
            case, lead = np.argwhere(bad)[0]
            raise InferenceError(
                f"problem: the ECG of case {case}, lead {self.lead_name(int(lead))} has values that are not finite; "
                "drop the lead or the case"
            )
        for name, array in {"transfer": self.transfer, "time_ms": self.time_ms}.items():
            if not np.isfinite(array).all():
                raise InferenceError(f"problem: {name} has values that are not finite")
        if not (np.isfinite(self.noise_sd_mv) & (self.noise_sd_mv >= 0)).all():
            raise InferenceError("problem: noise_sd_mv must be finite and not negative in every case")
        row_sums, sizes = np.abs(self.transfer.sum(axis=1)), np.abs(self.transfer).sum(axis=1)
        if (row_sums > _ROW_SUM_TOLERANCE * sizes).any():
            lead = int(np.argmax(row_sums - _ROW_SUM_TOLERANCE * sizes))
            raise InferenceError(
                f"problem: the transfer matrix's row of lead {self.lead_name(lead)} sums to {row_sums[lead]:.3g} where "
                "a constant potential must make no ECG"
            )

    def _check_training(self, training: Training) -> None:
        _, leads, frames = self.ecg.shape
        beats = training.tmp.shape[0]
        expected: Mapping[str, tuple[NDArray[np.generic], tuple[int, ...]]] = {
            "tmp": (training.tmp, (beats, frames, self.graph.nodes)),
            "ecg": (training.ecg, (beats, leads, frames)),
            "origin": (training.origin, (beats, 3)),
            "scar": (training.scar, (beats, self.graph.nodes)),
        }
        for name, (array, shape) in expected.items():
            if array.shape != shape:
                raise InferenceError(f"problem: training {name} has shape {array.shape}, expected {shape}")
        if beats == 0:
            raise InferenceError("problem: the training cohort has no beats")


@dataclass(frozen=True)
class Reconstruction:
    """What a method found.

    Attributes
    ----------
    tmp
        Dimensionless transmembrane potential, float32, shape (case, time, node); NaN throughout a failed case.
    std
        Its standard deviation where the method gives one, shape (case, time, node).
    chosen
        What the method chose by itself, name to one value a case (λ, components, iterations, evidence …).
    seconds, memory_mb
        Wall time, and peak memory beyond the inputs, of a case (filled in by `registry.solve`), shape (case,).
    """

    tmp: NDArray[np.float32]
    std: NDArray[np.float32] | None = None
    chosen: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    seconds: Floats | None = None
    memory_mb: Floats | None = None
