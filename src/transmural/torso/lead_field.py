"""Lead fields: the potential that unit current through a lead's electrodes sets up in the body.

With -div(sigma grad Z) = (current into the lead's electrodes) and no flux through the skin, reciprocity (Helmholtz;
McFee & Johnston 1953, Circulation 8:554) gives the potential of that lead for any source in the heart from one solve
a lead, instead of one a source.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from skfem import Basis, BilinearForm, ElementHex1, MeshHex
from skfem.helpers import dot, grad, mul
from skfem.quadrature import get_quadrature
from skfem.refdom import RefHex

from transmural.torso.mesh import CORNERS, HexMesh
from transmural.torso.solver import solve_up_to_constant


@BilinearForm  # type: ignore[untyped-decorator]
def conduction(u, v, w):  # type: ignore[no-untyped-def]
    """Power dissipated between two potentials: sigma grad(u) . grad(v)."""
    return dot(mul(w.sigma, grad(u)), grad(v))


def stiffness(mesh: HexMesh, conductivity: NDArray[np.float64]) -> sp.csr_matrix:
    """Conduction between the mesh's unknowns, in S/m * mm.

    Parameters
    ----------
    mesh
        Cells.
    conductivity
        S/m, shape (3, 3, cell, octant): each octant holds one point of the 2 x 2 x 2 Gauss rule.

    Returns
    -------
    scipy.sparse.csr_matrix
        Shape (unknown, unknown), symmetric, zero row sums.
    """
    hexahedra = MeshHex(np.ascontiguousarray(mesh.vertex_mm.T), mesh.corner[:, _skfem_corners()].T.copy())
    points, weights = get_quadrature(RefHex, 3)
    basis = Basis(hexahedra, ElementHex1(), quadrature=(points, weights))
    octant = _octant_of_points(basis, mesh)
    full = conduction.assemble(basis, sigma=conductivity[:, :, :, octant])
    return sp.csr_matrix(mesh.prolongation.T @ full @ mesh.prolongation)


def _skfem_corners() -> list[int]:
    """Our numbers of the corners in scikit-fem's order."""
    return [int(np.flatnonzero((point == CORNERS).all(axis=1))[0]) for point in MeshHex().p.T]


def _octant_of_points(basis: Basis, mesh: HexMesh) -> NDArray[np.int64]:
    """Octant in which each quadrature point lies: the same in all cells, so it is read off the first."""
    point_mm = np.asarray(basis.global_coordinates())[:, 0, :].T
    offset = (point_mm - mesh.origin_mm) / mesh.unit_mm - mesh.lower[0]
    return np.asarray((offset > 2.0 ** mesh.level[0] / 2) @ np.array([1, 2, 4]), dtype=np.int64)


def lead_fields(
    mesh: HexMesh, conductivity: NDArray[np.float64], attached: sp.csr_matrix, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Lead field of every lead at the mesh's unknowns.

    Parameters
    ----------
    mesh, conductivity
        As for `stiffness`.
    attached
        Interpolation from the unknowns to the electrodes, shape (electrode, unknown).
    weights
        Lead from electrode potentials, shape (lead, electrode); rows sum to zero.

    Returns
    -------
    ndarray
        Potential per unit current in 1 / (S/m * mm), shape (unknown, lead), mean zero.
    """
    # Leads that are combinations of others (the 12-lead ECG) cost no solve of their own.
    independent, combination = _independent(weights)
    load = np.asarray(attached.T @ independent.T)
    return solve_up_to_constant(stiffness(mesh, conductivity), load, mesh.unknown_mm) @ combination.T


def _independent(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows E_e - E_0 for the electrodes that are used, and the weights in terms of them."""
    used = np.flatnonzero(np.any(weights != 0, axis=0))
    difference = np.zeros((len(used) - 1, weights.shape[1]))
    difference[np.arange(len(used) - 1), used[1:]] = 1.0
    difference[:, used[0]] = -1.0
    return difference, weights[:, used[1:]]
