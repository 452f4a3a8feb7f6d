"""Inner loops of the monodomain solver on the CPU: explicit Euler steps and what is observed of a frame.

Beats are simulated in blocks of `LANES` cases, the case being the contiguous dimension of every array: all cases share
the voxels' weights, and each arithmetic operation is done for a whole row of cases at once (SIMD). A block is always
full (spare lanes repeat a case), and no operation mixes lanes, so a case's numbers don't depend on which other cases
it is simulated with. Only contraction to fused multiply-add is allowed to the compiler, no reassociation. Loops work on
row views, since numba's loops over two-dimensional arrays with indirect rows don't vectorise.
"""

import os
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray
from scipy import sparse

from transmural.tissue.aliev_panfilov import rates
from transmural.tissue.rows import LANES, weighted_sum

_CHUNK = 128

# numba notices a change of this file only, not of what it calls: machine code is kept just where the caller names a
# folder that changes with the code (the workflow names one by the code's digest).
_KEPT = "NUMBA_CACHE_DIR" in os.environ
_compile = njit(nogil=True, fastmath={"contract"}, error_model="numpy", cache=_KEPT)
_rates = njit(inline="always", fastmath={"contract"}, error_model="numpy")(rates)

# Far ahead of a wave, potentials fall below what float32 holds with full precision, and processors take a hundred times
# as long for such numbers. The square of the limit still is an ordinary number.
_LEAST = np.float32(1e-18)


@njit(inline="always", fastmath={"contract"}, error_model="numpy")
def _flushed(value):  # type: ignore[no-untyped-def]
    """Zero for a value too small to matter."""
    return value if abs(value) > _LEAST else np.float32(0)


def _of_lane(constant: Any, lane: int) -> Any:
    """A constant of the model in one lane: the same number in all lanes, or one of a row of them."""


@overload(_of_lane, inline="always")  # type: ignore
def _compiled_of_lane(constant, lane):  # type: ignore[no-untyped-def]
    if isinstance(constant, types.Array):
        return lambda constant, lane: constant[lane]
    return lambda constant, lane: constant


def step_weights(
    operator: sparse.csr_matrix, step_ms: float
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32]]:
    """Matrix I + Δt A of the explicit diffusion step, with rows that sum to one in float32 as well as can be.

    Returns
    -------
    start, neighbour, weight
        Row i has the columns ``neighbour[start[i]:start[i + 1]]`` and their weights.
    """
    n = operator.shape[0]
    matrix = sparse.csr_matrix(sparse.identity(n, format="csr") + step_ms * operator)
    matrix.sort_indices()
    weight = matrix.data.astype(np.float32)
    row = np.repeat(np.arange(n), np.diff(matrix.indptr))
    own = matrix.indices == row
    weight[own] = 1 - np.bincount(row[~own], weights=weight[~own].astype(np.float64), minlength=n)
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint32), weight


@_compile
def advance(u, u_next, v, a, start, neighbour, weight, kinetics, step, steps):  # type: ignore[no-untyped-def]
    """Take ``steps`` steps of ``step`` time units from ``u``, ``v`` in place; ``u_next`` is scratch of the same shape.

    States and the threshold parameter ``a`` are (voxel, LANES) float32, the weights those of `step_weights`. Of the
    constants (`transmural.tissue.aliev_panfilov.Kinetics`), each is a number or a row (LANES,), float32; numbers have
    machine code of their own, since rows make it slower by a sixth.
    """
    k, epsilon0, mu1, mu2 = kinetics
    diffused = np.empty(LANES, np.float32)
    source, target = u, u_next
    for _ in range(steps):
        for i in range(len(source)):
            here, there, recovery, threshold = source[i], target[i], v[i], a[i]
            weighted_sum(diffused, source, neighbour[start[i] : start[i + 1]], weight[start[i] : start[i + 1]])
            for lane in range(LANES):
                du, dv = _rates(
                    here[lane],
                    recovery[lane],
                    threshold[lane],
                    _of_lane(k, lane),
                    _of_lane(epsilon0, lane),
                    _of_lane(mu1, lane),
                    _of_lane(mu2, lane),
                )
                there[lane] = _flushed(diffused[lane] + step * du)
                recovery[lane] = _flushed(recovery[lane] + step * dv)
        source, target = target, source
    if steps % 2:
        u[:] = u_next


@_compile
def observe(u, voxel_node, share, node_mean, peak):  # type: ignore[no-untyped-def]
    """Average a frame to nodes and keep the highest potential of every voxel so far.

    ``share`` (voxel,) is one over the number of voxels of the voxel's node; ``node_mean`` (node, LANES) is overwritten,
    ``peak`` (voxel, LANES) updated.
    """
    node_mean[:] = 0
    for i in range(len(u)):
        row, mean, highest, part = u[i], node_mean[voxel_node[i]], peak[i], share[i]
        for lane in range(LANES):
            mean[lane] += part * row[lane]
        for lane in range(LANES):
            highest[lane] = max(highest[lane], row[lane])


@_compile
def lead_potentials(lead_field, voxel, u, potential):  # type: ignore[no-untyped-def]
    """Product lead_field (lead, voxel) · u (voxel, LANES) into ``potential`` (lead, LANES).

    ``voxel`` (voxel,) uint32 counts the voxels. Own loops instead of BLAS, whose order of summation may depend on
    threads, shapes and alignment. Partial sums of a chunk of voxels, which stays in the L1 cache over all leads, also
    keep rounding errors low.
    """
    potential[:] = 0
    partial = np.empty(LANES, np.float32)
    for first in range(0, len(u), _CHUNK):
        chunk = voxel[first : first + _CHUNK]
        for lead in range(len(lead_field)):
            weighted_sum(partial, u, chunk, lead_field[lead, first : first + _CHUNK])
            out = potential[lead]
            for lane in range(LANES):
                out[lane] += partial[lane]
