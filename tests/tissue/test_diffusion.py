"""The diffusion operator: consistency, order, symmetry, boundaries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tissues import box

from transmural.stores.errors import GeometryError
from transmural.tissue.diffusion import diffusion_operator, largest_eigenvalue, transversely_isotropic

OBLIQUE = np.array([0.6, -0.5, 0.4])


def interior(index):
    """Voxels that neither lie at the boundary nor beside a voxel that does."""
    return ((index > index.min(axis=0) + 1) & (index < index.max(axis=0) - 1)).all(axis=1)


def random_wall(seed):
    generator = np.random.default_rng(seed)
    index = np.argwhere(generator.random((6, 5, 4)) < 0.7)
    return index, transversely_isotropic(generator.standard_normal((len(index), 3)), 1.0, 0.2)


def test_transversely_isotropic_tensor_has_its_two_conductivities():
    tensor = transversely_isotropic(OBLIQUE[None], 3.0, 0.5)[0]
    assert np.linalg.eigvalsh(tensor) == pytest.approx([0.5, 0.5, 3.0])
    assert tensor @ OBLIQUE == pytest.approx(3.0 * OBLIQUE)


def test_quadratic_fields_are_differentiated_exactly_in_the_interior():
    tissue = box((7, 8, 6), spacing_mm=1.5)
    tensor = transversely_isotropic(OBLIQUE[None], 2.0, 0.3)
    hessian = np.array([[1.0, 0.4, -0.3], [0.4, -2.0, 0.7], [-0.3, 0.7, 0.5]])
    x = tissue.voxel_position
    u = 0.5 * np.einsum("ni,ij,nj->n", x, hessian, x) + x @ [1.0, -2.0, 0.3] + 4.0
    operator = diffusion_operator(tissue.voxel_index, 1.5, np.repeat(tensor, len(x), axis=0))
    assert (operator @ u)[interior(tissue.voxel_index)] == pytest.approx(np.trace(tensor[0] @ hessian))


def truncation_error(count):
    """Largest error in ∇·(D∇u) for u = exp(p·x) and fibres that turn with z, on a grid of count³ voxels."""
    h, p, turn, tilt = 1 / count, np.array([1.1, -0.7, 0.9]), 2.0, 0.5
    index = np.argwhere(np.ones((count,) * 3, dtype=bool))
    x = h * index
    flat = np.sqrt(1 - tilt**2)
    fibre = np.stack([flat * np.cos(turn * x[:, 2]), flat * np.sin(turn * x[:, 2]), np.full(len(x), tilt)], axis=1)
    slope = turn * np.stack([-fibre[:, 1], fibre[:, 0], np.zeros(len(x))], axis=1)
    u = np.exp(x @ p)
    exact = u * (0.25 * p @ p + 0.75 * ((fibre @ p) ** 2 + tilt * slope @ p))
    error = diffusion_operator(index, h, transversely_isotropic(fibre, 1.0, 0.25)) @ u - exact
    return np.abs(error[(np.abs(x - 0.45) < 0.2).all(axis=1)]).max()


def test_operator_converges_at_second_order_for_turning_fibres():
    errors = [truncation_error(count) for count in (16, 32)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_operator_is_symmetric_and_semidefinite_with_rows_that_sum_to_exactly_zero(seed):
    operator = diffusion_operator(*random_wall(seed)[:1], 2.0, random_wall(seed)[1])
    dense = operator.toarray()
    assert (dense == dense.T).all()
    assert (operator @ np.ones(len(dense)) == 0).all()
    assert (operator.sum(axis=0) == 0).all()
    assert np.linalg.eigvalsh(dense).max() < 1e-12


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_operator_turns_with_the_wall(seed):
    index, tensor = random_wall(seed)
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    turned = diffusion_operator(index @ turn.T, 2.0, turn @ tensor @ turn.T)
    assert np.abs((turned - diffusion_operator(index, 2.0, tensor)).toarray()).max() < 1e-11


def test_energy_of_a_linear_field_is_exact_in_an_oblique_wall():
    block = box((14, 14, 6)).voxel_index
    index = block[np.abs(block[:, 0] - block[:, 1]) <= 2]
    fibre = np.random.default_rng(0).standard_normal((len(index), 3))
    tensor = transversely_isotropic(fibre, 1.0, 0.2)
    slope = np.array([0.3, -0.5, 0.8])
    u = 2.0 * index @ slope
    operator = diffusion_operator(index, 2.0, tensor)
    assert -u @ operator @ u == pytest.approx(np.einsum("i,nij,j->", slope, tensor, slope), rel=1e-9)


def test_slowest_mode_of_a_cable_converges_to_the_cosine_at_second_order():
    errors = []
    for count in (40, 80, 160):
        index = np.stack([np.arange(count), np.zeros(count, int), np.zeros(count, int)], axis=1)
        operator = diffusion_operator(index, 1 / count, np.tile(np.eye(3), (count, 1, 1))).toarray()
        errors.append(abs(np.sort(np.linalg.eigvalsh(-operator))[1] - np.pi**2))
    assert np.log2(errors[1] / errors[2]) > 1.7


def test_largest_eigenvalue_is_that_of_the_dense_matrix():
    operator = diffusion_operator(*random_wall(3)[:1], 2.0, random_wall(3)[1])
    assert largest_eigenvalue(operator) == pytest.approx(np.linalg.eigvalsh(-operator.toarray()).max(), rel=1e-3)


def test_tensors_that_are_not_positive_are_refused():
    index, tensor = random_wall(1)
    tensor[5] = np.diag([1.0, 1.0, -0.1])
    with pytest.raises(GeometryError, match=r"voxel 5 has an eigenvalue -0\.1"):
        diffusion_operator(index, 2.0, tensor)


def test_an_index_that_occurs_twice_is_refused():
    index = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    with pytest.raises(GeometryError, match="occurs twice"):
        diffusion_operator(index, 2.0, np.tile(np.eye(3), (3, 1, 1)))


def test_fibres_without_direction_are_refused():
    with pytest.raises(GeometryError, match="1 voxels have a fibre without direction"):
        transversely_isotropic(np.array([[1.0, 0, 0], [0, 0, 0]]), 1.0, 0.2)
