"""Analytic potentials of a current dipole in concentric spheres, and the same spheres as an anatomy.

In layer j the potential of degree n is (a_j r^n + b_j r^-(n+1)) times a surface harmonic; potential and normal current
are continuous between layers and no current leaves the outermost one (Frank 1952, J. Appl. Phys. 23:1225 for one
sphere; Zhang 1995, Phys. Med. Biol. 40:335 for layers).

A ball of muscle in a surrounding of the same bulk conductivity, with a transmembrane potential that rises linearly,
is exactly such a dipole: grad v is constant, and the mean of the harmonic grad Z over the ball is its value at the
centre. So a whole transfer matrix, made by the public functions, can be held against the series.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.image import LIMB_ELECTRODES, Label, LabelImage
from transmural.stores.config import Torso

Array = NDArray[np.float64]


def surface_potential(
    electrode: Array, dipole_at: Array, moment: Array, radii: list[float], sigma: list[float], terms: int = 120
) -> Array:
    """Potential on the outer sphere, up to a constant, of a dipole in the innermost of concentric spheres.

    ``electrode`` has shape (n, 3) and lies on the sphere of radius ``radii[-1]``; ``radii`` and ``sigma`` run outwards.
    """
    direction = electrode / np.linalg.norm(electrode, axis=1, keepdims=True)
    r0 = np.linalg.norm(dipole_at)
    axis = dipole_at / r0 if r0 > 0 else np.array([0.0, 0.0, 1.0])
    cosine, along = direction @ axis, float(moment @ axis)
    across = direction @ moment - along * cosine
    total = np.zeros(len(electrode))
    before, legendre = np.ones_like(cosine), cosine
    slope_before, slope = np.zeros_like(cosine), np.ones_like(cosine)
    for n in range(1, terms + 1):
        # Gradient with respect to the dipole's place of r0^n P_n(cos): its radial and its tangential part.
        angular = n * along * legendre + slope * across
        total += _gain(n, radii, sigma) * (r0 / radii[-1]) ** (n - 1) * angular
        before, legendre, slope_before, slope = (
            legendre,
            ((2 * n + 1) * cosine * legendre - n * before) / (n + 1),
            slope,
            slope_before + (2 * n + 1) * legendre,
        )
    return total / (4 * np.pi * sigma[0] * radii[-1] ** 2)


def _gain(n: int, radii: list[float], sigma: list[float]) -> float:
    """Surface potential of degree n where the source alone is (r / R)^-(n+1)."""
    potential, current = 1.0, 0.0  # At the outer surface: phi, and sigma r dphi/dr.
    for j in range(len(radii) - 1, 0, -1):
        potential, current = _inward(n, potential, current / sigma[j], radii[j - 1] / radii[j])
        current *= sigma[j]
    _, decaying = _split(n, potential, current / sigma[0])
    return 1.0 / (decaying * (radii[0] / radii[-1]) ** (n + 1))


def _split(n: int, potential: float, slope: float) -> tuple[float, float]:
    """Growing and decaying parts of a potential of degree n with r dphi/dr = slope."""
    return ((n + 1) * potential + slope) / (2 * n + 1), (n * potential - slope) / (2 * n + 1)


def _inward(n: int, potential: float, slope: float, ratio: float) -> tuple[float, float]:
    growing, decaying = _split(n, potential, slope)
    growing, decaying = growing * ratio**n, decaying * ratio ** -(n + 1)
    return growing + decaying, n * growing - (n + 1) * decaying


@dataclass(frozen=True)
class Spheres:
    """Concentric spheres around the origin, labelled outwards, with balls of muscle in the innermost.

    Centres of balls are multiples of the voxel, so that the voxels of a ball lie symmetrically about it.
    """

    radii: tuple[float, ...]
    labels: tuple[Label, ...]
    balls: tuple[tuple[float, float, float], ...]
    ball_radius: float
    voxel_mm: float

    def image(self) -> LabelImage:
        """Label image with a voxel at the origin."""
        reach = int(np.ceil(self.radii[-1] / self.voxel_mm)) + 2
        axis = self.voxel_mm * np.arange(-reach, reach + 1)
        x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
        r = np.sqrt(x**2 + y**2 + z**2)
        labels = np.full(r.shape, Label.AIR, dtype=np.uint8)
        for radius, label in reversed(list(zip(self.radii, self.labels, strict=True))):
            labels[r < radius] = label
        for a, b, c in self.balls:
            labels[(x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2 <= self.ball_radius**2 + 1e-9] = Label.LV_MYOCARDIUM
        return LabelImage(labels, self.voxel_mm, np.full(3, axis[0]))

    def anatomy(self, electrodes: int = 64) -> xr.Dataset:
        """What the torso floor needs of an anatomy."""
        position = self.radii[-1] * fibonacci(electrodes + len(LIMB_ELECTRODES))
        return as_anatomy(self.image(), position[:electrodes], position[electrodes:])

    def dipole_leads(self, anatomy: xr.Dataset, sigma: list[float], ball: int, moment: Array) -> Array:
        """Analytic body-surface leads of a dipole at the centre of a ball, against Wilson's central terminal."""
        at, radii = np.array(self.balls[ball]), list(self.radii)
        electrode, limb = anatomy["electrode_position"].values, anatomy["limb_electrode_position"].values[:3]
        reference = surface_potential(limb, at, moment, radii, sigma).mean()
        return surface_potential(electrode, at, moment, radii, sigma) - reference

    def dipole_directions(self, ball: int) -> tuple[Array, Array]:
        """Unit vectors along the radius and across it."""
        at = np.array(self.balls[ball])
        radial = at / np.linalg.norm(at)
        tangential = np.cross(radial, [0.3, 1.0, 0.2])
        return radial, tangential / np.linalg.norm(tangential)


def as_anatomy(
    image: LabelImage,
    electrode: Array,
    limb: Array,
    fibre: tuple[float, float, float] = (1.0, 0.0, 0.0),
    node_voxels: int = 2,
) -> xr.Dataset:
    """An anatomy with the variables that the torso floor reads; nodes are blocks of ``node_voxels`` cubed."""
    index = np.argwhere(np.isin(image.labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM)))
    _, node = np.unique(index // node_voxels, axis=0, return_inverse=True)
    return xr.Dataset(
        {
            "labels": (("x", "y", "z"), image.labels),
            "voxel_index": (("voxel", "xyz"), index),
            "voxel_position": (("voxel", "xyz"), image.position(index)),
            "fibre": (("voxel", "xyz"), np.tile(fibre, (len(index), 1))),
            "voxel_node": (("voxel",), node.ravel()),
            "node_volume": (("node",), np.bincount(node.ravel()) * image.spacing_mm**3),
            "electrode_position": (("electrode", "xyz"), electrode),
            "limb_electrode_position": (("limb_electrode", "xyz"), limb),
        },
        coords={
            "electrode": [f"E{number:03d}" for number in range(1, len(electrode) + 1)],
            "limb_electrode": list(LIMB_ELECTRODES),
        },
        attrs={"spacing_mm": image.spacing_mm, "origin_mm": [float(value) for value in image.origin_mm]},
    )


def fibonacci(count: int) -> Array:
    """Unit vectors spread evenly over the sphere, in an order that visits all of it."""
    number = np.arange(count)
    z = 1 - (2 * number + 1) / count
    angle = np.pi * (1 + 5**0.5) * number
    points = np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    return points[np.random.default_rng(7).permutation(count)]


def conductivities(
    torso: float = 0.22, lung: float = 0.06, blood: float = 0.6, muscle: float = 0.6
) -> dict[str, float]:
    """Isotropic muscle of bulk conductivity ``muscle``, a tenth of it intracellular."""
    inside = 0.1 * muscle
    return {
        "torso": torso,
        "lung": lung,
        "blood": blood,
        "intracellular_along": inside,
        "intracellular_across": inside,
        "extracellular_along": muscle - inside,
        "extracellular_across": muscle - inside,
    }


def settings(heart_mm: float, body_mm: float, **sigma: float) -> Torso:
    """Configuration of the torso floor."""
    return Torso.model_validate(
        {"conductivity": conductivities(**sigma), "heart_element_mm": heart_mm, "body_element_mm": body_mm}
    )


def rdm_and_mag(found: Array, true: Array) -> tuple[float, float]:
    """Relative difference measure and magnification (Meijs et al. 1989, IEEE TBME 36:1038)."""
    a, b = np.linalg.norm(found), np.linalg.norm(true)
    return float(np.linalg.norm(found / a - true / b)), float(a / b)
