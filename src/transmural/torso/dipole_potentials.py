"""Potentials at electrodes outside a wall in a homogeneous infinite medium: one dipole a cell.

A cell at X with potential v is a dipole −σ∇v dV, so at an electrode at x_e

    φ(x_e) = 1/(4πσ) Σ −σ∇v · (x_e − X) / |x_e − X|³ dV = −1/(4π) Σ ∇v · ∇(1/|X − x_e|) dV

(S. Giffard-Roisin et al., «Noninvasive personalization of a cardiac electrophysiology model from body surface
potential mapping», IEEE Trans Biomed Eng 64(9), 2206–2218, 2017): the vector points from the cell to the electrode, and
a front that moves towards an electrode is positive there. Gradients are those of `tissue.diffusion`, whose operator is
symmetric and has no flux through the wall's boundary: the sum equals Σ ∇·∇v / |X − x_e| dV / 4π, which is v times
weights that are computed once, the operator's values of 1/|X − x_e|. A slice is a slab one cell thick without gradient
across it.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.stores.errors import GeometryError
from transmural.tissue.diffusion import diffusion_operator

GRID = (10, 10)
"""Rows and columns of the published electrode grid."""


def electrode_grid(
    wall_mm: NDArray[np.floating],
    front: NDArray[np.floating],
    down: NDArray[np.floating],
    distance_mm: float,
    spacing_mm: float,
    shape: tuple[int, int] = GRID,
) -> NDArray[np.float64]:
    """Electrodes on a plane grid in front of a heart, centred on its bounding box.

    Parameters
    ----------
    wall_mm
        Points of the wall, shape (point, 3).
    front, down
        Unit vectors at right angles: where the plane lies, and how its rows follow one another; columns follow
        ``down × front``. The bounding box has its edges along these.
    distance_mm
        From the foremost point of the wall to the plane.
    spacing_mm
        Between neighbouring electrodes.
    shape
        Rows and columns.

    Returns
    -------
    NDArray
        Positions in mm, shape (row, column, 3).

    Raises
    ------
    GeometryError
        If the directions aren't unit vectors at right angles.
    """
    axes = np.stack([np.cross(down, front), down, front]).astype(float)
    if not np.allclose(axes @ axes.T, np.eye(3), atol=1e-6):
        raise GeometryError(f"front {list(front)} and down {list(down)} must be unit vectors at right angles")
    local = np.asarray(wall_mm, dtype=float) @ axes.T
    low, high = local.min(axis=0), local.max(axis=0)
    across, along = (
        middle + spacing_mm * (np.arange(count) - (count - 1) / 2)
        for middle, count in zip((low + high)[:2] / 2, reversed(shape), strict=True)
    )
    found = np.empty((*shape, 3))
    found[..., 0], found[..., 1], found[..., 2] = across[None, :], along[:, None], high[2] + distance_mm
    placed: NDArray[np.float64] = found @ axes
    return placed


def dipole_matrix(
    voxel_index: NDArray[np.integer],
    voxel_mm: NDArray[np.floating],
    spacing_mm: float,
    electrodes_mm: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Weights with which the potentials of a wall's voxels make those of electrodes.

    Parameters
    ----------
    voxel_index
        Grid indices of the wall's voxels, shape (voxel, 3); the third is constant in a slice.
    voxel_mm
        Their centres, shape (voxel, 3), on the grid's axes.
    spacing_mm
        Edge of a voxel.
    electrodes_mm
        Shape (..., 3).

    Returns
    -------
    NDArray
        Dimensionless (electrode potential per potential of a voxel), shape (..., voxel); each electrode's sum is zero.

    Raises
    ------
    GeometryError
        If an electrode lies less than two voxels from the centre of one.
    """
    index, centre = np.asarray(voxel_index, dtype=np.int64), np.asarray(voxel_mm, dtype=np.float64)
    electrodes = np.asarray(electrodes_mm, dtype=np.float64)
    distance = np.linalg.norm(centre - electrodes.reshape(-1, 1, 3), axis=-1)
    nearest = distance.min(axis=1)
    if nearest.min() < 2 * spacing_mm:
        worst = electrodes.reshape(-1, 3)[nearest.argmin()].round(1).tolist()
        raise GeometryError(
            f"electrode {worst}: {nearest.min():.3g} mm from the wall, where the potential is singular; it must be at "
            f"least {2 * spacing_mm:.3g} mm away"
        )
    operator = diffusion_operator(index, spacing_mm, np.broadcast_to(np.eye(3), (len(index), 3, 3)))
    weights: NDArray[np.float64] = (operator @ (1 / distance).T).T * spacing_mm**3 / (4 * np.pi)
    return np.ascontiguousarray(weights).reshape(*electrodes.shape[:-1], len(index))
