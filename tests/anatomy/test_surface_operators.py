import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.linalg import eigsh
from spherical_mesh import sphere

from transmural.anatomy.surface_operators import surface_operators
from transmural.stores.errors import GeometryError

RADIUS = 30.0


def harmonics(position):
    """Surface harmonics of degrees 1, 2 and 3."""
    x, y, z = position.T / RADIUS
    return {1: x - 0.5 * z, 2: x * y + z**2 - x**2, 3: x * y * z}


def test_eigenvalues_on_a_sphere_are_those_of_surface_harmonics():
    operators = surface_operators(*sphere(RADIUS, 4))
    found = -eigsh(operators.symmetric_laplacian, k=16, sigma=1e-3, return_eigenvectors=False)
    expected = np.concatenate([np.full(2 * degree + 1, degree * (degree + 1)) for degree in range(4)]) / RADIUS**2
    assert_allclose(np.sort(found), expected, rtol=0.01, atol=1e-8)


def test_laplacian_of_surface_harmonics_converges_at_second_order():
    errors = []
    for halvings in (2, 3, 4):
        position, faces = sphere(RADIUS, halvings)
        operators = surface_operators(position, faces)
        for degree, values in harmonics(position).items():
            difference = operators.laplacian @ values + degree * (degree + 1) / RADIUS**2 * values
            weighted = np.sqrt((operators.area_mm2 * difference**2).sum() / (operators.area_mm2 * values**2).sum())
            errors.append(weighted * RADIUS**2 / (degree * (degree + 1)))
    errors = np.array(errors).reshape(3, 3)
    assert errors[-1].max() < 0.02
    # Lumped areas of an icosahedron's corners and edges keep the mean error from the full second order.
    assert np.log2(errors[:-1] / errors[1:]).min() > 0.9


def test_constants_have_no_laplacian_and_weights_are_symmetric_and_not_negative():
    position, faces = sphere(RADIUS, 2)
    generator = np.random.default_rng(0)
    operators = surface_operators(position + generator.normal(scale=1.5, size=position.shape), faces)
    stiffness = operators.stiffness
    assert abs(stiffness @ np.ones(len(position))).max() < 1e-12
    assert abs(stiffness - stiffness.T).max() == 0
    assert (stiffness.toarray()[~np.eye(len(position), dtype=bool)] <= 1e-9).all()
    assert np.linalg.eigvalsh(operators.symmetric_laplacian.toarray()).max() < 1e-9


def test_gradient_is_the_root_of_the_stiffness():
    operators = surface_operators(*sphere(RADIUS, 2))
    difference = operators.gradient.T @ operators.gradient - operators.stiffness
    assert abs(difference).max() < 1e-12


def test_areas_of_the_vertices_sum_to_that_of_the_surface():
    position, faces = sphere(RADIUS, 4)
    assert surface_operators(position, faces).area_mm2.sum() == pytest.approx(4 * np.pi * RADIUS**2, rel=0.005)


def test_laplacian_is_self_adjoint_in_the_areas():
    position, faces = sphere(RADIUS, 2)
    operators = surface_operators(position, faces)
    f, g = np.random.default_rng(1).standard_normal((2, len(position)))
    inner = operators.area_mm2 * f @ (operators.laplacian @ g)
    assert inner == pytest.approx(operators.area_mm2 * g @ (operators.laplacian @ f), rel=1e-9)


def test_vertices_without_triangles_and_triangles_without_area_are_refused():
    position, faces = sphere(RADIUS, 1)
    with pytest.raises(GeometryError, match="1 of its 43 vertices belong to no triangle"):
        surface_operators(np.vstack([position, [0, 0, 0]]), faces)
    position[faces[0, 0]] = position[faces[0, 1]]
    with pytest.raises(GeometryError, match="triangles have no area"):
        surface_operators(position, faces)
