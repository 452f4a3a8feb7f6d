"""A subject's anatomy on one page: tissues in three sections, fibres, AHA segments, nodes and electrodes.

Sections follow the radiological convention (axial ones seen from the feet, so the body's left lies on the page's
right); the short-axis section is seen from the apex, with the right ventricle on the left, as in cardiac imaging.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec, SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from transmural.report.fibre_sections import draw_fibres
from transmural.report.heart_view import ANTERIOR, POSTERIOR, View, draw_plain, outward, plain_surface, vertex_normals
from transmural.report.node_views import draw_nodes
from transmural.report.segment_views import draw_segments, finish, whole_heart
from transmural.report.style import new_figure, styled

# Hue tells the ventricle, its tint the blood; after Okabe and Ito (2008).
_TISSUES = {
    "air": ("air", "#ffffff"),
    "torso": ("torso", "#ece6da"),
    "lung": ("lung", "#b9c4c9"),
    "lv_myocardium": ("LV wall and septum", "#d55e00"),
    "rv_myocardium": ("RV free wall", "#0072b2"),
    "lv_blood": ("LV blood", "#f5c9a6"),
    "rv_blood": ("RV blood", "#a6d3ee"),
}
_LEAD_COLOUR = "#d55e00"
_ELECTRODE_COLOUR = "#005a9c"
_LEFT = View("left lateral", (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_SHOWN_HEIGHT_MM = 300.0
_FACING = 0.2  # cosine to the viewer from which an electrode is shown
_LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))


def anatomy_figure(anatomy: xr.Dataset) -> Figure:
    """Draw an anatomy store (`contracts.ANATOMY`, made by `build_anatomy`) on one page."""
    with styled():
        figure = new_figure(11.0, 8.8)
        grid = figure.add_gridspec(3, 1, height_ratios=[1.1, 1.0, 1.15])
        _sections(figure, grid[0], anatomy)
        middle = GridSpecFromSubplotSpec(1, 2, grid[1], width_ratios=[1.15, 1.0])
        draw_fibres(figure, middle[0], anatomy)
        draw_segments(figure, middle[1], anatomy)
        below = GridSpecFromSubplotSpec(1, 2, grid[2], width_ratios=[1.0, 1.1])
        draw_nodes(figure, below[0], anatomy)
        _electrodes(figure, below[1], anatomy)
        volume = anatomy.sizes["voxel"] * anatomy.attrs["spacing_mm"] ** 3 / 1000
        figure.suptitle(
            f"Anatomy of '{anatomy.attrs['subject']}': {anatomy.sizes['voxel']:,} myocardial voxels of "
            f"{anatomy.attrs['spacing_mm']:g} mm ({volume:.0f} ml), {anatomy.sizes['node']:,} inference nodes, "
            f"{anatomy.sizes['electrode']} body-surface electrodes",
            fontsize=9.5,
        )
    return figure


def _sections(figure: Figure, place: SubplotSpec, anatomy: xr.Dataset) -> None:
    """Axial, coronal and sagittal section through the heart's centre at one scale, and the key to the tissues."""
    spacing, origin = anatomy.attrs["spacing_mm"], np.asarray(anatomy.attrs["origin_mm"])
    low, high = origin - spacing / 2, origin + spacing * (np.array(anatomy["labels"].shape) - 0.5)
    centre = anatomy["voxel_position"].values.astype(float).mean(axis=0)
    # Head and hips are cut off so that the heart stays large.
    low[2], high[2] = max(low[2], centre[2] - _SHOWN_HEIGHT_MM / 2), min(high[2], centre[2] + _SHOWN_HEIGHT_MM / 2)
    size = high - low
    inner = GridSpecFromSubplotSpec(1, 4, place, width_ratios=[size[0], size[0], size[1], 0.5 * size[0]])
    for column, axis in enumerate((2, 1, 0)):
        axes = figure.add_subplot(inner[column])
        _section(axes, anatomy, axis, centre)
        across, up = [k for k in range(3) if k != axis]
        axes.set_xlim(low[across], high[across])
        axes.set_ylim(*((high[up], low[up]) if axis == 2 else (low[up], high[up])))
    key = figure.add_subplot(inner[3])
    key.set_axis_off()
    patches = [Patch(facecolor=c, edgecolor="#777777", linewidth=0.4, label=name) for name, c in _TISSUES.values()]
    marks = [
        Line2D([], [], marker=marker, color=colour, linestyle="", markersize=size, label=name)
        for name, marker, colour, size in (
            ("body-surface electrode", "o", _ELECTRODE_COLOUR, 3),
            ("12-lead ECG", "s", _LEAD_COLOUR, 5),
        )
    ]
    key.legend(handles=[*patches[1:], *marks], loc="center left")


def _section(axes: Axes, anatomy: xr.Dataset, axis: int, centre: NDArray[np.float64]) -> None:
    """Labels in the plane through ``centre`` perpendicular to ``axis``, in mm."""
    spacing, origin = anatomy.attrs["spacing_mm"], np.asarray(anatomy.attrs["origin_mm"])
    labels = anatomy["labels"].values
    across, up = [k for k in range(3) if k != axis]
    low, high = origin - spacing / 2, origin + spacing * (np.array(labels.shape) - 0.5)
    axes.imshow(
        np.take(labels, round((centre[axis] - origin[axis]) / spacing), axis=axis).T,
        origin="lower",
        extent=(low[across], high[across], low[up], high[up]),
        cmap=ListedColormap([_TISSUES[name][1] for name in anatomy.attrs["label_names"].values()]),
        vmin=-0.5,
        vmax=len(_TISSUES) - 0.5,
        interpolation="nearest",
    )
    plane = {2: "Axial, seen from the feet", 1: "Coronal, seen from the front", 0: "Sagittal, from the left"}
    axes.set_title(f"{plane[axis]}: {'xyz'[axis]} = {centre[axis]:.0f} mm", loc="left")
    axes.set_xlabel(f"{'xyz'[across]} / mm")
    axes.set_ylabel(f"{'xyz'[up]} / mm")
    top, bottom = _LETTERS[up] if axis == 2 else _LETTERS[up][::-1]
    marks = ((_LETTERS[across][0], 0.03, 0.5), (_LETTERS[across][1], 0.97, 0.5), (top, 0.5, 0.95), (bottom, 0.5, 0.05))
    for text, x, y in marks:
        axes.text(x, y, text, transform=axes.transAxes, ha="center", va="center", fontweight="bold", color="#333333")


def _electrodes(figure: Figure, place: SubplotSpec, anatomy: xr.Dataset) -> None:
    """Electrodes on the body from front, left and back; those on the far side are left out."""
    vertices = anatomy["torso_vertex"].values.astype(float)
    faces = outward(vertices, anatomy["torso_face"].values.astype(np.int64))
    body, normal, skin = plain_surface(vertices, faces), vertex_normals(vertices, faces), cKDTree(vertices)
    leads, limbs = (anatomy[name].values.astype(float) for name in ("electrode_position", "limb_electrode_position"))
    width = np.ptp(vertices, axis=0) + 20
    inner = GridSpecFromSubplotSpec(1, 3, place, width_ratios=[width[0], width[1], width[0]])
    for column, view in enumerate((ANTERIOR, _LEFT, POSTERIOR)):
        axes = figure.add_subplot(inner[column])
        draw_plain(axes, body, _TISSUES["torso"][1], view)
        draw_plain(axes, whole_heart(anatomy), "#c98f6b", view).set_alpha(0.5)
        facing = [normal[skin.query(points)[1]] @ view.toward > _FACING for points in (leads, limbs)]
        dots, shown = view.project(leads[facing[0]]), view.project(limbs[facing[1]])[:, :2]
        axes.scatter(dots[:, 0], dots[:, 1], s=7, color=_ELECTRODE_COLOUR, linewidths=0)
        axes.scatter(shown[:, 0], shown[:, 1], s=22, marker="s", color=_LEAD_COLOUR, edgecolors="white", linewidths=0.5)
        for name, point in zip(anatomy["limb_electrode"].values[facing[1]], shown, strict=True):
            axes.annotate(
                str(name), point, (0, 5), textcoords="offset points", ha="center", fontsize=6.5, fontweight="bold"
            )
        axes.set_title(f"Electrodes, {view.name}" if column == 0 else view.name.capitalize(), loc="left")
        finish(axes, body, view, side_mm=22.0)
