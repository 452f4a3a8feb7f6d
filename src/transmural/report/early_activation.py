"""Early activation on the heart: truth and every method side by side (the form of Ghimire et al. 2018, fig. 3)."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from transmural.report.drawn_case import EARLY_FRACTION, DrawnCase, how_chosen
from transmural.report.heart_view import (
    ANTERIOR,
    POSTERIOR,
    Surface,
    View,
    draw_plain,
    draw_surface,
    frame,
    heart_surface,
    mark,
    orientation_marks,
    scale_bar,
)
from transmural.report.quantities import setting_label
from transmural.report.style import HEALTHY_COLOUR, PAGE_WIDTH_IN, POTENTIAL_MAP, new_figure, readable, split, styled

VIEWS = (ANTERIOR, POSTERIOR)
_BELOW_MM = 32.0
_HEART_MM = 110.0
# Columns of hearts up to which there is room to spare.
_FEW = 7


def early_activation_figure(cases: Sequence[DrawnCase], labels: Mapping[str, str] | None = None) -> tuple[Figure, str]:
    """Snapshots of the potential when `EARLY_FRACTION` of the heart is activated; two rows (views) a case.

    Parameters
    ----------
    cases
        Cases with the same methods in ``tmp``.
    labels
        Names of methods as shown.

    Returns
    -------
    figure and caption
    """
    methods = list(cases[0].tmp)
    names = ["Truth", *(readable(m, labels) for m in methods)]
    with styled():
        height = len(VIEWS) * row_height(len(names), _BELOW_MM) + titles_height(names) + 0.15
        figure = new_figure(PAGE_WIDTH_IN, height * len(cases) + 0.6)
        *parts, foot = split(figure, len(cases) + 1, heights=[*[height] * len(cases), 0.6])
        for part, case in zip(parts, cases, strict=True):
            _draw_case(part, case, methods, names)
        bar = foot.colorbar(
            ScalarMappable(Normalize(0, 1), POTENTIAL_MAP),
            cax=foot.add_axes((0.2, 0.6, 0.6, 0.16)),
            orientation="horizontal",
        )
        bar.set_ticks([0, 1], labels=["lowest", "highest"])
        bar.set_label("transmembrane potential, dimensionless: from the lowest to the highest value of each panel")
    return figure, _caption(cases)


def _draw_case(part: SubFigure, case: DrawnCase, methods: Sequence[str], names: Sequence[str]) -> None:
    part.suptitle(case_heading(case), fontsize=8, x=0.01, ha="left", weight="bold")
    grid = part.subplots(len(VIEWS), 1 + len(methods), squeeze=False)
    surface, moment = heart_surface(case.anatomy), case.early_frame
    snapshots = [case.truth["tmp"].values[moment], *(case.tmp[m][moment] for m in methods)]
    for row, view in enumerate(VIEWS):
        for axes, snapshot in zip(grid[row], snapshots, strict=True):
            _panel(axes, surface, snapshot, view, case)
            frame(axes, surface, view, below_mm=room_below(len(names), _BELOW_MM))
        row_text(grid[row, 0], view.name)
        orientation_marks(grid[row, 0], surface, view)
    scale_bar(grid[0, 0], surface, VIEWS[0])
    column_titles(grid[0], names)


def _panel(axes: Axes, surface: Surface, snapshot: NDArray[np.floating], view: View, case: DrawnCase) -> None:
    if np.isfinite(snapshot).all():
        low, high = float(snapshot.min()), float(snapshot.max())
        draw_surface(
            axes, surface, surface.weights @ snapshot, view, POTENTIAL_MAP, Normalize(low, max(high, low + 1e-9))
        )
        text = f"{low:.2f} to {high:.2f}".replace("-", "−")
    else:
        draw_plain(axes, surface, HEALTHY_COLOUR, view)
        text = "failed"
    mark(axes, surface, case.truth["origin"].values, view, size=9)
    axes.text(0.5, 0.0, text, transform=axes.transAxes, ha="center", va="bottom", fontsize=5.5)


def case_heading(case: DrawnCase) -> str:
    """Subject, number, setting and origin of a case in one line."""
    setting = setting_label(case.choice.setting).lower()
    origin = ", ".join(f"{value:.0f}".replace("-", "−") for value in case.truth["origin"].values)
    return f"{readable(case.choice.subject)}, case {case.choice.case}: {setting}, origin ({origin}) mm"


def row_text(axes: Axes, text: str) -> None:
    """Text along the left side of a row of hearts."""
    axes.annotate(
        text, (0, 0.6), xycoords="axes fraction", xytext=(-9, 0), textcoords="offset points", fontsize=7, rotation=90,
        ha="center", va="center",
    )  # fmt: skip


def row_height(columns: int, below_mm: float) -> float:
    """Height in inches of a row of so many hearts with room below them; narrow hearts are low, too."""
    width = PAGE_WIDTH_IN / columns
    return min(1.2, width * (_HEART_MM + room_below(columns, below_mm)) / _HEART_MM)


def room_below(columns: int, below_mm: float) -> float:
    """Room in mm for text below a heart, whose letters are larger against a narrow heart."""
    return below_mm * max(1.0, columns / _FEW)


def column_titles(row: NDArray[np.object_], names: Sequence[str]) -> None:
    """Names above a row of hearts, on as many lines as their width takes."""
    for axes, lines in zip(row, _wrapped(names), strict=True):
        axes.set_title("\n".join(lines), fontsize=_title_size(names))


def titles_height(names: Sequence[str]) -> float:
    """Height in inches of the names above a row of hearts."""
    return max(len(lines) for lines in _wrapped(names)) * 1.25 * _title_size(names) / 72


def _title_size(names: Sequence[str]) -> float:
    return 7.5 if len(names) <= _FEW + 1 else 6.2


def _wrapped(names: Sequence[str]) -> list[list[str]]:
    # A letter is about 0.6 of its size wide.
    letters = int(PAGE_WIDTH_IN / len(names) / (0.6 * _title_size(names) / 72))
    return [textwrap.wrap(name, letters, break_long_words=False) for name in names]


def _caption(cases: Sequence[DrawnCase]) -> str:
    moments = " and ".join(f"{float(case.truth['time'].values[case.early_frame]):.0f} ms" for case in cases)
    return (
        f"Early activation: transmembrane potential when {EARLY_FRACTION:.0%} of the heart has been activated, seen "
        "from the front and from the back (R, L: the patient's right and left). The ring marks the true origin, dotted "
        "where the wall hides it. Look for whether the brightest region of a reconstruction surrounds the ring, as it "
        "does in the truth, and how far it is smeared. Each panel has its own scale, printed beneath, because methods "
        "without a prior on time courses recover the potential only up to its spatial mean. Values are interpolated "
        f"between nodes for display. At {moments} after the stimulus. {how_chosen(cases)}"
    )
