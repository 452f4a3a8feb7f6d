"""Waves in rings and shells of several hearts, with potentials from which each can be told."""

import numpy as np
import xarray as xr

from transmural.anatomy.heart_images import cell_centres

EDGE, CELL_MM, ELECTRODES, TIMES = 16, 5.0, 4, 12
SPACE = {2: ("row", "column"), 3: ("x", "y", "z")}
HEARTS = ("volunteer_01", "volunteer_02", "volunteer_03", "patient")


def wall_waves(dimensions=2, hearts=HEARTS, maps=10, seed=0):
    """Simulated images as `simulate_images` gives them, hearts one after the other; every second map is slow."""
    draw = np.random.default_rng(seed)
    centres = cell_centres(EDGE, CELL_MM, 3.0 if dimensions == 2 else None)
    distance = np.linalg.norm(centres[..., :dimensions], axis=-1)
    cases = [case for k in range(len(hearts)) for case in _maps(centres, distance, 34 + 2 * k, maps, draw)]
    masks, slow, times, zones, bsp = (np.stack(each) for each in zip(*cases, strict=True))
    space, grid = ("case", *SPACE[dimensions]), ("case", "electrode_row", "electrode_column")
    return xr.Dataset(
        {
            "mask": (space, masks),
            "slow": (space, slow),
            "activation_time": (space, times.astype(np.float32)),
            "pacing_position": (("case", "zone", "xyz"), zones.astype(np.float32)),
            "bsp": ((*grid, "time"), bsp.astype(np.float32)),
            "heart": ("case", np.repeat(hearts, maps)),
        },
        coords={"case": np.tile(np.arange(maps), len(hearts)), "time": 5.0 * np.arange(TIMES)},
        attrs={"cell_mm": CELL_MM, "amplitude_mv": 100.0},
    )


def _maps(centres, distance, radius, count, draw):
    mask = (distance < radius) & (distance > radius - 14)
    for case in range(count):
        zones = np.full((2, 3), np.nan)
        zones[0] = centres[tuple(draw.choice(np.argwhere(mask)))]
        middle = centres[tuple(draw.choice(np.argwhere(mask)))]
        slow = mask & (np.linalg.norm(centres - middle, axis=-1) < 15) & (case % 2 == 0)
        away = np.linalg.norm(centres - zones[0], axis=-1)
        times = away / draw.uniform(0.4, 0.8) + 20 * (slow & (away > 0))
        yield mask, slow, np.where(mask, times, np.nan), zones, _potentials(zones[0], draw)


def _potentials(zone, draw):
    """Of electrodes on a plane in front: the nearer the zone, the earlier and the larger."""
    x, z = np.meshgrid(np.linspace(-40, 40, ELECTRODES), np.linspace(-40, 40, ELECTRODES), indexing="ij")
    away = np.sqrt((x - zone[0]) ** 2 + (zone[1] + 60) ** 2 + (z - zone[2]) ** 2)[..., None]
    return 100 / away * np.sin(np.arange(1, TIMES + 1) - away / 40) + 0.01 * draw.normal(size=(*x.shape, TIMES))
