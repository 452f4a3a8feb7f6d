"""What a trained decoder leaves over in healthy tissue, interpolated between the origins of the training beats.

A wave through rotating fibres isn't quite a shortest path, so arrival times and durations keep errors that are smooth
functions of where a beat starts. Their best linear interpolation (kriging; Cressie, «Statistics for Spatial Data»,
§3.2) from the training origins O to an origin o is, for every node,

    k(o, O) (k(O, O) + s I)⁻¹ R,     k(a, b) = exp(−|a − b|² / 2ℓ²),

R the errors of the training beats. ℓ and s are those with the least error of leaving one origin out, which stands in
closed form: the i-th row of (K + s I)⁻¹ R over the i-th diagonal element of (K + s I)⁻¹. Training beats, corrected as
if their origin had been left out, show how large the errors of new beats are.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.networks.action_potential import Maps, potential

Doubles = NDArray[np.float64]

_LENGTHS_MM = (6.0, 8.0, 10.0, 14.0, 20.0)
_NOISES = (0.1, 0.3, 1.0, 3.0)
_ITERATIONS = 3
# Probes of the derivatives and the largest step, in ms, of activation time and of duration.
_PROBES_MS, _STEPS_MS = (2.0, 4.0), (4.0, 10.0)
_LEAST = 1e-4


@dataclass(frozen=True)
class OriginCorrection:
    """Corrections of activation time (ms) and of the duration's logarithm by origin.

    Attributes
    ----------
    site
        Origins between which it interpolates, in mm, shape (site, 3).
    length_mm
        ℓ of both, shape (2,).
    weights
        (K + s I)⁻¹ R of both, shape (2, site, node).
    own
        Share of its weights by which a site's own errors change the correction there, shape (2, site).
    """

    site: Tensor
    length_mm: Tensor
    weights: Tensor
    own: Tensor

    @classmethod
    def none(cls, nodes: int) -> "OriginCorrection":
        """No correction at all."""
        return cls(torch.zeros(1, 3), torch.ones(2), torch.zeros(2, 1, nodes), torch.zeros(2, 1))

    @classmethod
    def learnt(cls, origin: Tensor, time: Tensor, duration: Tensor, known: Tensor) -> "OriginCorrection":
        """Learn from training beats.

        Parameters
        ----------
        origin
            In mm, shape (beat, 3).
        time, duration
            What activation times (ms) and logarithms of durations lack, shape (beat, node).
        known
            Where that is known, shape (beat, node); elsewhere the correction tends to zero.
        """
        site, beat = torch.unique(origin, dim=0, return_inverse=True)
        count = torch.zeros(site.shape[0], known.shape[1]).index_add_(0, beat, known.float())
        parts = []
        for lacking in (time, duration):
            total = torch.zeros_like(count).index_add_(0, beat, torch.where(known, lacking, 0.0))
            parts.append(_kriged(_array(site), _array(total / count.clamp_min(1)), (count > 0).numpy()))
        lengths, weights, own = (torch.from_numpy(np.stack(values)).float() for values in zip(*parts, strict=True))
        return cls(site, lengths, weights, own)

    def __call__(self, maps: Maps, origin: Tensor, left_out: bool = False) -> Maps:
        """Correct the maps of beats with these origins (case, 3); ``left_out`` as if the nearest site weren't there."""
        square = torch.cdist(origin, self.site, compute_mode="donot_use_mm_for_euclid_dist").square()
        kernel = torch.exp(-0.5 * square / self.length_mm[:, None, None].square())
        correction = torch.bmm(kernel, self.weights)
        if left_out:
            nearest = square.argmin(dim=1)
            correction = correction - self.own[:, nearest, None] * self.weights[:, nearest]
        time, duration = correction
        return maps._replace(activation_time=maps.activation_time + time, duration=maps.duration * torch.exp(duration))


@torch.no_grad()
def lacking(maps: Maps, tmp: Tensor, time_ms: Tensor) -> tuple[Tensor, Tensor]:
    """What activation times (ms) and the logarithms of durations lack to fit potentials, node by node.

    Least squares by Gauss–Newton steps of limited length, the other maps as they are.

    Parameters
    ----------
    maps
        Decoded maps, shape (case, node) each.
    tmp
        Potentials, shape (case, time, node).
    time_ms
        Frames.

    Returns
    -------
    Shape (case, node) each.
    """
    fitted = maps
    for _ in range(_ITERATIONS):
        by_time, by_duration = (
            _derivative(fitted, name, probe, time_ms)
            for name, probe in zip(("activation_time", "duration"), _PROBES_MS, strict=True)
        )
        rest = tmp - potential(fitted, time_ms)
        aa, bb, ab = (
            by_time.square().sum(1) + _LEAST,
            by_duration.square().sum(1) + _LEAST,
            (by_time * by_duration).sum(1),
        )
        ar, br = (by_time * rest).sum(1), (by_duration * rest).sum(1)
        determinant = aa * bb - ab.square()
        steps = (bb * ar - ab * br) / determinant, (aa * br - ab * ar) / determinant
        time, duration = (step.clamp(-most, most) for step, most in zip(steps, _STEPS_MS, strict=True))
        fitted = fitted._replace(
            activation_time=fitted.activation_time + time, duration=(fitted.duration + duration).clamp_min(1.0)
        )
    return fitted.activation_time - maps.activation_time, torch.log(fitted.duration / maps.duration)


def _derivative(maps: Maps, name: str, probe: float, time_ms: Tensor) -> Tensor:
    """Of the potentials by one map, from both sides; the time between frames is longer than an upstroke."""
    centre = getattr(maps, name)
    after, before = (potential(maps._replace(**{name: centre + step}), time_ms) for step in (probe, -probe))
    return (after - before) / (2 * probe)


def _kriged(site: Doubles, values: Doubles, known: NDArray[np.bool_]) -> tuple[float, Doubles, Doubles]:
    """Length in mm, weights (site, node) and share of the own (site,), with the least error of leaving one site out."""
    square = ((site[:, None] - site[None]) ** 2).sum(axis=2)
    values = np.where(known, values, 0.0)
    # Without a correction the error is that of the values themselves.
    best = (float((values**2).sum()), _LENGTHS_MM[0], np.zeros_like(values), np.zeros(len(site)))
    for length in _LENGTHS_MM:
        eigenvalues, vectors = np.linalg.eigh(np.exp(-0.5 * square / length**2))
        seen = vectors.T @ values
        for noise in _NOISES:
            inverse = 1 / (np.maximum(eigenvalues, 0) + noise)
            weights, diagonal = vectors @ (inverse[:, None] * seen), (vectors**2) @ inverse
            error = float(((weights / diagonal[:, None])[known] ** 2).sum())
            if error < best[0]:
                best = (error, length, weights, 1 / diagonal - noise)
    return best[1:]


def _array(values: Tensor) -> Doubles:
    return values.double().numpy()
