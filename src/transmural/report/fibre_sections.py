"""Fibres on a short-axis and a long-axis section of the heart, as sticks coloured by helix angle.

The short-axis section is seen from the apex with the right ventricle on the left, as in cardiac imaging; the long-axis
section holds the axis and mid septum.
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpecFromSubplotSpec, SubplotSpec
from numpy.typing import NDArray

_HELIX_MAP = "managua"
_LEFT_WALL, _RIGHT_WALL = "#f7e3d3", "#dcecf7"
_SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2


def draw_fibres(figure: Figure, place: SubplotSpec, anatomy: xr.Dataset) -> None:
    """Draw both sections and their colour bar."""
    inner = GridSpecFromSubplotSpec(1, 2, place)
    apex, septal = (np.asarray(anatomy.attrs[k]) for k in ("apex_direction", "septal_direction"))
    middle = np.asarray(anatomy.attrs["axis_point_mm"]) + 0.4 * anatomy.attrs["long_axis_mm"] * apex
    short, long = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
    sticks = _sticks(short, anatomy, middle, -septal, np.cross(septal, apex))
    short.set_title("Fibres, short axis, seen from the apex", loc="left")
    mark_sides(short, ("RV side", "lateral", "anterior", "inferior"))
    _sticks(long, anatomy, middle, -septal, -apex)
    long.set_title("Fibres, long axis", loc="left")
    mark_sides(long, ("RV side", "lateral", "base", "apex"))
    bar = figure.colorbar(sticks, ax=[short, long], shrink=0.75, pad=0.01, ticks=[-90, -60, -30, 0, 30, 60, 90])
    bar.set_label("helix angle / degree")


def helix_angle_deg(anatomy: xr.Dataset) -> NDArray[np.float64]:
    """Angle in degrees of each voxel's fibre above the plane perpendicular to the long axis, -90 to 90, (voxel,).

    Positive where the fibre climbs to the base counter-clockwise seen from there (a right-handed helix). For pictures:
    near the apex the wall turns away from the long axis and the angle loses its meaning.
    """
    apex = np.asarray(anatomy.attrs["apex_direction"])
    fibre = anatomy["fibre"].values.astype(float)
    radial = anatomy["voxel_position"].values - np.asarray(anatomy.attrs["axis_point_mm"])
    around = np.cross(-apex, radial)
    around /= np.maximum(np.linalg.norm(around, axis=1, keepdims=True), 1e-9)
    turning = np.sum(fibre * around, axis=1)
    # A fibre has no sense: it is read in the one that turns counter-clockwise.
    climbing = -(fibre @ apex) * np.where(turning < 0, -1, 1)
    angle: NDArray[np.float64] = np.degrees(np.arctan2(climbing, np.abs(turning)))
    return angle


def add_voxels(
    axes: Axes,
    anatomy: xr.Dataset,
    point: NDArray[np.float64],
    right: NDArray[np.float64],
    up: NDArray[np.float64],
    colours: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Draw the voxels that a plane cuts as squares in their ``colours``, shape (voxel, 3).

    Returns which voxels these are, shape (voxel,), and where their centres fall on the page, in mm from ``point``.
    """
    spacing = anatomy.attrs["spacing_mm"]
    offset = anatomy["voxel_position"].values - point
    chosen = np.abs(offset @ np.cross(right, up)) <= 0.6 * spacing
    middle = offset[chosen] @ np.stack([right, up]).T
    squares = PolyCollection(
        list(middle[:, None] + 1.3 * spacing * _SQUARE), facecolors=colours[chosen], linewidths=0, zorder=0
    )
    squares.set_rasterized(True)
    axes.add_collection(squares)
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.margins(0.12)
    axes.set_xlabel("mm")
    return chosen, middle


def mark_sides(axes: Axes, words: tuple[str, str, str, str]) -> None:
    """Write what lies to the left, right, top and bottom of a section."""
    places = ((0.015, 0.5, 90), (0.985, 0.5, 90), (0.5, 0.975, 0), (0.5, 0.025, 0))
    for text, (x, y, turn) in zip(words, places, strict=True):
        axes.text(
            x,
            y,
            text,
            transform=axes.transAxes,
            rotation=turn,
            fontsize=6.5,
            color="#333333",
            ha="left" if x < 0.1 else "right" if x > 0.9 else "center",
            va="bottom" if y < 0.1 else "top" if y > 0.9 else "center",
        )


def _sticks(
    axes: Axes, anatomy: xr.Dataset, point: NDArray[np.float64], right: NDArray[np.float64], up: NDArray[np.float64]
) -> LineCollection:
    left = anatomy["segment"].values[:, None] <= 17
    chosen, middle = add_voxels(
        axes, anatomy, point, right, up, np.where(left, to_rgb(_LEFT_WALL), to_rgb(_RIGHT_WALL))
    )
    half = 0.8 * anatomy.attrs["spacing_mm"] * anatomy["fibre"].values[chosen] @ np.stack([right, up]).T
    sticks = LineCollection(
        list(np.stack([middle - half, middle + half], axis=1)),
        cmap=_HELIX_MAP,
        norm=Normalize(-90, 90),
        linewidths=0.9,
        capstyle="round",
    )
    sticks.set_array(helix_angle_deg(anatomy)[chosen])
    axes.add_collection(sticks)
    return sticks
