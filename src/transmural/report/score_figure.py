"""Every case's scores by method and setting, with published means beside them, marked as published."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from transmural.report.quantities import ordered_settings, quantity, setting_label
from transmural.report.style import (
    PAGE_WIDTH_IN,
    PUBLISHED_COLOUR,
    axis_label,
    method_colour,
    method_marker,
    new_figure,
    ordered_methods,
    readable,
    styled,
)

_SHOWN = ("nrmse", "nrmse_demeaned", "correlation", "dice", "origin_distance", "activation_time_mae")


def score_figure(
    scores: pd.DataFrame,
    published: pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
    metrics: Sequence[str] = _SHOWN,
    methods: Sequence[str] | None = None,
) -> tuple[Figure, str]:
    """Distributions of the metrics: a row a metric, a column a setting, a line a method.

    Parameters
    ----------
    scores
        Tidy scores: subject, setting, case, method, metric, value, unit.
    published
        Printed figures as `evaluation.published.published` gives them; None when there are none.
    labels
        Names of methods as shown.
    metrics, methods
        What is shown and in which order; all methods when None.

    Returns
    -------
    figure and caption
    """
    settings = ordered_settings(scores["setting"])
    order = list(methods) if methods is not None else ordered_methods(scores["method"])
    present = [m for m in metrics if scores.loc[scores["metric"] == m, "value"].notna().any()]
    printed = published if published is not None else pd.DataFrame(columns=["setting", "method_label", "metric"])
    extra = {m: list(dict.fromkeys(printed.loc[printed["metric"] == m, "method_label"])) for m in present}
    with styled():
        heights = [len(order) + len(extra[m]) + 1.5 for m in present]
        figure = new_figure(PAGE_WIDTH_IN, 0.155 * sum(heights) + 0.4 * len(present) + 0.6)
        grid = figure.subplots(
            len(present),
            len(settings),
            squeeze=False,
            sharex="row",
            sharey="row",
            gridspec_kw={"height_ratios": heights},
        )
        for row, metric in enumerate(present):
            shown = quantity(metric)
            for column, setting in enumerate(settings):
                axes = grid[row, column]
                ours = scores[(scores["setting"] == setting) & (scores["metric"] == metric)]
                theirs = printed[(printed["setting"] == setting) & (printed["metric"] == metric)]
                _panel(axes, ours, order, theirs, extra[metric])
                axes.set_xlabel(axis_label(shown.label, shown.unit))
                if row == 0:
                    axes.set_title(setting_label(setting))
            names = [readable(m, labels) for m in order] + [f"{m} (published)" for m in extra[metric]]
            grid[row, 0].set_yticks(range(len(names)), names)
            for tick in grid[row, 0].get_yticklabels()[len(order) :]:
                tick.set(style="italic", color=PUBLISHED_COLOUR)
            grid[row, 0].set_ylim(len(names) - 0.3, -0.7)
        keys = [
            Line2D([], [], marker="o", linestyle="none", color="#555555", alpha=0.5, markersize=3, label="one case"),
            Line2D([], [], marker="|", color="black", markersize=7, label="mean ± standard deviation, this run"),
        ]
        if not printed.empty:
            keys.append(
                Line2D(
                    [],
                    [],
                    marker="d",
                    color=PUBLISHED_COLOUR,
                    markerfacecolor="white",
                    linestyle="--",
                    label="mean ± standard deviation, published",
                )
            )
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, _caption(printed)


def _panel(
    axes: Axes, ours: pd.DataFrame, order: Sequence[str], theirs: pd.DataFrame, printed_methods: Sequence[str]
) -> None:
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    empty = True
    for line, name in enumerate(order):
        values = ours.loc[ours["method"] == name, "value"].dropna().to_numpy(dtype=float)
        if values.size == 0:
            continue
        empty = False
        # Evenly spread by case, not at random, so that the same scores give the same picture.
        offset = 0.52 * ((np.arange(values.size) * 0.618034) % 1 - 0.5)
        axes.scatter(
            values, line + offset, s=7, color=method_colour(name), marker=method_marker(name), alpha=0.45, linewidths=0
        )
        spread = values.std(ddof=1) if values.size > 1 else 0.0
        axes.errorbar(
            values.mean(), line, xerr=spread, fmt="|", color="black", markersize=7, markeredgewidth=1.2, linewidth=0.8
        )
    for line, name in enumerate(printed_methods, start=len(order)):
        row = theirs[theirs["method_label"] == name]
        if row.empty or not np.isfinite(float(row["mean"].iloc[0])):
            axes.text(0.5, line, "none published", transform=axes.get_yaxis_transform(), fontsize=6,
                      color=PUBLISHED_COLOUR, ha="center", va="center", style="italic")  # fmt: skip
            continue
        bar = axes.errorbar(
            float(row["mean"].iloc[0]), line, xerr=float(row["sd"].iloc[0]), fmt="d", color=PUBLISHED_COLOUR,
            markerfacecolor="white", markersize=4, linewidth=0.8,
        )  # fmt: skip
        for segment in bar[2]:
            segment.set_linestyle("--")
    if printed_methods:
        axes.axhline(len(order) - 0.5, color="#999999", linewidth=0.5)
    if empty:
        axes.text(0.5, (len(order) - 1) / 2, "not defined here", transform=axes.get_yaxis_transform(), fontsize=6.5,
                  ha="center", va="center", color="#555555")  # fmt: skip


def _caption(published: pd.DataFrame) -> str:
    text = (
        "Scores of every test case (points), their mean (tick) and standard deviation (line), by method and setting. "
        "A method is better the further left it lies, except for Dice and correlation, where right is better. Compare "
        "each method with the trivial baselines (mean beat and nearest beat of the training cohort), which use no "
        "inverse solution at all."
    )
    if published.empty:
        return text
    cited = "; ".join(sorted(set(published["short"] + ", " + published["table"])))
    return f"{text} Below the line, in grey and hollow: values published on other hearts ({cited}), not computed here."
