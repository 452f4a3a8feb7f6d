"""The action-potential template and its gradient in one pass over the potentials: CPU, single precision.

As a chain of tensor operations the template (`action_potential.potential`) and its gradient read and write some forty
arrays of the size of the potentials. Here both are computed from the six maps in registers, several nodes at once
(SIMD), and the gradient computes the potentials anew instead of keeping them. The logistic function is a rational
function, Lambert's continued fraction of tanh cut after thirteen levels, within 2e-7 of the exact value.
"""

import os
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.autograd.function import FunctionCtx

# Machine code is kept where the caller names a folder that changes with the code; see `transmural.tissue.kernels`.
_KEPT = "NUMBA_CACHE_DIR" in os.environ
_compile = njit(nogil=True, fastmath={"contract"}, error_model="numpy", cache=_KEPT)

_LEVELS = 13
_SATURATED = np.float32(8.8)  # where the fraction comes nearest to one
_HALF, _ONE, _ZERO = np.float32(0.5), np.float32(1), np.float32(0)


def _lambert(levels: int) -> tuple[tuple[np.float32, ...], tuple[np.float32, ...]]:
    """Polynomials P and Q in x², lowest powers first, with tanh x ≈ x P / Q = x / (1 + x² / (3 + x² / (5 + …)))."""
    square = np.polynomial.Polynomial([0.0, 1.0])
    numerator, denominator = np.polynomial.Polynomial([2.0 * levels - 1]), np.polynomial.Polynomial([1.0])
    for level in range(levels - 2, -1, -1):
        numerator, denominator = (2 * level + 1) * numerator + square * denominator, numerator
    above, below = denominator.coef / numerator.coef[0], numerator.coef / numerator.coef[0]
    return tuple(map(np.float32, above)), tuple(map(np.float32, below))


(_P0, _P1, _P2, _P3, _P4, _P5, _P6), (_Q0, _Q1, _Q2, _Q3, _Q4, _Q5, _Q6) = _lambert(_LEVELS)


class FusedPotential(torch.autograd.Function):
    """`action_potential.potential` of single-precision maps on the CPU."""

    @staticmethod
    def forward(ctx: Any, time_ms: Tensor, plateau_ms: float, *maps: Tensor) -> Tensor:
        """Potentials, shape (case, time, node), of six maps (case, node) in the order of `action_potential.Maps`."""
        ctx.save_for_backward(time_ms, *maps)
        ctx.plateau_ms = plateau_ms
        tmp = np.empty((maps[0].shape[0], time_ms.numel(), maps[0].shape[1]), np.float32)
        _fill(_array(time_ms), np.float32(plateau_ms), *map(_array, maps), tmp)
        return torch.from_numpy(tmp)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Any) -> Any:
        """Gradients by the maps."""
        time_ms, *maps = ctx.saved_tensors  # type: ignore[attr-defined]
        found = np.zeros((len(maps), *maps[0].shape), np.float32)
        plateau = np.float32(ctx.plateau_ms)  # type: ignore[attr-defined]
        _pull_back(_array(time_ms), plateau, *map(_array, maps), _array(gradients[0]), found)
        return None, None, *torch.from_numpy(found).unbind()


def _array(values: Tensor) -> np.ndarray:
    return values.detach().contiguous().numpy()


@njit(inline="always", fastmath={"contract"}, error_model="numpy")
def _logistic(x):  # type: ignore[no-untyped-def]
    half = min(max(_HALF * x, -_SATURATED), _SATURATED)
    s = half * half
    above = _P0 + s * (_P1 + s * (_P2 + s * (_P3 + s * (_P4 + s * (_P5 + s * _P6)))))
    below = _Q0 + s * (_Q1 + s * (_Q2 + s * (_Q3 + s * (_Q4 + s * (_Q5 + s * _Q6)))))
    return _HALF + _HALF * half * above / below


@_compile
def _fill(time, plateau_ms, activation, duration, amplitude, upstroke, repolarisation, slope, tmp):  # type: ignore[no-untyped-def]
    for case in range(tmp.shape[0]):
        rise, fall = _ONE / upstroke[case], _ONE / repolarisation[case]
        drop = amplitude[case] * slope[case] / plateau_ms
        start, length, height = activation[case], duration[case], amplitude[case]
        for frame in range(tmp.shape[1]):
            now, out = time[frame], tmp[case, frame]
            for node in range(len(out)):
                since = now - start[node]
                plateau = height[node] - drop[node] * max(since, _ZERO)
                risen = _logistic(since * rise[node])
                out[node] = plateau * risen * _logistic((length[node] - since) * fall[node])


@_compile
def _pull_back(  # type: ignore[no-untyped-def]
    time, plateau_ms, activation, duration, amplitude, upstroke, repolarisation, slope, gradient, found
):
    for case in range(gradient.shape[0]):
        rise, fall = _ONE / upstroke[case], _ONE / repolarisation[case]
        drop = slope[case] / plateau_ms
        start, length, height = activation[case], duration[case], amplitude[case]
        by_start, by_length, by_height = found[0, case], found[1, case], found[2, case]
        by_rise, by_fall, by_slope = found[3, case], found[4, case], found[5, case]
        for frame in range(gradient.shape[1]):
            now, given = time[frame], gradient[case, frame]
            for node in range(len(given)):
                since = now - start[node]
                left = length[node] - since
                after = max(since, _ZERO)
                risen, unfallen = _logistic(since * rise[node]), _logistic(left * fall[node])
                both = given[node] * risen * unfallen
                shape = _ONE - drop[node] * after
                value = height[node] * shape * both
                rising = value * (_ONE - risen) * rise[node]
                falling = value * (_ONE - unfallen) * fall[node]
                sinking = height[node] * drop[node] * both if since > _ZERO else _ZERO
                by_start[node] += falling - rising + sinking
                by_length[node] += falling
                by_height[node] += shape * both
                by_rise[node] -= rising * since
                by_fall[node] -= falling * left
                by_slope[node] -= height[node] * after * both
        for node in range(len(start)):
            by_rise[node] *= rise[node]
            by_fall[node] *= fall[node]
            by_slope[node] /= plateau_ms
