"""Inference nodes: on the heart as the viewer sees it, and the cells of voxels that they stand for on a section."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec, SubplotSpec
from scipy.spatial import cKDTree

from transmural.report.fibre_sections import add_voxels, mark_sides
from transmural.report.heart_view import ANTERIOR, draw_plain, vertex_normals
from transmural.report.segment_views import finish, in_sight, whole_heart

_DEPTH_MAP = "viridis"
_WALL_GREY = "#e4e4e4"
_HIDDEN_MM = 6.0
_GOLDEN = 0.618034


def draw_nodes(figure: Figure, place: SubplotSpec, anatomy: xr.Dataset) -> None:
    """Nodes in sight from the front, and node cells on the long-axis section."""
    inner = GridSpecFromSubplotSpec(1, 2, place)
    outside, section = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
    surface = whole_heart(anatomy)
    draw_plain(outside, surface, _WALL_GREY, ANTERIOR)
    page = ANTERIOR.project(anatomy["node_position"].values.astype(float))
    vertices = ANTERIOR.project(surface.vertices)
    facing = vertex_normals(surface.vertices, surface.faces) @ ANTERIOR.toward > 0
    shown = vertices[facing & in_sight(vertices, _HIDDEN_MM)]
    # A ball of the node's volume reaches the part of the surface that is in sight.
    radius = np.cbrt(3 * anatomy["node_volume"].values / (4 * np.pi))
    seen = cKDTree(shown).query(page)[0] <= 1.2 * radius
    dots = outside.scatter(
        page[seen, 0],
        page[seen, 1],
        s=8,
        c=anatomy["node_transmural"].values[seen],
        cmap=_DEPTH_MAP,
        vmin=0,
        vmax=1,
        edgecolors="black",
        linewidths=0.25,
    )
    volume = np.median(anatomy["node_volume"].values)
    outside.set_title("Nodes in sight, anterior", loc="left")
    finish(outside, surface, ANTERIOR)
    bar = figure.colorbar(dots, ax=outside, shrink=0.6, aspect=25, pad=0.01, ticks=[0, 0.5, 1], location="left")
    bar.set_label("transmural, 0 endo to 1 epi")
    _cells(section, anatomy)
    section.set_title(f"Node cells, median {volume:.0f} mm³", loc="left")


def _cells(axes: Axes, anatomy: xr.Dataset) -> None:
    """Voxels of the long-axis section, each node in a colour of its own; colours only tell neighbours apart."""
    apex, septal = (np.asarray(anatomy.attrs[k]) for k in ("apex_direction", "septal_direction"))
    number = np.arange(anatomy.sizes["node"])
    hue, shade = (number * _GOLDEN) % 1, (number * _GOLDEN**2 * 7) % 1
    colours = hsv_to_rgb(np.stack([hue, 0.25 + 0.3 * shade, 0.95 - 0.25 * shade], axis=1))
    middle = np.asarray(anatomy.attrs["axis_point_mm"]) + 0.4 * anatomy.attrs["long_axis_mm"] * apex
    add_voxels(axes, anatomy, middle, -septal, -apex, colours[anatomy["voxel_node"].values])
    mark_sides(axes, ("RV side", "lateral", "base", "apex"))
