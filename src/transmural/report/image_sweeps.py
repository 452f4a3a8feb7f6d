"""The published β-CVAE with other weights of the divergence and other numbers of latent variables."""

from collections.abc import Hashable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from transmural.evaluation.published import published
from transmural.report.image_labels import OURS, PUBLISHED_FORM, STUDY, method_words, sweeps
from transmural.report.style import (
    PAGE_WIDTH_IN,
    PUBLISHED_COLOUR,
    axis_label,
    method_colour,
    method_marker,
    new_figure,
    styled,
)
from transmural.stores.config.images import ConditionalVAEStudy

_SETTING = "cvae_2d"
_PANELS = {
    "error": ("mse", "mse_samples"),
    axis_label("mean absolute error", "ms"): ("mae_ms",),
    axis_label("spread of the samples", "ms"): ("deviation_ms",),
}
_BESIDE = (OURS, "mean_map")
_WORDS = {"beta": "weight β of the divergence", "latent": "latent variables"}


class _Stated(NamedTuple):
    """Mean and standard error by method and metric."""

    mean: Mapping[Hashable, float]
    error: Mapping[Hashable, float]


def sweeps_figure(scores: pd.DataFrame, study: ConditionalVAEStudy) -> tuple[Figure, str]:
    """A row for what is varied, a column a metric: mean and standard error over the test maps.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.image_study`; those of slices split at random are drawn.
    study
        Settings, which say where the published form stands.

    Returns
    -------
    figure and caption

    Raises
    ------
    ValueError
        If no network of the sweeps has scores.
    """
    rows = scores[scores["setting"] == _SETTING]
    varied = sweeps(rows["method"], study)
    if not varied:
        raise ValueError(f"no network of the sweeps has scores of the setting '{_SETTING}'")
    grouped = rows.groupby(["method", "metric"])["value"]
    stated = _Stated(grouped.mean().to_dict(), grouped.sem().to_dict())
    printed = published(STUDY)
    printed = printed[(printed["setting"] == _SETTING) & (printed["metric"] == "mse")]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 2.0 * len(varied) + 0.5, pad_in=0.05)
        grid = figure.subplots(len(varied), len(_PANELS), squeeze=False, sharey="col")
        for line, (kind, networks) in zip(grid, varied.items(), strict=True):
            for axes, (label, metrics) in zip(line, _PANELS.items(), strict=True):
                _panel(axes, stated, networks, metrics)
                axes.set_ylabel("mean squared error" if label == "error" else label)
                axes.set_xlabel(_WORDS[kind])
            for mean in printed["mean"]:
                line[0].axhline(mean, color=PUBLISHED_COLOUR, linestyle="--", linewidth=0.9)
        for axes in grid[0]:  # a column shares its axis
            axes.set_ylim(0, 1.04 * axes.get_ylim()[1])
        figure.legend(handles=_keys(), loc="outside lower center", ncols=3)
    return figure, (
        "The published β-CVAE trained anew with other weights β of the divergence (as published: "
        f"{study.networks.cvae_2d.beta:g}) or other numbers of latent variables ({study.networks.cvae_2d.latent}), on "
        "slices with maps split at random; the filled mark is the published form. Mean and standard error over the "
        "test maps. Left: squared error, times scaled by the range of the training maps, of the mean of the samples "
        "and of single samples; the dashed line is the printed figure, whose scaling isn't given. Horizontal lines: "
        "the fully conditioned β-CVAE, and the mean training map, which sees no potentials."
    )


def _panel(axes: Axes, stated: _Stated, networks: Mapping[float, str], metrics: tuple[str, ...]) -> None:
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    colour = method_colour(PUBLISHED_FORM)
    # Values stand side by side: β may be 0, and steps differ.
    places = np.arange(len(networks))
    for metric in metrics:
        mean = np.array([stated.mean.get((m, metric), np.nan) for m in networks.values()], dtype=np.float64)
        error = np.nan_to_num([stated.error.get((m, metric), 0.0) for m in networks.values()])
        single = metric == "mse_samples"
        axes.errorbar(
            places, mean, yerr=error, color=colour, linestyle=":" if single else "-", linewidth=1.1, elinewidth=0.8,
            marker=method_marker(PUBLISHED_FORM), markersize=4.5, markerfacecolor="white",
        )  # fmt: skip
        for place, method in zip(places, networks.values(), strict=True):
            if method == PUBLISHED_FORM:
                axes.plot(
                    place, mean[place], marker=method_marker(PUBLISHED_FORM), color=colour, markersize=4.5, zorder=3
                )
    for method in _BESIDE:
        if (method, metrics[0]) in stated.mean:
            axes.axhline(stated.mean[method, metrics[0]], color=method_colour(method), linewidth=0.9)
    axes.set_xticks(places, [f"{value:g}" for value in networks])
    axes.set_xlim(-0.4, len(networks) - 0.6)


def _keys() -> list[Line2D]:
    colour, marker = method_colour(PUBLISHED_FORM), method_marker(PUBLISHED_FORM)
    return [
        Line2D([], [], color=colour, marker=marker, markersize=4.5, label=method_words(PUBLISHED_FORM)),
        Line2D([], [], color=colour, marker=marker, markersize=4.5, markerfacecolor="white", label="varied"),
        Line2D([], [], color=colour, linestyle=":", label="single samples"),
        *(Line2D([], [], color=method_colour(m), linewidth=0.9, label=method_words(m)) for m in _BESIDE),
        Line2D([], [], color=PUBLISHED_COLOUR, linestyle="--", label="published"),
    ]
