"""Where beats start: patterns of endocardial sites in ventricular coordinates, the same in all hearts.

A focal pattern has one to three sites anywhere on the endocardia; one like that of Purkinje fibres has about ten, on
the lower two thirds of both. All sites of a pattern are stimulated at once.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.places import Place, WallMap
from transmural.stores.config.sequences import RecordingDesign
from transmural.stores.random_streams import case_generator

_FOCAL_SITES = (1, 3)
_PURKINJE_SITES = (9, 11)
_PURKINJE_LEFT = 0.6  # share of the left ventricle
_LOWER = 0.67  # where Purkinje fibres end
_RIGHT_ANGLE_DEG = 50.0  # extent of the right free wall from its middle, in which all hearts have it
_SEPTUM_DEG = 35.0


@dataclass(frozen=True)
class Pattern:
    """An activation pattern: its name, kind and sites."""

    name: str
    kind: Literal["focal", "purkinje"]
    sites: tuple[Place, ...]


def pattern(design: RecordingDesign, seed: int, number: int) -> Pattern:
    """The pattern with this number, from a stream of its own.

    Parameters
    ----------
    design
        Number of patterns, and the share of those with many sites, which are spread evenly over the numbers.
    seed
        Of the run.
    number
        From 0.
    """
    draw = case_generator(seed, "sequence_models", "pattern", number)
    name = f"pattern_{number:03d}"
    before, after = (int(np.floor(design.purkinje_share * (number + i) + 1e-9)) for i in (0, 1))
    if after > before:
        return Pattern(name, "purkinje", tuple(_purkinje(draw)))
    count = int(draw.integers(_FOCAL_SITES[0], _FOCAL_SITES[1] + 1))
    return Pattern(name, "focal", tuple(_focus(draw) for _ in range(count)))


def sites(given: Pattern, wall: WallMap, anatomy: xr.Dataset) -> NDArray[np.float64]:
    """Sites of a pattern in a heart in mm, the centres of voxels on its endocardia, shape (site, 3).

    Parameters
    ----------
    given
        The pattern.
    wall, anatomy
        Of the heart; the map is that of the anatomy.
    """
    voxels: list[int] = []
    for place in given.sites:
        voxels.append(wall.voxel(place, voxels))
    position: NDArray[np.float64] = anatomy["voxel_position"].values[voxels].astype(float)
    return position


def _focus(draw: np.random.Generator) -> Place:
    where = draw.choice(["left", "right", "right side of the septum"], p=[0.6, 0.25, 0.15])
    height = float(draw.uniform(0.1, 0.95))
    if where == "left":
        return Place("left", height, float(draw.uniform(-180, 180)), 0.0)
    if where == "right":
        return Place("right", height, float(draw.uniform(-_RIGHT_ANGLE_DEG, _RIGHT_ANGLE_DEG)), 0.0)
    # The right ventricle doesn't reach down to the apex.
    return Place("left", max(height, 0.45), float(draw.uniform(-_SEPTUM_DEG, _SEPTUM_DEG)), 1.0)


def _purkinje(draw: np.random.Generator) -> list[Place]:
    """Sites spread evenly around the ventricles with random heights, the left side of the septum first."""
    count = int(draw.integers(_PURKINJE_SITES[0], _PURKINJE_SITES[1] + 1))
    left = round(_PURKINJE_LEFT * count)
    right = count - left
    found = []
    for i in range(left):
        angle = float(draw.uniform(-_SEPTUM_DEG, _SEPTUM_DEG)) if i == 0 else 360 * (i + draw.uniform(-0.3, 0.3)) / left
        found.append(Place("left", float(draw.uniform(0.15, _LOWER)), float(angle), 0.0))
    for i in range(right):
        angle = _RIGHT_ANGLE_DEG * (2 * (i + draw.uniform()) / right - 1)
        found.append(Place("right", float(draw.uniform(0.1, _LOWER)), float(angle), 0.0))
    return found
