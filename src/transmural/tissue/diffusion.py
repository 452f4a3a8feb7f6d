"""Anisotropic diffusion on a set of cubic voxels: A u ≈ ∇·(D∇u) with no flux through the boundary.

Idea: the Dirichlet energy ½ ∫ ∇uᵀ D ∇u dV is summed over the eight octants of every voxel. In an octant the gradient g
consists of the differences to the three face neighbours on its side, so the energy is ½ gᵀ D g · h³/8. A is minus its
Hessian divided by the voxel volume h³; it therefore is symmetric and negative semidefinite whatever the shape of the
tissue, and no flux (n·D∇u = 0) is its natural boundary condition. In the interior this is a second-order stencil of 19
points; without mixed terms it is the usual one of 7 points.

At the boundary a missing neighbour is replaced by the one on the opposite side, so that g is exact for linear fields in
every octant. Taking away the component instead (or minimising the energy over it, which is no flux through the *steps*
of the voxel boundary rather than through the wall's surface) lets every staircase resist currents along it: in a wall
of 4 mm on voxels of 2 mm at 45° to the grid, waves then are 26 % too slow, with the opposite neighbour 2 %. Only where
an axis has no neighbour on either side is the energy minimised over that component (a Schur complement of D).

The octants have unequal weights 1 − Σ sᵢ sⱼ Dᵢⱼ / (λ₁ − λ₃), with s their signs, λ₁ and λ₃ the largest and smallest
eigenvalue of D, and the sum over the three mixed terms; along a fibre f the term is fᵢ fⱼ. Opposite octants weigh the
same, so the order stays two, but diagonal neighbours along the fibre are favoured. On coarse voxels (2 mm) this
brings the error in the velocity across oblique fibres from 7 to 4 %.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.stores.errors import GeometryError
from transmural.tissue.neighbours import neighbours

# Off-diagonal weights are rounded to this many bits below the largest, so that row sums are exact in float64.
_WEIGHT_BITS = 44
_PAIRS = ((0, 1), (1, 2), (0, 2))


def transversely_isotropic(fibre: NDArray[np.floating], along: float, across: float) -> NDArray[np.float64]:
    """Tensors across · I + (along − across) f fᵀ.

    Parameters
    ----------
    fibre
        Fibre directions, shape (n, 3); only the direction counts, not sign or length.
    along, across
        Conductivity (or diffusivity) along and across the fibre, in any unit.

    Returns
    -------
    NDArray
        Shape (n, 3, 3), in the same unit.

    Raises
    ------
    GeometryError
        If a fibre has no direction.
    """
    fibre = np.asarray(fibre, dtype=np.float64)
    length = np.linalg.norm(fibre, axis=-1, keepdims=True)
    if not (length > 0).all():
        raise GeometryError(f"fibre: {int((~(length > 0)).sum())} voxels have a fibre without direction")
    f = fibre / length
    tensor: NDArray[np.float64] = across * np.eye(3) + (along - across) * f[:, :, None] * f[:, None, :]
    return tensor


def diffusion_operator(
    voxel_index: NDArray[np.integer], spacing_mm: float, tensor: NDArray[np.floating]
) -> sparse.csr_matrix:
    """Matrix A with A u ≈ ∇·(D∇u) at the voxel centres and no flux through the boundary of the voxels.

    Parameters
    ----------
    voxel_index
        Grid indices of the voxels, shape (n, 3).
    spacing_mm
        Edge h of a voxel.
    tensor
        Symmetric positive definite D of every voxel, shape (n, 3, 3).

    Returns
    -------
    scipy.sparse.csr_matrix
        Shape (n, n), unit of D per mm²; symmetric, negative semidefinite, its rows sum to exactly zero.

    Raises
    ------
    GeometryError
        If a tensor isn't symmetric positive definite or an index occurs twice.
    """
    tensor = _checked(tensor)
    n = len(voxel_index)
    rows, columns, values = [], [], []

    def couple(first: NDArray[np.intp], second: NDArray[np.intp], weight: NDArray[np.float64]) -> None:
        kept = (first >= 0) & (second >= 0) & (weight != 0)
        rows.append(first[kept])
        columns.append(second[kept])
        values.append(weight[kept])

    here = np.arange(n)
    for octant in product((-1, 1), repeat=3):
        beside, opposite = (neighbours(voxel_index, side * np.diag(octant)) for side in (1, -1))
        sign = np.where(beside >= 0, octant, np.negative(octant)).astype(np.float64)
        beside = np.where(beside >= 0, beside, opposite)
        energy = _without_missing(tensor, beside >= 0) * sign[:, :, None] * sign[:, None, :]
        energy *= (_octant_weight(tensor, octant) / spacing_mm**2)[:, None, None]
        for axis in range(3):
            couple(here, beside[:, axis], energy[:, axis].sum(axis=1))
            for other in range(axis):
                couple(beside[:, axis], beside[:, other], -energy[:, axis, other])

    one_sided = sparse.coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(n, n)
    ).tocsr()
    return _with_zero_row_sums(one_sided + one_sided.T)


def largest_eigenvalue(operator: sparse.csr_matrix) -> float:
    """Largest eigenvalue of −A (1/ms for D in mm²/ms), which limits explicit time steps; within 0.1 %."""
    n = operator.shape[0]
    if n < 20:
        return float(np.linalg.eigvalsh(-operator.toarray()).max(initial=0.0))
    start = np.random.default_rng(0).standard_normal(n)
    return float(sparse.linalg.eigsh(-operator, k=1, which="LA", v0=start, tol=1e-4, return_eigenvectors=False)[0])


def _checked(given: NDArray[np.floating]) -> NDArray[np.float64]:
    tensor: NDArray[np.float64] = np.asarray(given, dtype=np.float64)
    if not np.allclose(tensor, tensor.swapaxes(1, 2), rtol=1e-6):
        raise GeometryError("tensor: conductivity tensors must be symmetric")
    lowest = np.linalg.eigvalsh(tensor)[:, 0]
    if not (lowest > 0).all():
        worst = int(np.argmin(lowest))
        raise GeometryError(f"tensor: must be positive definite; voxel {worst} has an eigenvalue {lowest[worst]:g}")
    return tensor


def _octant_weight(tensor: NDArray[np.float64], octant: tuple[int, ...]) -> NDArray[np.float64]:
    """Share of the octant in the energy of every voxel; the eight shares sum to one."""
    mixed = np.stack([tensor[:, i, j] for i, j in _PAIRS])
    eigenvalue = np.linalg.eigvalsh(tensor)
    spread = np.maximum(eigenvalue[:, 2] - eigenvalue[:, 0], 1e-12 * eigenvalue[:, 2])
    signs = np.array([octant[i] * octant[j] for i, j in _PAIRS])
    weight: NDArray[np.float64] = (1 - signs @ mixed / spread) / 8
    return weight


def _without_missing(tensor: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Energy tensors after minimising over the gradient components that have no neighbour; zero rows for those."""
    reduced = np.where(present[:, :, None] & present[:, None, :], tensor, 0.0)
    for pattern in product((False, True), repeat=3):
        if all(pattern) or not any(pattern):
            continue
        chosen = np.flatnonzero((present == pattern).all(axis=1))
        kept, missing = np.flatnonzero(pattern), np.flatnonzero(~np.asarray(pattern))
        block = tensor[np.ix_(chosen, kept, missing)]
        correction = block @ np.linalg.solve(tensor[np.ix_(chosen, missing, missing)], block.swapaxes(1, 2))
        reduced[np.ix_(chosen, kept, kept)] -= correction
    return reduced


def _with_zero_row_sums(off_diagonal: sparse.csr_matrix) -> sparse.csr_matrix:
    """Round the weights to a common grid, so that sums of them are exact; the diagonal is minus the row sums."""
    off_diagonal = off_diagonal.tocsr()
    largest = np.abs(off_diagonal.data).max(initial=0.0)
    if largest > 0:
        quantum = 2.0 ** (np.ceil(np.log2(largest)) - _WEIGHT_BITS)
        off_diagonal.data = np.round(off_diagonal.data / quantum) * quantum
        off_diagonal.eliminate_zeros()
    diagonal = -np.asarray(off_diagonal.sum(axis=1)).ravel()
    operator = sparse.csr_matrix(off_diagonal + sparse.diags(diagonal))
    operator.sort_indices()
    return operator
