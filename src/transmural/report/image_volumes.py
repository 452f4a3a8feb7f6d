"""Example test maps of study 2 in whole hearts, as rows of short-axis sections from base to apex."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from transmural.report.image_kept import KeptMap, kept_of
from transmural.report.image_labels import OURS, PUBLISHED_FORM
from transmural.report.image_maps import (
    Scales,
    colour_bars,
    crop_of,
    draw_error,
    draw_spread,
    draw_times,
    finish,
    map_keys,
    mark_pacing,
    scale_bar,
    scales_of,
)
from transmural.report.style import PAGE_WIDTH_IN, new_figure, split, styled

_SECTIONS = 5
_GAP = 0.25  # between strips, in sections
# Sections near the ends of the heart show next to nothing.
_ENDS = 0.08
_STRIPS = (
    (("truth", ""), ("times", OURS)),
    (("error", OURS), ("spread", OURS)),
    (("times", PUBLISHED_FORM), ("times", "ridge")),
)
_TITLES = {
    ("truth", ""): "Simulated, base to apex",
    ("times", OURS): "Fully conditioned: mean of the samples",
    ("error", OURS): "Fully conditioned: error",
    ("spread", OURS): "Fully conditioned: spread of the samples",
    ("times", PUBLISHED_FORM): "As published: mean of the samples",
    ("times", "ridge"): "Ridge",
}


class _Drawn(NamedTuple):
    """What all panels of the figure have in common."""

    cell_mm: float
    scales: Scales
    crop: tuple[float, float, float, float]


def volumes_figure(kept: xr.Dataset) -> tuple[Figure, str]:
    """Whole hearts: simulated and predicted times, error and spread, a strip of short-axis sections each.

    Parameters
    ----------
    kept
        Contract PREDICTED_VOLUMES, with attribute ``cell_mm``; setting ``cvae_3d``.

    Returns
    -------
    figure and caption

    Raises
    ------
    ValueError
        If there is no map of this setting.
    """
    cases = kept_of(kept, "cvae_3d")
    if not cases:
        raise ValueError("no kept maps of the setting 'cvae_3d'")
    cell_mm = float(kept.attrs["cell_mm"])
    drawn = _Drawn(cell_mm, scales_of(cases, (OURS,)), crop_of(cases, cell_mm))
    left, right, top, bottom = drawn.crop
    strip_in = PAGE_WIDTH_IN / (2 * _SECTIONS + _GAP) * (bottom - top) / (right - left) + 0.2
    case_in = len(_STRIPS) * strip_in + 0.2
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, case_in * len(cases) + 0.82)
        *rows, below = split(figure, len(cases) + 1, heights=[*[case_in] * len(cases), 0.57])
        for number, (part, one) in enumerate(zip(rows, cases, strict=True)):
            part.suptitle(one.words, fontsize=7.5, x=0.01, ha="left", weight="bold")
            widths = [1.0] * _SECTIONS + [_GAP] + [1.0] * _SECTIONS
            grid = part.subplots(len(_STRIPS), len(widths), width_ratios=widths)
            for line, pair in zip(grid, _STRIPS, strict=True):
                line[_SECTIONS].set_axis_off()
                for axes, panel in zip((line[:_SECTIONS], line[_SECTIONS + 1 :]), pair, strict=True):
                    _strip(axes, one, panel, drawn)
            if number == 0:
                scale_bar(grid[0, 0], drawn.crop)
        colour_bars(below, drawn.scales)
        keys = map_keys(any(one.slow.any() for one in cases))
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure, (
        "Activation maps of whole hearts that no network was trained with: the best, the median and the worst test "
        "map by the mean absolute error of the fully conditioned β-CVAE, each as short-axis sections from base (left) "
        "to apex (right), seen from the apex with the heart's front up. Outside of the wall is blank. Lines are "
        f"isochrones every {drawn.scales.isochrones_ms:g} ms; a star is a pacing zone, drawn in the nearest section; a "
        "coloured border is the slow region. All times share one scale of colours, which ends at the 98th percentile "
        "of the true ones; those of error (mean less simulated) and spread (standard deviation of the samples) end at "
        "their 95th percentile. The number is the mean absolute error over the whole wall."
    )


def section_places(mask: NDArray[np.bool_], count: int = _SECTIONS) -> NDArray[np.int64]:
    """Indices along z of sections at equal distances from base to apex, shape (section,); fewer in a flat heart."""
    along = np.flatnonzero(mask.any(axis=(0, 1)))
    ends = along[0] + _ENDS * (along[-1] - along[0]), along[-1] - _ENDS * (along[-1] - along[0])
    return np.unique(np.linspace(*ends, count).round().astype(np.int64))


def _strip(panels: Sequence[Axes], one: KeptMap, panel: tuple[str, str], drawn: _Drawn) -> None:
    """Sections of one quantity."""
    shown, method = panel
    volume = one.truth if shown == "truth" else (one.spread if shown == "spread" else one.predicted).get(method)
    title = _TITLES[panel]
    if shown == "times" and volume is not None:
        title += f", {one.mean_error(method)}"
    # The layout knows the title's height only: it is wider than the panel.
    panels[0].set_title(" ", fontsize=6.5, pad=2)
    panels[0].annotate(
        title, (0, 1), (0, 2), xycoords="axes fraction", textcoords="offset points", fontsize=6.5, in_layout=False
    )
    draw = {"error": draw_error, "spread": draw_spread}.get(shown, draw_times)
    places = section_places(one.mask)
    for axes, place in zip(panels, places, strict=False):
        if volume is not None:
            values = volume - one.truth if shown == "error" else volume
            draw(axes, values[:, :, place].T, drawn.cell_mm, drawn.scales)
        finish(axes, one.mask[:, :, place].T, one.slow[:, :, place].T, drawn.cell_mm, drawn.crop)
        if shown in ("truth", "times"):
            _mark_nearest(axes, one, places, int(place), drawn.cell_mm)
    for axes in panels[len(places) :]:
        axes.set_axis_off()


def _mark_nearest(
    axes: Axes, one: KeptMap, places: Sequence[int] | NDArray[np.int64], place: int, cell_mm: float
) -> None:
    """Stars of those pacing zones to which this section is the nearest."""
    along = cell_mm * (np.asarray(places) - (one.mask.shape[2] - 1) / 2)
    nearest = np.abs(one.pacing_mm[:, 2:3] - along).argmin(axis=1)
    mark_pacing(axes, one.pacing_mm[np.asarray(places)[nearest] == place], size=5)
