"""Coarser triangle surfaces that stay closed 2-manifolds, however thin what they enclose: edge collapse.

The shortest edge is collapsed again and again, its ends becoming one vertex at the mean of the vertices that they stand
for, until few enough are left. An edge may go only if its ends have two neighbours in common (the link condition: Dey
et al., Publ Inst Math 66, 23–45, 1999), which keeps the topology, and if no triangle turns over. Edges are then flipped
where the angles that face them exceed 180° together (Delaunay), and vertices move along the surface to the middle of
their neighbours, both a few times, and are put back on the fine surface.
"""

import heapq
import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from transmural.stores.errors import GeometryError

Floats = NDArray[np.float64]
Mesh = tuple[Floats, NDArray[np.int64]]
Point = tuple[float, float, float]

_ROUNDS = 12
_STEP = 0.5  # of the way to the middle of the neighbours
_TURNED = 0.2  # cosine of the largest angle by which a triangle may turn
_FLAT = 0.7  # cosine of the largest angle between the triangles of an edge that may be flipped
_CANDIDATES = 12  # nearest points of the fine surface of which one faces the same way


def simplified(position: Floats, faces: NDArray[np.int64], vertices: int) -> Mesh:
    """Closed surface of exactly ``vertices`` vertices with triangles of about one size.

    Parameters
    ----------
    position
        Vertices of the fine surface, shape (fine vertex, 3).
    faces
        Its triangles, shape (fine face, 3), oriented outwards: a closed 2-manifold.
    vertices
        How many vertices are wanted.

    Returns
    -------
    Vertices, shape (vertex, 3), and triangles, shape (face, 3), oriented outwards.

    Raises
    ------
    GeometryError
        If the surface can't be that coarse without changing its topology, or has fewer vertices already.
    """
    if len(position) < vertices:
        raise GeometryError(f"surface: has {len(position)} vertices, fewer than the {vertices} that are wanted")
    mesh = _Collapsing(position, faces)
    mesh.collapse_to(vertices)
    coarse, triangles = mesh.arrays()
    guide = _Guide(position, faces)
    for _ in range(_ROUNDS):
        triangles = _delaunay(coarse, triangles)
        coarse = guide.nearest(*_relaxed(coarse, triangles))
    return coarse, _delaunay(coarse, triangles)


class _Collapsing:
    """A triangle surface of which edges are collapsed."""

    def __init__(self, position: Floats, faces: NDArray[np.int64]) -> None:
        self._position: list[Point] = [tuple(point) for point in position.tolist()]
        self._weight = [1.0] * len(position)
        self._face: list[list[int]] = faces.tolist()
        self._of: list[set[int]] = [set() for _ in self._position]
        for number, corners in enumerate(self._face):
            for corner in corners:
                self._of[corner].add(number)
        self._left = len(position)

    def collapse_to(self, vertices: int) -> None:
        """Collapse the shortest edges that may be until ``vertices`` vertices are left."""
        edges = {(min(i, j), max(i, j)) for corners in self._face for i, j in pairwise((*corners, corners[0]))}
        heap = [(self._length(i, j), i, j) for i, j in edges]
        heapq.heapify(heap)
        while self._left > vertices:
            if not heap:
                raise GeometryError(
                    f"surface: can't be simplified to {vertices} vertices, at {self._left} no edge can be taken away "
                    "without changing its topology; ask for more vertices"
                )
            length, i, j = heapq.heappop(heap)
            if not (self._of[i] and self._of[j]) or length != self._length(i, j) or not self._of[i] & self._of[j]:
                continue
            if self._may_go(i, j):
                self._collapse(i, j)
                for other in self._neighbours(i):
                    heapq.heappush(heap, (self._length(i, other), min(i, other), max(i, other)))

    def arrays(self) -> Mesh:
        """Vertices and triangles that are left."""
        faces = np.array(sorted({tuple(self._face[number]) for numbers in self._of for number in numbers}))
        used, numbered = np.unique(faces, return_inverse=True)
        return np.array(self._position)[used], numbered.reshape(-1, 3).astype(np.int64)

    def _length(self, i: int, j: int) -> float:
        return math.dist(self._position[i], self._position[j])

    def _neighbours(self, i: int) -> set[int]:
        return {corner for number in self._of[i] for corner in self._face[number]} - {i}

    def _merged(self, i: int, j: int) -> Point:
        share = self._weight[i] / (self._weight[i] + self._weight[j])
        (a, b, c), (x, y, z) = self._position[i], self._position[j]
        return share * a + (1 - share) * x, share * b + (1 - share) * y, share * c + (1 - share) * z

    def _may_go(self, i: int, j: int) -> bool:
        if len(self._neighbours(i) & self._neighbours(j)) != 2:
            return False
        # Three triangles about a vertex are the least; fewer would fold the surface onto itself.
        shared = self._of[i] & self._of[j]
        opposite = {corner for number in shared for corner in self._face[number]} - {i, j}
        if any(len(self._of[corner]) <= 3 for corner in opposite):
            return False
        place = self._merged(i, j)
        return not any(self._turns(number, vertex, place) for vertex in (i, j) for number in self._of[vertex] - shared)

    def _turns(self, number: int, vertex: int, place: Point) -> bool:
        """Whether a triangle turns over when one of its corners moves."""
        before = [self._position[corner] for corner in self._face[number]]
        after = [place if corner == vertex else self._position[corner] for corner in self._face[number]]
        m, n = _normal(*before), _normal(*after)
        cosine = m[0] * n[0] + m[1] * n[1] + m[2] * n[2]
        return cosine <= _TURNED * math.hypot(*m) * math.hypot(*n)

    def _collapse(self, i: int, j: int) -> None:
        """Put vertex j into vertex i."""
        self._position[i] = self._merged(i, j)
        self._weight[i] += self._weight[j]
        for number in self._of[i] & self._of[j]:
            for corner in self._face[number]:
                self._of[corner].discard(number)
        for number in self._of[j]:
            self._face[number] = [i if corner == j else corner for corner in self._face[number]]
        self._of[i] |= self._of[j]
        self._of[j] = set()
        self._left -= 1


def _normal(a: Point, b: Point, c: Point) -> Point:
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    p, q, r = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return y * r - z * q, z * p - x * r, x * q - y * p


class _Guide:
    """The fine surface, onto which vertices are put back."""

    def __init__(self, position: Floats, faces: NDArray[np.int64]) -> None:
        self._position, self._normal, self._tree = position, vertex_normals(position, faces), cKDTree(position)

    def nearest(self, position: Floats, normal: Floats) -> Floats:
        """Points on the tangent planes of the nearest vertices that face the same way."""
        distance, number = (np.asarray(found) for found in self._tree.query(position, k=_CANDIDATES))
        aligned = np.einsum("vkx,vx->vk", self._normal[number], normal) > 0.5
        best = np.where(aligned, distance, np.inf).argmin(axis=1)
        found = number[np.arange(len(number)), best]
        height = np.einsum("vx,vx->v", position - self._position[found], self._normal[found])
        height[~aligned.any(axis=1)] = 0  # at a sharp rim nothing faces the same way; the vertex stays
        placed: Floats = position - height[:, None] * self._normal[found]
        return placed


def vertex_normals(position: Floats, faces: NDArray[np.int64]) -> Floats:
    """Unit normals at the vertices, means over the triangles weighted by their areas, shape (vertex, 3)."""
    a, b, c = position[faces].transpose(1, 0, 2)
    of_face = np.cross(b - a, c - a)
    total = np.zeros_like(position)
    for corner in range(3):
        np.add.at(total, faces[:, corner], of_face)
    normal: Floats = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300)
    return normal


def _relaxed(position: Floats, faces: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Vertices moved along the surface towards the middle of their neighbours, and their normals."""
    i, j = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    graph = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(len(position),) * 2).tocsr()
    middle = (graph @ position) / np.asarray(graph.sum(axis=1)).reshape(-1, 1)
    normal = vertex_normals(position, faces)
    way = _STEP * (middle - position)
    return position + way - np.einsum("vx,vx->v", way, normal)[:, None] * normal, normal


def _delaunay(position: Floats, faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles after flipping edges that face more than 180°, where the surface is nearly flat."""
    triangle: list[list[int]] = faces.tolist()
    beside = {(i, j): number for number, corners in enumerate(triangle) for i, j in pairwise((*corners, corners[0]))}
    pending = _facing_too_much(position, faces)
    for _ in range(10 * len(faces)):
        if not pending:
            break
        i, j = pending.pop()
        if (i, j) not in beside or (j, i) not in beside:
            continue
        one, other = beside[i, j], beside[j, i]
        k, m = (next(c for c in triangle[number] if c not in (i, j)) for number in (one, other))
        if (k, m) in beside or not _better_flipped(position[[i, j, k, m]]):
            continue
        del beside[i, j], beside[j, i]
        triangle[one], triangle[other] = [i, m, k], [m, j, k]
        for number in (one, other):
            beside.update({edge: number for edge in pairwise((*triangle[number], triangle[number][0]))})
        pending += [(i, m), (m, j), (j, k), (k, i)]
    return np.array(triangle, dtype=np.int64)


def _facing_too_much(position: Floats, faces: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Edges (i, j), i < j, whose facing angles sum to more than 180°."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    here, there = position[edges].transpose(1, 0, 2) - position[np.concatenate([faces[:, k] for k in (2, 0, 1)])]
    angle = np.arctan2(np.linalg.norm(np.cross(here, there), axis=1), np.einsum("ex,ex->e", here, there))
    unique, number = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    found: list[list[int]] = unique[np.bincount(number.ravel(), angle) > np.pi + 1e-9].tolist()
    return [(i, j) for i, j in found]


def _better_flipped(corner: Floats) -> bool:
    """Whether the edge i j of triangles (i, j, k) and (j, i, m) should lead from k to m; corners i, j, k, m."""
    i, j, k, m = corner
    one, other = np.cross(j - i, k - i), np.cross(i - j, m - j)
    if one @ other <= _FLAT * np.linalg.norm(one) * np.linalg.norm(other):
        return False
    if _angle(i - k, j - k) + _angle(i - m, j - m) <= np.pi + 1e-9:
        return False
    new, beside = np.cross(m - i, k - i), np.cross(j - m, k - m)
    return bool(min(new @ one, beside @ one) > 0)


def _angle(a: Floats, b: Floats) -> float:
    return math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
