import numpy as np
import pytest
from scipy import sparse
from sphere_heart import beat, double_layer, electrodes, single_layer, sphere

from transmural.inverse.stre import spatio_temporal, window_laplacian
from transmural.inverse.surface_tikhonov import surface_tikhonov

TIME = 8.0 * np.arange(14)


@pytest.fixture(scope="module", params=[double_layer, single_layer], ids=["double", "single"])
def problem(request):
    surface = sphere(2, 30.0)
    u, _ = beat(surface, np.array([0.3, -0.5, 0.8]), TIME, 6.0, radius_mm=18.0)
    transfer = request.param(surface, electrodes(24, 80.0) + np.array([20.0, 0.0, 0.0]))
    clean = transfer @ u.T
    noise = 0.03 * np.sqrt(np.mean(clean**2))
    return surface, u, transfer, clean + noise * np.random.default_rng(1).normal(size=clean.shape), noise


def objective(u, problem, space, time, window):
    """The three terms as the formula has them, with the identity term of LᵀL."""
    surface, _, transfer, data, _ = problem
    dense = surface.laplacian.toarray()
    small = 1e-8 * np.trace(dense.T @ dense) / len(dense)
    between = sum(np.sum((u[later:] - u[:-later]) ** 2) for later in range(1, window + 1))
    smooth = np.sum((u @ dense.T) ** 2) + small * np.sum(u**2)
    return np.sum((data - transfer @ u.T) ** 2) + space**2 * smooth + time**2 * between


def test_solution_is_that_of_the_dense_system(problem):
    surface, _, transfer, data, noise = problem
    found = spatio_temporal(data, transfer, surface.laplacian, noise, 3, time_weight=0.02)
    dense = surface.laplacian.toarray()
    square = dense.T @ dense
    square += 1e-8 * np.trace(square) / len(square) * np.eye(len(square))
    space = transfer.T @ transfer + found.space_weight**2 * square
    system = np.kron(np.eye(len(TIME)), space) + 0.02**2 * np.kron(window_laplacian(len(TIME), 3), np.eye(len(space)))
    expected = np.linalg.solve(system, (transfer.T @ data).T.ravel()).reshape(len(TIME), -1)
    np.testing.assert_allclose(found.potential, expected, atol=1e-4 * np.abs(expected).max())


def test_without_time_it_is_tikhonov_of_order_two(problem):
    surface, _, transfer, data, noise = problem
    found = spatio_temporal(data, transfer, surface.laplacian, noise, 3, time_weight=0.0)
    expected = surface_tikhonov(data, transfer, surface.laplacian, noise)
    assert found.space_weight == expected.weight
    scale = np.abs(expected.potential).max()
    np.testing.assert_allclose(found.potential, expected.potential, atol=1e-4 * scale)


def test_gradient_of_the_objective_is_zero_at_the_solution(problem):
    surface, _, transfer, data, noise = problem
    found = spatio_temporal(data, transfer, surface.laplacian, noise, 2)
    u = found.potential.astype(float)
    weights = (found.space_weight, found.time_weight, 2)
    least, draw = objective(u, problem, *weights), np.random.default_rng(0)
    for _ in range(5):
        way = draw.normal(size=u.shape)
        up, down = (objective(u + s * way, problem, *weights) for s in (1e-3, -1e-3))
        curvature = up + down - 2 * least
        assert curvature > 0
        assert abs(up - down) < 0.02 * curvature


def test_differences_are_those_of_the_window():
    x = np.random.default_rng(0).normal(size=9)
    expected = sum((x[t] - x[t + later]) ** 2 for later in (1, 2, 3) for t in range(9 - later))
    assert x @ window_laplacian(9, 3) @ x == pytest.approx(expected)


def test_large_time_weight_leaves_a_potential_that_stands_still(problem):
    surface, _, transfer, data, noise = problem
    found = spatio_temporal(data, transfer, surface.laplacian, noise, 2, time_weight=1e3)
    assert np.ptp(found.potential, axis=0).max() < 1e-4 * np.ptp(data)


def test_a_constant_that_the_electrodes_see_does_not_hide_the_corner():
    """Order one on potentials to potentials must show more than the mean of the surface."""
    surface = sphere(3, 30.0)
    u, _ = beat(surface, np.array([0.3, -0.5, 0.8]), TIME, 6.0, radius_mm=18.0)
    transfer = single_layer(surface, electrodes(60, 60.0))
    clean = transfer @ u.T
    noise = 0.005 * np.sqrt(np.mean(clean**2))
    data = clean + noise * np.random.default_rng(1).normal(size=clean.shape)
    found = surface_tikhonov(data, transfer, surface.gradient, noise).potential
    mean = np.repeat(u.mean(axis=1, keepdims=True), u.shape[1], axis=1)
    assert np.linalg.norm(found - u) < 0.8 * np.linalg.norm(mean - u)


def test_orders_zero_and_one_take_their_operators(problem):
    surface, _, transfer, data, noise = problem
    found = surface_tikhonov(data, transfer, None, noise)
    system = transfer.T @ transfer + found.weight**2 * np.eye(transfer.shape[1])
    expected = np.linalg.solve(system, transfer.T @ data).T
    np.testing.assert_allclose(found.potential, expected, atol=1e-4 * np.abs(expected).max())
    gradient = sparse.csr_array(surface.gradient)
    assert not np.allclose(surface_tikhonov(data, transfer, gradient, noise).potential, found.potential, atol=1e-3)
