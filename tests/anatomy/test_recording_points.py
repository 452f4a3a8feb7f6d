"""The 75 recording points: the published names, and the same places of the wall in every heart."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from transmural.anatomy.image import Label
from transmural.anatomy.places import Place, WallMap
from transmural.anatomy.recording_points import POINTS, recording_points
from transmural.anatomy.wall import Wall
from transmural.stores.errors import GeometryError
from transmural.torso.transfer import image_of

DATA = Path(os.environ.get("TRANSMURAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
PUBLISHED = DATA / "llnl-cardiac-ml" / "points.csv"
# The published heart's right ventricle ends here, and its points' heights are from the mesh's apex to its top.
TIP, TOP_MM = 0.2, 72.0

published = pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"no published list of points at {PUBLISHED}")


@pytest.fixture(scope="module")
def positions():
    with PUBLISHED.open() as file:
        rows = list(csv.reader(file))[1:]
    return {name.strip("'"): np.array([float(x), float(y), float(z)]) for x, y, z, name in rows}


@pytest.fixture(scope="module")
def found(smoke_anatomy):
    names, voxels = recording_points(smoke_anatomy)
    return dict(zip(names, voxels, strict=True))


def angle_deg(position, positions):
    """About the axis through the basal ring and the apex, from mid septum towards the anterior wall."""
    base = np.mean([positions[f"AHA{n:02d}"] for n in range(1, 7)], axis=0)
    apex = positions["AHA17"] - base
    apex /= np.linalg.norm(apex)
    septal, anterior = (
        np.mean([positions[f"AHA{n:02d}"] for n in numbers], axis=0) - base for numbers in ((2, 3, 8, 9), (1, 7))
    )
    septal -= apex * (septal @ apex)
    side = np.cross(septal, apex)
    side *= np.sign(side @ anterior) / np.linalg.norm(side)
    from_axis = position - base
    return np.degrees(np.arctan2(from_axis @ side, from_axis @ septal / np.linalg.norm(septal)))


def test_there_are_75_points_of_seven_kinds():
    kinds = ("AHA", "RV", "EPI_AHA", "EPI_RV", "MID_AHA", "MID_RV", "SEPTM")
    counts = [sum(name.startswith(kind) for name in POINTS) for kind in kinds]
    assert counts == [17, 13, 12, 8, 12, 8, 5]
    assert len(POINTS) == 75


@published
def test_names_and_their_order_are_the_published_ones(positions):
    assert list(POINTS) == list(positions)


@published
def test_places_are_those_of_the_published_heart(positions):
    for name, place in POINTS.items():
        height = positions[name][2] / TOP_MM
        expected = place.height if place.ventricle == "left" else TIP + (1 - TIP) * place.height
        assert height == pytest.approx(expected, abs=0.07), name
        if place.angle_deg is not None:
            turn = angle_deg(positions[name], positions) - place.angle_deg
            assert abs((turn + 180) % 360 - 180) < 20, name


@published
def test_septal_points_of_the_right_side_face_the_segments_that_they_are_given(positions):
    for number in (4, 5, 9, 10, 13):
        here = positions[f"RV{number:02d}"]
        nearest = min(range(1, 18), key=lambda n: np.linalg.norm(positions[f"AHA{n:02d}"] - here))
        assert POINTS[f"RV{number:02d}"].segment == nearest


def test_every_point_is_another_voxel(found):
    assert list(found) == list(POINTS)
    assert len(set(found.values())) == 75


def test_points_lie_in_their_segment_and_ventricle(found, smoke_anatomy):
    segment = smoke_anatomy["segment"].values
    for name, voxel in found.items():
        place = POINTS[name]
        assert segment[voxel] == (18 if place.ventricle == "right" else place.segment), name


def test_points_lie_where_their_coordinates_say(found, smoke_anatomy):
    wall = WallMap.of(smoke_anatomy)
    spacing = smoke_anatomy.attrs["spacing_mm"]
    for name, voxel in found.items():
        place = POINTS[name]
        assert abs(wall.height[voxel] - place.height) * wall.length_mm < 2.5 * spacing, name
        if place.angle_deg is not None:
            turn = (np.degrees(wall.angle[voxel]) - place.angle_deg + 180) % 360 - 180
            assert abs(np.radians(turn)) * wall.radius_mm[voxel] < 2.5 * spacing, name


def test_layers_of_the_wall_lie_one_above_the_other(found, smoke_anatomy):
    transmural = smoke_anatomy["transmural"].values
    for name in ("AHA01", "AHA05", "AHA10", "AHA12"):
        inner, middle, outer = (transmural[found[layer + name]] for layer in ("", "MID_", "EPI_"))
        assert inner < middle < outer
    for name in ("RV01", "RV07", "RV11"):
        assert transmural[found[name]] < transmural[found[f"EPI_{name}"]]
    assert abs(np.mean([transmural[v] for n, v in found.items() if n.startswith("SEPTM")]) - 0.5) < 0.2


def test_septal_points_of_the_right_ventricle_touch_its_blood(found, smoke_anatomy):
    beyond = Wall.of(image_of(smoke_anatomy)).beyond
    for name in ("RV04", "RV05", "RV09", "RV10", "RV13"):
        assert Label.RV_BLOOD in beyond[found[name]], name


def test_a_place_whose_voxels_are_all_taken_is_refused(smoke_anatomy):
    apex = np.flatnonzero(smoke_anatomy["segment"].values == 17)
    with pytest.raises(GeometryError, match="apex has too few voxels"):
        WallMap.of(smoke_anatomy).voxel(Place("left", 0.0, None, 0.0, 17), apex.tolist())


def test_angles_are_compared_around_the_circle(smoke_anatomy):
    wall = WallMap.of(smoke_anatomy)
    assert wall.voxel(Place("left", 0.5, 179.0, 0.0)) == wall.voxel(Place("left", 0.5, -181.0, 0.0))
