"""Analytic potentials of a current dipole in a box of horizontal layers, electrodes on its top face.

Between insulating sides the potential is a sum of cos(m pi x / L) cos(n pi y / W) f(z); f is continuous with its current
through the layers and has none at the bottom. By reciprocity a mode of current through the top that sets up f gives
the top's potential for a source anywhere below. The box has no curved surface: only the elements are in error.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from spheres import as_anatomy

from transmural.anatomy.image import Label, LabelImage

Array = NDArray[np.float64]


def top_potential(
    electrode: Array, at: Array, moment: Array, size: Array, levels: list[float], sigma: list[float], modes: int = 60
) -> Array:
    """Potential on the top face, up to a constant; layers of conductivity ``sigma`` end at the heights ``levels``."""
    total = np.zeros(len(electrode))
    for m in range(modes):
        for n in range(modes):
            if m == n == 0:
                continue  # The same for every electrode.
            kx, ky = np.pi * m / size[0], np.pi * n / size[1]
            f, slope, current = _mode(np.hypot(kx, ky), at[2], levels, sigma)
            norm = (2 - (m == 0)) * (2 - (n == 0)) / (size[0] * size[1] * current)
            cx, cy = np.cos(kx * at[0]), np.cos(ky * at[1])
            gradient = np.array([-kx * np.sin(kx * at[0]) * cy * f, -ky * cx * np.sin(ky * at[1]) * f, cx * cy * slope])
            total += norm * np.cos(kx * electrode[:, 0]) * np.cos(ky * electrode[:, 1]) * (moment @ gradient)
    return total


def _mode(k: float, height: float, levels: list[float], sigma: list[float]) -> tuple[float, float, float]:
    """f and f' at a height, and sigma f' at the top, with f = 1 and f' = 0 at the bottom."""
    f, current, below, there = 1.0, 0.0, 0.0, (0.0, 0.0)
    for level, s in zip(levels, sigma, strict=True):
        if below <= height < level:
            d = k * (height - below)
            there = (
                f * np.cosh(d) + current / (s * k) * np.sinh(d),
                k * f * np.sinh(d) + current / s * np.cosh(d),
            )
        d = k * (level - below)
        f, current = f * np.cosh(d) + current / (s * k) * np.sinh(d), s * k * f * np.sinh(d) + current * np.cosh(d)
        below = level
    return *there, current


def layered_box(size: Array, levels: list[float], labels: list[Label], at: Array, voxel_mm: float) -> xr.Dataset:
    """A box with its corner at the origin, a cube of three voxels of muscle around ``at``, and electrodes on top."""
    count = np.round(size / voxel_mm).astype(int)
    height = voxel_mm * (np.arange(count[2]) + 0.5)
    tissue = np.array(labels, dtype=np.uint8)[np.searchsorted(levels, height)]
    image = np.zeros(count + 2, dtype=np.uint8)
    image[1:-1, 1:-1, 1:-1] = tissue
    heart = np.floor(at / voxel_mm).astype(int)
    image[tuple(slice(i, i + 3) for i in heart)] = Label.LV_MYOCARDIUM
    grid = np.stack(np.meshgrid(np.linspace(0.06, 0.94, 7), np.linspace(0.1, 0.9, 6), indexing="ij"), axis=-1)
    top = np.concatenate([grid.reshape(-1, 2) * size[:2], np.full((42, 1), size[2])], axis=1)
    return as_anatomy(LabelImage(image, voxel_mm, np.full(3, -voxel_mm / 2)), top[:32], top[32:])
