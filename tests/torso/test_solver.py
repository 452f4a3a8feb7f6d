"""Nested dissection and the direct solver."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.sparse.linalg import splu

from transmural.torso.solver import nested_dissection, solve_positive_definite, solve_up_to_constant


def grid_laplacian(count):
    """Graph Laplacian of a cubic grid, and the places of its points."""
    line = sp.diags([-np.ones(count - 1), 2 * np.ones(count), -np.ones(count - 1)], [-1, 0, 1]).tolil()
    line[0, 0] = line[-1, -1] = 1
    one = sp.eye(count)
    matrix = sum(
        sp.kron(sp.kron(*pair[:2]), pair[2]) for pair in ((line, one, one), (one, line, one), (one, one, line))
    )
    place = np.stack(np.meshgrid(*(np.arange(count),) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return sp.csr_matrix(matrix), place.astype(float)


@given(st.integers(1, 400), st.integers(0, 2**31))
@hypothesis_settings(max_examples=25, deadline=None)
def test_order_is_a_permutation_for_any_points_and_graph(count, seed):
    rng = np.random.default_rng(seed)
    graph = sp.random(count, count, density=min(1.0, 4 / count), random_state=rng) + sp.eye(count)
    # Coinciding points can't be cut; they must not stop the order.
    position = rng.integers(0, 4, size=(count, 3)).astype(float)
    order = nested_dissection(sp.csr_matrix(graph + graph.T), position)
    assert np.sort(order).tolist() == list(range(count))


def test_nested_dissection_fills_far_less_than_the_default_order():
    matrix, place = grid_laplacian(18)
    matrix = sp.csr_matrix(matrix + 0.1 * sp.eye(len(place)))
    order = nested_dissection(matrix, place)
    options = {"SymmetricMode": True}
    ours = splu(sp.csc_matrix(matrix[order][:, order]), permc_spec="NATURAL", diag_pivot_thresh=0.0, options=options)
    assert ours.nnz < 0.7 * splu(sp.csc_matrix(matrix)).nnz


def test_solutions_are_those_of_a_dense_solver():
    matrix, place = grid_laplacian(6)
    matrix = sp.csr_matrix(matrix + 0.3 * sp.eye(len(place)))
    load = np.random.default_rng(2).normal(size=(len(place), 5))
    expected = np.linalg.solve(matrix.toarray(), load)
    assert solve_positive_definite(matrix, load, place) == pytest.approx(expected)


def test_constants_are_split_off():
    matrix, place = grid_laplacian(6)
    load = np.random.default_rng(4).normal(size=(len(place), 3))
    load -= load.mean(axis=0)
    solution = solve_up_to_constant(matrix, load, place)
    assert matrix @ solution == pytest.approx(load, abs=1e-10)
    assert solution.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
