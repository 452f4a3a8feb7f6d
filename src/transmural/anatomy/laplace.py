"""Laplace's equation on the wall's voxels: Δu = 0, prescribed u on chosen faces, no flux through all others.

Finite volumes on the voxel grid: Σ_faces (u_neighbour - u) = 0, where a prescribed face lies half a voxel away and so
counts twice.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg

from transmural.stores.errors import GeometryError


def solve_laplace(
    neighbour: NDArray[np.int64], prescribed: NDArray[np.float64], what: str, tolerance: float = 1e-7
) -> NDArray[np.float64]:
    """Solve Laplace's equation by conjugate gradients.

    Parameters
    ----------
    neighbour
        Number of the voxel across each face, -1 where no flux passes or a value is prescribed, shape (voxel, 6).
    prescribed
        Value on each face, NaN where none is prescribed, shape (voxel, 6).
    what
        Name of the quantity, for errors.
    tolerance
        Relative residual at which to stop.

    Returns
    -------
    Solution, shape (voxel,). Voxels that no prescribed face reaches get 0.5.

    Raises
    ------
    GeometryError
        If the iteration does not converge.
    """
    size = len(neighbour)
    row, face = np.nonzero(neighbour >= 0)
    inner = sparse.coo_array((np.ones(len(row)), (row, neighbour[row, face])), shape=(size, size)).tocsr()
    given = np.isfinite(prescribed)
    diagonal = np.asarray(inner.sum(axis=1)).ravel() + 2 * given.sum(axis=1)
    matrix = (sparse.diags_array(diagonal) - inner).tocsr()
    source = 2 * np.where(given, prescribed, 0).sum(axis=1)
    jacobi = sparse.diags_array(1 / np.maximum(diagonal, 1))
    solution, failed = cg(
        matrix, source, x0=np.full(size, 0.5), rtol=tolerance, M=jacobi, maxiter=20 * int(size**0.5) + 2000
    )
    if failed:
        raise GeometryError(f"myocardium: the Laplace problem of the {what} coordinate did not converge")
    result: NDArray[np.float64] = np.clip(solution, np.nanmin(prescribed), np.nanmax(prescribed))
    return result
