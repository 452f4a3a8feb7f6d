"""Points on a triangle surface: the nearest one to any place, and points spread evenly over all triangles."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]

_CANDIDATES = 32  # triangles with the nearest centroids, among which the nearest triangle is looked for


def nearest_on_surface(
    point_mm: NDArray[np.floating], vertex_mm: NDArray[np.floating], face: NDArray[np.integer]
) -> sparse.csr_matrix:
    """Linear interpolation at the nearest points of a surface, shape (point, vertex): three weights that sum to one.

    Parameters
    ----------
    point_mm
        Any places, shape (point, 3).
    vertex_mm, face
        The surface, shapes (vertex, 3) and (face, 3), of triangles of about one size.
    """
    point, corner = np.asarray(point_mm, dtype=np.float64), np.asarray(vertex_mm, dtype=np.float64)[face]
    _, candidate = cKDTree(corner.mean(axis=1)).query(point, k=min(_CANDIDATES, len(face)))
    candidate = candidate.reshape(len(point), -1)
    weight = _nearest_weights(point[:, None], corner[candidate])
    gap = np.linalg.norm(np.einsum("pkc,pkcx->pkx", weight, corner[candidate]) - point[:, None], axis=2)
    best = gap.argmin(axis=1)
    row = np.arange(len(point))
    column = face[candidate[row, best]]
    shape = (len(point), len(vertex_mm))
    return sparse.csr_matrix((weight[row, best].ravel(), (np.repeat(row, 3), column.ravel())), shape)


def spread_points(
    vertex_mm: NDArray[np.floating], face: NDArray[np.integer], spacing_mm: float
) -> tuple[sparse.csr_matrix, Floats]:
    """Points in the middle of equal parts of every triangle, for integrals over the surface.

    Parameters
    ----------
    vertex_mm, face
        The surface.
    spacing_mm
        Length that the parts' edges don't exceed.

    Returns
    -------
    interpolation
        Values at the points from those at the vertices, shape (point, vertex).
    area_mm2
        Of the part that each point stands for, shape (point,).
    """
    corner = np.asarray(vertex_mm, dtype=np.float64)[face]
    longest = np.linalg.norm(corner - corner[:, [1, 2, 0]], axis=2).max()
    barycentric = _parts(int(np.ceil(longest / spacing_mm)))
    count = len(barycentric)
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1) / 2
    row = np.repeat(np.arange(count * len(face)), 3)
    column = np.repeat(face, count, axis=0).ravel()
    value = np.tile(barycentric, (len(face), 1)).ravel()
    shape = (count * len(face), len(vertex_mm))
    return sparse.csr_matrix((value, (row, column)), shape), np.repeat(area / count, count)


def _parts(cuts: int) -> Floats:
    """Barycentric coordinates of the centroids of ``cuts``² equal parts of a triangle."""
    i, j = np.meshgrid(np.arange(cuts), np.arange(cuts), indexing="ij")
    upright, turned = i + j < cuts, i + j < cuts - 1
    x = np.concatenate([i[upright] + 1 / 3, i[turned] + 2 / 3]) / cuts
    y = np.concatenate([j[upright] + 1 / 3, j[turned] + 2 / 3]) / cuts
    return np.stack([x, y, 1 - x - y], axis=1)


def _nearest_weights(point: Floats, corner: Floats) -> Floats:
    """Barycentric coordinates of the nearest points of triangles (..., 3 corners, 3), shape (..., 3)."""
    a, b, c = (corner[..., k, :] for k in range(3))
    u, v, w = b - a, c - a, point - a
    uu, uv, vv = _dot(u, u), _dot(u, v), _dot(v, v)
    uw, vw = _dot(u, w), _dot(v, w)
    scale = np.maximum(uu * vv - uv * uv, 1e-300)
    second, third = (vv * uw - uv * vw) / scale, (uu * vw - uv * uw) / scale
    inner = np.stack([1 - second - third, second, third], axis=-1)
    # Where the foot of the perpendicular lies outside, the nearest point is on one of the three edges.
    edges = [_on_edge(point, corner, k) for k in range(3)]
    gaps = np.stack([_dot(found, found) for found in (_place(e, corner) - point for e in edges)])
    nearest = np.take_along_axis(np.stack(edges), gaps.argmin(axis=0)[None, ..., None], axis=0)[0]
    weights: Floats = np.where((inner >= 0).all(axis=-1, keepdims=True), inner, nearest)
    return weights


def _on_edge(point: Floats, corner: Floats, k: int) -> Floats:
    start, end = corner[..., k, :], corner[..., (k + 1) % 3, :]
    way = end - start
    share = np.clip(_dot(point - start, way) / np.maximum(_dot(way, way), 1e-300), 0, 1)
    weights = np.zeros(corner.shape[:-1])
    weights[..., k], weights[..., (k + 1) % 3] = 1 - share, share
    return weights


def _place(weights: Floats, corner: Floats) -> Floats:
    placed: Floats = np.einsum("...c,...cx->...x", weights, corner)
    return placed


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = np.einsum("...x,...x->...", a, b)
    return product
