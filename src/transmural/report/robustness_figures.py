"""How scores change with the noise, and with what the methods' model gets wrong."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from transmural.evaluation.robustness import NOISE, UNVARIED, changes, intervals
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

METRICS = ("nrmse", "dice", "origin_distance")
_SPREAD = 0.62  # of a line's height, over which the methods of a variation are spread


def noise_figure(rows: pd.DataFrame, labels: Mapping[str, str] | None = None) -> tuple[Figure, str]:
    """Scores against the signal-to-noise ratio, a panel a metric, a line a method.

    Parameters
    ----------
    rows
        Tidy rows of `evaluation.robustness`.
    labels
        Names of methods as shown.

    Returns
    -------
    figure and caption
    """
    stated = intervals(rows[(rows["variation"] == NOISE) & rows["metric"].isin(METRICS)])
    methods = ordered_methods(stated["method"])
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 2.6)
        panels = figure.subplots(1, len(METRICS), squeeze=False)[0]
        for axes, metric in zip(panels, METRICS, strict=True):
            shown = quantity(metric)
            axes.grid(axis="y")
            for number, method in enumerate(methods):
                here = stated[(stated["method"] == method) & (stated["metric"] == metric)].sort_values("level")
                level = here["level"].to_numpy()
                # Side by side, so that intervals don't cover each other.
                aside = level + _spread(level) * (number - (len(methods) - 1) / 2)
                axes.errorbar(
                    aside, here["mean"], yerr=_reach(here), color=method_colour(method), marker=method_marker(method),
                    markersize=4, linewidth=0.9, elinewidth=0.7,
                )  # fmt: skip
            axes.set_xticks(sorted(stated["level"].unique()))
            axes.set_xlabel(axis_label("Signal-to-noise ratio", "dB"))
            axes.set_ylabel(axis_label(shown.label, shown.unit))
            axes.set_ylim(bottom=0)
        _legend(figure, methods, labels)
    return figure, (
        f"Scores against the signal-to-noise ratio of the ECGs: mean over {_cases(rows)} and its 95 % interval. Every "
        "ratio has the same beats and the same draws of noise. Better is lower, except for the Dice coefficient."
    )


def variation_figure(
    rows: pd.DataFrame, words: Mapping[str, str], labels: Mapping[str, str] | None = None
) -> tuple[Figure, str]:
    """Changes of the scores from the unvaried ones, a panel a metric, a line a level of a variation, a mark a method.

    Parameters
    ----------
    rows
        Tidy rows of `evaluation.robustness`.
    words
        A level of each variation in words, with a place for its number, in the order to be shown.
    labels
        Names of methods as shown.

    Returns
    -------
    figure and caption
    """
    changed = changes(rows[rows["metric"].isin(METRICS) & rows["variation"].isin([*words, UNVARIED])])
    stated = intervals(changed, "change")
    methods = ordered_methods(stated["method"])
    levels = stated[["variation", "level"]].drop_duplicates()
    lines = [(name, level) for name in words for level in levels.loc[levels["variation"] == name, "level"]]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 0.42 * len(lines) + 1.1)
        panels = figure.subplots(1, len(METRICS), squeeze=False, sharey=True)[0]
        for axes, metric in zip(panels, METRICS, strict=True):
            _changes(axes, stated[stated["metric"] == metric], lines, methods)
            shown = quantity(metric)
            axes.set_xlabel(axis_label(f"{shown.label}: change", shown.unit))
            better = "better →" if shown.higher_is_better else "← better"
            axes.set_title(better, loc="right" if shown.higher_is_better else "left", fontsize=7)
        panels[0].set_yticks(range(len(lines)), [words[variation].format(level) for variation, level in lines])
        panels[0].set_ylim(len(lines) - 0.5, -0.5)
        _legend(figure, methods, labels)
    return figure, (
        "What hurts: change of the scores when ECGs are made otherwise than the methods' model has it, from those of "
        f"the same beats unvaried; mean over {_cases(rows)} and its 95 % interval. Methods keep the unvaried transfer "
        "matrix, training beats and networks. Right of zero is worse, except for the Dice coefficient."
    )


def _changes(axes: Axes, stated: pd.DataFrame, lines: Sequence[tuple[str, float]], methods: Sequence[str]) -> None:
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.axvline(0, color="black", linewidth=0.6)
    for number in range(1, len(lines)):
        axes.axhline(number - 0.5, color="#dddddd", linewidth=0.4)
    for place, (variation, level) in enumerate(lines):
        here = stated[(stated["variation"] == variation) & (stated["level"] == level)].set_index("method")
        for number, method in enumerate(methods):
            if method not in here.index:
                continue
            row = here.loc[[method]]
            aside = _SPREAD * ((number + 0.5) / len(methods) - 0.5)
            axes.errorbar(
                row["mean"], [place + aside], xerr=_reach(row), color=method_colour(method),
                marker=method_marker(method), markersize=3.2, linestyle="none", elinewidth=0.7,
            )  # fmt: skip


def _legend(figure: Figure, methods: Sequence[str], labels: Mapping[str, str] | None) -> None:
    keys = [
        Line2D([], [], color=method_colour(m), marker=method_marker(m), markersize=4, label=readable(m, labels))
        for m in methods
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=3)


def _reach(stated: pd.DataFrame) -> NDArray[np.float64]:
    """Half widths of the intervals, zero for a single case."""
    return np.asarray(np.nan_to_num((stated["high"] - stated["mean"]).to_numpy(dtype=float)))


def _spread(levels: NDArray[np.float64]) -> float:
    """Distance along the axis between two methods at one level."""
    return 0.03 * float(np.diff(np.sort(levels)).min()) if levels.size > 1 else 0.0


def _cases(rows: pd.DataFrame) -> str:
    cases = rows[["subject", "case"]].drop_duplicates()
    hearts = list(dict.fromkeys(rows["subject"]))
    return f"{len(cases)} cases ({', '.join(readable(heart) for heart in hearts)})"
