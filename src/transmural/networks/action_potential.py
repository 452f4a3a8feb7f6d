"""The action potential as a smooth function of a few maps: what turns maps of the heart into potentials.

    u(x, t) = A (1 − κ τ₊ / 300 ms) σ(τ / w₁) σ((D − τ) / w₂),     τ = t − T

with activation time T, duration D, amplitude A, widths w₁ of the upstroke and w₂ of repolarisation, and slope κ of the
plateau, each a map over the wall. Fitted to beats of the Aliev–Panfilov model node by node, it leaves an NRMSE of
0.027; with widths and slope shared by all nodes, 0.08.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from transmural.networks.potential_kernel import FusedPotential

_PLATEAU_MS = 300.0


class Maps(NamedTuple):
    """Maps of beats, shape (case, node) each.

    Attributes
    ----------
    activation_time, duration, upstroke_width, repolarisation_width
        T, D, w₁ and w₂ in ms.
    amplitude
        A, dimensionless.
    slope
        κ, dimensionless.
    """

    activation_time: Tensor
    duration: Tensor
    amplitude: Tensor
    upstroke_width: Tensor
    repolarisation_width: Tensor
    slope: Tensor


def potential(maps: Maps, time_ms: Tensor) -> Tensor:
    """Transmembrane potential, dimensionless.

    Parameters
    ----------
    maps
        Maps of the beats, shape (case, node).
    time_ms
        Times of the frames, shape (time,).

    Returns
    -------
    Shape (case, time, node).
    """
    if time_ms.device.type == "cpu" and all(values.dtype == torch.float32 for values in (time_ms, *maps)):
        fused: Tensor = FusedPotential.apply(time_ms, _PLATEAU_MS, *maps)  # type: ignore[no-untyped-call]
        return fused
    return chained_potential(maps, time_ms)


def chained_potential(maps: Maps, time_ms: Tensor) -> Tensor:
    """`potential` as a chain of tensor operations, on any device and in any precision."""
    since = time_ms[:, None] - maps.activation_time[:, None]
    upstroke = torch.sigmoid(since / maps.upstroke_width[:, None])
    repolarised = torch.sigmoid((maps.duration[:, None] - since) / maps.repolarisation_width[:, None])
    plateau = maps.amplitude[:, None] - (maps.amplitude * maps.slope)[:, None] * since.clamp_min(0) / _PLATEAU_MS
    return plateau * upstroke * repolarised
