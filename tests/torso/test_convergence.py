"""The error of leads falls at second order with the size of the elements, through borders that cut them."""

import numpy as np
import pytest
from boxes import layered_box, top_potential
from spheres import settings

from transmural.anatomy.image import Label
from transmural.torso.transfer import cardiac_source, transfer

SIZE, HEART, VOXEL_MM = np.array([64.0, 56.0, 48.0]), np.array([25.0, 31.0, 21.0]), 2.0


def relative_error(levels, labels, sigma, element_mm, **conductivity):
    """Root of the summed squared relative errors of the leads of dipoles along x, y and z."""
    anatomy = layered_box(SIZE, levels, labels, HEART, VOXEL_MM)
    config = settings(element_mm, element_mm, **conductivity)
    matrix = transfer(anatomy, config)["transfer_fine"].values[: anatomy.sizes["electrode"]]
    position = anatomy["voxel_position"].values
    source = cardiac_source(anatomy["voxel_index"].values, VOXEL_MM, anatomy["fibre"].values, config)
    electrode, limb = anatomy["electrode_position"].values, anatomy["limb_electrode_position"].values[:3]
    errors = []
    for axis in range(3):
        v = position[:, axis] - HEART[axis]
        moment = position.T @ (source @ v)
        true = top_potential(electrode, HEART, moment, SIZE, levels, sigma)
        true -= top_potential(limb, HEART, moment, SIZE, levels, sigma).mean()
        errors.append(np.linalg.norm(matrix @ v - true) / np.linalg.norm(true))
    return float(np.linalg.norm(errors))


def test_leads_converge_at_second_order_in_layers_that_elements_do_not_follow():
    layers = ([30.0, 38.0, 48.0], [Label.LV_BLOOD, Label.LUNG, Label.TORSO], [0.6, 0.06, 0.22])
    errors = np.array([relative_error(*layers, element_mm) for element_mm in (10.0, 5.0, 2.5)])
    assert np.log2(errors[:-1] / errors[1:]).min() > 1.6, errors


def test_leads_converge_at_second_order_in_a_homogeneous_box():
    box = ([48.0], [Label.TORSO], [0.22])
    errors = [relative_error(*box, element_mm, muscle=0.22) for element_mm in (7.0, 3.5)]
    assert np.log2(errors[0] / errors[1]) > 1.6, errors
    assert errors[1] < 0.03


def test_series_of_layers_of_one_conductivity_is_that_of_one_box():
    electrode = np.array([[5.0, 9.0, 48.0], [33.0, 50.0, 48.0], [60.0, 20.0, 48.0]])
    moment = np.array([1.0, 2.0, 3.0])
    one = top_potential(electrode, HEART, moment, SIZE, [48.0], [0.3])
    three = top_potential(electrode, HEART, moment, SIZE, [30.0, 38.0, 48.0], [0.3, 0.3, 0.3])
    assert three == pytest.approx(one)
