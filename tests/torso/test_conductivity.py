"""Effective conductivity of elements that hold several tissues."""

import numpy as np
import pytest

from transmural.anatomy.image import Label, LabelImage
from transmural.stores.config.physics import Conductivity
from transmural.torso.conductivity import bulk_conductivity
from transmural.torso.mesh import hex_mesh

SIGMA = Conductivity(
    torso=0.2,
    lung=0.05,
    blood=0.6,
    intracellular_along=0.2,
    intracellular_across=0.1,
    extracellular_along=0.6,
    extracellular_across=0.2,
)
ALONG, ACROSS = 0.8, 0.3


def one_cell(labels, edge_voxels, fibre=None, offset=(0, 0, 0)):
    """Conductivity of one cell of the given edge whose corner lies ``offset`` voxels into the image."""
    image = LabelImage(labels.astype(np.uint8), 2.0, np.array([10.0, 20.0, 30.0]))
    corner = image.origin_mm - 1.0 + 2.0 * np.array(offset)
    mesh = hex_mesh(np.zeros((1, 3), dtype=np.int64), np.zeros(1, dtype=np.int64), corner, 2.0 * edge_voxels)
    index = np.argwhere(labels == Label.LV_MYOCARDIUM)
    fibre = np.tile([1.0, 0.0, 0.0] if fibre is None else fibre, (len(index), 1))
    return bulk_conductivity(mesh, image, index, fibre, SIGMA)[:, :, 0]


def layers(axis, lower, upper, share):
    labels = np.full((8, 8, 8), lower)
    np.moveaxis(labels, axis, 0)[int(8 * share) :] = upper
    return labels


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_layers_conduct_in_series_across_and_in_parallel_along(axis, share):
    tensor = one_cell(layers(axis, Label.TORSO, Label.LUNG, share), 8)[:, :, 0]
    expected = np.full(3, share * 0.2 + (1 - share) * 0.05)
    expected[axis] = 1 / (share / 0.2 + (1 - share) / 0.05)
    assert tensor == pytest.approx(np.diag(expected))


def test_oblique_layers_have_the_border_s_normal_as_axis():
    x, y, _ = np.meshgrid(*(np.arange(16),) * 3, indexing="ij")
    tensor = one_cell(np.where(x + y < 16, Label.TORSO, Label.LUNG), 10, offset=(3, 3, 3))[:, :, 0]
    value, vector = np.linalg.eigh(tensor)
    assert np.abs(vector[:, 0]) == pytest.approx([0.5**0.5, 0.5**0.5, 0.0], abs=0.01)
    assert value[0] == pytest.approx(2 / (1 / 0.2 + 1 / 0.05), rel=0.15)


def test_muscle_conducts_along_its_fibres():
    fibre = np.array([1.0, 2.0, -2.0]) / 3
    tensor = one_cell(np.full((4, 4, 4), Label.LV_MYOCARDIUM), 4, fibre)[:, :, 0]
    assert tensor == pytest.approx(ACROSS * np.eye(3) + (ALONG - ACROSS) * np.outer(fibre, fibre))


def test_layers_of_muscle_and_blood_keep_current_and_field_continuous():
    # Across the border the current density is one, along it the field is one, whatever the fibre.
    fibre = np.array([1.0, 1.0, 0.0]) / 2**0.5
    tensor = one_cell(layers(0, Label.LV_MYOCARDIUM, Label.LV_BLOOD, 0.5), 8, fibre)[:, :, 0]
    muscle = ACROSS * np.eye(3) + (ALONG - ACROSS) * np.outer(fibre, fibre)
    blood = 0.6 * np.eye(3)
    for along in np.eye(3):
        # Fields e1, e2 with equal tangential parts, equal normal currents, and the given mean.
        system = np.zeros((6, 6))
        system[:3, :3] = system[:3, 3:] = np.eye(3) / 2
        system[3, 1], system[3, 4] = 1, -1
        system[4, 2], system[4, 5] = 1, -1
        system[5, :3], system[5, 3:] = muscle[0], -blood[0]
        field = np.linalg.solve(system, np.r_[along, 0, 0, 0])
        assert tensor @ along == pytest.approx((muscle @ field[:3] + blood @ field[3:]) / 2)


def test_air_is_volume_without_conduction_octant_by_octant():
    octants = one_cell(layers(2, Label.TORSO, Label.AIR, 0.25), 8)
    lower, upper = octants[:, :, :4], octants[:, :, 4:]
    assert lower[0, 0] == pytest.approx(np.full(4, 0.1), rel=1e-4)
    assert np.abs(upper).max() < 1e-6


def test_octants_share_voxels_by_exact_volume():
    # A cell of 3 voxels has octants of 1.5: the border at 2 voxels leaves 1/3 of the upper ones in the body.
    octants = one_cell(layers(0, Label.TORSO, Label.AIR, 0.25), 3)
    assert octants[1, 1, 0::2] == pytest.approx(np.full(4, 0.2))
    assert octants[1, 1, 1::2] == pytest.approx(np.full(4, 0.2 / 3), rel=1e-4)
