"""Closed surfaces are filled exactly, cavities are found from the wall, and unusable surfaces are named."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from skimage.measure import marching_cubes

from transmural.anatomy.cavities import enclosure, find_ventricles, part_wall
from transmural.anatomy.image import Label
from transmural.anatomy.phantom import phantom
from transmural.anatomy.surfaces import HeartAndTorso, frame_rotation, label_image
from transmural.anatomy.triangles import TriangleMesh, check_closed, merged, oriented_volume_mm3
from transmural.anatomy.voxelise import voxelise
from transmural.stores.config.subjects import Phantom
from transmural.stores.errors import GeometryError

SUBJECT = Phantom(
    source="phantom",
    lv_length_mm=70,
    lv_radius_mm=22,
    lv_wall_mm=10,
    rv_radius_mm=24,
    rv_wall_mm=4,
    heart_centre_mm=(25, -25, 0),
    azimuth_deg=-40,
    elevation_deg=45,
    roll_deg=10,
    torso_semi_axes_mm=(150, 110),
    torso_height_mm=300,
    lung_scale=0.9,
)


def ellipsoid(semi_axes, centre=(0, 0, 0), name="body", count=1500):
    """Hull of points spread evenly over an ellipsoid: a closed surface."""
    z = 1 - 2 * (np.arange(count) + 0.5) / count
    angle = np.pi * (3 - 5**0.5) * np.arange(count)
    unit = np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    hull = ConvexHull(unit)
    outward = np.einsum(
        "ij,ij->i", hull.equations[:, :3], np.cross(*np.diff(unit[hull.simplices], axis=1).swapaxes(0, 1))
    )
    faces = np.where(outward[:, None] > 0, hull.simplices, hull.simplices[:, ::-1])
    return TriangleMesh(name, unit * semi_axes + centre, faces.astype(np.int64))


def box(low, high, name="box"):
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    return TriangleMesh(name, np.asarray(low) + corners * np.subtract(high, low), faces)


def filled(mesh, spacing, shift=0.0):
    origin = mesh.points.min(axis=0) - 2 * spacing + shift
    shape = np.ceil((mesh.points.max(axis=0) - origin) / spacing).astype(int) + 2
    return voxelise(mesh, origin, spacing, tuple(shape))


def mask_surface(mask, origin, spacing, name):
    """Closed surface around a mask (marching cubes on a slightly smoothed copy)."""
    points, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(float), 0.5)
    return merged([TriangleMesh(name, (points - 1) * spacing + origin, faces.astype(np.int64))], name)


@pytest.fixture(scope="module")
def image():
    return phantom(SUBJECT, 3.0, 16)[0]


@pytest.fixture(scope="module")
def surfaces(image):
    wall = np.isin(image.labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM))
    body = image.labels != Label.AIR
    return HeartAndTorso(
        mask_surface(wall, image.origin_mm, image.spacing_mm, "heart"),
        mask_surface(body, image.origin_mm, image.spacing_mm, "torso"),
    )


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


# --- filling -----------------------------------------------------------------------------------------------------


@given(st.tuples(*[st.integers(-5, 5)] * 3), st.tuples(*[st.integers(1, 9)] * 3))
@settings(max_examples=40, deadline=None)
def test_a_box_on_the_grid_planes_fills_exactly_its_voxels(low, size):
    # Every face, edge and diagonal meets grid lines: the degenerate case of ray casting.
    mesh = box(low, np.add(low, size))
    mask = voxelise(mesh, np.array([-6.0] * 3), 1.0, (22, 22, 22))
    assert mask.sum() == np.prod(size)
    first, last = np.argwhere(mask).min(axis=0), np.argwhere(mask).max(axis=0)
    assert (last - first + 1 == size).all()


@given(
    st.tuples(*[st.floats(15, 30)] * 3), st.tuples(*[st.floats(-100, 100)] * 3), st.floats(1.0, 2.0), st.floats(0, 1)
)
@settings(max_examples=25, deadline=None)
def test_an_ellipsoid_fills_its_volume_wherever_it_lies(semi_axes, centre, spacing, shift):
    mesh = ellipsoid(semi_axes, centre, count=600)
    volume = filled(mesh, spacing, shift * spacing).sum() * spacing**3
    assert volume == pytest.approx(oriented_volume_mm3(mesh), rel=0.03)
    assert volume == pytest.approx(4 / 3 * np.pi * np.prod(semi_axes), rel=0.04)


def test_filled_volume_converges_at_second_order():
    # The count of lattice points in a smooth body is wrong by about its radius over the spacing: h² of its volume.
    mesh = ellipsoid((21.0, 17.0, 25.0), (0.3, 0.2, 0.1), count=6000)
    exact, shifts = oriented_volume_mm3(mesh), np.random.default_rng(1).random((24, 3))
    errors = [
        np.sqrt(np.mean([(filled(mesh, h, h * shift).sum() * h**3 / exact - 1) ** 2 for shift in shifts]))
        for h in (4.0, 2.0, 1.0)
    ]
    orders = -np.diff(np.log2(errors))
    assert errors[2] < 1e-3
    assert 1.6 < orders.mean() < 2.4


def test_filling_agrees_with_the_inside_of_a_rotated_box():
    angle = 0.4
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    turn = turn @ turn.T[[2, 0, 1]][:, [2, 0, 1]]
    plain = box((-9, -6, -12), (9, 6, 12))
    mask = voxelise(replace(plain, points=plain.points @ turn.T), np.full(3, -20.0), 1.0, (41, 41, 41))
    local = (np.indices(mask.shape).reshape(3, -1).T - 20.0) @ turn
    inside = (np.abs(local) < [9, 6, 12]).all(axis=1).reshape(mask.shape)
    assert (mask == inside).all()


def test_a_shell_within_a_shell_is_hollow_whatever_its_orientation():
    outer, inner = ellipsoid((20, 20, 20)), ellipsoid((15, 15, 15))
    flipped = replace(inner, faces=inner.faces[:, ::-1])
    masks = [filled(merged([outer, shell], "wall"), 1.0) for shell in (inner, flipped)]
    assert (masks[0] == masks[1]).all()
    assert masks[0].sum() == pytest.approx(4 / 3 * np.pi * (20**3 - 15**3), rel=0.02)


def test_patches_that_share_their_rims_close_one_another():
    whole = ellipsoid((20, 20, 20))
    upper = whole.points[whole.faces].mean(axis=1)[:, 2] > 0
    patches = [replace(whole, faces=whole.faces[part]) for part in (upper, ~upper)]
    with pytest.raises(GeometryError, match="not a closed surface"):
        check_closed(merged(patches[:1], "upper half"))
    joined = merged(patches, "heart")
    check_closed(joined)
    assert len(joined.points) == len(whole.points)
    assert oriented_volume_mm3(joined) == pytest.approx(oriented_volume_mm3(whole))


# --- cavities ----------------------------------------------------------------------------------------------------


def test_enclosure_is_one_in_a_closed_cavity_and_below_half_outside_the_hull():
    grid = np.indices((41, 41, 41)) - 20
    radius = np.sqrt((grid**2).sum(axis=0))
    seen = enclosure((radius < 17) & (radius > 13))
    assert (seen[radius < 12] == 1).all()
    assert (seen[radius > 18.5] < 0.5).all()


def test_enclosure_is_about_half_in_the_mouth_of_a_cup():
    grid = np.indices((41, 41, 41)) - 20
    radius = np.sqrt((grid**2).sum(axis=0))
    cup = (radius < 17) & (radius > 13) & (grid[2] <= 0)
    seen = enclosure(cup)
    assert seen[20, 20, 20] == pytest.approx(0.5, abs=0.06)
    assert seen[20, 20, 10] > 0.6 > seen[20, 20, 20] > seen[20, 20, 25]


@pytest.mark.parametrize("spacing", [2.0, 3.0])
def test_cavities_and_walls_of_the_phantom_are_found_from_its_wall_alone(spacing):
    labels = phantom(SUBJECT, spacing, 16)[0].labels
    wall = np.isin(labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM))
    found = find_ventricles(wall, spacing, "heart")
    assert dice(found.lv_blood, labels == Label.LV_BLOOD) > 0.97
    assert dice(found.rv_blood, labels == Label.RV_BLOOD) > 0.97
    assert dice(found.lv_wall, labels == Label.LV_MYOCARDIUM) > 0.97
    assert dice(found.rv_wall, labels == Label.RV_MYOCARDIUM) > 0.94
    assert ((found.lv_wall | found.rv_wall) == wall).all()
    assert not (found.lv_wall & found.rv_wall).any()


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, -1)])
def test_cavities_do_not_depend_on_the_axes(image, axes, flip):
    def turned(mask):
        return mask.transpose(axes)[:: flip[0], :: flip[1], :: flip[2]]

    wall = np.isin(image.labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM))
    plain = find_ventricles(wall, 3.0, "heart")
    other = find_ventricles(turned(wall), 3.0, "heart")
    for name, mask in plain._asdict().items():
        assert dice(turned(mask), getattr(other, name)) > 0.97


def test_the_septum_belongs_to_the_left_ventricle(image):
    labels = image.labels
    wall = np.isin(labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM))
    left, right = labels == Label.LV_BLOOD, labels == Label.RV_BLOOD
    parted = part_wall(wall, left, right, 3.0)
    centre_left, centre_right = np.argwhere(left).mean(axis=0), np.argwhere(right).mean(axis=0)
    between = np.rint(np.linspace(centre_left, centre_right, 50)).astype(int)
    on_wall = between[wall[tuple(between.T)]]
    assert len(on_wall)
    assert parted.lv_wall[tuple(on_wall.T)].all()


def test_a_single_chamber_is_asked_for_endocardia():
    grid = np.indices((41, 41, 41)) - 20
    radius = np.sqrt((grid**2).sum(axis=0))
    with pytest.raises(GeometryError, match=r"heart has 1 cavities.*lv_endocardium and rv_endocardium"):
        find_ventricles((radius < 17) & (radius > 13), 2.0, "heart")


def test_equal_chambers_are_asked_for_endocardia():
    x, y, z = np.indices((70, 41, 41)) - np.array([35, 20, 20])[:, None, None, None]
    wall = np.zeros(x.shape, bool)
    hollow = np.zeros(x.shape, bool)
    for side in (-14, 14):
        radius = np.sqrt((x - side) ** 2 + y**2 + z**2)
        wall |= radius < 17
        hollow |= radius < 12
    with pytest.raises(GeometryError, match=r"can't be told apart: their free walls are .* name the surfaces"):
        find_ventricles(wall & ~hollow, 2.0, "heart")


# --- label image -------------------------------------------------------------------------------------------------


def test_surfaces_around_a_label_image_fill_the_same_voxels(image, surfaces):
    wall = np.isin(image.labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM))
    assert (voxelise(surfaces.heart, image.origin_mm, 3.0, wall.shape) == wall).all()
    assert (voxelise(surfaces.torso, image.origin_mm, 3.0, wall.shape) == (image.labels > 0)).all()


@pytest.mark.parametrize("spacing", [2.0, 3.0])
def test_label_image_to_surfaces_and_back_is_the_same_anatomy(image, surfaces, spacing):
    back = label_image(surfaces, spacing)
    for label, tolerance in (("LV_MYOCARDIUM", 0.06), ("RV_MYOCARDIUM", 0.2), ("LV_BLOOD", 0.04), ("RV_BLOOD", 0.04)):
        before, after = (np.argwhere(each.labels == Label[label]) for each in (image, back))
        assert len(after) * spacing**3 == pytest.approx(len(before) * 3.0**3, rel=tolerance), label
        assert back.position(after).mean(axis=0) == pytest.approx(image.position(before).mean(axis=0), abs=1.5), label
    assert (back.labels > 0).sum() * spacing**3 == pytest.approx((image.labels > 0).sum() * 3.0**3, rel=0.01)


def test_named_endocardia_give_the_found_cavities(image, surfaces):
    labels = image.labels
    pools = [
        mask_surface(labels == label, image.origin_mm, 3.0, name)
        for label, name in ((Label.LV_BLOOD, "lv_endocardium"), (Label.RV_BLOOD, "rv_endocardium"))
    ]
    solid = np.isin(labels, (Label.LV_MYOCARDIUM, Label.RV_MYOCARDIUM, Label.LV_BLOOD, Label.RV_BLOOD))
    epicardium = mask_surface(solid, image.origin_mm, 3.0, "heart")
    named = label_image(replace(surfaces, heart=epicardium, lv_endocardium=pools[0], rv_endocardium=pools[1]), 3.0)
    found = label_image(surfaces, 3.0)
    for label in (Label.LV_BLOOD, Label.RV_BLOOD, Label.LV_MYOCARDIUM):
        assert dice(named.labels == label, found.labels == label) > 0.9, label.name


def test_lungs_yield_to_the_heart(surfaces):
    centre = surfaces.heart.points.mean(axis=0)
    lung = ellipsoid((40, 40, 60), np.add(centre, (30, 0, 0)), "lungs.0")
    with_lung, without = label_image(replace(surfaces, lungs=[lung]), 3.0), label_image(surfaces, 3.0)
    heart = without.labels >= Label.LV_MYOCARDIUM
    assert (with_lung.labels[heart] == without.labels[heart]).all()
    assert (with_lung.labels == Label.LUNG).sum() > 1000


@given(st.tuples(*[st.floats(-1, 1)] * 3), st.tuples(*[st.floats(-1, 1)] * 3))
@settings(max_examples=50, deadline=None)
def test_frame_rotation_takes_the_named_directions_to_left_and_head(left, other):
    head = np.cross(left, other)
    if np.linalg.norm(left) < 0.1 or np.linalg.norm(head) < 0.1:
        return
    rotation = frame_rotation(left, head)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert rotation @ left == pytest.approx([np.linalg.norm(left), 0, 0], abs=1e-9)
    assert rotation @ head == pytest.approx([0, 0, np.linalg.norm(head)], abs=1e-9)


# --- what can't be used ------------------------------------------------------------------------------------------


def without_triangles(mesh, count):
    return replace(mesh, faces=mesh.faces[count:])


def far_away(mesh):
    return replace(mesh, points=np.add(mesh.points, (10_000.0, 0, 0)))


def half_outside(surfaces):
    shift = surfaces.torso.points[:, 1].min() - surfaces.heart.points[:, 1].min()
    return replace(surfaces.heart, points=np.add(surfaces.heart.points, (60, shift + 5, 100)))


def scaled(mesh, factor):
    return replace(mesh, points=mesh.points * factor)


BAD = {
    "open heart": (
        lambda s: {"heart": without_triangles(s.heart, 1)},
        r"heart is not a closed surface: 3 open edges and 0 edges shared by more than two",
    ),
    "open torso": (lambda s: {"torso": without_triangles(s.torso, 2)}, r"torso is not a closed surface"),
    "doubled triangle": (
        lambda s: {"heart": replace(s.heart, faces=np.concatenate([s.heart.faces, s.heart.faces[:1]]))},
        r"0 open edges and 3 edges shared by more than two",
    ),
    "no triangles": (
        lambda s: {"heart": replace(s.heart, faces=np.zeros((0, 3), np.int64))},
        r"heart has no triangles",
    ),
    "heart in metres": (
        lambda s: {"heart": scaled(s.heart, 1e-3)},
        r"heart is 0\.\d+ mm across, expected 40 to 250 mm: millimetres_per_unit is probably wrong",
    ),
    "torso in metres": (
        lambda s: {"heart": scaled(s.heart, 1e-3), "torso": scaled(s.torso, 1e-3)},
        r"torso is 0\.\d+ mm across.*millimetres_per_unit",
    ),
    "everything in micrometres": (
        lambda s: {"heart": scaled(s.heart, 1e3), "torso": scaled(s.torso, 1e3)},
        r"torso is [\d.e+]+ mm across, expected 150 to 2000 mm",
    ),
    "heart far away": (
        lambda s: {"heart": far_away(s.heart)},
        r"heart lies outside torso: .* vertices are beyond the torso's extent; both must be in the same coordinates",
    ),
    "heart through the chest": (
        lambda s: {"heart": half_outside(s)},
        r"heart lies outside torso with \d+\.\d % of its volume",
    ),
    "one endocardium": (
        lambda s: {"lv_endocardium": ellipsoid((20, 20, 20), name="lv_endocardium")},
        r"only lv_endocardium is given; give both endocardia or none",
    ),
    "endocardia that overlap": (
        lambda s: {
            "lv_endocardium": ellipsoid((20, 20, 20), s.heart.points.mean(axis=0), "lv_endocardium"),
            "rv_endocardium": ellipsoid((20, 20, 20), s.heart.points.mean(axis=0) + 5, "rv_endocardium"),
        },
        r"lv_endocardium and rv_endocardium overlap in \d+\.\d ml; there must be a septum",
    ),
    "endocardium outside the heart": (
        lambda s: {
            "lv_endocardium": ellipsoid((10, 10, 10), (-60, 0, -80), "lv_endocardium"),
            "rv_endocardium": ellipsoid((10, 10, 10), s.heart.points.mean(axis=0), "rv_endocardium"),
        },
        r"lv_endocardium lies mostly outside heart",
    ),
    "shells that overlap": (
        lambda s: {"lungs": [merged([ellipsoid((30, 30, 30)), ellipsoid((30, 30, 30), (20, 0, 0))], "lungs.0")]},
        r"lungs\.0 crosses itself or holds shells that overlap",
    ),
    "solid heart": (
        lambda s: {"heart": ellipsoid((40, 40, 50), s.heart.points.mean(axis=0), "heart")},
        r"heart has 0 cavities, expected the left and the right ventricle; name the surfaces with lv_endocardium",
    ),
    "lung outside": (
        lambda s: {"lungs": [ellipsoid((30, 30, 30), (140, 90, 100), "lungs.0")]},
        r"lungs\.0 lies outside torso",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_unusable_surfaces_are_named(surfaces, case):
    change, message = BAD[case]
    with pytest.raises(GeometryError, match=message) as caught:
        label_image(replace(surfaces, **change(surfaces)), 4.0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("left", "head", "message"),
    [
        ((0, 0, 0), (0, 0, 1), "must be directions, not zero"),
        ((1, 0, 0), (1, 0, 1), "45° apart, expected 90°"),
        ((1, 0, 0), (-1, 0, 0), "180° apart"),
    ],
)
def test_impossible_directions_are_named(left, head, message):
    with pytest.raises(GeometryError, match=re.escape(message)):
        frame_rotation(left, head)
