"""Activation times over the heart: truth and every method."""

from collections.abc import Mapping

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from transmural.report.drawn_case import DrawnCase, how_chosen
from transmural.report.early_activation import (
    VIEWS,
    column_titles,
    room_below,
    row_height,
    row_text,
    titles_height,
)
from transmural.report.heart_view import draw_surface, frame, heart_surface, mark, orientation_marks, scale_bar
from transmural.report.style import PAGE_WIDTH_IN, TIME_MAP, new_figure, readable, styled

ISOCHRONE_MS = 20.0
_BELOW_MM = 18.0


def activation_figure(case: DrawnCase, labels: Mapping[str, str] | None = None) -> tuple[Figure, str]:
    """Activation-time maps on one colour scale, set by the truth; nodes never activated are white.

    Returns
    -------
    figure and caption
    """
    methods = list(case.activation_time)
    surface = heart_surface(case.anatomy)
    truth = case.truth["activation_time"].values.astype(float)
    edges = np.arange(0, np.nanmax(truth) + ISOCHRONE_MS, ISOCHRONE_MS)
    norm = BoundaryNorm(edges, 256, extend="max")
    names = ["Truth", *(readable(m, labels) for m in methods)]
    maps = [truth, *(np.asarray(case.activation_time[m], dtype=float) for m in methods)]
    with styled():
        height = len(VIEWS) * row_height(len(names), _BELOW_MM) + titles_height(names)
        figure = new_figure(PAGE_WIDTH_IN, height + 0.55)
        grid = figure.subplots(len(VIEWS), len(maps), squeeze=False)
        for row, view in enumerate(VIEWS):
            for axes, values in zip(grid[row], maps, strict=True):
                missing = surface.weights @ (~np.isfinite(values)).astype(float)
                shown = surface.weights @ np.nan_to_num(values, nan=0.0) / np.maximum(1 - missing, 1e-6)
                draw_surface(axes, surface, np.where(missing > 0.5, np.nan, shown), view, TIME_MAP, norm)
                mark(axes, surface, case.truth["origin"].values, view, size=9)
                frame(axes, surface, view, below_mm=room_below(len(names), _BELOW_MM))
            orientation_marks(grid[row, 0], surface, view)
            row_text(grid[row, 0], view.name)
        scale_bar(grid[0, 0], surface, VIEWS[0])
        column_titles(grid[0], names)
        figure.colorbar(
            ScalarMappable(norm, TIME_MAP), ax=grid, location="bottom", fraction=0.03, aspect=60, pad=0.01,
            label="activation time / ms",
        )  # fmt: skip
    caption = (
        f"Activation times of {readable(case.choice.subject)}, case {case.choice.case}, in bands of {ISOCHRONE_MS:g} "
        "ms on one scale set by the truth (later times have its last colour; white: never activated, as within the "
        "scar). The ring marks the true origin, dotted where the wall hides it. Look for whether the earliest "
        f"region surrounds the ring and whether lines of equal colour run alike. {how_chosen([case])}"
    )
    return figure, caption
