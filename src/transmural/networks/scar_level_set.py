"""Scars as level sets: a Gaussian random field over the wall whose positive part is scar.

    f = μ + B ζ,   ζ ~ N(0, I),      s = σ(f / w)

f is the signed distance in mm to the scar's border (positive inside, clipped far off), s the scar density. μ is the
mean of the training scars, and B Bᵀ shrinks their covariance towards a stationary one, v exp(−d² / 2ℓ²) in the distance
d along the wall: a few scars give v and ℓ well and little else, many give the covariance itself. Which share of each is
taken is decided by the likelihood of the validation scars. Encoder and decoder of f are linear, so the optimum of the
variational bound is known in closed form and needs no iteration (Tipping & Bishop 1999; Lucas et al. 2019).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from transmural.anatomy.node_graph import NodeGraph
from transmural.networks.wall_paths import node_spacing
from transmural.stores.errors import TrainingError

Doubles = NDArray[np.float64]

_WIDTH = 0.22  # w in node spacings: a border of about one spacing between densities of 0.1 and 0.9
_FARTHEST_MM = (-30.0, 15.0)
_SHARES = (1.0, 0.7, 0.5, 0.3, 0.1)
_REPRESENTATION_MM = 1.5
_BIN_MM, _BINS = 6.0, 10
_LENGTHS_MM = np.arange(8.0, 46.0)
# A node of at least this scar density at its densest is what makes a beat one with a scar.
_LEAST_CORE = 0.5


@dataclass(frozen=True)
class ScarPrior:
    """Random field of scars on one wall.

    Attributes
    ----------
    mean
        μ in mm, shape (node,).
    modes
        B in mm, shape (node, mode).
    width_mm
        w.
    """

    mean: Tensor
    modes: Tensor
    width_mm: float

    def density(self, latent: Tensor) -> Tensor:
        """Scar density of latent variables (case, mode), shape (case, node)."""
        return torch.sigmoid((self.mean + latent @ self.modes.T) / self.width_mm)

    def encode(self, distance: Tensor) -> Tensor:
        """Mean of p(ζ | f) for signed distances in mm (case, node), shape (case, mode)."""
        precision = self.modes.T @ self.modes / _REPRESENTATION_MM**2 + torch.eye(self.modes.shape[1])
        seen = (distance - self.mean) @ self.modes / _REPRESENTATION_MM**2
        latent: Tensor = torch.linalg.solve(precision, seen.T).T
        return latent


def scar_prior(distance: Doubles, validation: Doubles, graph: NodeGraph, modes: int) -> tuple[ScarPrior, float]:
    """Random field of the training scars.

    Parameters
    ----------
    distance, validation
        Signed distances of training and validation scars in mm, shape (scar, node).
    graph
        Nodes of the wall.
    modes
        Latent variables.

    Returns
    -------
    The field, and the share of its stationary part.

    Raises
    ------
    TrainingError
        If there are fewer than two scars to learn from, or none to validate on.
    """
    if len(distance) < 2 or len(validation) < 1:
        raise TrainingError(
            f"scar prior: {len(distance)} training and {len(validation)} validation beats have a scar; at least two "
            "and one are needed"
        )
    mean = distance.mean(axis=0)
    sample = (distance - mean).T @ (distance - mean) / len(distance)
    stationary = _stationary(sample, graph.distances)
    candidates = [_modes((1 - share) * sample + share * stationary, modes) for share in _SHARES]
    best = int(np.argmin([_negative_log_likelihood(validation - mean, found) for found in candidates]))
    centre, found = (torch.from_numpy(values.astype(np.float32)) for values in (mean, candidates[best]))
    return ScarPrior(centre, found, _WIDTH * node_spacing(graph)), _SHARES[best]


def signed_distance(density: NDArray[np.floating], graph: NodeGraph) -> Doubles:
    """Signed distance to the border of each scar, from its density.

    Parameters
    ----------
    density
        0 healthy to 1 core, shape (case, node).
    graph
        Nodes of the wall.

    Returns
    -------
    In mm, positive inside, shape (case, node). Within the border it is what `ScarPrior.density` turns back into the
    density; without a scar it is the farthest value everywhere.
    """
    lowest, highest = _FARTHEST_MM
    half = 0.5 * node_spacing(graph)
    partial = np.clip(density.astype(np.float64), 0.02, 0.98)
    border = 2 * half * _WIDTH * np.log(partial / (1 - partial))
    edge = float(np.abs(border).max(initial=0.0))
    found = np.full(density.shape, lowest)
    for case in np.flatnonzero((density > _LEAST_CORE).any(axis=1)):
        inside = density[case] > _LEAST_CORE
        if inside.all():
            found[case] = highest
            continue
        outwards = graph.distances[:, inside].min(axis=1) - half
        inwards = graph.distances[:, ~inside].min(axis=1) - half
        far = np.where(inside, np.maximum(inwards, edge), -np.maximum(outwards, edge))
        within = (density[case] > 0.02) & (density[case] < 0.98)
        found[case] = np.clip(np.where(within, border[case], far), lowest, highest)
    return found


def trial_scars(distance: Doubles, graph: NodeGraph, count: int) -> Doubles:
    """Round scars of the training scars' mean size around sites spread over the whole wall.

    Parameters
    ----------
    distance
        Signed distances of training scars in mm, shape (scar, node).
    graph
        Nodes of the wall.
    count
        How many; all nodes are sites where there are fewer.

    Returns
    -------
    Signed distances in mm, shape (site, node).
    """
    size = int(np.clip(round((distance > 0).sum(axis=1).mean()), 1, graph.nodes - 1))
    sites = [int(graph.distances[0].argmax())]
    nearest = graph.distances[sites[0]]
    while len(sites) < min(count, graph.nodes):
        sites.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, graph.distances[sites[-1]])
    away = graph.distances[sites]
    return np.clip(np.sort(away, axis=1)[:, size, None] - away, *_FARTHEST_MM)


def has_scar(density: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether each beat has a scar, shape (case,)."""
    return np.asarray((density > _LEAST_CORE).any(axis=1))


def _stationary(sample: Doubles, distances: Doubles) -> Doubles:
    """Stationary covariance that comes nearest to the sample's up to 60 mm."""
    place = np.digitize(distances, _BIN_MM * np.arange(_BINS + 1)).ravel()
    count = np.bincount(place, minlength=_BINS + 2)[1 : _BINS + 1]
    mean = np.bincount(place, sample.ravel(), _BINS + 2)[1 : _BINS + 1] / np.maximum(count, 1)
    centre = _BIN_MM * (np.arange(_BINS) + 0.5)
    shapes = np.exp(-0.5 * (centre / _LENGTHS_MM[:, None]) ** 2)
    variance = np.maximum(shapes @ mean / np.sum(shapes**2, axis=1), 1e-6)
    best = int(np.argmin(np.sum((mean - variance[:, None] * shapes) ** 2, axis=1)))
    return np.asarray(variance[best] * np.exp(-0.5 * (distances / _LENGTHS_MM[best]) ** 2))


def _modes(covariance: Doubles, count: int) -> Doubles:
    values, vectors = np.linalg.eigh(covariance)
    leading = slice(-1, -count - 1, -1)
    return np.asarray(vectors[:, leading] * np.sqrt(np.maximum(values[leading], 0)))


def _negative_log_likelihood(centred: Doubles, modes: Doubles) -> float:
    """Of signed distances given the field and white errors of representation, a scar, up to a constant."""
    variance = _REPRESENTATION_MM**2
    precision = modes.T @ modes / variance + np.eye(modes.shape[1])
    seen = centred @ modes / variance
    explained = np.sum(seen * np.linalg.solve(precision, seen.T).T, axis=1)
    misfit = np.sum(centred**2, axis=1) / variance - explained
    return float(0.5 * (misfit.mean() + np.linalg.slogdet(precision)[1]))
