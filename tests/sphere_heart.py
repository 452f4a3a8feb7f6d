"""A beat on a sphere in a large conductor: the smallest heart surface there is, its Laplacian and potentials known."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

from transmural.tissue.aliev_panfilov import rates

CONSTANTS = {"time_unit_ms": 12.9, "a": 0.15, "k": 8.0, "epsilon0": 0.002, "mu1": 0.2, "mu2": 0.3}
KINETICS = tuple(CONSTANTS[name] for name in ("a", "k", "epsilon0", "mu1", "mu2"))


@dataclass(frozen=True)
class Sphere:
    """Vertices in mm, triangles, normals, Laplacian in 1/mm² and the square root of its Dirichlet form, areas."""

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    laplacian: sparse.csr_array
    gradient: sparse.csr_array
    areas: np.ndarray


def sphere(frequency, radius):
    """Geodesic sphere: each edge of an icosahedron in so many parts, 10 f² + 2 vertices; those of f are among 3 f's."""
    golden = (1 + 5**0.5) / 2
    corners = np.array([(s * a, t * b, 0) for s in (1, -1) for t in (1, -1) for a, b in [(1, golden)]], float)
    corners = np.concatenate([np.roll(corners, shift, axis=1) for shift in range(3)])
    edge = np.linalg.norm(corners[:, None] - corners, axis=2) < 2.1
    faces = [(i, j, k) for i, j, k in combinations(range(12), 3) if edge[i, j] and edge[j, k] and edge[i, k]]
    points, triangles = [], []
    for i, j, k in faces:
        number = {}
        for p in range(frequency + 1):
            for q in range(frequency + 1 - p):
                number[p, q] = len(points)
                points.append((p * corners[i] + q * corners[j] + (frequency - p - q) * corners[k]) / frequency)
        triangles += [(number[p, q], number[p + 1, q], number[p, q + 1]) for p, q in number if p + q < frequency]
        inner = [(p, q) for p, q in number if p + q < frequency - 1]
        triangles += [(number[p + 1, q], number[p + 1, q + 1], number[p, q + 1]) for p, q in inner]
    _, first, merged = np.unique(np.round(points, 6), axis=0, return_index=True, return_inverse=True)
    normals = np.array(points)[first]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return of_triangles(radius * normals, merged.ravel()[np.array(triangles)], normals)


def of_triangles(vertices, faces, normals):
    """Cotangent Laplacian with barycentric areas."""
    n, row, column, weight = len(vertices), [], [], []
    area = np.zeros(n)
    for corner in range(3):
        i, j, k = (faces[:, (corner + s) % 3] for s in range(3))
        first, second = vertices[j] - vertices[i], vertices[k] - vertices[i]
        double = np.linalg.norm(np.cross(first, second), axis=1)
        half = 0.5 * np.sum(first * second, axis=1) / double
        row, column, weight = [*row, j, k], [*column, k, j], [*weight, half, half]
        np.add.at(area, i, double / 6)
    place = (np.concatenate(row), np.concatenate(column))
    stiffness = sparse.coo_array((np.concatenate(weight), place), (n, n)).tocsr()
    laplacian = sparse.diags_array(1 / area) @ (stiffness - sparse.diags_array(stiffness.sum(axis=1)))
    upper = sparse.triu(stiffness).tocoo()
    edge, root = np.arange(upper.nnz), np.sqrt(upper.data)
    ends = (np.concatenate([edge, edge]), np.concatenate([upper.row, upper.col]))
    gradient = sparse.coo_array((np.concatenate([root, -root]), ends), (upper.nnz, n)).tocsr()
    return Sphere(vertices, faces, normals, sparse.csr_array(laplacian), gradient, area)


def electrodes(count, radius):
    """Points spread evenly over a sphere, shape (count, 3)."""
    index = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / count), np.pi * (1 + 5**0.5) * index
    return radius * np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)


def double_layer(surface, places):
    """Solid angle of each vertex's share of the closed surface over 4π, shape (place, vertex); rows sum to zero."""
    away = places[:, None] - surface.vertices
    angle = np.einsum("evx,vx->ev", away, surface.normals) * surface.areas / np.linalg.norm(away, axis=2) ** 3
    transfer = angle / (4 * np.pi)
    return transfer - transfer.sum(axis=1, keepdims=True) * surface.areas / surface.areas.sum()


def single_layer(surface, places):
    """Potentials that are means of the surface's with weights 1/r², shape (place, vertex); rows sum to one."""
    transfer = surface.areas / np.sum((places[:, None] - surface.vertices) ** 2, axis=2)
    return transfer / transfer.sum(axis=1, keepdims=True)


def beat(surface, origin, time_ms, diffusivity, radius_mm=10.0, step_ms=0.1):
    """u and v, shape (time, vertex): explicit Euler from u = 1 around the vertex nearest to a direction."""
    start = surface.vertices[np.argmax(surface.normals @ origin)]
    u = (np.linalg.norm(surface.vertices - start, axis=1) < radius_mm).astype(float)
    v = np.zeros_like(u)
    each = round((time_ms[1] - time_ms[0]) / step_ms)
    step = sparse.csr_array(step_ms * diffusivity * surface.laplacian + sparse.eye_array(len(u)))
    frames = [(u, v)]
    for _ in time_ms[1:]:
        for _ in range(each):
            du, dv = rates(u, v, *KINETICS)
            u, v = step @ u + step_ms / CONSTANTS["time_unit_ms"] * du, v + step_ms / CONSTANTS["time_unit_ms"] * dv
        frames.append((u, v))
    return np.stack([f[0] for f in frames]), np.stack([f[1] for f in frames])
