"""Volunteers: phantom hearts and bodies whose sizes and pose are drawn at random."""

import numpy as np
import xarray as xr

from transmural.anatomy.build import build_anatomy
from transmural.anatomy.phantom import phantom
from transmural.cohorts.plan import volunteer_name
from transmural.stores.config import Anatomy
from transmural.stores.config.subjects import Phantom
from transmural.stores.errors import GeometryError
from transmural.stores.random_streams import case_generator

_DRAWS = 50
# In mm and degrees, around a slender and a broad body; in real bodies, too, broad ones have the flatter hearts.
_HEART: dict[str, tuple[float, float]] = {
    "lv_length_mm": (64, 80),
    "lv_radius_mm": (20, 28),
    "lv_wall_mm": (9, 12),
    "rv_radius_mm": (22, 33),
    "rv_wall_mm": (4, 5),
    "roll_deg": (-10, 25),
    "torso_height_mm": (390, 450),
    "lung_scale": (0.8, 0.95),
}
_SLENDER_TO_BROAD: dict[str, tuple[float, float]] = {
    "azimuth_deg": (-42, -22),
    "elevation_deg": (58, 22),
    "half_width_mm": (148, 188),
    "half_depth_mm": (98, 127),
    "height_of_heart_mm": (18, -3),
}
_SCATTER = 0.2  # of those ranges
_SHIFT_MM = 6.0


def volunteer(seed: int, number: int, config: Anatomy) -> tuple[Phantom, xr.Dataset]:
    """A volunteer's sizes and pose, and the anatomy made from them; drawn again until they make one.

    Parameters
    ----------
    seed
        Of the run.
    number
        Of the volunteer, from 0; draws from a stream of its own.
    config
        Voxels, nodes, electrodes and fibres.

    Returns
    -------
    phantom
        What was drawn, as a subject of the configuration.
    anatomy
        Fulfils `contracts.ANATOMY`.

    Raises
    ------
    GeometryError
        If the anatomy refuses fifty draws: the last refusal.
    """
    draw, name = case_generator(seed, "sequence_models", "volunteer", number), volunteer_name(number)
    refusal: GeometryError | None = None
    for _ in range(_DRAWS):
        drawn = _drawn(draw)
        try:
            return drawn, build_anatomy(*phantom(drawn, config.voxel_mm, config.electrodes), config, name)
        except GeometryError as error:
            refusal = error
    raise GeometryError(f"{name}: none of {_DRAWS} draws makes a heart, the last because: {refusal}")


def _drawn(draw: np.random.Generator) -> Phantom:
    sizes = {key: float(draw.uniform(*limits)) for key, limits in _HEART.items()}
    breadth = draw.uniform()
    pose = {
        key: float(first + (last - first) * (breadth + draw.uniform(-_SCATTER, _SCATTER)))
        for key, (first, last) in _SLENDER_TO_BROAD.items()
    }
    x, y = 22 + draw.uniform(-_SHIFT_MM, _SHIFT_MM), -28 + draw.uniform(-_SHIFT_MM, _SHIFT_MM)
    return Phantom(
        source="phantom",
        heart_centre_mm=(x, y, pose["height_of_heart_mm"]),
        azimuth_deg=pose["azimuth_deg"],
        elevation_deg=pose["elevation_deg"],
        torso_semi_axes_mm=(pose["half_width_mm"], pose["half_depth_mm"]),
        **sizes,
    )
