"""An analytic subject: ventricles of truncated ellipsoids and lungs in an elliptical torso, as a label image.

It stands in for a segmented patient wherever none is at hand; nothing after this module knows that it is a phantom.
The origin of coordinates is the torso's axis at half its height.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from transmural.anatomy.image import Electrodes, Label, LabelImage
from transmural.anatomy.montage import body_surface_montage
from transmural.anatomy.phantom_heart import check_heart, heart_frame, heart_labels
from transmural.anatomy.phantom_torso import inside_body, inside_lungs
from transmural.stores.config.subjects import Phantom
from transmural.stores.errors import GeometryError

_CHEST_WALL_MM = 8.0
_SMALLEST_SEMI_AXIS_MM = 50.0


def phantom(subject: Phantom, voxel_mm: float, electrodes: int) -> tuple[LabelImage, Electrodes]:
    """Label image and body-surface electrodes of a phantom.

    Parameters
    ----------
    subject
        Sizes in mm and pose in degrees.
    voxel_mm
        Edge of the image's voxels.
    electrodes
        Number of body-surface electrodes; those of the 12-lead ECG are left to be placed by rule.

    Raises
    ------
    GeometryError
        Naming the subject's key, when the numbers make no heart, or the heart or lungs don't fit into the torso.
    """
    check_heart(subject, voxel_mm)
    if min(subject.torso_semi_axes_mm) < _SMALLEST_SEMI_AXIS_MM:
        raise GeometryError(
            f"torso_semi_axes_mm {list(subject.torso_semi_axes_mm)} must be at least {_SMALLEST_SEMI_AXIS_MM:g} mm each"
        )
    x, y, z, origin = _grid(subject, voxel_mm)
    body = inside_body(subject, x, y, z)
    labels = np.where(body, np.uint8(Label.TORSO), np.uint8(Label.AIR))

    box = _heart_box(subject, origin, voxel_mm, labels.shape)
    local = heart_frame(subject).local(x[box[0]], y[:, box[1]], z[:, :, box[2]])
    heart = heart_labels(subject, voxel_mm, *local)
    _check_fit(subject, heart, labels[box], voxel_mm)

    distance = np.full(labels.shape, np.inf, np.float32)
    distance[box] = ndimage.distance_transform_edt(heart == Label.AIR, sampling=voxel_mm)
    lungs = body & inside_lungs(subject, distance, x, y, z)
    _check_lungs(subject, lungs, x)
    labels[lungs] = Label.LUNG
    labels[box] = np.where(heart != Label.AIR, heart, labels[box])
    image = LabelImage(labels, float(voxel_mm), origin)
    return image, body_surface_montage(image, electrodes)


def _grid(
    subject: Phantom, voxel_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Open grid of voxel centres around the body with two voxels of air, and the first voxel's centre."""
    half = np.array([*subject.torso_semi_axes_mm, subject.torso_height_mm / 2])
    count = np.ceil(half / voxel_mm).astype(int) + 2
    axes = [(np.arange(-n, n + 1) * voxel_mm).astype(np.float32) for n in count]
    x, y, z = np.ix_(*axes)
    return x, y, z, -count.astype(float) * voxel_mm


def _heart_box(
    subject: Phantom, origin: NDArray[np.float64], voxel_mm: float, shape: tuple[int, ...]
) -> tuple[slice, ...]:
    reach = subject.lv_length_mm / 2 + subject.lv_radius_mm + subject.lv_wall_mm + subject.rv_radius_mm + 15.0
    low = np.floor((np.asarray(subject.heart_centre_mm) - reach - origin) / voxel_mm).astype(int)
    high = np.ceil((np.asarray(subject.heart_centre_mm) + reach - origin) / voxel_mm).astype(int)
    slices = tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(low, high, shape, strict=True))
    if any(s.stop - s.start < 2 for s in slices):
        raise GeometryError(f"heart_centre_mm {list(subject.heart_centre_mm)} lies outside the torso")
    return slices


def _check_fit(
    subject: Phantom,
    heart: NDArray[np.uint8],
    around: NDArray[np.uint8],
    voxel_mm: float,
) -> None:
    """Refuse a heart that leaves the torso or comes closer to the skin than a chest wall's thickness."""
    inside = heart != Label.AIR
    touching = np.zeros_like(inside)
    for axis in range(3):
        ends = np.moveaxis(touching, axis, 0), np.moveaxis(inside, axis, 0)
        ends[0][[0, -1]] |= ends[1][[0, -1]]
    air = around == Label.AIR
    outside = int((inside & air).sum() + touching.sum())
    distance = np.inf
    if not outside and air.any():
        shell = inside & ~ndimage.binary_erosion(inside)
        skin = air & ndimage.binary_dilation(~air)
        distance = float(np.min(cKDTree(np.argwhere(skin)).query(np.argwhere(shell))[0])) * voxel_mm
    if outside or distance < _CHEST_WALL_MM:
        where = f"{outside} of its voxels outside" if outside else f"only {distance:.0f} mm below the skin"
        raise GeometryError(
            f"heart_centre_mm {list(subject.heart_centre_mm)} places the heart with {where} of the torso "
            f"(torso_semi_axes_mm {list(subject.torso_semi_axes_mm)}, torso_height_mm {subject.torso_height_mm:g}); "
            f"it must lie at least {_CHEST_WALL_MM:g} mm below the skin"
        )


def _check_lungs(subject: Phantom, lungs: NDArray[np.bool_], x: NDArray[np.float32]) -> None:
    for side, chosen in (("right", x < 0), ("left", x > 0)):
        if not (lungs & chosen).any():
            raise GeometryError(
                f"lung_scale {subject.lung_scale:g} leaves no room for the {side} lung beside the heart "
                f"at heart_centre_mm {list(subject.heart_centre_mm)}; make it or the torso larger"
            )
