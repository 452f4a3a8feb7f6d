"""Electrodes on the skin: a body-surface montage, and the ten electrodes of the standard 12-lead ECG by rule.

Both find the skin in the label image by casting rays outwards from within the body, so they hold for any torso.
Angles in the horizontal plane count from the front, positive to the body's left.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.image import MYOCARDIUM, Electrodes, Label, LabelImage
from transmural.stores.errors import GeometryError

_FOCUS_DEG = 25.0  # densest part of the montage, left of the sternum
_STERNAL_HALF_WIDTH = 0.13  # of the chest's half width: the sternum's edge
_MIDCLAVICULAR = 0.52  # of the chest's half width
_ANTERIOR_AXILLARY = 0.80  # of the chest's half width
_INTERCOSTAL = 0.055  # of the torso's height: one rib and its interspace


def body_surface_montage(image: LabelImage, count: int) -> Electrodes:
    """Electrodes in vertical columns around the chest, densest over the left anterior chest.

    The layout follows the idea of the Dalhousie 120-lead montage: columns crowd between the sternum and the left
    axilla, and front columns have more electrodes than back ones.

    Parameters
    ----------
    image
        Any torso with a heart.
    count
        Number of electrodes, named E001 onwards, column by column from the right of the spine round the front.
    """
    columns = max(4, round(np.sqrt(1.6 * count)))
    angle = np.radians(np.linspace(-180, 180, 2001))
    focus = np.radians(_FOCUS_DEG)
    angular = 0.5 + np.exp(-(((angle - focus) / np.radians(50)) ** 2))
    phi = _spread(angle, angular, columns)
    rows = _apportion(np.interp(phi, angle, np.sqrt(angular)), count)

    body = _Body(image)
    low, high = body.level(0.14), body.level(0.80)
    height = np.linspace(low, high, 1001)
    vertical = 0.6 + np.exp(-(((height - body.heart[2]) / (0.16 * body.height)) ** 2))
    positions = []
    for column, (angle_of_column, number) in enumerate(zip(phi, rows, strict=True)):
        shift = 0.25 if column % 2 else -0.25  # neighbouring columns are staggered
        for z in _spread(height, vertical, int(number), shift):
            start = (*body.axis(z), z)
            positions.append(body.skin(start, (np.sin(angle_of_column), -np.cos(angle_of_column), 0.0)))
    names = tuple(f"E{i + 1:03d}" for i in range(count))
    return Electrodes(names, np.array(positions))


def standard_electrodes(image: LabelImage) -> NDArray[np.float64]:
    """Positions in mm of RA, LA, LL, RL, V1 to V6 by rule, shape (10, 3).

    V1 and V2 lie in the fourth intercostal space, at the height of the ventricles' centre, at the right and left edge
    of the sternum; V4 one space lower in the midclavicular line, V3 between V2 and V4, V5 and V6 at V4's height in the
    anterior axillary and midaxillary lines. The limb electrodes lie on the shoulders and hips (Mason & Likar 1966).
    """
    body = _Body(image)
    fourth = body.heart[2] + 0.2 * _INTERCOSTAL * body.height
    fifth = fourth - _INTERCOSTAL * body.height
    v1 = body.front(-_STERNAL_HALF_WIDTH, fourth)
    v2 = body.front(_STERNAL_HALF_WIDTH, fourth)
    v4 = body.front(_MIDCLAVICULAR, fifth)
    v5 = body.front(_ANTERIOR_AXILLARY, fifth)
    v6 = body.skin((*body.axis(fifth), fifth), (1.0, 0.0, 0.0))
    middle = (v2[2] + v4[2]) / 2
    v3 = body.front((_STERNAL_HALF_WIDTH + _MIDCLAVICULAR) / 2, middle)
    shoulder, hip = body.level(0.90), body.level(0.10)
    limbs = [
        body.skin((*body.axis(z), z), (side * np.cos(np.pi / 6), -np.sin(np.pi / 6), 0.0))
        for side, z in ((-1, shoulder), (1, shoulder), (1, hip), (-1, hip))
    ]
    return np.array([*limbs, v1, v2, v3, v4, v5, v6])


class _Body:
    """The body in a label image, for casting rays to its skin."""

    def __init__(self, image: LabelImage) -> None:
        self.image = image
        self.inside = image.labels != Label.AIR
        heart = np.argwhere(np.isin(image.labels, MYOCARDIUM))
        levels = np.flatnonzero(self.inside.any(axis=(0, 1)))
        if not len(heart) or not len(levels):
            raise GeometryError("label image: electrodes can't be placed without myocardium and a torso around it")
        self.heart = image.position(heart).mean(axis=0)
        self.bottom, top = (image.origin_mm[2] + image.spacing_mm * k for k in (levels[0], levels[-1]))
        self.height = top - self.bottom

    def level(self, fraction: float) -> float:
        """Height in mm at a fraction of the torso's height."""
        return float(self.bottom + fraction * self.height)

    def axis(self, z: float) -> tuple[float, float]:
        """Middle of the body's bounding box at height z."""
        x, y = self._extent(z)
        return (x[0] + x[1]) / 2, (y[0] + y[1]) / 2

    def front(self, sideways: float, z: float) -> NDArray[np.float64]:
        """Skin in front, at a fraction of the half width to the left of the midline."""
        (left, right), _ = self._extent(z)
        x, y = self.axis(z)
        return self.skin((x + sideways * (right - left) / 2, y, z), (0.0, -1.0, 0.0))

    def skin(self, start: tuple[float, float, float], direction: tuple[float, float, float]) -> NDArray[np.float64]:
        """Where the ray from a point within the body first leaves it."""
        h = self.image.spacing_mm
        steps = np.arange(0, 2000.0, h / 8)[:, None]
        ray = np.asarray(start) + steps * np.asarray(direction)
        index = np.rint((ray - self.image.origin_mm) / h).astype(int)
        within = np.all((index >= 0) & (index < self.inside.shape), axis=1)
        within[within] = self.inside[tuple(index[within].T)]
        if not within[0]:
            where = ", ".join(f"{c:.0f}" for c in start)
            raise GeometryError(f"torso: not solid at ({where}) mm, so no electrode can be placed from there")
        leaving = int(np.argmin(within))
        position: NDArray[np.float64] = (ray[leaving] + ray[leaving - 1]) / 2
        return position

    def _extent(self, z: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        k = int(np.clip(round((z - self.image.origin_mm[2]) / self.image.spacing_mm), 0, self.inside.shape[2] - 1))
        section = self.inside[:, :, k]
        i, j = np.flatnonzero(section.any(axis=1)), np.flatnonzero(section.any(axis=0))
        if not len(i):
            raise GeometryError(f"torso: empty at height z = {z:.0f} mm, so no electrode can be placed there")
        h, origin = self.image.spacing_mm, self.image.origin_mm
        return origin[0] + h * i[[0, -1]], origin[1] + h * j[[0, -1]]


def _spread(
    grid: NDArray[np.float64], density: NDArray[np.float64], count: int, shift: float = 0.0
) -> NDArray[np.float64]:
    """``count`` positions on ``grid`` with the given density, moved by a share of their spacing."""
    total = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
    return np.interp((np.arange(count) + 0.5 + shift) / count, total / total[-1], grid)


def _apportion(weights: NDArray[np.float64], total: int) -> NDArray[np.intp]:
    """Integers in proportion to ``weights``, at least one each, that sum to ``total`` (largest remainders)."""
    share = 1 + weights / weights.sum() * (total - len(weights))
    number: NDArray[np.intp] = np.floor(share).astype(np.intp)
    number[np.argsort(number - share, kind="stable")[: total - number.sum()]] += 1
    return number
