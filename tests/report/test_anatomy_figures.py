"""The anatomy page: every panel is there, sides are marked as a cardiologist expects, and angles read right."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex

from transmural.report.anatomy_figures import anatomy_figure
from transmural.report.fibre_sections import helix_angle_deg
from transmural.report.segment_views import in_sight, segment_colours
from transmural.report.style import png_bytes


@pytest.fixture(scope="module")
def figure(smoke_anatomy):
    return anatomy_figure(smoke_anatomy)


def panel(figure, title):
    found = [axes for axes in figure.axes if axes.get_title(loc="left").startswith(title)]
    assert len(found) == 1, title
    return found[0]


def texts(axes):
    return {text.get_text(): text.get_position() for text in axes.texts}


@pytest.mark.parametrize(
    "title",
    [
        "Axial, seen from the feet",
        "Coronal, seen from the front",
        "Sagittal, from the left",
        "Fibres, short axis",
        "Fibres, long axis",
        "AHA segments",
        "Nodes in sight",
        "Node cells",
        "Electrodes, anterior",
        "Left lateral",
        "Posterior",
    ],
)
def test_every_panel_is_drawn(figure, title):
    assert panel(figure, title).has_data()


def test_sections_follow_the_radiological_convention(figure):
    axial = texts(panel(figure, "Axial"))
    assert axial["R"][0] < axial["L"][0]
    assert axial["A"][1] > axial["P"][1]
    assert panel(figure, "Axial").yaxis_inverted()  # y grows to the back, and the front is up
    coronal = texts(panel(figure, "Coronal"))
    assert coronal["R"][0] < coronal["L"][0]
    assert coronal["H"][1] > coronal["F"][1]
    sagittal = texts(panel(figure, "Sagittal"))
    assert sagittal["A"][0] < sagittal["P"][0]


def test_sections_show_the_labels_at_their_millimetres(figure, smoke_anatomy):
    axes = panel(figure, "Axial")
    (image,) = axes.images
    left, right, bottom, top = image.get_extent()
    labels = smoke_anatomy["labels"].values
    spacing, origin = smoke_anatomy.attrs["spacing_mm"], np.array(smoke_anatomy.attrs["origin_mm"])
    z = float(axes.get_title(loc="left").split("z = ")[1].split(" ")[0])
    k = round((smoke_anatomy["voxel_position"].values[:, 2].mean() - origin[2]) / spacing)
    assert z == pytest.approx(origin[2] + k * spacing, abs=spacing)
    assert np.asarray(image.get_array()) == pytest.approx(labels[:, :, k].T)
    assert left == pytest.approx(origin[0] - spacing / 2)
    assert (right - left, top - bottom) == pytest.approx(tuple(spacing * np.array(labels.shape[:2])))


def test_right_ventricle_lies_on_the_left_of_the_short_axis_section(figure, smoke_anatomy):
    marks = texts(panel(figure, "Fibres, short axis"))
    assert marks["RV side"][0] < marks["lateral"][0]
    assert marks["anterior"][1] > marks["inferior"][1]


def test_the_front_shows_the_chest_leads_from_right_to_left(figure):
    names = {text.get_text(): text.xy for text in panel(figure, "Electrodes, anterior").texts if hasattr(text, "xy")}
    assert {"RA", "LA", "V1", "V2", "V3", "V4"} <= set(names)
    assert names["RA"][0] < names["V1"][0] < names["V2"][0] < names["V4"][0] < names["LA"][0] + 100
    back = {text.get_text() for text in panel(figure, "Posterior").texts if hasattr(text, "xy")}
    assert not back & {"V1", "V2", "V3", "V4"}


def test_the_key_names_every_tissue(figure):
    names = {text.get_text() for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()}
    assert {"torso", "lung", "LV wall and septum", "RV free wall", "LV blood", "RV blood"} <= names


def test_the_same_anatomy_gives_the_same_bytes(smoke_anatomy):
    assert png_bytes(anatomy_figure(smoke_anatomy), dpi=40) == png_bytes(anatomy_figure(smoke_anatomy), dpi=40)


@pytest.mark.parametrize("helix", [-75.0, -60.0, 0.0, 30.0, 60.0])
@pytest.mark.parametrize("sense", [1, -1])
def test_helix_angle_is_that_of_the_fibre_whatever_its_sense(helix, sense):
    apex = np.array([0.6, 0.0, -0.8])
    radial = np.array([0.8, 0.0, 0.6])
    around = np.cross(-apex, radial)
    fibre = sense * (np.cos(np.radians(helix)) * around - np.sin(np.radians(helix)) * apex)
    dataset = xr.Dataset(
        {"fibre": (("voxel", "xyz"), fibre[None]), "voxel_position": (("voxel", "xyz"), 30 * radial[None])},
        attrs={"apex_direction": apex.tolist(), "axis_point_mm": [0.0, 0.0, 0.0]},
    )
    assert helix_angle_deg(dataset) == pytest.approx(helix)


def test_helix_angles_of_an_anatomy_span_the_configured_range(smoke_anatomy):
    middle = (smoke_anatomy["apicobasal"].values > 0.4) & (smoke_anatomy["apicobasal"].values < 0.9)
    left = (smoke_anatomy["segment"].values <= 17) & middle
    angle, depth = helix_angle_deg(smoke_anatomy), smoke_anatomy["transmural"].values
    assert 30 < np.median(angle[left & (depth < 0.25)]) < 60
    assert -60 < np.median(angle[left & (depth > 0.75)]) < -30


def test_every_segment_has_a_colour_of_its_own():
    colours = [to_hex(c) for c in segment_colours()[1:]]
    assert len(set(colours)) == 18


def test_vertices_behind_others_are_out_of_sight():
    page = np.array([[0.0, 0.0, 10.0], [1.0, 1.0, 8.0], [2.0, 2.0, -20.0], [40.0, 0.0, -20.0]])
    assert in_sight(page, hidden_mm=6.0).tolist() == [True, True, False, True]
