"""Images of a wall along the heart's own axes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from phantoms import anatomy
from scipy import ndimage

from transmural.anatomy.heart_images import HeartFrame, cell_centres, wall_image
from transmural.stores.errors import GeometryError


@pytest.fixture(scope="module", params=["slender", "broad"])
def heart(request):
    return anatomy(request.param)


def test_axes_are_the_hearts(heart):
    frame = HeartFrame.of(heart)
    assert_allclose(frame.axes @ frame.axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(frame.axes) == pytest.approx(1)
    assert_allclose(frame.axes[2], heart.attrs["apex_direction"])
    assert frame.axes[0, 1] == pytest.approx(0, abs=1e-9)  # x lies in the frontal plane
    assert frame.axes[1, 1] > 0.5
    assert_allclose(frame.low_mm, -frame.high_mm, atol=1e-9)
    apex = frame.axes @ (np.asarray(heart.attrs["apex_mm"]) - frame.centre_mm)
    assert frame.slice_mm(0.0) == pytest.approx(apex[2], abs=4)


def test_a_whole_heart_keeps_its_volume_and_place(heart):
    frame, cell = HeartFrame.of(heart), 3.5
    centres = cell_centres(40, cell)
    image = wall_image(heart, frame, centres)
    volume = heart.sizes["voxel"] * heart.attrs["spacing_mm"] ** 3
    assert image.sum() * cell**3 == pytest.approx(volume, rel=0.08)
    local = (heart["voxel_position"].values - frame.centre_mm) @ frame.axes.T
    assert_allclose(centres[image].mean(axis=0), local.mean(axis=0), atol=1.0)
    assert ndimage.label(image)[1] == 1


def test_a_slice_is_a_plane_of_the_whole_heart(heart):
    frame = HeartFrame.of(heart)
    whole, plane = cell_centres(40, 3.5), 20
    position = whole[0, 0, plane, 2]
    centres = cell_centres(40, 3.5, position)
    assert_allclose(centres, whole[:, :, plane].swapaxes(0, 1))
    assert (wall_image(heart, frame, centres) == wall_image(heart, frame, whole)[:, :, plane].T).mean() > 0.995


def test_a_slice_shows_two_cavities(heart):
    frame = HeartFrame.of(heart)
    image = wall_image(heart, frame, cell_centres(64, 2.2, frame.slice_mm(0.7)))
    holes = ndimage.label(~image)[0]
    assert np.sort(np.bincount(holes.ravel())[1:])[-3:].min() > 30


def test_hearts_larger_than_the_image_and_slices_beside_the_heart_are_refused(heart):
    frame = HeartFrame.of(heart)
    with pytest.raises(GeometryError, match=r"the wall measures .* mm, more than the image"):
        wall_image(heart, frame, cell_centres(20, 3.0, 0.0))
    with pytest.raises(GeometryError, match=r"0 of 0 cells"):
        wall_image(heart, frame, cell_centres(64, 2.2, 90.0))


def test_a_heart_that_points_to_the_front_has_no_front(heart):
    turned = heart.assign_attrs(apex_direction=[0.1, -0.994987, 0.0])
    with pytest.raises(GeometryError, match="points to the body's front"):
        HeartFrame.of(turned)
