"""The decoder of the activation-map autoencoder: from a scar and an origin to the maps of a beat, by way of the wall.

What is known of the heart does most of the work: a wave spreads from the origin through the wall and around the scar
(`conduction`), and the maps follow from its arrival time and the scar around each node. A small network, the same at
every node, turns averages of both over growing neighbourhoods into the maps (a graph network with fixed
aggregation); what depends on where the beat starts and on nothing else is added in few components. So even a few
hundred beats teach all of it.
"""

import torch
from torch import Tensor, nn

from transmural.anatomy.node_graph import NodeGraph
from transmural.networks.action_potential import Maps
from transmural.networks.conduction import Conduction
from transmural.networks.neighbourhood_means import NeighbourhoodMeans
from transmural.stores.config.networks import ActivationMapVAE

_STEPS = (1, 2, 4, 8, 16)
_SCAR_STEPS, _JOINT_STEPS = 4, (1, 2)
_FEATURES = 1 + _SCAR_STEPS + 1 + len(_STEPS) + len(_JOINT_STEPS) + 3
_MAPS = len(Maps._fields)
_WAVES = 32
_TIME_MS, _LENGTH_MM = 50.0, 30.0


class ActivationMaps(nn.Module):
    """Maps of beats from scar density and origin.

    Parameters
    ----------
    graph
        Nodes of the wall.
    fibre_tensor
        Mean of f fᵀ over each node's fibres f, shape (node, 3, 3).
    settings
        Sizes of the networks.
    """

    waves: Tensor
    centre: Tensor
    extent: Tensor

    def __init__(self, graph: NodeGraph, fibre_tensor: Tensor, settings: ActivationMapVAE) -> None:
        super().__init__()
        hidden, components = settings.hidden, settings.origin_components
        self.conduction = Conduction(graph, fibre_tensor)
        position = self.conduction.position
        self.register_buffer("centre", position.mean(dim=0), persistent=False)
        self.register_buffer("extent", position.std(dim=0), persistent=False)
        self.means = NeighbourhoodMeans(graph)
        self.register_buffer("waves", torch.randn(3, _WAVES))
        self.embedding = nn.Parameter(0.1 * torch.randn(graph.nodes, settings.embedding))
        first = nn.Linear(_FEATURES + settings.embedding, hidden)
        second, last = nn.Linear(hidden, hidden), nn.Linear(hidden, _MAPS)
        self.local = nn.Sequential(first, nn.SiLU(), second, nn.SiLU(), last)
        self.of_origin = nn.Sequential(
            nn.Linear(3 + 2 * _WAVES, 2 * hidden),
            nn.SiLU(),
            nn.Linear(2 * hidden, 2 * hidden),
            nn.SiLU(),
            nn.Linear(2 * hidden, components),
        )
        self.components = nn.Parameter(0.1 * torch.randn(2, components, graph.nodes))
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()

    def forward(self, scar_density: Tensor, origin: Tensor) -> tuple[Maps, Tensor, Tensor]:
        """Maps of beats.

        Parameters
        ----------
        scar_density
            0 healthy to 1 core, shape (case, node).
        origin
            Where each beat starts, in mm, shape (case, 3).

        Returns
        -------
        The maps; the wave's arrival time in ms before the network corrects it, shape (case, node); and the correction
        by origin of time (in 5 ms) and of the duration's logarithm (in 0.1), shape (2, case, node).
        """
        # Differences of times of hundreds of ms don't survive reduced precision.
        with torch.autocast(scar_density.device.type, enabled=False):
            arrival = self.conduction(scar_density, origin)
            features = self._features(scar_density, arrival, origin)
            local = self.local(features).unbind(dim=-1)
            by_origin = self._by_origin(origin)
            maps = Maps(
                activation_time=arrival + 5 * (local[0] + by_origin[0]),
                duration=300 * torch.exp(0.3 * local[1] + 0.1 * by_origin[1]),
                amplitude=torch.sigmoid(4 - 6 * scar_density + 4 * local[2]),
                upstroke_width=2.7 * torch.exp(0.5 * local[3]),
                repolarisation_width=14 * torch.exp(0.5 * local[4]),
                slope=0.12 * torch.exp(0.5 * local[5]),
            )
            return maps, arrival, by_origin

    def _features(self, scar: Tensor, arrival: Tensor, origin: Tensor) -> Tensor:
        """What the local network sees of each node, shape (case, node, feature)."""
        time = arrival / _TIME_MS
        steps = self.means(torch.cat([scar, time, scar * time]), _STEPS)
        scar_means, time_means, products = zip(*(mean.chunk(3) for mean in steps), strict=True)
        parts = [scar, *scar_means[:_SCAR_STEPS], time, *(time - mean for mean in time_means)]
        # Positive where the scar around a node is reached later than the node's surroundings.
        parts += [scar_means[k] * time - products[k] for k in _JOINT_STEPS]
        offset = (self.conduction.position - origin[:, None]) / _LENGTH_MM
        embedding = self.embedding.expand(scar.shape[0], -1, -1)
        return torch.cat([torch.stack(parts, dim=-1), embedding, offset], dim=-1)

    def _by_origin(self, origin: Tensor) -> Tensor:
        place = (origin - self.centre) / self.extent
        phase = place @ self.waves
        weights = self.of_origin(torch.cat([place, phase.sin(), phase.cos()], dim=-1))
        corrections: Tensor = weights @ self.components
        return corrections
