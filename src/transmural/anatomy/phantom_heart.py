"""The phantom's ventricles: truncated ellipsoids in the heart's own frame.

Heart frame: *r* from the left ventricle's axis towards the right ventricle, *s* towards the anterior wall, *t* along
the long axis from the base plane (t = 0) to the apex. The left ventricle lies between two ellipsoids,

    (r² + s²) / B² + (t - t₀)² / C² = 1,   t ≥ 0,

whose widest level t₀ lies a little below the base. The right ventricular cavity has at every level the cross-section
of an ellipse beside the left ventricle, scaled by g(t) = √(1 - (t - t₀)² / C_rv²), so that it is a crescent that
narrows to the apex; its free wall is the shell of constant thickness around it. The base is open: both blood pools end
at t = 0, and atria and great vessels are plain torso.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from transmural.anatomy.image import Label
from transmural.stores.config.subjects import Phantom
from transmural.stores.errors import GeometryError

Floats = NDArray[np.floating]

_WIDEST_LEVEL = 0.15  # of the cavity's length, below the base
_INSERTION_DEG = 62.0  # right ventricular insertion at the base, from mid septum; AHA septum spans 2 x 60 degrees
_RV_BREADTH = 0.98  # half breadth of the right ventricle over the left ventricle's outer radius
_RV_REACH = 0.85  # of the left ventricular cavity's length


@dataclass(frozen=True)
class HeartFrame:
    """Pose of the ventricles: centre of the base plane and unit vectors to right ventricle, anterior wall and apex."""

    base_mm: NDArray[np.float64]
    right: NDArray[np.float64]
    anterior: NDArray[np.float64]
    apex: NDArray[np.float64]

    def local(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Heart coordinates (r, s, t) in mm of torso coordinates (arrays that broadcast)."""
        shifted = (x - self.base_mm[0], y - self.base_mm[1], z - self.base_mm[2])
        r, s, t = (
            sum((c * e for c, e in zip(shifted, axis, strict=True)), np.zeros(()))
            for axis in (self.right, self.anterior, self.apex)
        )
        return r, s, t


def heart_frame(subject: Phantom) -> HeartFrame:
    """Pose from azimuth, elevation, roll and centre.

    The long axis points to (cos e cos a, cos e sin a, -sin e). At roll 0 the right ventricle lies horizontally beside
    it, to the right and front; roll turns it downwards about the long axis. The centre is half-way down the cavity,
    moved towards the right ventricle by half its extent.
    """
    azimuth, elevation, roll = np.radians([subject.azimuth_deg, subject.elevation_deg, subject.roll_deg])
    apex = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), -np.sin(elevation)])
    horizontal = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
    upward = np.cross(horizontal, apex)
    right = np.cos(roll) * horizontal - np.sin(roll) * upward
    centre = np.asarray(subject.heart_centre_mm, dtype=float)
    base = centre - apex * subject.lv_length_mm / 2 - right * subject.rv_radius_mm / 2
    return HeartFrame(base, right, np.cross(right, apex), apex)


def check_heart(subject: Phantom, voxel_mm: float) -> None:
    """Raise `GeometryError` naming the key when the numbers make no ventricle or none that ``voxel_mm`` can show."""
    if subject.lv_length_mm < 1.3 * subject.lv_radius_mm:
        raise GeometryError(
            f"lv_length_mm ({subject.lv_length_mm:g}) must be at least 1.3 times lv_radius_mm "
            f"({subject.lv_radius_mm:g}), or the ventricle has no long axis"
        )
    if subject.rv_wall_mm > subject.lv_wall_mm:
        raise GeometryError(
            f"rv_wall_mm ({subject.rv_wall_mm:g}) exceeds lv_wall_mm ({subject.lv_wall_mm:g}); "
            "the right ventricle's wall is the thinner one"
        )
    if subject.rv_radius_mm > 1.5 * (subject.lv_radius_mm + subject.lv_wall_mm):
        raise GeometryError(
            f"rv_radius_mm ({subject.rv_radius_mm:g}) must be at most 1.5 times lv_radius_mm + lv_wall_mm "
            f"({subject.lv_radius_mm + subject.lv_wall_mm:g}), the left ventricle's outer radius"
        )
    if subject.lv_wall_mm < 2 * voxel_mm:
        raise GeometryError(
            f"lv_wall_mm ({subject.lv_wall_mm:g}) is thinner than two voxels; "
            f"set anatomy.voxel_mm to at most {subject.lv_wall_mm / 2:g} (it is {voxel_mm:g})"
        )
    if subject.rv_wall_mm < voxel_mm:
        raise GeometryError(
            f"rv_wall_mm ({subject.rv_wall_mm:g}) is thinner than one voxel; "
            f"set anatomy.voxel_mm to at most {subject.rv_wall_mm:g} (it is {voxel_mm:g})"
        )


def heart_labels(subject: Phantom, voxel_mm: float, r: Floats, s: Floats, t: Floats) -> NDArray[np.uint8]:
    """Labels at heart coordinates: ventricular walls and blood pools, `Label.AIR` elsewhere.

    The right ventricle's wall is at least √3 voxels thick, so that its voxels hang together by their faces.
    """
    widest, radius, length = _left_cavity(subject)
    below = t >= 0
    left = _inside_ellipsoid(r, s, t - widest, radius + subject.lv_wall_mm, length + subject.lv_wall_mm)
    cavity = below & _inside_ellipsoid(r, s, t - widest, radius, length)
    crescent = _Crescent.of(subject)
    right = below & ~left & crescent.inside(r, s, t)
    thickness = max(subject.rv_wall_mm, np.sqrt(3) * voxel_mm)

    labels = np.full(left.shape, Label.AIR, np.uint8)
    candidate = np.argwhere(below & ~left & ~right & crescent.inside(r, s, t, margin_mm=3 * thickness))
    points = np.stack([np.broadcast_to(c, left.shape)[tuple(candidate.T)] for c in (r, s, t)], axis=1)
    distance, _ = cKDTree(crescent.surface()).query(points, distance_upper_bound=thickness)
    labels[tuple(candidate[distance <= thickness].T)] = Label.RV_MYOCARDIUM
    labels[right] = Label.RV_BLOOD
    labels[left & below] = Label.LV_MYOCARDIUM
    labels[cavity] = Label.LV_BLOOD
    return labels


def _left_cavity(subject: Phantom) -> tuple[float, float, float]:
    """Widest level, radius and half length in mm of the left cavity's ellipsoid."""
    widest = _WIDEST_LEVEL * subject.lv_length_mm
    length = subject.lv_length_mm - widest
    return widest, float(subject.lv_radius_mm / np.sqrt(1 - (widest / length) ** 2)), length


def _inside_ellipsoid(r: Floats, s: Floats, t: Floats, radius: float, length: float) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (r**2 + s**2) / radius**2 + t**2 / length**2 <= 1
    return inside


@dataclass(frozen=True)
class _Crescent:
    """The right cavity with the left ventricle it embraces: ellipses ((r - d g) / A)² + (s / B)² = g² at every level.

    Attributes: left ventricle's widest level, outer radius and half length; the ellipse's centre d and half axes A
    and B at the widest level; half length of g.
    """

    widest: float
    outer: float
    left_length: float
    centre: float
    half_extent: float
    breadth: float
    length: float

    @classmethod
    def of(cls, subject: Phantom) -> "_Crescent":
        widest, radius, cavity_length = _left_cavity(subject)
        outer, left_length = radius + subject.lv_wall_mm, cavity_length + subject.lv_wall_mm
        breadth, edge = _RV_BREADTH * outer, outer + subject.rv_radius_mm
        # The ellipse reaches the edge and cuts the left ventricle at the angle of insertion.
        angle = np.radians(_INSERTION_DEG)
        k = np.sqrt(1 - (outer * np.sin(angle) / breadth) ** 2)
        centre = (outer * np.cos(angle) + k * edge) / (1 + k)
        # The crescent closes where its edge meets the left ventricle's surface.
        reach = _RV_REACH * subject.lv_length_mm - widest
        left_scale = np.sqrt(1 - (reach / left_length) ** 2)
        length = reach / np.sqrt(1 - (outer / edge * left_scale) ** 2)
        return cls(widest, outer, left_length, centre, edge - centre, breadth, length)

    def inside(self, r: Floats, s: Floats, t: Floats, margin_mm: float = 0.0) -> NDArray[np.bool_]:
        """True within the ellipses, made larger by about ``margin_mm``."""
        level = np.clip(np.abs(t - self.widest) - margin_mm, 0, None) / self.length
        g = np.sqrt(np.clip(1 - level**2, 0, None))
        u = (r - self.centre * g) / (self.half_extent * g + margin_mm + 1e-9)
        v = s / (self.breadth * g + margin_mm + 1e-9)
        inside: NDArray[np.bool_] = (u**2 + v**2 <= 1) & (level < 1)
        return inside

    def surface(self, step_mm: float = 0.5) -> NDArray[np.float64]:
        """Points of the cavity's outer surface, outside the left ventricle, ``step_mm`` apart, shape (point, 3)."""
        level = np.arange(-self.widest, self.length, step_mm)
        around = np.linspace(-np.pi, np.pi, int(2 * np.pi * max(self.half_extent, self.breadth) / step_mm))
        t, angle = (a.ravel() for a in np.meshgrid(level, around, indexing="ij"))
        g = np.sqrt(1 - (t / self.length) ** 2)
        points = np.stack(
            [g * (self.centre + self.half_extent * np.cos(angle)), g * self.breadth * np.sin(angle), t], axis=1
        )
        free = ~_inside_ellipsoid(points[:, 0], points[:, 1], points[:, 2], self.outer, self.left_length)
        outer: NDArray[np.float64] = points[free] + np.array([0, 0, self.widest])
        return outer
