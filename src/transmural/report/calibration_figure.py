"""Observed against nominal coverage of the intervals of every method that gives a standard deviation."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from transmural.evaluation.scores import under
from transmural.report.style import (
    PAGE_WIDTH_IN,
    method_colour,
    method_marker,
    new_figure,
    ordered_methods,
    readable,
    styled,
)


def calibration_figure(
    coverage: pd.DataFrame, cohorts: Sequence[str], labels: Mapping[str, str] | None = None
) -> tuple[Figure, str]:
    """A panel a training cohort, a line a method.

    Parameters
    ----------
    coverage
        As `evaluation.calibration.calibration` gives it, of all subjects, cohorts, settings and methods.
    cohorts
        Training cohorts in order.
    labels
        Names of methods as shown.

    Returns
    -------
    figure and caption
    """
    methods = ordered_methods(coverage["method"])
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 3.7)
        panels = figure.subplots(1, len(cohorts), squeeze=False, sharey=True)[0]
        for axes, cohort in zip(panels, cohorts, strict=True):
            _panel(axes, under(coverage, cohort))
            axes.set_title(f"training cohort {readable(cohort)}")
        panels[0].set_ylabel("Observed coverage / %")
        keys = [
            Line2D([], [], color="#555555", linestyle=":", label="calibrated"),
            *(
                Line2D([], [], color=method_colour(m), marker=method_marker(m), markersize=4, label=readable(m, labels))
                for m in methods
            ),
        ]
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, _CAPTION


def _panel(axes: Axes, coverage: pd.DataFrame) -> None:
    axes.plot([0, 100], [0, 100], color="#555555", linestyle=":")
    if coverage.empty:
        axes.text(50, 50, "no method gives\na standard deviation", ha="center", va="center", fontsize=7)
    for name in ordered_methods(coverage["method"]):
        mean = 100 * coverage[coverage["method"] == name].groupby("level")["coverage"].mean()
        axes.plot(
            100 * mean.index, mean, color=method_colour(name), marker=method_marker(name), markersize=4, clip_on=False
        )
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="Nominal coverage / %", aspect="equal")
    axes.grid()
    axes.set_axisbelow(True)


_CAPTION = (
    "Whether standard deviations are to be believed: the share of the true potentials (all nodes and frames, mean over "
    "all test cases of all settings and hearts) that lie within each method's central interval of nominal "
    "probability. On the dotted line a method is calibrated; above it, it is less sure than it could be, below it, "
    "surer than it is right. Compare the methods within a panel; those that learn did so from the panel's training "
    "cohort. Most nodes are at rest or on the plateau for most frames, so a method can cover much and still be too "
    "sure at the fronts."
)
