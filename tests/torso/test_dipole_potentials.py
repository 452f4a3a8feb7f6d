"""Potentials of a wall's dipoles: forms of one sum, the far field, and where electrodes stand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from transmural.stores.errors import GeometryError
from transmural.tissue.diffusion import diffusion_operator
from transmural.torso.dipole_potentials import dipole_matrix, electrode_grid

ELECTRODES = np.array([[[0.0, -60.0, 0.0], [20.0, -60.0, 5.0]], [[-30.0, -70.0, 20.0], [55.0, 10.0, -30.0]]])


def block(shape=(20, 20, 20), spacing=2.0):
    index = np.argwhere(np.ones(shape, bool))
    return index, spacing * (index - (np.array(shape) - 1) / 2)


def shell(spacing=2.0):
    index, centre = block((24, 24, 24), spacing)
    radius = np.linalg.norm(centre, axis=1)
    kept = (radius < 22) & (radius > 12)
    return index[kept], centre[kept]


def smooth(centre):
    return np.exp(-((centre - [6, -4, 3]) ** 2).sum(axis=1) / 150)


def test_it_is_the_sum_of_sources_over_distance():
    """By parts: the dipoles of a wall without flux through its boundary are the sources ∇·∇v."""
    index, centre = shell()
    v = smooth(centre)
    source = diffusion_operator(index, 2.0, np.broadcast_to(np.eye(3), (len(index), 3, 3))) @ v * 8.0
    distance = np.linalg.norm(centre - ELECTRODES[..., None, :], axis=-1)
    assert_allclose(
        dipole_matrix(index, centre, 2.0, ELECTRODES) @ v, (source / distance).sum(-1) / 4 / np.pi, rtol=1e-9
    )


def test_it_is_the_sum_of_dipoles_with_vectors_to_the_electrode():
    errors = []
    for spacing, cells in ((2.0, 20), (1.0, 40)):
        index, centre = block((cells,) * 3, spacing)
        v = smooth(centre)
        gradient = np.stack(np.gradient(v.reshape((cells,) * 3), spacing), axis=-1).reshape(-1, 3)
        to_electrode = ELECTRODES[..., None, :] - centre
        kernel = to_electrode / np.linalg.norm(to_electrode, axis=-1, keepdims=True) ** 3
        expected = -(gradient * kernel).sum(axis=(-1, -2)) * spacing**3 / (4 * np.pi)
        found = dipole_matrix(index, centre, spacing, ELECTRODES) @ v
        errors.append(np.abs(found - expected).max() / np.abs(expected).max())
    assert errors[0] < 0.02
    assert errors[1] < 0.5 * errors[0]


def test_a_constant_potential_gives_nothing():
    index, centre = shell()
    matrix = dipole_matrix(index, centre, 2.0, ELECTRODES)
    assert matrix.shape == (2, 2, len(index))
    assert np.abs(matrix.sum(axis=-1)).max() < 1e-12 * np.abs(matrix).sum(axis=-1).max()


def test_far_away_a_wall_is_one_dipole():
    index, centre = block((8, 8, 8))
    v = 0.1 * centre[:, 0] - 0.05 * centre[:, 2]
    moment = -np.array([0.1, 0.0, -0.05]) * 16.0**3
    far = np.array([[400.0, 0, 0], [-200.0, 300, 100], [0, 0, 500.0]])
    expected = far @ moment / (4 * np.pi * np.linalg.norm(far, axis=1) ** 3)
    assert_allclose(dipole_matrix(index, centre, 2.0, far) @ v, expected, rtol=2e-3)


def test_a_front_that_comes_is_positive_and_one_that_leaves_negative():
    index, centre = block()
    depolarised = 1 / (1 + np.exp((centre[:, 1]) / 2))  # from the front, -y
    front, back = dipole_matrix(index, centre, 2.0, np.array([[0.0, -60, 0], [0, 60.0, 0]])) @ depolarised
    assert back > 0 > front


def test_a_slice_is_a_slab_without_gradient_across_it():
    index, centre = block((20, 20, 1))
    electrodes = np.array([[0.0, -60, 30], [10.0, -60, 0]])
    v = 0.1 * centre[:, 1]
    found = dipole_matrix(index, centre, 2.0, electrodes) @ v
    to_electrode = electrodes[:, None] - centre
    expected = -(0.1 * to_electrode[..., 1] / np.linalg.norm(to_electrode, axis=-1) ** 3).sum(1) * 8 / 4 / np.pi
    assert_allclose(found, expected, rtol=0.01)


def test_electrodes_stand_in_front_of_the_heart():
    _, centre = block((10, 12, 14))
    shifted = centre + np.array([100.0, 0, 0])
    grid = electrode_grid(shifted, np.array([0.0, -1, 0]), np.array([0.0, 0, 1]), 25.0, 15.0)
    assert grid.shape == (10, 10, 3)
    assert_allclose(grid[..., 1], centre[:, 1].min() - 25)
    assert_allclose(grid.mean(axis=(0, 1))[[0, 2]], [100, 0], atol=1e-9)
    assert_allclose(np.diff(grid[..., 2], axis=0), 15)
    assert_allclose(np.diff(grid[..., 0], axis=1), 15)
    wide = electrode_grid(shifted, np.array([1.0, 0, 0]), np.array([0.0, 0, -1]), 5.0, 10.0, (2, 3))
    assert wide.shape == (2, 3, 3)
    assert_allclose(wide[..., 0], shifted[:, 0].max() + 5)


def test_oblique_directions_and_electrodes_in_the_wall_are_refused():
    index, centre = block((6, 6, 6))
    with pytest.raises(GeometryError, match="unit vectors at right angles"):
        electrode_grid(centre, np.array([0.0, -1, 0]), np.array([0.0, 0.5, 1]), 25.0, 15.0)
    with pytest.raises(GeometryError, match=r"electrode \[7\.0, 0\.0, 0\.0\]: .* at least 4 mm"):
        dipole_matrix(index, centre, 2.0, np.array([[50.0, 0, 0], [7.0, 0, 0]]))
