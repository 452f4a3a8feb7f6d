"""Bodies in which one thing is otherwise than the transfer matrix that is inverted says."""

import numpy as np
import pytest
from hearts import VOXEL_MM, small_body
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation
from test_transfer import ANISOTROPIC

from transmural.anatomy.image import Label
from transmural.stores.config.robustness import Conductivities, Electrodes, Noise, Pose
from transmural.stores.errors import GeometryError
from transmural.torso.electrodes import attach_to_skin
from transmural.torso.octree import graded_hexahedra, largest_element_mm
from transmural.torso.pose import displaced_heart
from transmural.torso.transfer import image_of, transfer, voxel_transfer
from transmural.torso.variations import scaled_conductivity, shifted_electrodes, varied_body, varied_transfer

HEART = (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD)
BLOCK_MM = 12.0


@pytest.fixture(scope="module")
def anatomy():
    return small_body()


@pytest.fixture(scope="module")
def matrices(anatomy):
    return transfer(anatomy, ANISOTROPIC)


def displaced(anatomy, shift=(0, 0, 0), turn=(0, 0, 0)):
    return displaced_heart(anatomy, np.array(shift, dtype=float), Rotation.from_rotvec(turn, degrees=True), BLOCK_MM)


def heart_positions(anatomy):
    return image_of(anatomy).position(anatomy["voxel_index"].values)


def test_a_transfer_matrix_for_ecgs_only_is_that_for_both(anatomy, matrices):
    alone = voxel_transfer(anatomy, ANISOTROPIC)
    assert_array_equal(alone["transfer_fine"], matrices["transfer_fine"])
    assert "transfer" not in alone


@pytest.mark.parametrize(
    "settings",
    [
        Electrodes(shift_mm=[0], towards=(0, 0, 1)),
        Pose(shift_mm=[0], towards=(1, 0, 0), rotation_deg=[0], axis=(0, 0, 1)),
        Conductivities(lung=[1], blood=[], muscle_across=[]),
    ],
)
def test_variations_of_nothing_change_nothing(anatomy, matrices, settings):
    for variation in settings.of("section"):
        varied = varied_transfer(anatomy, ANISOTROPIC, settings, variation)
        # Electrodes are turned by nothing, which rounds.
        assert_allclose(varied["transfer_fine"], matrices["transfer_fine"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        Electrodes(shift_mm=[10], towards=(0, 0, 1)),
        Pose(shift_mm=[9], towards=(1, 0, -1), rotation_deg=[15], axis=(0, 0, 1)),
        Conductivities(lung=[0.5], blood=[2], muscle_across=[0.5]),
    ],
)
def test_varied_rows_sum_to_zero_and_differ(anatomy, matrices, settings):
    unvaried = matrices["transfer_fine"].values
    for variation in settings.of("section"):
        rows = varied_transfer(anatomy, ANISOTROPIC, settings, variation)["transfer_fine"].values
        assert np.abs(rows.sum(axis=1)).max() < 1e-13 * np.abs(rows).sum(axis=1).min()
        assert np.linalg.norm(rows - unvaried) > 0.01 * np.linalg.norm(unvaried)


def test_shifted_electrodes_stay_on_the_skin_and_limbs_in_place(anatomy, matrices):
    shift = np.array([0, 0, 8.0])
    varied = shifted_electrodes(anatomy, shift)
    skin = attach_to_skin(image_of(varied), varied["electrode_position"].values)
    assert_allclose(attach_to_skin(image_of(varied), skin), skin, atol=1e-4)
    before = matrices["electrode_on_skin"].values
    moved = np.linalg.norm(skin - before[: len(skin)], axis=1)
    level = np.abs(before[: len(skin), 2]) < 30
    assert np.abs(moved[level] - 8.0).max() < 2 * VOXEL_MM
    assert moved.max() < 8.0 + 2 * VOXEL_MM
    assert_array_equal(varied["limb_electrode_position"], anatomy["limb_electrode_position"])


def test_a_heart_displaced_by_voxels_has_a_body_displaced_the_other_way(anatomy):
    varied = displaced(anatomy, (2 * VOXEL_MM, 0, -VOXEL_MM))
    body, moved = (image_of(a).labels != Label.AIR for a in (anatomy, varied))
    cells = [np.argwhere(mask) + np.round(np.array(a.attrs["origin_mm"]) / VOXEL_MM).astype(int)
             for mask, a in ((body, anatomy), (moved, varied))]  # fmt: skip
    expected, found = ({tuple(cell) for cell in cells[0] - np.array([2, 0, -1])}, {tuple(cell) for cell in cells[1]})
    assert found == expected
    assert_allclose(
        varied["electrode_position"], anatomy["electrode_position"] - np.array([2 * VOXEL_MM, 0, -VOXEL_MM]), atol=1e-9
    )


@pytest.mark.parametrize("turn", [(0, 0, 0), (0, 0, 20), (10, -5, 0)])
def test_the_heart_itself_stays_as_it_is(anatomy, turn):
    varied = displaced(anatomy, (5, 3, -4), turn)
    assert_allclose(heart_positions(varied), heart_positions(anatomy), atol=1e-9)
    for a in (varied, anatomy):
        index = tuple(a["voxel_index"].values.T)
        assert np.isin(a["labels"].values[index], (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM)).all()
    for label in HEART:
        assert (varied["labels"].values == label).sum() == (anatomy["labels"].values == label).sum()


def test_electrodes_turn_with_the_body_and_stay_by_its_skin(anatomy):
    varied = displaced(anatomy, turn=(0, 0, 30))
    centre = heart_positions(anatomy).mean(axis=0)
    before, after = (a["electrode_position"].values - centre for a in (anatomy, varied))
    # Seen from the heart the body turns the other way round.
    assert_allclose(after, Rotation.from_rotvec([0, 0, -30], degrees=True).apply(before), atol=1e-9)
    for a in (anatomy, varied):
        position = a["electrode_position"].values
        assert np.linalg.norm(attach_to_skin(image_of(a), position) - position, axis=1).max() < 1.5 * VOXEL_MM


def test_elements_in_the_heart_stay_where_they_are(anatomy):
    block = largest_element_mm(ANISOTROPIC.heart_element_mm, ANISOTROPIC.body_element_mm)
    sizes = ANISOTROPIC.heart_element_mm, ANISOTROPIC.body_element_mm
    varied = displaced_heart(anatomy, np.array([0, 0, 20.0]), Rotation.identity(), 3 * block)
    assert varied["labels"].shape != anatomy["labels"].shape
    before, after = (graded_hexahedra(image_of(a), *sizes).origin_mm for a in (anatomy, varied))
    shift = (after - before) / block
    assert_allclose(shift, np.round(shift), atol=1e-9)


def test_where_the_heart_was_is_what_was_nearest(anatomy):
    """A heart in a lung leaves lung behind, one in plain tissue leaves that."""
    labels = anatomy["labels"].values.copy()
    surroundings = np.isin(labels, HEART, invert=True) & (labels != Label.AIR)
    labels[surroundings] = Label.LUNG
    varied = displaced(anatomy.assign(labels=(("x", "y", "z"), labels)), (6, 0, 0))
    assert set(np.unique(varied["labels"])) <= {Label.AIR, Label.LUNG, *HEART}


def test_a_heart_can_not_leave_the_body(anatomy):
    with pytest.raises(GeometryError, match="stick out of the body"):
        displaced(anatomy, (0, -45, 0))


def test_a_factor_scales_one_tissue_only():
    values = ANISOTROPIC.conductivity.model_dump()
    for tissue, keys in {
        "lung": ["lung"],
        "blood": ["blood"],
        "muscle_across": ["intracellular_across", "extracellular_across"],
    }.items():
        scaled = scaled_conductivity(ANISOTROPIC, tissue, 0.5).conductivity.model_dump()
        assert {key for key in values if scaled[key] != values[key]} == set(keys)
        assert all(scaled[key] == 0.5 * values[key] for key in keys)


def test_noise_is_no_other_body(anatomy):
    settings = Noise(snr_db=[10])
    with pytest.raises(TypeError, match="doesn't vary the body"):
        varied_body(anatomy, ANISOTROPIC, settings, settings.of("noise")[0])
