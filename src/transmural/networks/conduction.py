"""How the wave of activation spreads: velocity tensors of the wall and the slowness of scars, learnt from beats.

Every node has a velocity tensor, which starts from rule-based fibres and bends to what the training beats show; what it
adds to the fibres is smooth along the wall. Tissue of the scar density s conducts more slowly by a factor that
grows with s, learnt as a piecewise linear function of its logarithm. A wave starts in the stimulated ball.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from transmural.anatomy.node_graph import NodeGraph
from transmural.networks.first_arrival import first_arrival
from transmural.networks.wall_paths import node_spacing, short_paths

_ALONG_M_PER_S, _ACROSS_M_PER_S = 0.6, 0.3
_STIMULUS_MM = 7.0
_LARGEST_SLOWNESS = 12.0
_DENSITY_STEPS = 12
_REACH = 4.0  # of a start, in node spacings
# Adam moves all parameters by like amounts; these give each the size of its own.
_TENSOR_SCALE, _SLOWNESS_SCALE, _BALL_SCALE = 5.0, 10.0, 20.0
_LOWER = ((0, 0), (1, 1), (2, 2), (1, 0), (2, 0), (2, 1))


class Conduction(nn.Module):
    """Arrival times from the origin of a beat and the density of its scar.

    Parameters
    ----------
    graph
        Nodes of the wall.
    fibre_tensor
        Mean of f fᵀ over each node's fibres f, shape (node, 3, 3).
    """

    position: Tensor
    start: Tensor
    end: Tensor
    step: Tensor
    touching: Tensor
    fibres: Tensor

    def __init__(self, graph: NodeGraph, fibre_tensor: Tensor) -> None:
        super().__init__()
        self._pointer, start, self._end = short_paths(graph)
        position = torch.from_numpy(graph.position.astype(np.float32))
        self.register_buffer("position", position, persistent=False)
        self.register_buffer("start", torch.from_numpy(start), persistent=False)
        self.register_buffer("end", torch.from_numpy(self._end), persistent=False)
        self.register_buffer("step", position[self._end] - position[start], persistent=False)
        self.register_buffer("touching", torch.from_numpy(graph.neighbours.T.astype(np.int64)), persistent=False)
        self.register_buffer("fibres", _factor_of_fibres(fibre_tensor))
        self.spacing_mm = node_spacing(graph)
        self._fixed: tuple[Tensor, Tensor] | None = None
        self.tensor = nn.Parameter(torch.zeros(graph.nodes, len(_LOWER)))
        self.velocity = nn.Parameter(torch.zeros(()))
        self.growth = nn.Parameter(_growth_at_first() / _SLOWNESS_SCALE)
        self.ball = nn.Parameter(torch.tensor([_STIMULUS_MM, 0.0]) / _BALL_SCALE)

    def forward(self, scar_density: Tensor, origin: Tensor) -> Tensor:
        """Arrival time of the wave in ms, shape (case, node).

        Parameters
        ----------
        scar_density
            0 healthy to 1 core of a scar, shape (case, node).
        origin
            Where each beat starts, in mm, shape (case, 3).
        """
        metric, path_time = self._fixed or self._learnt()
        slowness = self.slowness(scar_density)
        delay = _BALL_SCALE * self.ball[1]
        return delay + first_arrival(path_time, self._start_time(metric, origin), slowness, self._pointer, self._end)

    def fix(self) -> None:
        """Compute once what follows from the parameters alone; they must not change afterwards."""
        with torch.no_grad():
            self._fixed = self._learnt()

    def metric(self) -> Tensor:
        """Squared slowness of each node by direction in ms²/mm², shape (node, 3, 3)."""
        factor = self.fibres + _lower_triangle(self._departure()) * self.fibres.diagonal(dim1=1, dim2=2)[:, None]
        factor = torch.exp(self.velocity) * factor
        metric: Tensor = factor @ factor.transpose(1, 2)
        return metric

    def slowness(self, scar_density: Tensor) -> Tensor:
        """Slowness relative to healthy tissue, 1 at density 0 and growing, shape of ``scar_density``."""
        rise = torch.cumsum(softplus(_SLOWNESS_SCALE * self.growth), dim=0)
        logarithm = torch.cat([rise.new_zeros(1), rise])
        place = scar_density.clamp(0, 1) * _DENSITY_STEPS
        below = place.detach().floor().clamp(max=_DENSITY_STEPS - 1).long()
        share = place - below
        return torch.exp(logarithm[below] * (1 - share) + logarithm[below + 1] * share)

    def roughness(self) -> Tensor:
        """Mean squared difference between touching nodes of what the tensors add to the fibres."""
        departure = self._departure()
        first, second = self.touching
        return (departure[first] - departure[second]).square().mean()

    def _learnt(self) -> tuple[Tensor, Tensor]:
        """Metric of each node, and time in ms along each path in healthy tissue."""
        metric = self.metric()
        return metric, _length(self.step, 0.5 * (metric[self.start] + metric[self.end]))

    def _departure(self) -> Tensor:
        return _TENSOR_SCALE * self.tensor

    def _start_time(self, metric: Tensor, origin: Tensor) -> Tensor:
        """When the wave from the edge of the stimulated ball reaches the nodes near it; infinite farther off."""
        offset = self.position - origin[:, None]
        distance = offset.norm(dim=2)
        reach = torch.maximum(
            distance.detach().amin(dim=1, keepdim=True) + 1.0, distance.new_tensor(_REACH * self.spacing_mm)
        )
        outside = (1 - _BALL_SCALE * self.ball[0] / distance.clamp_min(1e-3)).clamp_min(0)
        time = _length(offset, metric) * outside
        return torch.where(distance <= reach, time, torch.inf)


def _length(step: Tensor, metric: Tensor) -> Tensor:
    """Time along steps (..., 3) through metrics (..., 3, 3)."""
    square = (step * (metric @ step[..., None])[..., 0]).sum(-1)
    length: Tensor = square.clamp_min(1e-9).sqrt()
    return length


def _factor_of_fibres(fibre_tensor: Tensor) -> Tensor:
    """Lower-triangular factor of the squared slowness that the fibres alone give, shape (node, 3, 3)."""
    across = _ACROSS_M_PER_S**2 * torch.eye(3, dtype=torch.float64)
    velocity = across + (_ALONG_M_PER_S**2 - _ACROSS_M_PER_S**2) * fibre_tensor.double()
    factor: Tensor = torch.linalg.cholesky(torch.linalg.inv(velocity))
    return factor.float()


def _lower_triangle(values: Tensor) -> Tensor:
    matrix = values.new_zeros(values.shape[0], 3, 3)
    row, column = zip(*_LOWER, strict=True)
    matrix[:, list(row), list(column)] = values
    return matrix


def _growth_at_first() -> Tensor:
    """A slowness of 1 / (1 - s): velocity falls with 1 - 2a (Murray, «Mathematical Biology I», §13.4)."""
    density = torch.linspace(0, 1, _DENSITY_STEPS + 1)
    logarithm = torch.log(torch.clamp(1 / (1 - 0.9999 * density), max=_LARGEST_SLOWNESS))
    return torch.log(torch.expm1(logarithm.diff().clamp_min(0.02)))
