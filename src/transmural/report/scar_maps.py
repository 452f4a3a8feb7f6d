"""Scars recovered by every method, and the potentials within and away from them (Ghimire et al. 2018, fig. 4)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from transmural.report.drawn_case import DrawnCase, how_chosen
from transmural.report.early_activation import (
    VIEWS,
    case_heading,
    column_titles,
    room_below,
    row_height,
    row_text,
    titles_height,
)
from transmural.report.heart_view import draw_coloured, frame, heart_surface, orientation_marks, scale_bar
from transmural.report.style import (
    HEALTHY_COLOUR,
    PAGE_WIDTH_IN,
    SCAR_COLOUR,
    axis_label,
    method_colour,
    new_figure,
    readable,
    split,
    styled,
)

_BELOW_MM = 16.0
_TRACES_IN = 1.45
_SCAR_MAP = LinearSegmentedColormap.from_list("scar", [HEALTHY_COLOUR, HEALTHY_COLOUR, SCAR_COLOUR, SCAR_COLOUR])


def scar_figure(cases: Sequence[DrawnCase], labels: Mapping[str, str] | None = None) -> tuple[Figure, str]:
    """True and recovered scars in two views, and potentials over time at a healthy node and at a scar node.

    Parameters
    ----------
    cases
        Cases with a scar, each with the same methods in ``tmp`` and ``scar``.
    labels
        Names of methods as shown.

    Returns
    -------
    figure and caption

    Raises
    ------
    ValueError
        If a case has no scar.
    """
    for case in cases:
        if not case.truth["scar"].values.any():
            raise ValueError(f"case {case.choice.case} of {case.choice.subject} has no scar to draw")
    methods = list(cases[0].scar)
    with styled():
        names = ["Truth", *(readable(m, labels) for m in methods)]
        hearts_in = len(VIEWS) * row_height(len(names), _BELOW_MM) + titles_height(names) + 0.2
        figure = new_figure(PAGE_WIDTH_IN, (hearts_in + _TRACES_IN) * len(cases) + 0.15 + 0.17 * -(-len(names) // 4))
        parts = split(figure, len(cases))
        for part, case in zip(parts, cases, strict=True):
            _draw_case(part, case, methods, names, hearts_in)
        handles: list[Patch | Line2D] = [
            Patch(color=SCAR_COLOUR, label="scar"),
            Patch(color=HEALTHY_COLOUR, label="healthy"),
            Line2D([], [], color="black", linewidth=1.8, label="truth"),
            *(Line2D([], [], color=method_colour(m), label=readable(m, labels)) for m in methods),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure, _caption(cases)


def healthy_and_scar_node(case: DrawnCase) -> tuple[int, int]:
    """The healthy node of median activation time, and the scar node nearest to the scar's centroid."""
    scar = case.truth["scar"].values.astype(bool)
    activation = case.truth["activation_time"].values.astype(float)
    healthy = np.flatnonzero(~scar & np.isfinite(activation))
    median = healthy[np.argsort(activation[healthy], kind="stable")[(len(healthy) - 1) // 2]]
    nodes = np.flatnonzero(scar)
    position = case.anatomy["node_position"].values[nodes].astype(float)
    volume = case.anatomy["node_volume"].values[nodes].astype(float)
    centroid = np.average(position, axis=0, weights=volume)
    return int(median), int(nodes[np.argmin(np.linalg.norm(position - centroid, axis=1))])


def _draw_case(part: SubFigure, case: DrawnCase, methods: list[str], names: list[str], hearts_in: float) -> None:
    hearts, traces = split(part, 2, heights=[hearts_in, _TRACES_IN])
    grid = hearts.subplots(len(VIEWS), len(names), squeeze=False)
    surface = heart_surface(case.anatomy)
    maps = [case.truth["scar"].values, *(case.scar[m] for m in methods)]
    for row, view in enumerate(VIEWS):
        for axes, scar in zip(grid[row], maps, strict=True):
            share = surface.weights @ np.asarray(scar, dtype=float)
            draw_coloured(axes, surface, _SCAR_MAP(share)[:, :3], view)
            frame(axes, surface, view, below_mm=room_below(len(names), _BELOW_MM))
        orientation_marks(grid[row, 0], surface, view)
        row_text(grid[row, 0], view.name)
    scale_bar(grid[0, 0], surface, VIEWS[0])
    column_titles(grid[0], names)
    part.suptitle(case_heading(case), fontsize=8, x=0.01, ha="left", weight="bold")
    healthy, scar_node = healthy_and_scar_node(case)
    left, right = traces.subplots(1, 2, sharey=True)
    _traces(left, case, methods, healthy, "healthy node")
    _traces(right, case, methods, scar_node, "scar node")
    left.set_ylabel("TMP, dimensionless")


def _traces(axes: Axes, case: DrawnCase, methods: list[str], node: int, title: str) -> None:
    time = case.truth["time"].values
    axes.plot(time, case.truth["tmp"].values[:, node], color="black", linewidth=1.8)
    for name in methods:
        axes.plot(time, case.tmp[name][:, node], color=method_colour(name))
    axes.set_title(f"{title} ({node})", loc="left", fontsize=7.5)
    axes.set_xlabel(axis_label("time", "ms"))
    axes.margins(x=0)


def _caption(cases: Sequence[DrawnCase]) -> str:
    return (
        "Scar recovered from the ECG. Top: true scar and each method's, from the front and from the back; the "
        "threshold of each method's scar definition was tuned on validation beats, never on these. Bottom: "
        "transmembrane potential over time at the healthy node of median activation time and at the scar node "
        "nearest to the scar's centroid. Look for islands of scar where the truth has none, and for whether a "
        "method keeps the shape of the action potential or only a small deflection about zero, as methods without a "
        f"prior on time courses do. {how_chosen(cases)}"
    )
