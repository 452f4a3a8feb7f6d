"""The graded mesh: sizes, balance, coverage, continuity, and what its functions reproduce."""

import numpy as np
import pytest
from hearts import small_body
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from transmural.anatomy.image import Label, LabelImage
from transmural.stores.errors import ConfigurationError, GeometryError
from transmural.torso import octree
from transmural.torso.octree import graded_hexahedra


def body_image():
    anatomy = small_body()
    return LabelImage(anatomy["labels"].values, 3.0, np.array(anatomy.attrs["origin_mm"]))


@pytest.fixture(scope="module")
def mesh():
    return graded_hexahedra(body_image(), 3.5, 14.0)


def random_points(mesh, count, seed):
    rng = np.random.default_rng(seed)
    cell = rng.integers(len(mesh.lower), size=count)
    local = rng.random((count, 3)) * 2.0 ** mesh.level[cell, None]
    return mesh.origin_mm + mesh.unit_mm * (mesh.lower[cell] + local)


def test_smallest_cells_fill_the_heart_and_the_largest_are_of_the_asked_size(mesh):
    image = body_image()
    heart = image.position(np.argwhere(np.isin(image.labels, (Label.LV_MYOCARDIUM, Label.LV_BLOOD))))
    assert (mesh.level[mesh._cell_of((heart - mesh.origin_mm) / mesh.unit_mm)] == 0).all()
    assert mesh.unit_mm * 2.0 ** mesh.level.max() == 14.0


def test_cells_cover_the_body(mesh):
    image = body_image()
    body = np.argwhere(image.labels != Label.AIR)
    for corner in np.ndindex(2, 2, 2):
        point = image.position(body) + 0.499 * 3.0 * (2 * np.array(corner) - 1)
        assert (mesh._cell_of((point - mesh.origin_mm) / mesh.unit_mm) >= 0).all()


def test_neighbours_differ_by_one_level_at_most(mesh):
    # Points just outside each cell, across faces, edges and corners.
    edge = 2.0**mesh.level
    for direction in np.ndindex(3, 3, 3):
        step = np.array(direction) - 1
        point = mesh.lower + edge[:, None] / 2 + step * (edge[:, None] / 2 + 0.25)
        neighbour = mesh._cell_of(point)
        found = neighbour >= 0
        assert np.abs(mesh.level[neighbour[found]] - mesh.level[found]).max() <= 1


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.integers(0, 2**31))
@hypothesis_settings(max_examples=20, deadline=None)
def test_linear_functions_are_reproduced_across_hanging_vertices(mesh, coefficients, seed):
    *gradient, constant = coefficients
    point = random_points(mesh, 200, seed)
    value = mesh.interpolation(point, "points") @ (mesh.unknown_mm @ gradient + constant)
    assert value == pytest.approx(point @ gradient + constant, abs=1e-9)


def test_functions_are_continuous_between_cells_of_different_size(mesh):
    rng = np.random.default_rng(5)
    value = rng.normal(size=mesh.prolongation.shape[1])
    small = np.flatnonzero(mesh.level < mesh.level.max())
    edge = 2.0 ** mesh.level[small]
    for axis in range(3):
        local = rng.random((len(small), 3))
        local[:, axis] = 1.0
        face = mesh.lower[small] + edge[:, None] * local
        beyond, within = face.copy(), face.copy()
        beyond[:, axis] += 1e-7
        within[:, axis] -= 1e-7
        both = mesh._cell_of(beyond) >= 0
        a, b = (
            mesh.interpolation(mesh.origin_mm + mesh.unit_mm * point[both], "points") @ value
            for point in (beyond, within)
        )
        assert a == pytest.approx(b, abs=1e-4)


def test_points_in_the_air_are_refused(mesh):
    with pytest.raises(GeometryError, match="electrodes: 1 of 2 points lie outside"):
        mesh.interpolation(np.array([[0.0, 0.0, 0.0], [500.0, 0.0, 0.0]]), "electrodes")


def test_too_large_a_mesh_is_refused_with_the_key_to_change(monkeypatch):
    monkeypatch.setattr(octree, "LARGEST_MESH", 5000)
    with pytest.raises(ConfigurationError, match=r"torso\.heart_element_mm = 2 mm asks for [\d,]+ finite elements"):
        graded_hexahedra(body_image(), 2.0, 16.0)
    with pytest.raises(ConfigurationError, match=r"torso\.body_element_mm = 4 mm asks for"):
        graded_hexahedra(body_image(), 4.0, 4.0)


def test_image_without_a_heart_is_refused():
    labels = np.full((8, 8, 8), Label.TORSO, dtype=np.uint8)
    with pytest.raises(GeometryError, match="there is no heart"):
        graded_hexahedra(LabelImage(labels, 3.0, np.zeros(3)), 3.0, 12.0)
