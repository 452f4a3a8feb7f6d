from dataclasses import replace

import numpy as np
import pytest

from transmural.inverse.solve import solve
from transmural.inverse.spectrum import spectrum
from transmural.inverse.tikhonov import tikhonov0, tikhonov1, tikhonov2

METHODS = {"tikhonov0": tikhonov0, "tikhonov1": tikhonov1, "tikhonov2": tikhonov2}


@pytest.fixture(scope="module")
def problem(heart):
    return heart.problem([0, 120, 250])[1]


def operator(problem, name):
    return {"tikhonov0": None, "tikhonov1": problem.graph.gradient, "tikhonov2": problem.graph.laplacian}[name]


def dense_regulariser(problem, name):
    """LᵀL with the stated identity term, built densely."""
    if name == "tikhonov0":
        return np.eye(problem.graph.nodes)
    dense = operator(problem, name).toarray()
    square = dense.T @ dense
    return square + 1e-8 * np.trace(square) / len(square) * np.eye(len(square))


@pytest.mark.parametrize("name", METHODS)
def test_solution_satisfies_the_normal_equations_of_the_chosen_weight(problem, name):
    found = METHODS[name](problem)
    modes = spectrum(problem.centred_transfer, operator(problem, name))
    weight = found.chosen["lambda"] * modes.values[0]
    transfer, square = problem.centred_transfer, dense_regulariser(problem, name)
    for case in range(problem.cases):
        data = transfer.T @ problem.ecg[case].astype(float)
        system = transfer.T @ transfer + weight[case] ** 2 * square
        exact = np.linalg.solve(system, data)
        scale = np.abs(exact).max()
        np.testing.assert_allclose(found.tmp[case].T, exact, atol=2e-5 * scale)
        residual = system @ found.tmp[case].T.astype(float) - data
        assert np.linalg.norm(residual) < 1e-4 * np.linalg.norm(data)


@pytest.mark.parametrize("name", METHODS)
def test_no_weight_fits_the_data_and_a_large_weight_gives_nothing(problem, name):
    modes = spectrum(problem.centred_transfer, operator(problem, name))
    coefficients = modes.coefficients(problem.ecg)
    free = modes.expand(coefficients, np.full(problem.cases, 1e-9 * modes.values[-1]))
    fitted = np.matmul(problem.centred_transfer, free.transpose(0, 2, 1).astype(float))
    reached = np.matmul(modes.lead_modes, coefficients)
    assert np.linalg.norm(fitted - reached) < 1e-3 * np.linalg.norm(reached)
    bound = modes.expand(coefficients, np.full(problem.cases, 1e6 * modes.values[0]))
    assert np.linalg.norm(bound) < 1e-9 * np.linalg.norm(free)


@pytest.mark.parametrize("name", METHODS)
def test_modes_decompose_the_transfer_matrix_and_are_orthonormal_in_the_regularising_norm(problem, name):
    modes = spectrum(problem.centred_transfer, operator(problem, name))
    gram = modes.node_modes @ dense_regulariser(problem, name) @ modes.node_modes.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-7)
    rebuilt = modes.lead_modes.T @ problem.centred_transfer @ modes.node_modes.T
    np.testing.assert_allclose(rebuilt, np.diag(modes.values), atol=1e-7 * modes.values[0])
    assert (np.diff(modes.values) <= 0).all()


@pytest.mark.parametrize("name", METHODS)
def test_reconstructions_have_zero_mean_over_the_heart_in_every_frame(problem, name):
    tmp = METHODS[name](problem).tmp
    assert np.abs(tmp.mean(axis=2, dtype=float)).max() < 1e-5 * np.abs(tmp).max()


@pytest.mark.parametrize("name", METHODS)
def test_a_constant_potential_changes_nothing(heart, problem, name):
    shifted = replace(problem, ecg=problem.ecg + (heart.transfer @ np.ones(heart.graph.nodes))[:, None])
    np.testing.assert_allclose(METHODS[name](shifted).tmp, METHODS[name](problem).tmp, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_reconstruction_is_proportional_to_the_ecg(problem, name):
    twice = replace(problem, ecg=2 * problem.ecg, noise_sd_mv=2 * problem.noise_sd_mv)
    np.testing.assert_allclose(METHODS[name](twice).tmp, 2 * METHODS[name](problem).tmp, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [*METHODS, "greensite"])
def test_a_case_does_not_depend_on_its_batch(problem, name):
    together = solve(name, problem)
    alone = solve(name, replace(problem, ecg=problem.ecg[1:2], noise_sd_mv=problem.noise_sd_mv[1:2]))
    np.testing.assert_array_equal(together.tmp[1], alone.tmp[0])


def test_higher_orders_give_smoother_potentials(problem):
    roughness = [
        np.linalg.norm(problem.graph.gradient @ method(problem).tmp[0].T) / np.linalg.norm(method(problem).tmp[0])
        for method in METHODS.values()
    ]
    assert roughness[0] > roughness[1] > roughness[2]
