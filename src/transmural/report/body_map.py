"""Potentials between electrodes on the body surface: the smoothest map through the measured values.

The map minimises the squared surface Laplacian over the vertices while staying close to the electrodes (Oostendorp,
van Oosterom and Huiskamp 1989, J. Comput. Phys. 80, 331-343). It serves pictures only; nothing is computed from it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

_CLOSENESS = 1e3


def body_surface_map(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    electrodes: NDArray[np.floating],
    values: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Potential at every vertex of the body surface.

    Parameters
    ----------
    vertices, faces
        Body surface, shapes (vertex, 3) in mm and (face, 3).
    electrodes
        Shape (electrode, 3) in mm; each acts at the nearest vertex.
    values
        Potential of each electrode, shape (electrode,).

    Returns
    -------
    Shape (vertex,), in the unit of ``values``.
    """
    count = len(vertices)
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0)
    length = np.linalg.norm(vertices[edges[:, 0]].astype(float) - vertices[edges[:, 1]], axis=1)
    weight = np.median(length) / np.maximum(length, 1e-6)
    one_way = sparse.coo_array((weight, (edges[:, 0], edges[:, 1])), (count, count))
    adjacency = (one_way + one_way.T).tocsr()
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    laplacian = sparse.diags_array(1 / np.maximum(degree, 1e-12)) @ (sparse.diags_array(degree) - adjacency)
    _, nearest = cKDTree(vertices).query(electrodes)
    nearest = np.asarray(nearest)
    rows = np.arange(nearest.size)
    pick = sparse.csr_array((np.ones(nearest.size), (rows, nearest)), shape=(nearest.size, count))
    # The small identity term keeps vertices that no face uses from making the system singular.
    system = laplacian.T @ laplacian + _CLOSENESS * pick.T @ pick + 1e-9 * sparse.eye_array(count)
    solution: NDArray[np.float64] = splu(system.tocsc()).solve(_CLOSENESS * (pick.T @ np.asarray(values, dtype=float)))
    return solution
