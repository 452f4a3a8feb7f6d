"""Drawing a surface: orientation, hidden faces, display weights and body-surface maps."""

import numpy as np
import pytest
from matplotlib.colors import Normalize

from transmural.report.body_map import body_surface_map
from transmural.report.heart_view import (
    ANTERIOR,
    POSTERIOR,
    draw_surface,
    heart_surface,
    outward,
    plain_surface,
    vertex_normals,
)
from transmural.report.style import new_figure


def test_anterior_view_has_the_patients_left_on_the_right_and_the_head_up():
    left, back, head = np.eye(3)
    np.testing.assert_allclose(ANTERIOR.project(left), [1, 0, 0])
    np.testing.assert_allclose(ANTERIOR.project(back), [0, 0, -1])
    np.testing.assert_allclose(ANTERIOR.project(head), [0, 1, 0])
    np.testing.assert_allclose(POSTERIOR.project(left), [-1, 0, 0])
    np.testing.assert_allclose(POSTERIOR.project(back), [0, 0, 1])


def test_normals_point_outward_whichever_way_the_faces_turn(heart):
    vertices = heart["torso_vertex"].values.astype(float)
    centred = vertices - vertices.mean(axis=0)
    for faces in (heart["torso_face"].values, heart["torso_face"].values[:, ::-1]):
        normals = vertex_normals(vertices, outward(vertices, faces.astype(int)))
        assert (np.einsum("ij,ij->i", normals[:, :2], centred[:, :2]) > 0).all()


def test_a_site_in_front_hides_one_behind(heart):
    """Paint the front red and the back blue: from the front nothing blue is seen."""
    vertices = heart["torso_vertex"].values.astype(float)
    surface = plain_surface(vertices, outward(vertices, heart["torso_face"].values.astype(int)))
    figure = new_figure(2, 2)
    axes = figure.subplots()
    front = (vertices[:, 1] <= vertices[:, 1].mean() + 1e-6).astype(float)
    mesh = draw_surface(axes, surface, front, ANTERIOR, "RdBu_r", Normalize(0, 1))
    drawn = np.unique(mesh._triangulation.triangles)
    assert front[drawn].all()


def test_display_weights_sum_to_one_and_keep_a_constant(heart):
    weights = heart_surface(heart).weights
    np.testing.assert_allclose(weights @ np.ones(heart.sizes["node"]), 1.0)
    assert weights.data.min() >= 0
    assert np.diff(weights.indptr).max() <= 4


def test_display_weights_stay_near_the_vertex(heart):
    surface = heart_surface(heart)
    reach = np.linalg.norm(surface.weights @ heart["node_position"].values - surface.vertices, axis=1)
    assert np.median(reach) < 12.0


def test_body_map_passes_through_the_electrodes_and_keeps_a_constant(heart):
    vertices, faces = heart["torso_vertex"].values, heart["torso_face"].values
    electrodes = heart["electrode_position"].values
    np.testing.assert_allclose(body_surface_map(vertices, faces, electrodes, np.full(40, 2.5)), 2.5, rtol=1e-4)
    values = electrodes[:, 0] / 150
    potential = body_surface_map(vertices, faces, electrodes, values)
    nearest = np.argmin(np.linalg.norm(vertices[None] - electrodes[:, None], axis=2), axis=1)
    np.testing.assert_allclose(potential[nearest], values, atol=0.01)


def test_body_map_of_a_smooth_field_is_near_it_between_electrodes(heart):
    vertices, faces = heart["torso_vertex"].values.astype(float), heart["torso_face"].values
    field = vertices[:, 0] / 150
    chosen = np.arange(0, len(vertices), 5)
    potential = body_surface_map(vertices, faces, vertices[chosen], field[chosen])
    assert np.linalg.norm(potential - field) / np.linalg.norm(field) < 0.05


@pytest.mark.parametrize("view", [ANTERIOR, POSTERIOR])
def test_views_are_right_handed(view):
    np.testing.assert_allclose(np.cross(view.right, view.up), view.toward)
