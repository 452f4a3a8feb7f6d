"""A small body with lungs and a hollow, fibrous heart, for properties that any anatomy must have."""

import numpy as np
import xarray as xr
from spheres import as_anatomy, fibonacci

from transmural.anatomy.image import LIMB_ELECTRODES, Label, LabelImage
from transmural.tissue.diffusion import diffusion_operator, transversely_isotropic

VOXEL_MM = 3.0


def small_body(node_voxels: int = 2) -> xr.Dataset:
    """An ellipsoid of 132 x 108 x 150 mm; its image has a voxel at the origin and the same margin on all sides."""
    half = np.array([25, 21, 28])
    x, y, z = (VOXEL_MM * axis for axis in np.meshgrid(*(np.arange(-n, n + 1) for n in half), indexing="ij"))
    labels = np.zeros(x.shape, dtype=np.uint8)
    labels[(x / 66) ** 2 + (y / 54) ** 2 + (z / 75) ** 2 < 1] = Label.TORSO
    for side in (-1, 1):
        labels[((x - side * 38) / 18) ** 2 + (y / 34) ** 2 + (z / 50) ** 2 < 1] = Label.LUNG
    heart = np.array([4.0, -10.0, 6.0])
    radius = np.sqrt((x - heart[0]) ** 2 + (y - heart[1]) ** 2 + ((z - heart[2]) / 1.3) ** 2)
    labels[radius < 22] = Label.LV_MYOCARDIUM
    labels[radius < 11] = Label.LV_BLOOD
    direction = fibonacci(24 + len(LIMB_ELECTRODES))
    position = direction / np.sqrt((direction**2 / np.array([66, 54, 75]) ** 2).sum(axis=1, keepdims=True))
    image = LabelImage(labels, VOXEL_MM, -VOXEL_MM * half.astype(float))
    anatomy = as_anatomy(image, position[:24], position[24:], node_voxels=node_voxels)
    # Fibres run round the heart's vertical axis, with a tilt that changes from inside to outside.
    offset = anatomy["voxel_position"].values - heart
    around = np.cross([0.0, 0.0, 1.0], offset)
    around /= np.linalg.norm(around, axis=1, keepdims=True) + 1e-9
    tilt = np.deg2rad(60 - 120 * (np.linalg.norm(offset / [1, 1, 1.3], axis=1) - 11) / 11)
    fibre = np.cos(tilt)[:, None] * around + np.sin(tilt)[:, None] * np.array([0.0, 0.0, 1.0])
    anatomy["fibre"] = (("voxel", "xyz"), fibre / np.linalg.norm(fibre, axis=1, keepdims=True))
    return anatomy


def moved(anatomy: xr.Dataset, permutation: tuple[int, int, int], signs: tuple[int, int, int]) -> xr.Dataset:
    """The anatomy with axis i taken from axis ``permutation[i]`` and turned over where its sign is -1."""
    labels = np.transpose(anatomy["labels"].values, permutation)
    labels = labels[tuple(slice(None, None, sign) for sign in signs)]
    sign = np.array(signs)
    last = np.array(labels.shape) - 1
    index = anatomy["voxel_index"].values[:, permutation]
    result = anatomy.drop_vars("labels").assign(labels=(("x", "y", "z"), labels))
    result["voxel_index"] = (("voxel", "xyz"), np.where(sign == 1, index, last - index))
    for name in ("voxel_position", "fibre", "electrode_position", "limb_electrode_position"):
        result[name] = (anatomy[name].dims, anatomy[name].values[:, permutation] * sign)
    origin = -VOXEL_MM * last / 2
    result.attrs = {**anatomy.attrs, "origin_mm": origin.tolist()}
    return result


def activation_front(anatomy: xr.Dataset, at_mm: float, width_mm: float = 3.0) -> np.ndarray:
    """1 behind and 0 ahead of a plane front that runs along x."""
    x = anatomy["voxel_position"].values[:, 0]
    return 1 / (1 + np.exp((x - at_mm) / width_mm))


def beat(anatomy: xr.Dataset, frames: int = 15) -> np.ndarray:
    """Transmembrane potentials 0 to 1 of an Aliev-Panfilov beat from one voxel's surroundings, shape (voxel, frame)."""
    position = anatomy["voxel_position"].values
    tensor = transversely_isotropic(anatomy["fibre"].values, 30.0, 8.0)
    operator = diffusion_operator(anatomy["voxel_index"].values, VOXEL_MM, tensor)
    u = (np.linalg.norm(position - position[0], axis=1) < 12).astype(float)
    v = np.zeros_like(u)
    result = []
    for _ in range(frames):
        for _ in range(20):
            u, v = (
                u + 0.03 * (operator @ u + 8 * u * (1 - u) * (u - 0.15) - u * v),
                v - 0.03 * (0.002 + 0.2 * v / (u + 0.3)) * (v + 8 * u * (u - 1.15)),
            )
        result.append(u)
    return np.stack(result, axis=1)
