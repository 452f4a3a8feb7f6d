"""Transfer matrices against analytic potentials of dipoles in spheres."""

import numpy as np
import pytest
from spheres import Spheres, rdm_and_mag, settings, surface_potential

from transmural.anatomy.image import Label
from transmural.torso.transfer import cardiac_source, transfer

# Eccentricities 0.2, 0.56 and 0.82 of the innermost sphere, in three directions.
BALLS = ((10.0, 0.0, 0.0), (0.0, -26.0, 10.0), (-16.0, 0.0, 38.0))
HOMOGENEOUS = Spheres((100.0,), (Label.TORSO,), BALLS, 6.0, 2.0)
LAYERED = Spheres((50.0, 80.0, 100.0), (Label.LV_BLOOD, Label.LUNG, Label.TORSO), BALLS, 6.0, 2.0)


def dipole_errors(spheres, config, sigma):
    """(RDM, MAG) of every ball's radial and tangential dipole."""
    anatomy = spheres.anatomy()
    body_surface = transfer(anatomy, config)["transfer_fine"].values[: anatomy.sizes["electrode"]]
    position = anatomy["voxel_position"].values
    source = cardiac_source(anatomy["voxel_index"].values, spheres.voxel_mm, anatomy["fibre"].values, config)
    errors = []
    for ball, centre in enumerate(spheres.balls):
        inside = np.linalg.norm(position - centre, axis=1) <= spheres.ball_radius + 1e-6
        for direction in spheres.dipole_directions(ball):
            v = inside * ((position - centre) @ direction)
            moment = position.T @ (source @ v)
            errors.append(rdm_and_mag(body_surface @ v, spheres.dipole_leads(anatomy, sigma, ball, moment)))
    return np.array(errors)


def test_series_of_a_central_dipole_is_the_closed_form():
    electrode = 80.0 * np.eye(3)
    found = surface_potential(electrode, np.zeros(3), np.array([1.0, -2.0, 3.0]), [80.0], [0.2])
    assert found == pytest.approx(3 * np.array([1.0, -2.0, 3.0]) / (4 * np.pi * 0.2 * 80.0**2))


def test_series_of_layers_of_one_conductivity_is_that_of_one_sphere():
    rng = np.random.default_rng(1)
    electrode = rng.normal(size=(20, 3))
    electrode *= 100 / np.linalg.norm(electrode, axis=1, keepdims=True)
    at, moment = np.array([10.0, 20.0, -15.0]), np.array([1.0, 0.5, -0.3])
    layered = surface_potential(electrode, at, moment, [50.0, 80.0, 100.0], [0.2, 0.2, 0.2])
    assert layered == pytest.approx(surface_potential(electrode, at, moment, [100.0], [0.2]))


def test_linear_potential_in_a_ball_is_a_dipole_of_the_ball_s_volume():
    spheres, config = HOMOGENEOUS, settings(4, 16, muscle=0.22)
    anatomy = spheres.anatomy()
    position = anatomy["voxel_position"].values
    source = cardiac_source(anatomy["voxel_index"].values, spheres.voxel_mm, anatomy["fibre"].values, config)
    inside = np.linalg.norm(position - spheres.balls[0], axis=1) <= spheres.ball_radius + 1e-6
    moment = position.T @ (source @ (inside * (position[:, 2] + 5.0)))
    # A rising potential is a dipole against the rise; single voxels that stick out of the ball give less.
    volume = inside.sum() * spheres.voxel_mm**3
    assert moment / (0.022 * volume) == pytest.approx([0.0, 0.0, -1.0], abs=0.05)


def test_dipoles_in_a_homogeneous_sphere_match_the_series():
    errors = dipole_errors(HOMOGENEOUS, settings(3, 12, muscle=0.22), [0.22])
    assert errors[:, 0].max() < 0.02
    assert np.abs(errors[:, 1] - 1).max() < 0.02


def test_dipoles_in_blood_lung_and_torso_match_the_series():
    errors = dipole_errors(LAYERED, settings(3, 12), [0.6, 0.06, 0.22])
    assert errors[:, 0].max() < 0.02
    assert np.abs(errors[:, 1] - 1).max() < 0.02
