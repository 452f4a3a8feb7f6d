"""Coordinates, fibres and segments: analytic shells, the phantom's own frame, and independence of the pose."""

import numpy as np
import pytest
from phantoms import EMBEDDED, heart_coordinates, image_and_electrodes, relabelled, solved, subject

from transmural.anatomy.coordinates import ventricular_coordinates
from transmural.anatomy.fibres import local_directions
from transmural.anatomy.image import MYOCARDIUM, Label, LabelImage
from transmural.anatomy.landmarks import find_landmarks, without_atria
from transmural.anatomy.laplace import solve_laplace
from transmural.anatomy.phantom_heart import heart_frame
from transmural.anatomy.segments import aha_segments
from transmural.anatomy.wall import Wall

POSES = ({}, {"azimuth_deg": -75.0, "elevation_deg": 20.0, "roll_deg": -30.0})


def shell(step, inner=20.0, outer=40.0):
    """A spherical left ventricular wall around blood, with the exact harmonic function 0 inside and 1 outside."""
    half = int(np.ceil(outer / step)) + 2
    axis = np.arange(-half, half + 1) * step
    radius = np.sqrt(sum(a**2 for a in np.ix_(axis, axis, axis)))
    labels = np.select([radius < inner, radius < outer], [Label.LV_BLOOD, Label.LV_MYOCARDIUM], Label.TORSO)
    wall = Wall.of(LabelImage(labels.astype(np.uint8), step, np.full(3, axis[0])))
    prescribed = np.where(wall.beyond == Label.LV_BLOOD, 0.0, np.where(wall.beyond == Label.TORSO, 1.0, np.nan))
    r = np.linalg.norm(wall.position_mm, axis=1)
    return solve_laplace(wall.neighbour, prescribed, "shell"), (1 / inner - 1 / r) / (1 / inner - 1 / outer)


def test_laplace_solution_in_a_spherical_shell_converges_to_the_harmonic_one():
    errors = []
    for step in (4.0, 2.0):
        solution, exact = shell(step)
        errors.append(np.sqrt(np.mean((solution - exact) ** 2)))
    assert errors[1] < 0.6 * errors[0]  # steps on the surface: first order
    assert errors[1] < 0.03


def test_laplace_solution_in_a_slab_is_linear():
    labels = np.full((9, 5, 5), Label.LV_MYOCARDIUM, np.uint8)
    labels[:2], labels[-2:] = Label.LV_BLOOD, Label.TORSO
    wall = Wall.of(LabelImage(labels, 2.0, np.zeros(3)))
    prescribed = np.where(wall.beyond == Label.LV_BLOOD, 0.0, np.where(wall.beyond == Label.TORSO, 1.0, np.nan))
    solution = solve_laplace(wall.neighbour, prescribed, "slab", tolerance=1e-10)
    assert solution == pytest.approx((wall.index[:, 0] - 1.5) / 5, abs=1e-8)


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("voxel_mm", [2.0, 3.0])
def test_long_axis_and_septum_are_found_without_knowing_the_pose(name, voxel_mm):
    _, landmarks, _, _ = solved(name, voxel_mm)
    frame = heart_frame(subject(name))
    assert landmarks.apex_direction @ frame.apex > np.cos(np.radians(3))
    assert landmarks.septal_direction @ frame.right > np.cos(np.radians(5))
    length = subject(name).lv_length_mm
    assert landmarks.cavity_mm == pytest.approx(length, abs=1.5 * voxel_mm)
    assert landmarks.length_mm == pytest.approx(length + subject(name).lv_wall_mm, abs=1.5 * voxel_mm)


@pytest.mark.parametrize("name", EMBEDDED)
def test_base_is_the_rim_of_both_ventricles_and_nothing_else(name):
    wall, landmarks, _, _ = solved(name, 2.0)
    t = heart_coordinates(name, wall.position_mm)[:, 2]
    assert t[landmarks.base].max() < 3.0
    top = t < 1.0
    assert landmarks.base[top & wall.left].mean() > 0.95
    assert landmarks.base[top & ~wall.left].mean() > 0.9


@pytest.mark.parametrize("name", EMBEDDED)
def test_transmural_runs_from_endocardium_to_epicardium(name):
    wall, landmarks, coordinates, _ = solved(name, 2.0)
    tau = coordinates.transmural
    assert tau.min() >= 0
    assert tau.max() <= 1
    left_blood, right_blood = ((wall.beyond == label).any(axis=1) for label in (Label.LV_BLOOD, Label.RV_BLOOD))
    outside = (wall.beyond == Label.TORSO).any(axis=1) & ~landmarks.base
    assert tau[wall.left & left_blood].max() < 0.35
    assert tau[wall.left & right_blood].min() > 0.65
    assert tau[wall.left & outside].min() > 0.65
    assert np.median(tau[~wall.left & right_blood]) < 0.4
    assert np.median(tau[~wall.left & outside]) > 0.6


def test_transmural_is_linear_in_depth_where_the_wall_is_nearly_flat():
    chosen = subject("slender")
    wall, _, coordinates, _ = solved("slender", 2.0)
    r, s, t = heart_coordinates("slender", wall.position_mm).T
    level = np.abs(t - 0.15 * chosen.lv_length_mm) < 6
    lateral = wall.left & level & (np.abs(np.arctan2(s, -r)) < np.radians(60))
    radius = np.hypot(r, s)[lateral]
    inner, outer = chosen.lv_radius_mm * 1.016, chosen.lv_radius_mm * 1.016 + chosen.lv_wall_mm
    exact = np.log(radius / inner) / np.log(outer / inner)  # a long cylinder
    assert coordinates.transmural[lateral] == pytest.approx(exact, abs=0.12)
    assert np.abs(coordinates.transmural[lateral] - exact).mean() < 0.04


def test_transmural_rises_along_every_outward_line():
    wall, _, coordinates, _ = solved("slender", 2.0)
    r, s, t = heart_coordinates("slender", wall.position_mm).T
    chosen = wall.left & (t > 10) & (t < 45)
    column = np.floor(np.degrees(np.arctan2(s, r))[chosen] / 15) * 100 + np.floor(t[chosen] / 7)
    depth, tau = np.hypot(r, s)[chosen], coordinates.transmural[chosen]
    for value in np.unique(column):
        members = column == value
        assert np.corrcoef(depth[members], tau[members])[0, 1] > 0.9


def test_the_base_plane_is_not_epicardium():
    wall, landmarks, coordinates, _ = solved("slender", 2.0)
    r, s, _ = heart_coordinates("slender", wall.position_mm).T
    base = landmarks.base & wall.left
    depth = (np.hypot(r, s)[base] - subject("slender").lv_radius_mm) / subject("slender").lv_wall_mm
    assert np.abs(coordinates.transmural[base] - depth).mean() < 0.12


def test_a_wall_that_tapers_towards_the_valve_has_its_slope_as_epicardium():
    image, _ = image_and_electrodes("slender", 2.0)
    rim = subject("slender").lv_radius_mm + 2.0

    def taper(labels):
        index = np.argwhere(labels == Label.LV_MYOCARDIUM)
        r, s, t = heart_coordinates("slender", image.position(index)).T
        slope = (r < 0) & (t < (np.hypot(r, s) - rim) * np.tan(np.radians(40)))
        labels[tuple(index[slope].T)] = Label.TORSO

    tapered = relabelled(image, taper)
    wall = Wall.of(tapered)
    landmarks = find_landmarks(tapered, wall)
    tau = ventricular_coordinates(wall, landmarks).transmural
    r, s, t = heart_coordinates("slender", wall.position_mm).T
    lateral = wall.left & (r < -4) & (wall.beyond == Label.TORSO).any(axis=1)
    slope = lateral & (np.hypot(r, s) > rim + 4) & (t < 12)
    assert slope.sum() > 40
    assert np.median(tau[slope]) > 0.75
    assert (tau[slope] < 0.5).mean() < 0.02
    assert not landmarks.base[slope].any()
    assert landmarks.base[lateral & (t < 1)].mean() > 0.9


@pytest.mark.parametrize("name", EMBEDDED)
def test_apicobasal_rises_from_apex_to_base(name):
    wall, landmarks, coordinates, _ = solved(name, 2.0)
    t = heart_coordinates(name, wall.position_mm)[:, 2]
    level = coordinates.apicobasal
    assert level.min() >= 0
    assert level.max() <= 1
    assert level[landmarks.base].min() > 0.9
    assert level[t > t.max() - 3].max() < 0.1
    height = 1 - t / landmarks.length_mm
    assert np.abs(level - height)[wall.left].mean() < 0.05
    assert np.corrcoef(level[~wall.left], t[~wall.left])[0, 1] < -0.95


@pytest.mark.parametrize("name", EMBEDDED)
def test_rotation_counts_from_mid_septum_towards_the_anterior_wall(name):
    wall, _, coordinates, _ = solved(name, 2.0)
    r, s, t = heart_coordinates(name, wall.position_mm).T
    chosen = wall.left & (t < 55)
    difference = np.angle(np.exp(1j * (coordinates.rotational - np.arctan2(s, r))))[chosen]
    assert np.abs(np.degrees(difference)).max() < 12
    assert np.abs(np.degrees(difference)).mean() < 4


def test_coordinates_do_not_depend_on_the_pose():
    spread = []
    for pose in POSES:
        wall, landmarks, coordinates, _ = solved("slender", 2.0, **pose)
        segment = aha_segments(wall, landmarks, coordinates)
        share = np.bincount(segment, minlength=19)[1:] / len(segment)
        quantiles = np.arange(0.1, 0.95, 0.1)
        spread.append(
            np.concatenate(
                [np.quantile(v[wall.left], quantiles) for v in (coordinates.transmural, coordinates.apicobasal)]
                + [10 * share]
            )
        )
    assert spread[1] == pytest.approx(spread[0], abs=0.05)


def test_atria_of_blood_do_not_change_landmarks_and_coordinates():
    image, _ = image_and_electrodes("slender", 3.0)
    _, landmarks, coordinates, _ = solved("slender", 3.0)

    def add_atria(labels):
        index = np.argwhere(labels == Label.TORSO)
        r, s, t = heart_coordinates("slender", image.position(index)).T
        atrium = (t < 0) & (t > -40) & (np.hypot(r + 12, s) < 25)
        labels[tuple(index[atrium].T)] = Label.LV_BLOOD

    ventricles = without_atria(relabelled(image, add_atria))
    wall = Wall.of(ventricles)
    with_atria = find_landmarks(ventricles, wall)
    assert with_atria.apex_direction @ landmarks.apex_direction > np.cos(np.radians(2))
    assert with_atria.length_mm == pytest.approx(landmarks.length_mm, abs=3)
    assert with_atria.cavity_mm == pytest.approx(landmarks.cavity_mm, abs=3)
    assert (with_atria.base == landmarks.base).mean() > 0.98
    change = ventricular_coordinates(wall, with_atria).transmural - coordinates.transmural
    assert np.abs(change).mean() < 0.01


@pytest.mark.parametrize("name", EMBEDDED)
def test_helix_angle_turns_linearly_from_plus_to_minus_sixty_degrees(name):
    wall, _, coordinates, fibre = solved(name, 2.0)
    frame = heart_frame(subject(name))
    r, s, t = heart_coordinates(name, wall.position_mm).T
    chosen = wall.left & (t > 10) & (t < 35)
    outward = np.outer(r, frame.right) + np.outer(s, frame.anterior)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    around = np.cross(-frame.apex, outward)  # counter-clockwise seen from the base
    along, up = np.sum(fibre * around, axis=1)[chosen], -(fibre @ frame.apex)[chosen]
    angle = np.degrees(np.arctan(up / along))
    slope, at_endocardium = np.polyfit(coordinates.transmural[chosen], angle, 1)
    assert at_endocardium == pytest.approx(60, abs=5)
    assert at_endocardium + slope == pytest.approx(-60, abs=5)


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("voxel_mm", [2.0, 3.0])
def test_fibres_are_unit_vectors_along_the_wall(name, voxel_mm):
    wall, landmarks, coordinates, fibre = solved(name, voxel_mm)
    assert np.linalg.norm(fibre, axis=1) == pytest.approx(1, abs=1e-9)
    transmural, longitudinal = local_directions(wall, landmarks, coordinates)
    assert np.abs(np.sum(fibre * transmural, axis=1)).max() < 1e-6
    assert np.abs(np.sum(transmural * longitudinal, axis=1)).max() < 1e-6


@pytest.mark.parametrize("name", EMBEDDED)
def test_transmural_direction_is_the_walls_normal(name):
    wall, landmarks, coordinates, _ = solved(name, 2.0)
    transmural, _ = local_directions(wall, landmarks, coordinates)
    frame = heart_frame(subject(name))
    r, s, t = heart_coordinates(name, wall.position_mm).T
    chosen = wall.left & (np.abs(t - 0.15 * subject(name).lv_length_mm) < 8)
    normal = (np.outer(r, frame.right) + np.outer(s, frame.anterior))[chosen]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    # Where the right ventricle inserts the wall has no outer surface, so only most of it is asked for.
    assert np.median(np.sum(normal * transmural[chosen], axis=1)) > 0.98


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("voxel_mm", [2.0, 3.0])
def test_segments_follow_the_american_heart_association(name, voxel_mm):
    wall, landmarks, coordinates, _ = solved(name, voxel_mm)
    segment = aha_segments(wall, landmarks, coordinates)
    assert set(segment.tolist()) == set(range(1, 19))
    assert (segment[~wall.left] == 18).all()
    centre = {k: heart_coordinates(name, wall.position_mm[segment == k]).mean(axis=0) for k in range(1, 19)}
    for ring in (range(1, 7), range(7, 13)):
        angles = np.degrees([np.arctan2(centre[k][1], centre[k][0]) for k in ring])
        assert np.abs(np.angle(np.exp(1j * np.radians(angles - [90, 30, -30, -90, -150, 150])))).max() < np.radians(12)
    angles = np.degrees([np.arctan2(centre[k][1], centre[k][0]) for k in range(13, 17)])
    assert np.abs(np.angle(np.exp(1j * np.radians(angles - [90, 0, -90, 180])))).max() < np.radians(12)
    levels = [np.mean([centre[k][2] for k in ring]) for ring in (range(1, 7), range(7, 13), range(13, 17), [17])]
    thirds = subject(name).lv_length_mm * np.array([1 / 6, 1 / 2, 5 / 6])
    assert levels[:3] == pytest.approx(thirds, abs=6)
    assert levels[3] > levels[2] + 8


@pytest.mark.parametrize("name", EMBEDDED)
def test_septal_segments_and_only_they_border_the_right_cavity(name):
    wall, landmarks, coordinates, _ = solved(name, 2.0)
    segment = aha_segments(wall, landmarks, coordinates)
    septal = wall.left & (wall.beyond == Label.RV_BLOOD).any(axis=1)
    share = {k: septal[segment == k].mean() for k in range(1, 18)}
    assert min(share[k] for k in (2, 3, 8, 9, 14)) > 0.03
    assert all(share[k] < 0.02 for k in (1, 4, 5, 6, 7, 10, 11, 12, 13, 15, 16, 17))


def test_segment_volumes_of_a_ring_are_alike():
    wall, landmarks, coordinates, _ = solved("broad", 2.0)
    count = np.bincount(aha_segments(wall, landmarks, coordinates), minlength=19)
    for ring in (slice(1, 7), slice(7, 13), slice(13, 17)):
        assert count[ring].max() < 1.35 * count[ring].min()


def test_the_wall_lists_every_myocardial_voxel_once_with_its_six_neighbours():
    image, _ = image_and_electrodes("slender", 3.0)
    wall = Wall.of(image)
    assert len(wall.index) == np.isin(image.labels, MYOCARDIUM).sum()
    voxel, face = np.nonzero(wall.neighbour >= 0)
    other = wall.neighbour[voxel, face]
    opposite = face ^ 1
    assert (wall.neighbour[other, opposite] == voxel).all()
    assert np.abs(wall.index[voxel] - wall.index[other]).sum(axis=1).max() == 1
    assert (np.isin(wall.beyond, MYOCARDIUM) == (wall.neighbour >= 0)).all()
