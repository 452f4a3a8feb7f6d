"""A block of cases in simulation, on the CPU or on a CUDA device, behind one small contract: advance by some steps."""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.stores.errors import SimulationError
from transmural.tissue import gpu
from transmural.tissue.aliev_panfilov import Kinetics
from transmural.tissue.kernels import advance, step_weights

Device = Literal["auto", "cpu", "gpu"]


class Block(Protocol):
    """State of the cases of one block."""

    def advance(self, steps: int) -> NDArray[np.float32]:
        """Take ``steps`` steps and return the potential u, shape (voxel, LANES); valid until the next call."""
        ...


class HostBlock:
    """A block on the CPU."""

    def __init__(
        self,
        u: NDArray[np.float32],
        a: NDArray[np.float32],
        weights: tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32]],
        kinetics: Kinetics,
        step: np.float32,
    ) -> None:
        self._u, self._scratch, self._v, self._a = u.copy(), np.empty_like(u), np.zeros_like(u), a
        self._weights, self._kinetics, self._step = weights, kinetics, step

    def advance(self, steps: int) -> NDArray[np.float32]:
        """Take ``steps`` steps and return the potential u, shape (voxel, LANES); valid until the next call."""
        advance(self._u, self._scratch, self._v, self._a, *self._weights, self._kinetics, self._step, steps)
        return self._u


def uses_gpu(device: Device) -> bool:
    """Whether ``device`` means the GPU on this machine; `SimulationError` if there is none but it is asked for."""
    if device == "gpu" and not gpu.available():
        raise SimulationError("device: 'gpu' was asked for, but numba finds no CUDA device; use 'cpu' or 'auto'")
    return device != "cpu" and gpu.available()


def block_factory(
    operator: sparse.csr_matrix, step_ms: float, time_unit_ms: float, device: Device
) -> Callable[[NDArray[np.float32], NDArray[np.float32], Kinetics], Block]:
    """Maker of blocks from the initial potential u and the threshold parameter a, both (voxel, LANES) float32.

    The third argument are the model's constants, each a number or one a lane.

    Parameters
    ----------
    operator
        Diffusion operator in 1/ms, shape (voxel, voxel).
    step_ms
        Time step.
    time_unit_ms
        Milliseconds in a time unit of the model.
    device
        Where blocks live.
    """
    weights = step_weights(operator, step_ms)
    step = np.float32(step_ms / time_unit_ms)
    kind: type[HostBlock] | type[gpu.DeviceBlock] = gpu.DeviceBlock if uses_gpu(device) else HostBlock

    def start(u: NDArray[np.float32], a: NDArray[np.float32], kinetics: Kinetics) -> Block:
        return kind(u, a, weights, kinetics, step)

    return start
