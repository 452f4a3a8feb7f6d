"""Ventricular coordinates from the label image alone, by Laplace problems on the wall's voxels.

*Transmural*: 0 on the endocardium, 1 on the epicardium; the two ventricles are solved apart, and the right side of the
septum is the epicardium of the left ventricle. *Apicobasal*: Laplace from a cap around the epicardial apex to the base;
since its gradient concentrates at the cap, the solution is relabelled by the mean height along the long axis of its
level surfaces, which keeps the surfaces. *Rotational*: angle about the long axis, 0 at mid septum, positive towards the
anterior wall, in (-π, π]. The scheme follows the universal ventricular coordinates (Bayer et al., Med Image Anal 45,
2018) without their meshes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.image import MYOCARDIUM, Label
from transmural.anatomy.landmarks import Landmarks
from transmural.anatomy.laplace import solve_laplace
from transmural.anatomy.wall import Wall

_APEX_CAP = 0.07  # radius of the apical cap over the ventricle's length
_LEVELS = 60

_BLOOD = (Label.LV_BLOOD, Label.RV_BLOOD)


@dataclass(frozen=True)
class Coordinates:
    """Coordinates of the wall's voxels, each of shape (voxel,); ``rotational`` in radians."""

    transmural: NDArray[np.float64]
    apicobasal: NDArray[np.float64]
    rotational: NDArray[np.float64]


def ventricular_coordinates(wall: Wall, landmarks: Landmarks) -> Coordinates:
    """Transmural, apicobasal and rotational coordinates of every wall voxel."""
    return Coordinates(_transmural(wall, landmarks), _apicobasal(wall, landmarks), _rotational(wall, landmarks))


def surfaces(wall: Wall, landmarks: Landmarks) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Faces of the wall's voxels on the endocardium and on the epicardium, each of shape (voxel, 6)."""
    own = np.where(wall.left, Label.LV_BLOOD, Label.RV_BLOOD)[:, None]
    outer = ~np.isin(wall.beyond, (*MYOCARDIUM, *_BLOOD)) & ~landmarks.base[:, None]
    septal = wall.left[:, None] & (wall.beyond == Label.RV_BLOOD)
    return wall.beyond == own, outer | septal


def _transmural(wall: Wall, landmarks: Landmarks) -> NDArray[np.float64]:
    endocardium, epicardium = surfaces(wall, landmarks)
    prescribed = np.where(endocardium, 0.0, np.where(epicardium, 1.0, np.nan))
    same = wall.left[wall.neighbour] == wall.left[:, None]
    return solve_laplace(np.where(same, wall.neighbour, -1), prescribed, "transmural")


def _apicobasal(wall: Wall, landmarks: Landmarks) -> NDArray[np.float64]:
    outer = ~np.isin(wall.beyond, (*MYOCARDIUM, *_BLOOD))
    cap = max(2 * wall.spacing_mm, _APEX_CAP * landmarks.length_mm)
    near = wall.left & (np.linalg.norm(wall.position_mm - landmarks.apex_mm, axis=1) <= cap)
    prescribed = np.full(wall.neighbour.shape, np.nan)
    prescribed[outer & landmarks.base[:, None]] = 1.0
    prescribed[outer & near[:, None]] = 0.0
    level = solve_laplace(wall.neighbour, prescribed, "apicobasal")

    height = 1 - (wall.position_mm - landmarks.axis_point_mm) @ landmarks.apex_direction / landmarks.length_mm
    order = np.argsort(level[wall.left], kind="stable")
    bins = np.array_split(order, _LEVELS)
    mean_level = np.array([level[wall.left][b].mean() for b in bins])
    mean_height = np.maximum.accumulate([height[wall.left][b].mean() for b in bins])
    knots = np.concatenate([[0.0], np.clip(mean_height, 0, 1), [1.0]])
    relabelled: NDArray[np.float64] = np.interp(level, np.concatenate([[0.0], mean_level, [1.0]]), knots)
    return relabelled


def _rotational(wall: Wall, landmarks: Landmarks) -> NDArray[np.float64]:
    from_axis = wall.position_mm - landmarks.axis_point_mm
    anterior = np.cross(landmarks.septal_direction, landmarks.apex_direction)
    angle: NDArray[np.float64] = np.arctan2(from_axis @ anterior, from_axis @ landmarks.septal_direction)
    return angle
