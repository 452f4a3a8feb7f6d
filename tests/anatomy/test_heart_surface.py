"""The closed surface of the wall, and the coarsening that makes it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from spherical_mesh import sphere

from transmural.anatomy.heart_surface import check_manifold, corner_angles_deg, edge_lengths_mm, heart_surface
from transmural.anatomy.image import Label
from transmural.anatomy.simplification import simplified
from transmural.anatomy.surface_points import nearest_on_surface, spread_points
from transmural.anatomy.triangles import TriangleMesh, oriented_volume_mm3
from transmural.stores.errors import GeometryError


@pytest.fixture(scope="module", params=[300, 600])
def surface(request, smoke_anatomy):
    return heart_surface(smoke_anatomy, request.param)


def mesh(surface):
    return TriangleMesh("surface", surface["vertex_position"].values, surface["face"].values.astype(np.int64))


def signed_volume(position, faces):
    a, b, c = (position - position[0])[faces].transpose(1, 0, 2)
    return np.einsum("ij,ij->", a, np.cross(b, c)) / 6


def test_surface_is_one_closed_manifold_without_handles(surface):
    check_manifold(mesh(surface))
    assert surface.attrs["euler_characteristic"] == 2
    assert surface.sizes["face"] == 2 * surface.sizes["vertex"] - 4


def test_surface_has_the_vertices_asked_for_and_encloses_the_wall(surface, smoke_anatomy):
    assert surface.sizes["vertex"] in (300, 600)
    volume = smoke_anatomy.sizes["voxel"] * smoke_anatomy.attrs["spacing_mm"] ** 3
    enclosed = signed_volume(surface["vertex_position"].values, surface["face"].values)
    assert enclosed == pytest.approx(volume, rel=0.25)
    assert enclosed == oriented_volume_mm3(mesh(surface))


def test_triangles_are_of_one_size_and_none_is_a_sliver(surface):
    position, faces = surface["vertex_position"].values, surface["face"].values
    angles, edges = corner_angles_deg(position, faces), edge_lengths_mm(position, faces)
    assert_allclose(angles.sum(axis=1), 180)
    assert angles.min() > 10
    assert np.quantile(angles.min(axis=1), 0.05) > 28
    assert edges.max() < 3 * np.median(edges)


def test_every_vertex_lies_at_its_voxel_of_the_wall(surface, smoke_anatomy):
    voxel = surface["vertex_voxel"].values
    gap = np.linalg.norm(smoke_anatomy["voxel_position"].values[voxel] - surface["vertex_position"].values, axis=1)
    assert gap.max() < 1.5 * smoke_anatomy.attrs["spacing_mm"]
    assert (surface["vertex_node"].values == smoke_anatomy["voxel_node"].values[voxel]).all()


def test_surface_has_both_endocardia_and_the_epicardium(surface, smoke_anatomy):
    transmural = smoke_anatomy["transmural"].values[surface["vertex_voxel"].values]
    assert (transmural < 0.25).mean() > 0.25
    assert (transmural > 0.75).mean() > 0.25


def test_the_outer_surface_encloses_wall_and_cavities(smoke_anatomy):
    outer = heart_surface(smoke_anatomy, 300, "outer")
    check_manifold(mesh(outer))
    assert outer.attrs["euler_characteristic"] == 2
    labels = smoke_anatomy["labels"].values
    within = np.isin(labels, [Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD]).sum()
    enclosed = signed_volume(outer["vertex_position"].values, outer["face"].values)
    assert enclosed == pytest.approx(within * smoke_anatomy.attrs["spacing_mm"] ** 3, rel=0.1)


def test_asking_for_too_many_vertices_names_the_subject(smoke_anatomy, smoke_subject):
    with pytest.raises(GeometryError, match=f"subject '{smoke_subject}': surface: has .* fewer than the 100000"):
        heart_surface(smoke_anatomy, 100_000)


def test_a_simplified_sphere_stays_on_the_sphere():
    position, faces = simplified(*sphere(20.0, 4), 200)
    check_manifold(TriangleMesh("sphere", position, faces))
    assert_allclose(np.linalg.norm(position, axis=1), 20.0, rtol=0.01)
    assert corner_angles_deg(position, faces).min() > 30
    assert signed_volume(position, faces) == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.05)


def test_a_sphere_can_be_no_coarser_than_a_tetrahedron():
    with pytest.raises(GeometryError, match="can't be simplified to 3 vertices"):
        simplified(*sphere(20.0, 1), 3)


def test_sheets_that_touch_in_one_vertex_are_no_manifold():
    position, faces = sphere(10.0, 1)
    other = faces + len(position)
    other[other == len(position)] = 0
    double = TriangleMesh("pair", np.vstack([position, position]), np.vstack([faces, other]))
    with pytest.raises(GeometryError, match=r"pair: .* join sheets that only touch there"):
        check_manifold(TriangleMesh("pair", np.delete(double.points, 42, axis=0), double.faces - (double.faces > 42)))


def test_nearest_points_of_a_sphere_lie_along_the_radius():
    position, faces = sphere(20.0, 3)
    place = np.random.default_rng(0).normal(size=(200, 3))
    place *= np.random.default_rng(1).uniform(15, 26, (200, 1)) / np.linalg.norm(place, axis=1, keepdims=True)
    weights = nearest_on_surface(place, position, faces)
    found = weights @ position
    assert_allclose(np.asarray(weights.sum(axis=1)).ravel(), 1)
    assert weights.data.min() >= 0
    expected = 20.0 * place / np.linalg.norm(place, axis=1, keepdims=True)
    assert np.linalg.norm(found - expected, axis=1).max() < 1.0


def test_spread_points_integrate_linear_functions_exactly():
    position, faces = sphere(20.0, 2)
    interpolation, area = spread_points(position, faces, 1.5)
    points = interpolation @ position
    centroid = position[faces].mean(axis=1)
    a, b, c = position[faces].transpose(1, 0, 2)
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    for function in (np.ones(3), np.array([1.0, -2.0, 0.5])):
        assert area @ (points @ function + 3) == pytest.approx(areas @ (centroid @ function + 3))
    assert_allclose(np.asarray(interpolation.sum(axis=1)).ravel(), 1)
