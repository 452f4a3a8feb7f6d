"""Accuracy of predicted activation maps by method and setting, every test map in it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterMathtext, LogLocator, NullLocator

from transmural.evaluation.published import published
from transmural.report.image_labels import COMPARED, PREDICTED, STUDY, method_words
from transmural.report.quantities import quantity
from transmural.report.style import (
    PAGE_WIDTH_IN,
    PUBLISHED_COLOUR,
    axis_label,
    method_colour,
    method_marker,
    new_figure,
    styled,
)

_METRICS = {
    "mse": "mean squared error",
    "mae_ms": axis_label("mean absolute error", "ms"),
    "pacing_mm": axis_label("pacing site off by", "mm"),
    "slow_auc": "slow region, AUC",
}
_LOGARITHMIC = ("mse", "mae_ms")
_NOTHING = {"slow_auc": 0.5}


def accuracy_figure(scores: pd.DataFrame) -> tuple[Figure, str]:
    """A row a setting, a column a metric, a line a method: test maps, their quartiles and mean.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.image_study`.

    Returns
    -------
    figure and caption
    """
    rows = scores[scores["method"].isin(COMPARED) & scores["metric"].isin(_METRICS)]
    settings = [setting for setting in PREDICTED if (rows["setting"] == setting).any()]
    methods = [method for method in COMPARED if (rows["method"] == method).any()]
    printed = published(STUDY)
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, (0.2 * len(methods) + 0.75) * len(settings) + 0.3, pad_in=0.05)
        grid = figure.subplots(len(settings), len(_METRICS), squeeze=False, sharey=True, sharex="col")
        for line, setting in zip(grid, settings, strict=True):
            of_setting = rows[rows["setting"] == setting]
            for axes, metric in zip(line, _METRICS, strict=True):
                _panel(axes, of_setting[of_setting["metric"] == metric], methods)
                theirs = printed[(printed["setting"] == setting) & (printed["metric"] == metric)]
                for mean, sd in theirs[["mean", "sd"]].to_numpy():
                    axes.axvline(mean, color=PUBLISHED_COLOUR, linestyle="--", linewidth=0.9)
                    if np.isfinite(sd):
                        axes.axvspan(mean - sd, mean + sd, color=PUBLISHED_COLOUR, alpha=0.15, linewidth=0)
                if metric in _NOTHING:
                    axes.axvline(_NOTHING[metric], color="black", linestyle=":", linewidth=0.7)
            line[0].set_title(PREDICTED[setting], loc="left", weight="bold", fontsize=7.5)
        _finish(grid.tolist(), methods)
        keys = [
            Line2D([], [], color="#333333", marker="o", markersize=4.5, linewidth=2.4, label="mean, and quartiles"),
            Line2D([], [], color="#333333", marker=".", markersize=4, linestyle="none", label="one test map"),
            Line2D([], [], color=PUBLISHED_COLOUR, linestyle="--", label="published"),
            Line2D([], [], color="black", linestyle=":", label="chance"),
        ]
        figure.legend(handles=keys, loc="outside lower center", ncols=4)
    return figure, (
        "Predicted activation maps by method: every test map, the quartiles (bar) and the mean. Less is better but for "
        "the area under the ROC curve (AUC), which says how well slowness in the prediction tells slow regions, in "
        "maps that have one. The mean squared error is of times scaled by the range of the training maps; dashed lines "
        "are the printed figures (slices: Bacoyannis et al. 2019, which doesn't say how it scales maps; whole hearts: "
        "Bacoyannis et al. 2021), on other hearts, grey their spread. The mean map sees "
        "no potentials: what is no better than it has learnt nothing from them."
    )


def _panel(axes: Axes, rows: pd.DataFrame, methods: Sequence[str]) -> None:
    draw = np.random.default_rng(0)  # only sets dots apart
    for number, method in enumerate(methods):
        values = rows.loc[rows["method"] == method, "value"].dropna().to_numpy()
        if not values.size:
            continue
        colour = method_colour(method)
        aside = number + draw.uniform(-0.32, 0.32, values.size)
        axes.plot(values, aside, ".", color=colour, markersize=4, alpha=0.5, markeredgewidth=0)
        low, high = np.quantile(values, (0.25, 0.75))
        axes.hlines(number, low, high, color="white", linewidth=4.4)
        axes.hlines(number, low, high, color=colour, linewidth=2.4)
        axes.plot(
            values.mean(), number, marker=method_marker(method), color=colour, markersize=5.5, markeredgecolor="white",
            markeredgewidth=0.8,
        )  # fmt: skip


def _finish(grid: Sequence[Sequence[Axes]], methods: Sequence[str]) -> None:
    for axes in (axes for line in grid for axes in line):
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    for axes, metric, label in zip(grid[-1], _METRICS, _METRICS.values(), strict=True):
        axes.set_xlabel(label)
        if metric in _LOGARITHMIC:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if metric == "mae_ms" else (1.0,)))
            axes.xaxis.set_major_formatter("{x:g}" if metric == "mae_ms" else LogFormatterMathtext())
            axes.xaxis.set_minor_locator(NullLocator())
        elif not quantity(metric, STUDY).higher_is_better:
            axes.set_xlim(left=0)
    grid[0][0].set_yticks(range(len(methods)), [method_words(m) for m in methods])
    grid[0][0].set_ylim(len(methods) - 0.5, -0.5)
