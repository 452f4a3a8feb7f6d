"""Maps on images of walls: colours with isochrones, slow regions outlined, pacing zones, scale bars.

A section is drawn as seen from the apex, with the heart's front up and x to the left, so that in most hearts the right
ventricle lies on the left, as in clinical short-axis views.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from transmural.report.image_kept import Floats, KeptMap, Mask
from transmural.report.style import COUNT_MAP, SIGNED_MAP, TIME_MAP, axis_label

SLOW_COLOUR = "#e7298a"
_WALL_COLOUR = "#555555"
_MARGIN_MM = 2.0
_BAR_MM = 20
_INTERVALS_MS = (2, 5, 10, 20, 50, 100)
_ISOCHRONES = 16  # at most
# Colours of errors and spreads end here: a few cells would leave no colours for the others.
_SHOWN = 0.95
_SHOWN_TIMES = 0.98  # likewise, of the true times: a slow region may be reached very late


class Scales(NamedTuple):
    """Colours of a figure's times, errors and spreads, and the interval of isochrones in ms."""

    time: Normalize
    error: Normalize
    spread: Normalize
    isochrones_ms: float


def scales_of(kept: Iterable[KeptMap], methods: Iterable[str]) -> Scales:
    """Colours for true times, and for errors and spreads of these methods; the highest of each are cut."""
    kept, methods = list(kept), list(methods)
    latest = _high([one.truth for one in kept], _SHOWN_TIMES)
    errors = [np.abs(one.error(m)) for one in kept for m in methods if m in one.predicted]
    spreads = [one.spread[m] for one in kept for m in methods if m in one.spread]
    reach, widest = _high(errors), _high(spreads)
    interval = next((ms for ms in _INTERVALS_MS if latest / ms <= _ISOCHRONES), _INTERVALS_MS[-1])
    return Scales(Normalize(0, latest), Normalize(-reach, reach), Normalize(0, widest), interval)


def crop_of(kept: Iterable[KeptMap], cell_mm: float) -> tuple[float, float, float, float]:
    """Left, right, top and bottom in mm that hold the walls of all maps, the same scale for all."""
    boxes = []
    for one in kept:
        for axis in (1, 0) if one.mask.ndim == 2 else (0, 1):
            others = tuple(k for k in range(one.mask.ndim) if k != axis)
            along = np.flatnonzero(one.mask.any(axis=others)) - (one.mask.shape[axis] - 1) / 2
            boxes.append(cell_mm * np.array([along[0] - 0.5, along[-1] + 0.5]))
    x, y = np.array(boxes[::2]), np.array(boxes[1::2])
    low_x, high_x = x.min() - _MARGIN_MM, x.max() + _MARGIN_MM
    return float(low_x), float(high_x), float(y.min() - _MARGIN_MM), float(y.max() + _MARGIN_MM)


def draw_times(axes: Axes, times: Floats, cell_mm: float, scales: Scales) -> None:
    """Activation times in colours with isochrones, shape (row, column); NaN stays blank."""
    _draw(axes, times, cell_mm, TIME_MAP, scales.time)
    y, x = (cell_mm * (np.arange(size) - (size - 1) / 2) for size in times.shape)
    known = times[np.isfinite(times)]
    if not known.size:
        return
    # Far beyond the true times lines would only be many.
    reach, step = 2 * float(scales.time.vmax or 0), scales.isochrones_ms
    first, last = max(float(known.min()), -reach), min(float(known.max()), reach)
    levels = np.arange(step * np.ceil(first / step), last, step)
    if levels.size:
        axes.contour(x, y, np.ma.masked_invalid(times), levels, colors="white", linewidths=0.5, alpha=0.9)


def draw_error(axes: Axes, error: Floats, cell_mm: float, scales: Scales) -> None:
    """Signed errors in colours."""
    _draw(axes, error, cell_mm, SIGNED_MAP, scales.error)


def draw_spread(axes: Axes, spread: Floats, cell_mm: float, scales: Scales) -> None:
    """Standard deviations in colours."""
    _draw(axes, spread, cell_mm, COUNT_MAP, scales.spread)


def outline(axes: Axes, region: Mask, cell_mm: float, colour: str, width: float = 1.0) -> None:
    """The border of a region along the edges of its cells, shape (row, column)."""
    runs = []
    for cells, turn in ((region, 1), (region.T, -1)):
        ends = np.diff(np.pad(cells, ((0, 0), (1, 1))).astype(np.int8), axis=1) != 0
        change = np.diff(np.pad(ends, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
        # Where a run of such edges begins and ends: across it, along it.
        runs.append(np.stack([np.argwhere(change > 0), np.argwhere(change < 0)], axis=1)[..., ::turn])
    corners = cell_mm * (np.concatenate(runs).reshape(-1, 2) - np.array(region.shape[::-1]) / 2)
    if corners.size:
        # One path is drawn several times as fast as a line an edge.
        border = Path(corners, np.tile([Path.MOVETO, Path.LINETO], len(corners) // 2))
        axes.add_artist(PathPatch(border, facecolor="none", edgecolor=colour, linewidth=width, capstyle="projecting"))


def finish(axes: Axes, mask: Mask, slow: Mask, cell_mm: float, crop: tuple[float, float, float, float]) -> None:
    """Borders of wall and slow region, and the part of the image that is shown."""
    outline(axes, mask, cell_mm, _WALL_COLOUR, 0.4)
    outline(axes, slow, cell_mm, SLOW_COLOUR, 1.1)
    left, right, top, bottom = crop
    axes.set(xlim=(right, left), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def mark_pacing(axes: Axes, pacing_mm: Floats, size: float = 6.5) -> None:
    """A star at every pacing zone, x and y in mm, shape (zone, 2 or 3)."""
    axes.plot(
        pacing_mm[:, 0], pacing_mm[:, 1], marker="*", color="white", markeredgecolor="black", markeredgewidth=0.6,
        markersize=size, linestyle="none", clip_on=False, zorder=5, in_layout=False,
    )  # fmt: skip


def scale_bar(axes: Axes, crop: tuple[float, float, float, float], size: float = 5.5) -> None:
    """A bar of 20 mm in the lower left corner."""
    _, right, _, bottom = crop
    axes.plot([right, right - _BAR_MM], [bottom, bottom], color="black", linewidth=1.6, solid_capstyle="butt",
              clip_on=False)  # fmt: skip
    axes.annotate(
        f"{_BAR_MM} mm", (right, bottom), (0, -2), textcoords="offset points", ha="left", va="top",
        fontsize=size, annotation_clip=False,
    )  # fmt: skip


def colour_bars(part: SubFigure, scales: Scales, spread: bool = True) -> None:
    """Bars of times, spreads and errors side by side."""
    bars = [
        (TIME_MAP, scales.time, "activation time", "max"),
        (SIGNED_MAP, scales.error, "predicted − simulated", "both"),
    ]
    if spread:
        bars.insert(1, (COUNT_MAP, scales.spread, "standard deviation of the samples", "max"))
    for axes, (colours, norm, label, ends) in zip(part.subplots(1, len(bars)), bars, strict=True):
        axes.set_box_aspect(0.04)
        part.figure.colorbar(
            ScalarMappable(norm, mpl.colormaps[colours]), cax=axes, orientation="horizontal", extend=ends,
            label=axis_label(label, "ms"),
        )  # fmt: skip


def map_keys(slow: bool) -> list[Line2D | Patch]:
    """Entries of a legend for pacing zones, slow regions and isochrones."""
    star = Line2D(
        [], [], marker="*", color="white", markeredgecolor="black", markersize=8, linestyle="none", label="pacing zone"
    )
    region = Patch(facecolor="none", edgecolor=SLOW_COLOUR, linewidth=1.2, label="slow region")
    return [star, region] if slow else [star]


def _high(values: Sequence[Floats], share: float = _SHOWN) -> float:
    if not values:
        return 1.0
    found = np.concatenate([v[np.isfinite(v)].ravel() for v in values])
    return max(float(np.quantile(found, share)), 1.0) if found.size else 1.0


def _draw(axes: Axes, values: Floats, cell_mm: float, colours: str, norm: Normalize) -> None:
    height, width = (0.5 * cell_mm * size for size in values.shape)
    axes.imshow(
        np.ma.masked_invalid(values), cmap=colours, norm=norm, interpolation="nearest", origin="upper",
        extent=(-width, width, height, -height),
    )  # fmt: skip
