"""The explicit Euler step of the monodomain model on a CUDA device, from the same kinetics as on the CPU.

A thread updates one voxel of one case; the threads of a warp are the lanes of one voxel, so that all reads and writes
are coalesced. Results agree with the CPU's up to rounding (another order of contraction to fused multiply-add).
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from transmural.tissue.aliev_panfilov import Kinetics, rates
from transmural.tissue.rows import LANES

_THREADS = 8 * LANES


def available() -> bool:
    """Whether numba finds a CUDA device."""
    return bool(cuda.is_available())


@lru_cache(maxsize=1)
def _step_kernel() -> Any:
    device_rates = cuda.jit(device=True)(rates)

    @cuda.jit
    def step_kernel(source, target, v, a, start, neighbour, weight, kinetics, step):  # type: ignore[no-untyped-def]
        thread = cuda.grid(1)
        i = thread // LANES
        lane = thread - i * LANES
        if i < source.shape[0]:
            here = source[i, lane]
            total = weight[start[i]] * source[neighbour[start[i]], lane]
            for j in range(start[i] + 1, start[i + 1]):
                total += weight[j] * source[neighbour[j], lane]
            k, epsilon0, mu1, mu2 = kinetics[0, lane], kinetics[1, lane], kinetics[2, lane], kinetics[3, lane]
            du, dv = device_rates(here, v[i, lane], a[i, lane], k, epsilon0, mu1, mu2)
            target[i, lane] = total + step * du
            v[i, lane] += step * dv

    return step_kernel


class DeviceBlock:
    """State of one block of cases on the device; the arrays of `transmural.tissue.kernels.advance`."""

    def __init__(
        self,
        u: NDArray[np.float32],
        a: NDArray[np.float32],
        weights: tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32]],
        kinetics: Kinetics,
        step: np.float32,
    ) -> None:
        self._u, self._next = cuda.to_device(u), cuda.to_device(u)
        self._v, self._a = cuda.to_device(np.zeros_like(u)), cuda.to_device(a)
        self._weights = tuple(cuda.to_device(array) for array in weights)
        rows = [np.broadcast_to(constant, LANES) for constant in kinetics]
        self._kinetics, self._step = cuda.to_device(np.array(rows, np.float32)), step
        self._blocks = -(-u.size // _THREADS)

    def advance(self, steps: int) -> NDArray[np.float32]:
        """Take ``steps`` steps and return the potential, shape (voxel, LANES)."""
        kernel = _step_kernel()[self._blocks, _THREADS]
        for _ in range(steps):
            kernel(self._u, self._next, self._v, self._a, *self._weights, self._kinetics, self._step)
            self._u, self._next = self._next, self._u
        host: NDArray[np.float32] = self._u.copy_to_host()
        return host
