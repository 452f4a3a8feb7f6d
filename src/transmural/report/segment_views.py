"""The 17 segments of the left ventricle on the heart's surface, with their bull's-eye as key (Cerqueira 2002)."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec, SubplotSpec
from numpy.typing import NDArray

from transmural.report.bullseye import draw_bullseye
from transmural.report.heart_view import (
    ANTERIOR,
    Surface,
    View,
    draw_coloured,
    frame,
    orientation_marks,
    outward,
    plain_surface,
    scale_bar,
)

# One hue a wall of the left ventricle, lighter from base to apex.
_WALLS = {
    "anterior": ("#0072b2", (1, 7, 13)),
    "anteroseptal": ("#cc79a7", (2, 8)),
    "inferoseptal": ("#7a4a9c", (3, 9, 14)),
    "inferior": ("#009e73", (4, 10, 15)),
    "inferolateral": ("#b8a200", (5, 11)),
    "anterolateral": ("#d55e00", (6, 12, 16)),
}
_SMALLEST_LABELLED = 0.015  # of the surface in sight
_LEFT_BACK = View("left posterior", (-0.64, 0.77, 0.0), (0.0, 0.0, 1.0))


def segment_colours() -> NDArray[np.float64]:
    """RGB colour of segments 0 (unused) to 18."""
    colours = np.tile(np.array(to_rgb("#8a8a8a")), (19, 1))
    for colour, members in _WALLS.values():
        for segment in members:
            level = 0 if segment <= 6 else 1 if segment <= 12 else 2
            colours[segment] = 1 - (1 - np.array(to_rgb(colour))) * (1.0, 0.68, 0.4)[level]
    colours[17] = to_rgb("#4d4d4d")
    colours[18] = to_rgb("#e3e3e3")
    return colours


def draw_segments(figure: Figure, place: SubplotSpec, anatomy: xr.Dataset) -> None:
    """Draw the segments from the front and from left behind, and their key."""
    inner = GridSpecFromSubplotSpec(1, 3, place)
    surface = whole_heart(anatomy)
    segment = anatomy["node_segment"].values[anatomy["heart_vertex_node"].values]
    colours = segment_colours()
    for position, view, title in (
        (inner[0], ANTERIOR, "AHA segments, anterior"),
        (inner[1], _LEFT_BACK, "left behind"),
    ):
        axes = figure.add_subplot(position)
        draw_coloured(axes, surface, colours[segment], view)
        _number_segments(axes, surface, segment, view)
        axes.set_title(title, loc="left")
        finish(axes, surface, view)
    _bullseye(figure.add_subplot(inner[2]), colours)


def in_sight(page: NDArray[np.float64], hidden_mm: float, cell_mm: float = 8.0) -> NDArray[np.bool_]:
    """True for vertices at most ``hidden_mm`` behind the nearest one in the same square of the page, shape (vertex,).

    ``page`` are page coordinates and depth in mm, shape (vertex, 3).
    """
    _, group = np.unique(np.floor(page[:, :2] / cell_mm).astype(int), axis=0, return_inverse=True)
    nearest = np.full(group.max() + 1, -np.inf)
    np.maximum.at(nearest, group, page[:, 2])
    visible: NDArray[np.bool_] = page[:, 2] > nearest[group] - hidden_mm
    return visible


def _number_segments(axes: Axes, surface: Surface, segment: NDArray[np.int64], view: View) -> None:
    """Write the number of each segment in the middle of the part of it that is in sight."""
    page = view.project(surface.vertices)
    seen = in_sight(page, hidden_mm=6.0)
    for value in np.unique(segment[seen]):
        members = page[seen & (segment == value), :2]
        if len(members) >= _SMALLEST_LABELLED * seen.sum():
            middle = members[np.argmin(np.linalg.norm(members - np.median(members, axis=0), axis=1))]
            _label(axes, middle[0], middle[1], "RV" if value == 18 else str(value))


def _bullseye(axes: Axes, colours: NDArray[np.float64]) -> None:
    for segment, (x, y) in draw_bullseye(axes, colours[1:18]).items():
        _label(axes, x, y, str(segment))
    axes.set_title("Key (base outside)", loc="left")


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.75, "linewidth": 0}
    axes.text(x, y, text, ha="center", va="center", fontsize=6.5, fontweight="bold", bbox=box)


def whole_heart(anatomy: xr.Dataset) -> Surface:
    """The heart's surface with values given at its vertices."""
    vertices = anatomy["heart_vertex"].values.astype(float)
    return plain_surface(vertices, outward(vertices, anatomy["heart_face"].values.astype(np.int64)))


def finish(axes: Axes, surface: Surface, view: View, side_mm: float = 12.0) -> None:
    """Frame, scale bar and orientation marks of a view."""
    frame(axes, surface, view, side_mm=side_mm, below_mm=16.0)
    scale_bar(axes, surface, view)
    orientation_marks(axes, surface, view)
