"""Whether the spread of generated maps is to be believed: coverage, size against error, and place."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from transmural.report.image_labels import PREDICTED, SAMPLED, method_words
from transmural.report.style import (
    PAGE_WIDTH_IN,
    axis_label,
    method_colour,
    method_marker,
    new_figure,
    styled,
)

LEVELS = (50, 80, 90)
# Mean of |x| over the standard deviation of a normal distribution.
_MEAN_OVER_SD = float(np.sqrt(2 / np.pi))
_BINS = [0.1 * tenth for tenth in range(-10, 11)]


def uncertainty_figure(scores: pd.DataFrame) -> tuple[Figure, str]:
    """A row a setting: coverage, error against spread of every map, and how well spread and error agree within maps.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.image_study`.

    Returns
    -------
    figure and caption
    """
    rows = scores[scores["method"].isin(SAMPLED)]
    settings = [setting for setting in PREDICTED if (rows["setting"] == setting).any()]
    methods = [method for method in SAMPLED if (rows["method"] == method).any()]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 2.05 * len(settings) + 0.35, pad_in=0.05)
        grid = figure.subplots(len(settings), 3, squeeze=False)
        for line, setting in zip(grid, settings, strict=True):
            here = rows[rows["setting"] == setting].pivot_table(
                index=["method", "subject", "case"], columns="metric", values="value", sort=False
            )
            _coverage(line[0], here)
            _against_error(line[1], here)
            _agreement(line[2], here)
            line[0].set_title(PREDICTED[setting], loc="left", weight="bold", fontsize=7.5)
        keys = [
            Line2D([], [], color=method_colour(m), marker=method_marker(m), markersize=4, label=method_words(m))
            for m in methods
        ]
        keys.append(
            Line2D([], [], color="#555555", linestyle=":", label="calibrated; in the last column, no agreement")
        )
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, (
        "Left: share of the wall's cells whose true time lies within the mean ± z standard deviations of the generated "
        "maps, against the share that should (mean over the test maps); below the dotted line a method is too sure. "
        "Dashed: with the mean squared error on validation maps added to the samples' variance. "
        "Middle: mean absolute error of every test map against the mean standard deviation in its wall; on the dotted "
        "line the deviation is as large as normal errors of this size ask for, above it too small. Right: test maps by "
        "the correlation over the wall's cells of standard deviation and absolute error; right of 0 the deviation "
        "shows where the prediction is wrong, which is what the paper reads from one map."
    )


def _coverage(axes: Axes, here: pd.DataFrame) -> None:
    axes.plot([0, 100], [0, 100], color="#555555", linestyle=":")
    for method in _present(here):
        own = here[here.index.get_level_values("method") == method]
        for ending, line in (("", "-"), ("_widened", "--")):
            found = own.reindex(columns=[f"coverage_{level}{ending}" for level in LEVELS]).mean()
            look = {"color": method_colour(method), "marker": method_marker(method), "linestyle": line}
            axes.plot(LEVELS, found, markersize=4, clip_on=False, **look)  # type: ignore[arg-type]
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    axes.set_xlabel(axis_label("nominal coverage", "%"))
    axes.set_ylabel(axis_label("observed", "%"))
    _grid(axes)


def _against_error(axes: Axes, here: pd.DataFrame) -> None:
    values = here.reindex(columns=["deviation_ms", "mae_ms"]).dropna()
    for method in _present(values):
        found = values.xs(method, level="method")
        axes.plot(
            found["deviation_ms"], found["mae_ms"], linestyle="none", marker=method_marker(method), markersize=3,
            color=method_colour(method), alpha=0.5, markeredgewidth=0,
        )  # fmt: skip
    both = values.to_numpy(dtype=np.float64)
    positive = both[both > 0]
    if (both > 0).any(axis=0).all():
        low, high = 0.8 * float(positive.min()), 1.25 * float(positive.max())
        axes.plot([low, high], [_MEAN_OVER_SD * low, _MEAN_OVER_SD * high], color="#555555", linestyle=":")
        axes.set(xscale="log", yscale="log")
        for axis, name, limit in ((axes.xaxis, "deviation_ms", axes.set_xlim), (axes.yaxis, "mae_ms", axes.set_ylim)):
            of_axis = values.loc[values[name] > 0, name]
            limit(of_axis.min() / 1.4, of_axis.max() * 1.4)
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_locator(NullLocator())
    axes.set_xlabel(axis_label("spread of the samples", "ms"))
    axes.set_ylabel(axis_label("mean absolute error", "ms"))
    _grid(axes)


def _agreement(axes: Axes, here: pd.DataFrame) -> None:
    values = here.reindex(columns=["deviation_correlation"]).dropna()
    for method in _present(values):
        here_of = values[values.index.get_level_values("method") == method]
        found = here_of["deviation_correlation"].to_numpy(dtype=np.float64)
        share = np.full(found.size, 100 / found.size)
        axes.hist(found, _BINS, weights=share, histtype="step", color=method_colour(method), linewidth=1.2)
        axes.axvline(float(found.mean()), color=method_colour(method), linewidth=0.8, linestyle="--")
    axes.axvline(0, color="#555555", linestyle=":")
    axes.set(xlim=(-1, 1))
    axes.set_xlabel("correlation of spread and |error|")
    axes.set_ylabel(axis_label("test maps", "%"))
    _grid(axes)


def _present(here: pd.DataFrame) -> list[str]:
    names = set(here.index.get_level_values("method"))
    return [method for method in SAMPLED if method in names]


def _grid(axes: Axes) -> None:
    axes.grid()
    axes.set_axisbelow(True)
