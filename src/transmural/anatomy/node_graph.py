"""Neighbourhoods of the inference nodes within the wall, with gradient and Laplacian on them.

A node is a clump of voxels; two nodes are neighbours where a voxel of one shares a face with a voxel of the other,
so neighbours never lie across a cavity. On the edges of length d_ij

    ∫ |∇u|² dV  ≈  Σ_edges V_ij ((u_j − u_i) / d_ij)²,      V_ij = 3 (V_i / deg_i + V_j / deg_j):

a node shares its volume equally among its edges, and the factor 3 turns the mean square of a directional derivative
into the square of the gradient. On a cubic lattice this is the usual finite difference.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from transmural.stores.errors import GeometryError


@dataclass(frozen=True)
class NodeGraph:
    """Nodes of the wall and which of them touch.

    Attributes
    ----------
    position
        Centroids in mm, shape (node, 3).
    volume
        Volumes in mm³, shape (node,).
    neighbours
        Pairs of touching nodes, each once, shape (edge, 2).
    """

    position: NDArray[np.floating]
    volume: NDArray[np.floating]
    neighbours: NDArray[np.integer]

    def __post_init__(self) -> None:
        nodes = self.position.shape[0]
        if self.position.shape != (nodes, 3) or self.volume.shape != (nodes,):
            raise GeometryError(
                f"node graph: positions {self.position.shape} and volumes {self.volume.shape} aren't (node, 3), (node,)"
            )
        pairs = self.neighbours
        if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs.size and not 0 <= pairs.min() <= pairs.max() < nodes):
            raise GeometryError(f"node graph: neighbours must be pairs of node numbers below {nodes}")
        if not (self.volume > 0).all() or not np.isfinite(self.position).all():
            raise GeometryError("node graph: volumes must be positive and positions finite")

    @classmethod
    def of(cls, anatomy: xr.Dataset) -> Self:
        """Graph of the nodes of an anatomy (contract ANATOMY)."""
        return cls.from_voxels(
            anatomy["voxel_index"].values,
            anatomy["voxel_node"].values,
            anatomy["node_position"].values,
            anatomy["node_volume"].values,
        )

    @classmethod
    def from_voxels(
        cls,
        voxel_index: NDArray[np.integer],
        voxel_node: NDArray[np.integer],
        position: NDArray[np.floating],
        volume: NDArray[np.floating],
    ) -> Self:
        """Graph of the nodes whose voxels share a face.

        Parameters
        ----------
        voxel_index
            Index of each myocardial voxel in the image, shape (voxel, 3).
        voxel_node
            Node to which the voxel belongs, shape (voxel,).
        position, volume
            Centroid in mm and volume in mm³ of each node, shapes (node, 3) and (node,).
        """
        low = voxel_index.min(axis=0)
        index = voxel_index - low
        image = np.full(index.max(axis=0) + 1, -1, dtype=np.int64)
        image[index[:, 0], index[:, 1], index[:, 2]] = voxel_node
        pairs = []
        for axis in range(3):
            here = np.moveaxis(image, axis, 0)[:-1].ravel()
            there = np.moveaxis(image, axis, 0)[1:].ravel()
            touching = (here >= 0) & (there >= 0) & (here != there)
            pairs.append(np.sort(np.stack([here[touching], there[touching]], axis=1), axis=1))
        return cls(np.asarray(position), np.asarray(volume), np.unique(np.concatenate(pairs), axis=0))

    @classmethod
    def from_positions(
        cls, position: NDArray[np.floating], volume: NDArray[np.floating], neighbours_each: int = 6
    ) -> Self:
        """Graph of each node with its nearest ones, for nodes whose voxels aren't known."""
        if not 1 <= neighbours_each < position.shape[0]:
            raise GeometryError(
                f"node graph: neighbours_each is {neighbours_each}, must lie between 1 and {position.shape[0] - 1}"
            )
        nearest = np.asarray(KDTree(position).query(position, k=neighbours_each + 1)[1])
        here = np.repeat(np.arange(position.shape[0]), neighbours_each)
        pairs = np.sort(np.stack([here, nearest[:, 1:].ravel()], axis=1), axis=1)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        return cls(position, volume, np.unique(pairs, axis=0))

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.position.shape[0])

    @cached_property
    def components(self) -> int:
        """Number of connected parts."""
        return int(connected_components(self._lengths(), directed=False)[0])

    @cached_property
    def gradient(self) -> sparse.csr_array:
        """Operator G with ``|G u|² ≈ ∫ |∇u|² dV``, shape (edge, node)."""
        first, second = self.neighbours.T
        degree = np.maximum(np.bincount(self.neighbours.ravel(), minlength=self.nodes), 1)
        share = self.volume.astype(np.float64) / degree
        weight = np.sqrt(3.0 * (share[first] + share[second])) / self._edge_length()
        rows = np.arange(first.size)
        matrix = sparse.coo_array(
            (np.concatenate([-weight, weight]), (np.tile(rows, 2), np.concatenate([first, second]))),
            shape=(first.size, self.nodes),
        )
        return sparse.csr_array(matrix)

    @cached_property
    def laplacian(self) -> sparse.csr_array:
        """Operator L with ``|L u|² ≈ ∫ (Δu)² dV`` and no flux through the wall's surface, shape (node, node)."""
        scale = sparse.diags_array(1.0 / np.sqrt(self.volume.astype(np.float64)))
        return sparse.csr_array(-(scale @ (self.gradient.T @ self.gradient)))

    @cached_property
    def distances(self) -> NDArray[np.float64]:
        """Length in mm of the shortest path within the wall between any two nodes, shape (node, node)."""
        return np.asarray(dijkstra(self._lengths(), directed=False), dtype=np.float64)

    def distance_from(self, node: int) -> NDArray[np.float64]:
        """Length in mm of the shortest path within the wall from ``node`` to every node; inf where there is none."""
        return np.asarray(dijkstra(self._lengths(), directed=False, indices=[node])[0], dtype=np.float64)

    def _edge_length(self) -> NDArray[np.float64]:
        first, second = self.neighbours.T
        length = np.linalg.norm(self.position[second].astype(np.float64) - self.position[first], axis=1)
        if (length == 0).any():
            raise GeometryError("node graph: two neighbouring nodes lie at the same place")
        return np.asarray(length)

    def _lengths(self) -> sparse.csr_array:
        first, second = self.neighbours.T
        return sparse.csr_array((self._edge_length(), (first, second)), shape=(self.nodes, self.nodes))
