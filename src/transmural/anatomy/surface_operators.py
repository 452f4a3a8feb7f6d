"""The Laplacian of functions on a triangle surface: cotangent weights and lumped areas.

With u linear on every triangle, the Dirichlet energy is ½ uᵀ C u and the integral of u² is uᵀ M u after lumping, so

    L u = −M⁻¹ C u ≈ ∇²u,   Cᵢⱼ = −½ (cot αᵢⱼ + cot βᵢⱼ),

α and β being the angles that face the edge (U. Pinkall and K. Polthier, Exp Math 2(1), 15–36, 1993). The library
`robust_laplacian` takes the angles of the intrinsic Delaunay triangulation of the same surface (N. Sharp and K. Crane,
Comput Graph Forum 39(5), 69–80, 2020): no weight between vertices is negative then, whatever the triangles' shape, so
that diffusion makes no new extremes.
"""

from dataclasses import dataclass

import numpy as np
import robust_laplacian
from numpy.typing import NDArray
from scipy import sparse

from transmural.stores.errors import GeometryError


@dataclass(frozen=True, eq=False)
class SurfaceOperators:
    """Operators on functions given at the vertices of a closed surface.

    Attributes
    ----------
    stiffness
        C, dimensionless, shape (vertex, vertex): symmetric, positive semidefinite, rows sum to zero.
    area_mm2
        Diagonal of M, the part of the surface that belongs to each vertex, shape (vertex,).
    """

    stiffness: sparse.csr_array
    area_mm2: NDArray[np.float64]

    @property
    def laplacian(self) -> sparse.csr_array:
        """L = −M⁻¹ C in 1/mm², shape (vertex, vertex): zero row sums, self-adjoint in the areas."""
        return sparse.csr_array(sparse.diags_array(-1 / self.area_mm2) @ self.stiffness)

    @property
    def symmetric_laplacian(self) -> sparse.csr_array:
        """−M^(−1/2) C M^(−1/2) in 1/mm², symmetric, with the eigenvalues of L; shape (vertex, vertex)."""
        scale = sparse.diags_array(1 / np.sqrt(self.area_mm2))
        return sparse.csr_array(-scale @ self.stiffness @ scale)

    @property
    def gradient(self) -> sparse.csr_array:
        """G with Gᵀ G = C: weighted differences along the edges, dimensionless, shape (edge, vertex)."""
        upper = sparse.triu(-self.stiffness, k=1).tocoo()
        # Rounding leaves weights of edges between right angles a little below zero.
        root, edge = np.sqrt(np.maximum(upper.data, 0)), np.arange(upper.nnz)
        ends = (np.concatenate([edge, edge]), np.concatenate([upper.row, upper.col]))
        shape = (upper.nnz, len(self.area_mm2))
        return sparse.csr_array(sparse.coo_array((np.concatenate([root, -root]), ends), shape))


def surface_operators(vertex_mm: NDArray[np.floating], face: NDArray[np.integer]) -> SurfaceOperators:
    """Cotangent Laplacian and lumped areas of a triangle surface.

    Parameters
    ----------
    vertex_mm
        Vertices, shape (vertex, 3).
    face
        Vertex indices of the triangles, shape (face, 3).

    Raises
    ------
    GeometryError
        If a vertex belongs to no triangle or a triangle has no area.
    """
    vertices: NDArray[np.float64] = np.ascontiguousarray(vertex_mm, dtype=np.float64)
    faces: NDArray[np.int64] = np.ascontiguousarray(face, dtype=np.int64)
    unused = len(vertices) - len(np.unique(faces))
    if unused:
        raise GeometryError(f"surface: {unused} of its {len(vertices)} vertices belong to no triangle; remove them")
    a, b, c = vertices[faces].transpose(1, 0, 2)
    flat = int((np.linalg.norm(np.cross(b - a, c - a), axis=1) == 0).sum())
    if flat:
        raise GeometryError(f"surface: {flat} of its {len(faces)} triangles have no area; remove them")
    stiffness, mass = robust_laplacian.mesh_laplacian(vertices, faces)
    return SurfaceOperators(_with_zero_row_sums(sparse.csr_array(stiffness)), mass.diagonal())


def _with_zero_row_sums(stiffness: sparse.csr_array) -> sparse.csr_array:
    """Exactly symmetric weights, and a diagonal that takes what rounding left of the row sums."""
    between = sparse.csr_array((stiffness + stiffness.T) / 2)
    between = sparse.csr_array(between - sparse.diags_array(between.diagonal()))
    between.eliminate_zeros()
    return sparse.csr_array(between - sparse.diags_array(np.asarray(between.sum(axis=1)).ravel()))
