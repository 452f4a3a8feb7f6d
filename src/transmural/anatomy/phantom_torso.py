"""The phantom's body: an elliptical torso that tapers to shoulders and waist, and two lungs around the heart.

The cross-section at height z is the ellipse (x / W(z))² + (y / D(z))² = 1. A lung is an ellipsoid inside the thoracic
cage, cut from below by a dome of the diaphragm, kept off mediastinum and heart; the left one has the cardiac notch,
through which the heart lies against the chest wall.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.stores.config.subjects import Phantom

Floats = NDArray[np.floating]

_CAGE_MM = 16.0  # skin, muscle and ribs outside the lungs
_PERICARDIUM_MM = 3.0
_MEDIASTINUM_MM = 24.0  # half width of the space between the lungs


def cross_section(subject: Phantom, z: Floats) -> tuple[Floats, Floats]:
    """Half width and half depth in mm of the body at heights ``z`` (0 is half the torso's height)."""
    level = np.clip(z / subject.torso_height_mm + 0.5, 0, 1)
    waist = 1 - 0.07 * np.exp(-(((level - 0.22) / 0.14) ** 2))
    shoulder = np.clip((level - 0.80) / 0.20, 0, 1)
    width, depth = subject.torso_semi_axes_mm
    half_width = width * waist * (0.42 + 0.58 * np.sqrt(1 - 0.98 * shoulder**2))
    half_depth = depth * waist * (1 - 0.12 * level**2) * (0.58 + 0.42 * np.sqrt(1 - 0.98 * shoulder**2))
    return half_width, half_depth


def inside_body(subject: Phantom, x: Floats, y: Floats, z: Floats) -> NDArray[np.bool_]:
    """True inside the body; ``x``, ``y`` and ``z`` in mm broadcast."""
    half_width, half_depth = cross_section(subject, z)
    inside: NDArray[np.bool_] = (x / half_width) ** 2 + (y / half_depth) ** 2 <= 1
    return inside & (np.abs(z) <= subject.torso_height_mm / 2)


def inside_lungs(subject: Phantom, heart_distance_mm: Floats, x: Floats, y: Floats, z: Floats) -> NDArray[np.bool_]:
    """True inside the lungs.

    Parameters
    ----------
    subject
        Sizes; ``lung_scale`` scales the lungs about their centres.
    heart_distance_mm
        Distance to the heart (0 within), shape of the grid.
    x, y, z
        Grid coordinates in mm, which broadcast to that shape.
    """
    half_width, half_depth = cross_section(subject, z)
    width, depth = subject.torso_semi_axes_mm
    scale = subject.lung_scale
    heart = np.asarray(subject.heart_centre_mm)
    height = subject.torso_height_mm
    # Thoracic cage: the body shrunk by the chest wall.
    cage_width, cage_depth = (np.maximum(half - _CAGE_MM, 1.0) for half in (half_width, half_depth))
    cage = (x / cage_width) ** 2 + (y / cage_depth) ** 2 <= 1
    centre_x = 0.5 * width
    z_low = -0.12 * height
    semi = (0.47 * width * scale, 0.86 * depth * scale, 0.49 * height * scale)
    side = (np.abs(x) - centre_x) / semi[0]
    back = (y - 0.04 * depth) / semi[1]
    ellipsoid = side**2 + back**2 + ((z - z_low) / semi[2]) ** 2 <= 1
    dome = z_low + 0.10 * height * (1 - np.clip(side**2 + back**2, 0, 1)) + 0.06 * height * (1 - scale)
    lungs: NDArray[np.bool_] = (
        cage & ellipsoid & (z >= dome) & (np.abs(x) >= _MEDIASTINUM_MM * scale) & (heart_distance_mm > _PERICARDIUM_MM)
    )
    # Cardiac notch: in front of the heart's left part the lung gives way.
    notch: NDArray[np.bool_] = (
        ((x - heart[0] - 0.13 * width) / (0.33 * width)) ** 2
        + ((y + 0.95 * depth) / (0.75 * depth + 0.5 * heart[1])) ** 2
        + ((z - heart[2] + 0.05 * height) / (0.13 * height)) ** 2
    ) <= 1
    without: NDArray[np.bool_] = lungs & ~(notch & (x > 0))
    return without
