"""Waves from a random pixel of a ring or shell, and electrodes that see how far the front in front of them has come."""

import numpy as np

TIMES, ELECTRODES = 12, 10


def image_cases(cases, shape=(20, 17), seed=0):
    """Maps in [0, 1] (0 outside of the wall), potentials (case, 10, 10, 12) and masks, electrodes towards axis 0."""
    draw = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    maps, masks = [], []
    for _ in range(cases):
        mask = (radius < draw.uniform(0.85, 1.0)) & (radius > draw.uniform(0.3, 0.4))
        source = draw.choice(np.argwhere(mask))
        away = np.sqrt(sum((axis - axis[tuple(source)]) ** 2 for axis in axes))
        maps.append(np.where(mask, away / 2, 0))
        masks.append(mask)
    maps, masks = np.array(maps, np.float32), np.array(masks)
    plane = maps.mean(axis=1) if len(shape) == 3 else maps
    rows, columns = (np.linspace(0, size - 1, ELECTRODES).round().astype(int) for size in plane.shape[1:])
    seen = plane[:, rows[:, None], columns]
    bsp = 1 / (1 + np.exp((seen[..., None] - np.linspace(0, 1, TIMES)) / 0.1))
    return maps, bsp.astype(np.float32), masks


def error_of(found, maps, mask):
    """Mean squared error in the wall."""
    return float(np.square(found - maps)[mask].mean())
