"""Errors of the methods that learn against how far a case is from what they learnt from."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from transmural.evaluation.scores import under
from transmural.report.quantities import quantity
from transmural.report.style import (
    PAGE_WIDTH_IN,
    axis_label,
    method_colour,
    method_marker,
    new_figure,
    ordered_methods,
    readable,
    styled,
)

_METRICS = ("nrmse", "dice", "origin_distance")
_NOVELTY = {
    "training_origin_mm": "Nearest training origin / mm",
    "training_scar_overlap": "Dice overlap with the\nnearest training scar",
}
# Where a case isn't new at all.
_SEEN = {"training_origin_mm": 0.0, "training_scar_overlap": 1.0}
_BINS = 4


def novelty_figure(
    scores: pd.DataFrame,
    novelty: pd.DataFrame,
    cohorts: Sequence[str],
    methods: Sequence[str],
    labels: Mapping[str, str] | None = None,
) -> tuple[Figure, str]:
    """A row a metric; for each kind of novelty, a column a training cohort.

    Parameters
    ----------
    scores
        Tidy scores.
    novelty
        As `evaluation.novelty.novelty` gives it.
    cohorts
        Training cohorts in order.
    methods
        Methods that learn; others aren't drawn.
    labels
        Names of methods as shown.

    Returns
    -------
    figure and caption
    """
    drawn = ordered_methods(methods)
    columns = [(kind, cohort) for kind in _NOVELTY for cohort in cohorts]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 1.55 * len(_METRICS) + 0.9)
        grid = figure.subplots(len(_METRICS), len(columns), squeeze=False, sharex="col", sharey="row")
        for column, (kind, cohort) in enumerate(columns):
            for row, metric in enumerate(_METRICS):
                known = _joined(under(scores, cohort), novelty[novelty["cohort"] == cohort], metric, kind)
                _panel(grid[row, column], known, drawn, kind)
            grid[0, column].set_title(f"training cohort\n{readable(cohort)}", fontsize=7.5)
            grid[-1, column].set_xlabel(_NOVELTY[kind])
        for row, metric in enumerate(_METRICS):
            shown = quantity(metric)
            grid[row, 0].set_ylabel(axis_label(shown.label, shown.unit))
            grid[row, 0].set_ylim(bottom=0)
        keys = [
            Line2D([], [], color=method_colour(m), marker=method_marker(m), markersize=4, label=readable(m, labels))
            for m in drawn
        ]
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, _CAPTION


def _joined(scores: pd.DataFrame, novelty: pd.DataFrame, metric: str, kind: str) -> pd.DataFrame:
    """Scores of one metric with the novelty of their cases."""
    key = ["subject", "cohort", "setting", "case"]
    return scores[scores["metric"] == metric].merge(novelty[[*key, kind]], on=key).dropna(subset=["value", kind])


def _panel(axes: Axes, known: pd.DataFrame, methods: Sequence[str], kind: str) -> None:
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    for name in methods:
        own = known[known["method"] == name]
        axes.scatter(own[kind], own["value"], s=4, color=method_colour(name), alpha=0.22, linewidths=0)
        binned = _binned(own.sort_values(kind), kind)
        axes.plot(
            binned[kind],
            binned["value"],
            color=method_colour(name),
            marker=method_marker(name),
            markersize=4,
            linewidth=1.3,
        )


def _binned(known: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Means of novelty and value, in its order: of the cases that aren't new, and of bins of as many of the others."""
    seen = np.isclose(known[kind], _SEEN[kind])
    new = known[~seen]
    parts = [known[seen], *(new.iloc[rows] for rows in np.array_split(np.arange(len(new)), _BINS))]
    means = [part[[kind, "value"]].mean() for part in parts if len(part)]
    return pd.DataFrame(means, columns=[kind, "value"]).sort_values(kind)


_CAPTION = (
    "Error against novelty: how normalised RMSE, Dice coefficient and origin distance of the methods that learn go "
    "with the distance of a case's origin from the nearest training origin (left) and with the overlap of its scar "
    "with the nearest training scar (right; healthy cases have none). Points: test cases of all settings and hearts; "
    "lines: means of the cases that aren't new in this respect and of four bins of as many others. Look for whether a "
    "method's error grows with the distance and falls with the overlap, as that of the nearest beat must, or stays "
    "level. The rich cohort leaves hardly a case far from its training, so its columns span another range."
)
