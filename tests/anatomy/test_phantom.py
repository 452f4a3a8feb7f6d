"""The phantom has the sizes, pose and place that its parameters say, and refuses what makes no body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phantoms import EMBEDDED, heart_coordinates, image_and_electrodes, subject
from scipy import ndimage
from scipy.spatial import cKDTree

from transmural.anatomy.image import MYOCARDIUM, Label
from transmural.anatomy.phantom import phantom
from transmural.anatomy.phantom_heart import heart_frame, heart_labels
from transmural.stores.errors import GeometryError

HEART = (*MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)


def heart_on_fine_grid(name, step):
    axes = np.arange(-80, 100, step), np.arange(-60, 60, step), np.arange(-4, 110, step)
    r, s, t = np.ix_(*axes)
    return heart_labels(subject(name), step, r, s, t), (r, s, t)


def volume_ml(image, *labels):
    return np.isin(image.labels, labels).sum() * image.spacing_mm**3 / 1000


@pytest.mark.parametrize("name", EMBEDDED)
def test_left_wall_has_its_thickness_at_the_widest_level(name):
    labels, (_, _, t) = heart_on_fine_grid(name, 1.0)
    level = np.argmin(np.abs(t.ravel() - 0.15 * subject(name).lv_length_mm))
    area = [np.isin(labels[:, :, level], kinds).sum() for kinds in ([5], [3, 5])]
    inner, outer = np.sqrt(np.array(area) / np.pi)
    assert outer - inner == pytest.approx(subject(name).lv_wall_mm, abs=0.25)


@pytest.mark.parametrize("name", EMBEDDED)
def test_right_free_wall_has_its_thickness_everywhere(name):
    labels, _ = heart_on_fine_grid(name, 1.0)
    distance = ndimage.distance_transform_edt(labels != Label.RV_BLOOD)
    outside = np.isin(labels, [Label.AIR])
    rim = np.zeros_like(outside)
    rim[:, :, :8] = True  # at the open base the outside is near the cavity itself
    outer = (labels == Label.RV_MYOCARDIUM) & ndimage.binary_dilation(outside) & ~rim
    # A voxel's centre lies up to half a voxel inside either surface.
    assert np.percentile(distance[outer], 95) == pytest.approx(subject(name).rv_wall_mm, abs=1.0)
    assert np.median(distance[outer]) == pytest.approx(subject(name).rv_wall_mm, abs=0.6)


def test_left_cavity_has_the_volume_of_its_truncated_ellipsoid():
    chosen = subject("slender")
    t0, length = 0.15 * chosen.lv_length_mm, 0.85 * chosen.lv_length_mm
    radius2 = chosen.lv_radius_mm**2 / (1 - (t0 / length) ** 2)
    exact = np.pi * radius2 * ((length - 0) * 2 / 3 + t0 - t0**3 / (3 * length**2)) / 1000
    errors = []
    for step in (3.0, 1.5):
        labels, _ = heart_on_fine_grid("slender", step)
        errors.append(abs((labels == Label.LV_BLOOD).sum() * step**3 / 1000 / exact - 1))
    assert errors[1] < 0.02
    assert errors[0] < 0.08


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_hearts_have_human_sizes(name):
    image, _ = image_and_electrodes(name, 2.0)
    left_mass_g, right_mass_g = (1.05 * volume_ml(image, label) for label in MYOCARDIUM)
    assert 90 < left_mass_g < 180
    assert 20 < right_mass_g < 60
    assert 60 < volume_ml(image, Label.LV_BLOOD) < 160
    assert 60 < volume_ml(image, Label.RV_BLOOD) < 200
    assert 15_000 <= np.isin(image.labels, MYOCARDIUM).sum() <= 25_000


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_hearts_lie_left_of_the_midline_in_front_and_below_a_chest_wall(name):
    image, _ = image_and_electrodes(name, 3.0)
    heart = image.position(np.argwhere(np.isin(image.labels, HEART)))
    body = image.labels != Label.AIR
    skin = image.position(np.argwhere(body & ~ndimage.binary_erosion(body)))
    assert 0.55 < (heart[:, 0] > 0).mean() < 0.9
    assert heart[:, 1].mean() < -10
    assert 15 < cKDTree(heart).query(skin[skin[:, 1] < 0])[0].min() < 50


@pytest.mark.parametrize("name", EMBEDDED)
def test_lungs_lie_beside_the_heart_and_the_left_one_gives_way(name):
    image, _ = image_and_electrodes(name, 3.0)
    lung = image.position(np.argwhere(image.labels == Label.LUNG))
    left, right = (lung[:, 0] > 0).sum(), (lung[:, 0] < 0).sum()
    assert 0.6 < left / right < 0.95
    assert 2.0 < volume_ml(image, Label.LUNG) / 1000 < 5.0
    assert not (ndimage.binary_dilation(image.labels == Label.LUNG) & (image.labels == Label.AIR)).any()


def test_the_embedded_subjects_differ_clearly():
    slender, broad = (image_and_electrodes(name, 2.0)[0] for name in EMBEDDED)
    assert volume_ml(broad, Label.LV_MYOCARDIUM) > 1.15 * volume_ml(slender, Label.LV_MYOCARDIUM)
    assert subject("slender").elevation_deg - subject("broad").elevation_deg >= 20
    assert volume_ml(broad, *range(1, 7)) > 1.25 * volume_ml(slender, *range(1, 7))


@settings(max_examples=5, deadline=None)
@given(azimuth=st.floats(-80, 0), elevation=st.floats(0, 70), roll=st.floats(-40, 40))
def test_pose_leaves_the_ventricles_sizes_alone(azimuth, elevation, roll):
    turned = {"azimuth_deg": azimuth, "elevation_deg": elevation, "roll_deg": roll}
    image, _ = phantom(subject("slender", heart_centre_mm=(0.0, 0.0, 10.0), **turned), 3.0, 16)
    reference, _ = image_and_electrodes("slender", 3.0)
    for label in HEART:
        assert volume_ml(image, label) == pytest.approx(volume_ml(reference, label), rel=0.05)


def test_right_ventricle_lies_right_and_in_front_and_roll_turns_it_down():
    for roll, down in ((0.0, 0.0), (30.0, -0.5)):
        frame = heart_frame(subject("slender", roll_deg=roll, elevation_deg=0.0, azimuth_deg=-45.0))
        assert frame.right == pytest.approx(
            np.array([-np.sqrt(0.5) * np.cos(np.radians(roll)), -np.sqrt(0.5) * np.cos(np.radians(roll)), down])
        )
        assert frame.anterior[2] > 0.8


def test_heart_frame_is_orthonormal():
    frame = heart_frame(subject("broad"))
    axes = np.stack([frame.right, frame.anterior, frame.apex])
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.cross(frame.right, frame.apex) == pytest.approx(frame.anterior)


@pytest.mark.parametrize("name", EMBEDDED)
def test_blood_meets_torso_at_the_base_only(name):
    image, _ = image_and_electrodes(name, 2.0)
    outside = np.isin(image.labels, [Label.AIR, Label.TORSO, Label.LUNG])
    contact = np.isin(image.labels, [Label.LV_BLOOD, Label.RV_BLOOD]) & ndimage.binary_dilation(outside)
    t = heart_coordinates(name, image.position(np.argwhere(contact)))[:, 2]
    assert t.min() >= 0
    assert t.max() < 2 * image.spacing_mm


@pytest.mark.parametrize("voxel_mm", [2.0, 3.0])
@pytest.mark.parametrize("name", EMBEDDED)
def test_the_wall_hangs_together_by_voxel_faces(name, voxel_mm):
    image, _ = image_and_electrodes(name, voxel_mm)
    assert ndimage.label(np.isin(image.labels, MYOCARDIUM))[1] == 1
    for label in MYOCARDIUM:
        sizes = np.bincount(ndimage.label(image.labels == label)[0].ravel())[1:]
        assert sizes.max() > 0.995 * sizes.sum()


@settings(max_examples=5, deadline=None)
@given(count=st.integers(16, 400))
def test_any_number_of_electrodes_lies_on_the_skin(count):
    image, electrodes = phantom(subject("slender"), 4.0, count)
    assert len(set(electrodes.names)) == count
    assert len(np.unique(electrodes.positions_mm, axis=0)) == count
    body = image.labels != Label.AIR
    skin = image.position(np.argwhere(body & ~ndimage.binary_erosion(body)))
    assert cKDTree(skin).query(electrodes.positions_mm)[0].max() < image.spacing_mm


def test_electrodes_are_densest_over_the_left_anterior_chest():
    _, electrodes = image_and_electrodes("slender", 3.0)
    x, y, _ = electrodes.positions_mm.T
    quarters = {(left, front): ((x > 0) == left) & ((y < 0) == front) for left in (0, 1) for front in (0, 1)}
    counts = {key: int(chosen.sum()) for key, chosen in quarters.items()}
    assert max(counts, key=counts.get) == (1, 1)
    assert electrodes.names[0] == "E001"
    assert electrodes.names[-1] == "E120"


BAD = {
    "heart beside the torso": ({"heart_centre_mm": (140.0, -25.0, 15.0)}, "heart_centre_mm"),
    "heart far away": ({"heart_centre_mm": (900.0, 0.0, 0.0)}, "heart_centre_mm"),
    "heart under the skin": ({"heart_centre_mm": (25.0, -58.0, 15.0)}, "heart_centre_mm"),
    "heart below the torso": ({"heart_centre_mm": (25.0, -25.0, -200.0)}, "heart_centre_mm"),
    "torso too slim": ({"torso_semi_axes_mm": (70.0, 55.0)}, "torso_semi_axes_mm"),
    "torso of no width": ({"torso_semi_axes_mm": (-10.0, 100.0)}, "torso_semi_axes_mm"),
    "round ventricle": ({"lv_length_mm": 40.0, "lv_radius_mm": 35.0}, "lv_length_mm"),
    "right wall thicker": ({"rv_wall_mm": 12.0}, "rv_wall_mm"),
    "huge right ventricle": ({"rv_radius_mm": 50.0}, "rv_radius_mm"),
    "no room for lungs": ({"lung_scale": 0.3, "heart_centre_mm": (70.0, -5.0, -20.0)}, "lung_scale"),
}


@pytest.mark.parametrize(("changes", "key"), BAD.values(), ids=BAD.keys())
def test_impossible_subjects_are_refused_by_the_name_of_their_key(changes, key):
    with pytest.raises(GeometryError, match=key):
        phantom(subject("slender", **changes), 4.0, 16)


def test_walls_thinner_than_the_voxels_are_refused():
    with pytest.raises(GeometryError, match=r"rv_wall_mm .4. .*voxel_mm.* at most 4"):
        phantom(subject("slender"), 4.5, 16)
    with pytest.raises(GeometryError, match="lv_wall_mm"):
        phantom(subject("slender", lv_wall_mm=6.0), 3.5, 16)
