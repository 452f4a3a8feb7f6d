"""Triangle surfaces for pictures: marching cubes on a smoothed mask, Taubin smoothing, and coarsening.

Coarsening groups the vertices of a finely divided surface into centroidal Voronoi cells and joins three cells wherever
a triangle's corners lie in three different ones (approximated centroidal Voronoi diagrams, Valette & Chassery 2004).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from skimage.measure import marching_cubes

from transmural.anatomy.image import LabelImage
from transmural.anatomy.nodes import voronoi_cells

Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]

# A little below one half, so that smoothing tears no holes into walls of one or two voxels.
_LEVEL = 0.42
_VERTICES_PER_CELL = 6  # with fewer, cells degenerate and their dual mesh with them


def mask_surface(
    mask: NDArray[np.bool_], image: LabelImage, edge_mm: float, blur_voxels: float = 0.6, coarser: int = 1
) -> Mesh:
    """Closed surface of a mask with edges of about ``edge_mm``.

    Parameters
    ----------
    mask
        Shape of the label image.
    image
        Gives spacing and origin.
    edge_mm
        Length of the triangles' edges.
    blur_voxels
        Standard deviation of the Gaussian that takes off the steps.
    coarser
        Sample the smoothed mask at every so-many-th voxel.

    Returns
    -------
    Vertices in mm, shape (vertex, 3), and triangles, shape (face, 3), oriented outwards.
    """
    occupied = np.argwhere(mask)
    pad = 3 * coarser
    low = occupied.min(axis=0)
    box = tuple(slice(a, b + 1) for a, b in zip(low, occupied.max(axis=0), strict=True))
    field = np.pad(mask[box].astype(np.float32), pad)
    field = ndimage.gaussian_filter(field, blur_voxels * coarser)[::coarser, ::coarser, ::coarser]
    vertex, face, _, _ = marching_cubes(np.pad(field, 1), _LEVEL)
    position = image.position((vertex - 1) * coarser + low - pad)
    triangles = face.astype(np.int64)
    position = taubin(position, triangles)
    a, b, c = (position[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    # A vertex of a regular triangulation has the area √3/2 edge².
    wanted = max(4, round(area / (np.sqrt(3) / 2 * edge_mm**2)))
    if len(position) > wanted:
        position, triangles = coarsen(position, triangles, wanted)
    return position, _outwards(position, triangles)


def taubin(position: NDArray[np.float64], faces: NDArray[np.int64], rounds: int = 8) -> NDArray[np.float64]:
    """Smooth without shrinking (Taubin 1995: λ = 0.5, μ = -0.53); vertices, shape (vertex, 3)."""
    graph = _graph(faces, len(position))
    average = sparse.diags_array(1 / np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1)) @ graph
    for _ in range(rounds):
        for factor in (0.5, -0.53):
            position = position + factor * (average @ position - position)
    return position


def coarsen(position: NDArray[np.float64], faces: NDArray[np.int64], vertices: int) -> Mesh:
    """Coarsen a surface to ``vertices`` vertices; vertices and triangles of the new one.

    A few edges of it may have four triangles where the surface is thinner than the cells are wide.
    """
    while len(position) < _VERTICES_PER_CELL * vertices:
        position, faces = _subdivided(position, faces)
    graph = _graph(faces, len(position))
    i, j = graph.nonzero()
    length = np.linalg.norm(position[i] - position[j], axis=1)
    lengths = sparse.coo_array((np.maximum(length, 1e-6), (i, j)), shape=graph.shape).tocsr()
    cell = voronoi_cells(lengths, position, vertices, rounds=5)
    count = np.bincount(cell, minlength=vertices)
    centroid = np.stack([np.bincount(cell, position[:, k], vertices) for k in range(3)], axis=1) / count[:, None]
    corners = cell[faces]
    distinct = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    corners = corners[distinct]
    # Start every triangle at its smallest corner, so that repeated ones are found whatever their first corner.
    first = np.argmin(corners, axis=1)[:, None]
    corners = np.unique(np.take_along_axis(corners, (first + np.arange(3)) % 3, axis=1), axis=0)
    used = np.unique(corners)
    return centroid[used], np.searchsorted(used, corners)


def _subdivided(position: NDArray[np.float64], faces: NDArray[np.int64]) -> Mesh:
    """Every triangle cut into four at the middles of its edges."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, number = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = len(position) + number.reshape(3, -1)
    a, b, c = faces.T
    quarters = [np.stack(corners, axis=1) for corners in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return np.concatenate([position, position[unique].mean(axis=1)]), np.concatenate(quarters)


def _graph(faces: NDArray[np.int64], size: int) -> sparse.csr_array:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    graph = sparse.coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(size, size)).tocsr()
    graph.data[:] = 1
    return graph


def _outwards(position: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    a, b, c = (position[faces[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c))
    return faces if volume > 0 else faces[:, ::-1]
