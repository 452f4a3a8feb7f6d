"""Triangulated spheres: closed surfaces on which functions and their Laplacians are known."""

import numpy as np

_GOLDEN = (1 + 5**0.5) / 2


def sphere(radius_mm, halvings):
    """Icosahedron whose triangles are cut into four ``halvings`` times and put on the sphere: vertices and triangles."""
    s = [(0, a, b * _GOLDEN) for a in (-1, 1) for b in (-1, 1)]
    points = np.array([np.roll(p, k) for p in s for k in range(3)], dtype=float)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    gap = np.linalg.norm(points[:, None] - points[None], axis=2)
    near = (gap > 0) & (gap < 1.2)
    faces = [
        (i, j, k)
        for i in range(12)
        for j in range(12)
        for k in range(12)
        if i < j
        and i < k
        and near[i, j] and near[j, k] and near[k, i]
        and np.linalg.det(points[[i, j, k]]) > 0
    ]  # fmt: skip
    faces = np.array(faces)
    for _ in range(halvings):
        points, faces = _halved(points, faces)
    return radius_mm * points, faces


def _halved(points, faces):
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, number = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = len(points) + number.reshape(3, -1)
    a, b, c = faces.T
    middle = points[unique].sum(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    quarters = [np.stack(corners, axis=1) for corners in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return np.concatenate([points, middle]), np.concatenate(quarters)
