"""Rule-based fibres: the helix angle turns linearly from endocardium to epicardium.

With e_t the transmural direction (outwards), e_l the longitudinal one (to the base, perpendicular to e_t) and
e_c = e_l x e_t the circumferential one, the fibre is

    f = cos α e_c + sin α e_l,   α = α_endo (1 - τ) + α_epi τ,

τ the transmural coordinate (Bayer et al., Ann Biomed Eng 40, 2012, eqs 1-4, with one rotation). Positive angles are
right-handed helices, as Streeter measured at the endocardium.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transmural.anatomy.coordinates import Coordinates, surfaces
from transmural.anatomy.landmarks import Landmarks
from transmural.anatomy.wall import STEPS, Wall

_SMOOTHING_PASSES = 2
_VANISHING = 1e-9


def rule_based_fibres(
    wall: Wall, landmarks: Landmarks, coordinates: Coordinates, endocardium_deg: float, epicardium_deg: float
) -> NDArray[np.float64]:
    """Unit fibre vectors of the wall's voxels, shape (voxel, 3)."""
    transmural, longitudinal = local_directions(wall, landmarks, coordinates)
    tau = coordinates.transmural[:, None]
    helix = np.radians(endocardium_deg * (1 - tau) + epicardium_deg * tau)
    circumferential = np.cross(longitudinal, transmural)
    return _unit(np.cos(helix) * circumferential + np.sin(helix) * longitudinal)


def local_directions(
    wall: Wall, landmarks: Landmarks, coordinates: Coordinates
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors outwards and to the base, perpendicular to each other, each of shape (voxel, 3).

    They are smoothed gradients of the coordinates. Where a gradient vanishes (the apex), the direction away from the
    long axis and the long axis itself take its place.
    """
    pairs = wall.adjacency(reach=1)
    same = pairs[wall.left[pairs[:, 0]] == wall.left[pairs[:, 1]]]
    average = _averaging(same, len(wall.index))
    radial = wall.position_mm - landmarks.axis_point_mm
    radial -= np.outer(radial @ landmarks.apex_direction, landmarks.apex_direction)

    outward = _gradient(wall, same, coordinates.transmural, *surfaces(wall, landmarks))
    transmural = _smooth_unit(outward, average, radial)
    upward = _gradient(wall, pairs, coordinates.apicobasal)
    to_base = np.broadcast_to(-landmarks.apex_direction, radial.shape)
    longitudinal = _smooth_unit(upward, average, to_base)
    longitudinal = longitudinal - transmural * np.sum(longitudinal * transmural, axis=1, keepdims=True)
    weak = np.linalg.norm(longitudinal, axis=1) < 1e-3
    # Any direction in the wall serves where the axis pierces it.
    longitudinal[weak] = np.cross(transmural[weak], np.eye(3)[np.argmin(np.abs(transmural[weak]), axis=1)])
    return transmural, _unit(longitudinal)


def _gradient(
    wall: Wall,
    pairs: NDArray[np.int64],
    values: NDArray[np.float64],
    endocardium: NDArray[np.bool_] | None = None,
    epicardium: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Least-squares gradient (per voxel edge) over neighbours and, where given, the prescribed faces 0 and 1."""
    i, j = pairs.T
    step = (wall.index[j] - wall.index[i]).astype(float)
    change: NDArray[np.float64] = values[j] - values[i]
    if endocardium is not None and epicardium is not None:
        for on_face, value in ((endocardium, 0.0), (epicardium, 1.0)):
            voxel, face = np.nonzero(on_face)
            i = np.concatenate([i, voxel])
            step = np.concatenate([step, 0.5 * STEPS[face]])
            change = np.concatenate([change, value - values[voxel]])
    weight = 1 / np.sum(step**2, axis=1)
    size = len(wall.index)
    normal = np.empty((size, 3, 3))
    right = np.empty((size, 3))
    for a in range(3):
        right[:, a] = np.bincount(i, weight * step[:, a] * change, size)
        for b in range(3):
            normal[:, a, b] = np.bincount(i, weight * step[:, a] * step[:, b], size)
    # The small multiple of the identity decides in directions that no neighbour shows.
    return np.asarray(np.linalg.solve(normal + 1e-3 * np.eye(3), right[..., None])[..., 0], dtype=np.float64)


def _averaging(pairs: NDArray[np.int64], size: int) -> sparse.csr_array:
    graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size)).tocsr()
    graph = graph + sparse.eye_array(size, format="csr")
    return sparse.csr_array(sparse.diags_array(1 / np.asarray(graph.sum(axis=1)).ravel()) @ graph)


def _smooth_unit(
    vectors: NDArray[np.float64], average: sparse.csr_array, fallback: NDArray[np.float64]
) -> NDArray[np.float64]:
    for _ in range(_SMOOTHING_PASSES):
        vectors = average @ _unit(vectors, fallback)
    return _unit(vectors, fallback)


def _unit(vectors: NDArray[np.float64], fallback: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Vectors of length one; where they vanish, the fallback's direction, or else any."""
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    if fallback is None:
        unit: NDArray[np.float64] = vectors / norm
        return unit
    vectors = np.where(norm > _VANISHING, vectors, fallback)
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    return _unit(np.where(norm > _VANISHING, vectors, np.array([1.0, 0.0, 0.0])))
