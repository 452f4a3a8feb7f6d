"""Where a beat starts: the part of a ball that lies in the wall and belongs together."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.stores.errors import SimulationError
from transmural.tissue.neighbours import connected_part


def stimulated(
    voxel_position: NDArray[np.floating],
    face_graph: sparse.csr_matrix,
    origin_mm: NDArray[np.floating],
    radius_mm: float,
    spacing_mm: float,
    case: str,
) -> NDArray[np.bool_]:
    """Voxels that a stimulus depolarises: those within the ball and connected to the origin through it.

    The connection keeps a ball at a thin wall from stimulating another wall across a cavity.

    Parameters
    ----------
    voxel_position
        Centres of the voxels in mm, shape (voxel, 3).
    face_graph
        Voxels that share a face, shape (voxel, voxel).
    origin_mm
        Centre of the ball, shape (3,).
    radius_mm, spacing_mm
        Radius of the ball and edge of a voxel.
    case
        Name of the case for the error message.

    Returns
    -------
    NDArray
        Shape (voxel,), bool.

    Raises
    ------
    SimulationError
        If the origin lies outside the wall.
    """
    distance = np.linalg.norm(voxel_position - origin_mm, axis=1)
    nearest = int(np.argmin(distance))
    # A point of a voxel is at most √3/2 edges from its centre; one edge more is granted for origins on the surface.
    if not distance[nearest] <= 2 * spacing_mm:
        raise SimulationError(
            f"{case}: its origin {np.round(origin_mm, 1).tolist()} lies {distance[nearest]:.1f} mm outside the heart"
            " wall; it must lie within it"
        )
    inside = distance <= radius_mm
    inside[nearest] = True
    return connected_part(face_graph, inside, nearest)
