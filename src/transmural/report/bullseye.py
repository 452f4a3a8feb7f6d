"""The left ventricle's 17 segments as a bull's-eye: base outside, anterior wall up, septum left (Cerqueira 2002)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Wedge
from numpy.typing import NDArray

SEGMENTS = 17
# Segments of a ring, its outer radius, and the angle that a segment takes.
_RINGS = ((range(1, 7), 1.0, 60.0), (range(7, 13), 0.75, 60.0), (range(13, 17), 0.5, 90.0))
_THICKNESS = 0.25
_WALLS = (("anterior", 0, 1.1, 0), ("inferior", 0, -1.12, 0), ("septal", -1.1, 0, 90), ("lateral", 1.1, 0, 90))


def draw_bullseye(
    axes: Axes, colours: Sequence[Any] | NDArray[np.floating], walls: bool = True
) -> dict[int, tuple[float, float]]:
    """Fill the segments and hide the axes.

    Parameters
    ----------
    axes
        Where to draw; one unit is the outer radius.
    colours
        Colour of segments 1 to 17 in order.
    walls
        Whether the four walls are named around it.

    Returns
    -------
    The middle of each segment, for labels.

    Raises
    ------
    ValueError
        If there aren't 17 colours.
    """
    if len(colours) != SEGMENTS:
        raise ValueError(f"a bull's-eye needs {SEGMENTS} colours, got {len(colours)}")
    middles = {}
    for segments, radius, width in _RINGS:
        for k, segment in enumerate(segments):
            # Segments run counter-clockwise from the anterior one.
            middle = 90 + k * width
            first, last = middle - width / 2, middle + width / 2
            axes.add_patch(
                Wedge((0, 0), radius, first, last, width=_THICKNESS, facecolor=colours[segment - 1], edgecolor="white")
            )
            angle, along = np.radians(middle), radius - _THICKNESS / 2
            middles[segment] = (along * float(np.cos(angle)), along * float(np.sin(angle)))
    axes.add_patch(Wedge((0, 0), _THICKNESS, 0, 360, facecolor=colours[SEGMENTS - 1], edgecolor="white"))
    middles[SEGMENTS] = (0.0, 0.0)
    for text, x, y, turn in _WALLS if walls else ():
        axes.text(x, y, text, ha="center", va="center", rotation=turn, fontsize=6.5)
    reach = 1.25 if walls else 1.02
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return middles
