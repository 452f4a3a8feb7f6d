"""Other ways in which the leads may see the heart than the transfer matrix that is inverted says."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from transmural.stores.config import Torso
from transmural.stores.config.robustness import Conductivities, Electrodes, Pose, Variation, Variations
from transmural.torso.octree import largest_element_mm
from transmural.torso.pose import displaced_heart
from transmural.torso.transfer import voxel_transfer

# Keys of the conductivities that a factor of `Conductivities` applies to.
_SCALED = {
    "lung": ("lung",),
    "blood": ("blood",),
    "muscle_across": ("intracellular_across", "extracellular_across"),
}


def varied_body(
    anatomy: xr.Dataset, torso: Torso, settings: Variations, variation: Variation
) -> tuple[xr.Dataset, Torso]:
    """Anatomy and conductivities of a body in which one thing is otherwise.

    Parameters
    ----------
    anatomy, torso
        The unvaried body (`contracts.ANATOMY`).
    settings
        The section of the configuration that the variation is from.
    variation
        What is otherwise, and how much.

    Raises
    ------
    GeometryError
        If the heart would stick out of the body.
    """
    if isinstance(settings, Electrodes):
        return shifted_electrodes(anatomy, variation.level * _unit(settings.towards)), torso
    if isinstance(settings, Pose):
        block_mm = largest_element_mm(torso.heart_element_mm, torso.body_element_mm)
        shift, turn = np.zeros(3), Rotation.identity()
        if variation.key == "shift_mm":
            shift = variation.level * _unit(settings.towards)
        else:
            turn = Rotation.from_rotvec(variation.level * _unit(settings.axis), degrees=True)
        return displaced_heart(anatomy, shift, turn, block_mm), torso
    if isinstance(settings, Conductivities):
        return anatomy, scaled_conductivity(torso, variation.key, variation.level)
    raise TypeError(f"{variation.name} doesn't vary the body")


def varied_transfer(
    anatomy: xr.Dataset,
    torso: Torso,
    settings: Variations,
    variation: Variation,
    solve: Callable[[xr.Dataset, Torso], xr.Dataset] = voxel_transfer,
) -> xr.Dataset:
    """Transfer matrix of a body in which one thing is otherwise; arguments as for `varied_body`.

    ``solve`` is `transfer.transfer` where the matrix from the nodes is needed too.
    """
    return solve(*varied_body(anatomy, torso, settings, variation))


def shifted_electrodes(anatomy: xr.Dataset, shift_mm: NDArray[np.float64]) -> xr.Dataset:
    """The anatomy with all body-surface electrodes moved by one vector in mm, shape (3,), the limbs' left in place.

    `transfer.transfer` attaches them to the nearest skin, so they move along it, by the vector's part in the skin.
    """
    position = anatomy["electrode_position"]
    return anatomy.assign(electrode_position=position.copy(data=position.values + shift_mm))


def scaled_conductivity(torso: Torso, tissue: str, factor: float) -> Torso:
    """Conductivities with those of one tissue (a key of `Conductivities`) multiplied by a factor."""
    values = torso.conductivity
    scaled = values.model_copy(update={key: factor * getattr(values, key) for key in _SCALED[tissue]})
    return torso.model_copy(update={"conductivity": scaled})


def _unit(direction: tuple[float, float, float]) -> NDArray[np.float64]:
    vector = np.array(direction, dtype=float)
    return np.asarray(vector / np.linalg.norm(vector))
