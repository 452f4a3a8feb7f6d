"""Where and when sinus rhythm excites the ventricles: the same in every case, whatever its ECG.

Excitation breaks through first at three places of the left endocardium, within 5 ms of each other: high on the
anterior wall beside the septum, in the middle of the septum, and at the inferior wall a third of the way from apex to
base; then, 5 to 10 ms later, at the right free wall near the foot of the anterior papillary muscle (Durrer et al. 1970,
Circulation 41:899). Here the places are found from the nodes' coordinates.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.node_graph import NodeGraph
from transmural.anatomy.segments import RIGHT_VENTRICLE
from transmural.inverse.problem import WallCoordinates
from transmural.stores.errors import InferenceError

# Segments about each place, in whose middle it lies, and when it is excited, in ms.
BREAKTHROUGHS = (((1, 7), 0.0), ((8, 9), 0.0), ((10, 15), 0.0), ((RIGHT_VENTRICLE,), 7.5))
_RADIUS_MM = 10.0
# Coarse nodes need a larger ball to capture.
_FEWEST_NODES = 8


@dataclass(frozen=True)
class SinusRhythm:
    """Stimuli of a beat.

    Attributes
    ----------
    sites
        Node in the middle of each stimulus, shape (site,).
    stimulated
        Nodes that each stimulus depolarises, shape (site, node).
    delay_ms
        When it does, shape (site,).
    """

    sites: NDArray[np.int64]
    stimulated: NDArray[np.bool_]
    delay_ms: NDArray[np.float64]

    @classmethod
    def of(cls, graph: NodeGraph, wall: WallCoordinates) -> Self:
        """Stimuli of a heart.

        Raises
        ------
        InferenceError
            If the segments of a place have no node.
        """
        sites = np.array([_middle(graph, wall, segments) for segments, _ in BREAKTHROUGHS])
        distance = np.stack([graph.distance_from(int(site)) for site in sites])
        fewest = min(_FEWEST_NODES, graph.nodes)
        radius = np.maximum(_RADIUS_MM, np.sort(distance, axis=1)[:, fewest - 1 : fewest])
        return cls(sites, distance <= radius, np.array([delay for _, delay in BREAKTHROUGHS]))

    def between(self, start_ms: float, end_ms: float) -> NDArray[np.bool_]:
        """Nodes that are stimulated from ``start_ms`` on and before ``end_ms``, shape (node,)."""
        return np.asarray(self.stimulated[(self.delay_ms >= start_ms) & (self.delay_ms < end_ms)].any(axis=0))


def _middle(graph: NodeGraph, wall: WallCoordinates, segments: tuple[int, ...]) -> int:
    """Node in the middle of the endocardial half of some segments."""
    nodes = np.flatnonzero(np.isin(wall.segment, segments))
    if not nodes.size:
        raise InferenceError(f"sinus rhythm: no node lies in segments {list(segments)}; take more nodes")
    inner = nodes[wall.transmural[nodes] <= np.median(wall.transmural[nodes])]
    centre = graph.position[inner].mean(axis=0)
    return int(inner[np.argmin(np.linalg.norm(graph.position[inner] - centre, axis=1))])
