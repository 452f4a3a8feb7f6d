"""Accuracy on the heart's surface against noise, and by protocol and montage, every beat in it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator
from numpy.typing import ArrayLike, NDArray

from transmural.report.quantities import quantity
from transmural.report.style import PAGE_WIDTH_IN, method_colour, method_marker, new_figure, readable, styled
from transmural.report.surface_cases import over_fits
from transmural.report.surface_labels import (
    METHOD_LABELS,
    PROTOCOL_WORDS,
    STUDY,
    common_noise,
    compared,
    decibels,
    ordered,
    published_noise,
    setting_words,
)
from transmural.stores.config.physics_informed import PhysicsInformedStudy

_NOISE_METRICS = ("re", "cc", "mse")
_PROTOCOL_METRICS = ("re", "correlation")
# Of a method's dots among the room for all methods, and of all methods among that between neighbouring places.
_DOTS, _GROUP = 0.7, 0.76


def noise_figure(scores: pd.DataFrame, study: PhysicsInformedStudy) -> tuple[Figure, str]:
    """A panel a metric, a line a method: means against the noise of the published protocol, and every beat.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`.
    study
        Its settings say which are of the published protocol, and their noise.

    Returns
    -------
    figure and caption
    """
    levels = published_noise(study)
    rows = _drawn_rows(scores, levels, study)
    methods = ordered(rows["method"])
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 2.9, pad_in=0.04)
        for axes, metric in zip(figure.subplots(1, len(_NOISE_METRICS)), _NOISE_METRICS, strict=True):
            of_metric = rows[rows["metric"] == metric]
            if metric == "mse":
                _decades(axes)
            _against_noise(axes, of_metric, levels, methods)
            axes.set_ylabel(quantity(metric, STUDY).label.lower())
        figure.legend(handles=_keys(methods), loc="outside lower center", ncols=4)
    return figure, (
        "Reconstructed potentials against the noise of the body-surface potentials, protocol as published: "
        f"{PROTOCOL_WORDS['published'].removeprefix('as published, ')}. The standard deviation σ of white noise is a "
        "share of the potentials' root mean square, so that the signal-to-noise ratio is −20 log₁₀ σ dB. Lines and "
        f"marks are means over the beats of all hearts, dots single beats{_fits(study)}. Lower is better left and "
        "right, higher in the middle. The relative error of a reconstruction that is zero everywhere is 1."
    )


def protocol_figure(scores: pd.DataFrame, study: PhysicsInformedStudy) -> tuple[Figure, str]:
    """A panel a metric, a group a protocol or montage, all with the same noise: means of the methods and every beat.

    Parameters
    ----------
    scores, study
        As for `noise_figure`.

    Returns
    -------
    figure and caption
    """
    settings = common_noise(study)
    rows = _drawn_rows(scores, settings, study)
    methods = ordered(rows["method"])
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.2)
        panels = figure.subplots(len(_PROTOCOL_METRICS), 1, sharex=True)
        for axes, metric in zip(panels, _PROTOCOL_METRICS, strict=True):
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            for place, setting in enumerate(settings):
                here = rows[(rows["setting"] == setting) & (rows["metric"] == metric)]
                for method, aside in zip(methods, _asides(len(methods)), strict=True):
                    values = here.loc[here["method"] == method, "value"].to_numpy()
                    _dots(axes, place + aside + _GROUP / len(methods) * _spread_out(values.size), values, method)
                    if values.size:
                        _mean(axes, [place + aside], [values.mean()], method)
                if place:
                    axes.axvline(place - 0.5, color="#dddddd", linewidth=0.6)
            axes.set_ylabel(quantity(metric, STUDY).label.lower())
        names = [setting_words(s, study).protocol for s in settings]
        panels[-1].set_xticks(range(len(settings)), [n.replace(", ", ",\n") for n in names])
        panels[-1].set_xlim(-0.5, len(settings) - 0.5)
        for axes in panels:
            axes.tick_params(axis="x", length=0)
        figure.legend(handles=_keys(methods), loc="outside lower center", ncols=4)
    protocols = "; ".join(words for protocol, words in PROTOCOL_WORDS.items() if protocol in study.protocols)
    return figure, (
        f"Reconstructed potentials by protocol and montage, all with noise σ = {study.noise_elsewhere:g} "
        f"({decibels(study.noise_elsewhere)}) and {study.electrodes[0]} electrodes if not told otherwise. Protocols: "
        f"{protocols}. Marks are means over the beats of all hearts, dots single beats{_fits(study)}. "
        "Above, lower is better; below, higher: the correlation without each instant's mean over the vertices. "
        "Reconstructions don't know how data were made: what a method loses from one mesh to the finer one is what "
        "the inverse crime was worth to it; on the wall another surface is sought, through another matrix."
    )


def _drawn_rows(
    scores: pd.DataFrame, settings: Mapping[str, float] | Sequence[str], study: PhysicsInformedStudy
) -> pd.DataFrame:
    """Rows by beat of the methods and settings that are compared."""
    return over_fits(scores[scores["method"].isin(compared(study)) & scores["setting"].isin(list(settings))])


def _against_noise(axes: Axes, rows: pd.DataFrame, levels: Mapping[str, float], methods: Sequence[str]) -> None:
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    sigma = np.array(list(levels.values()))
    # Between neighbouring levels, on the logarithmic axis.
    room = min((np.log(high / low) for low, high in pairwise(sigma)), default=np.log(2.0))
    for method, aside in zip(methods, _asides(len(methods)), strict=True):
        by_level = [rows.loc[(rows["method"] == method) & (rows["setting"] == s), "value"].to_numpy() for s in levels]
        for level, values in zip(sigma, by_level, strict=True):
            width = _GROUP / len(methods) * _spread_out(values.size)
            _dots(axes, level * np.exp(room * (aside + width)), values, method)
        present = [place for place, values in enumerate(by_level) if values.size]
        _mean(axes, sigma[present] * np.exp(room * aside), [by_level[p].mean() for p in present], method)
    axes.set_xscale("log")
    axes.set_xlim(sigma[0] * np.exp(-0.6 * room), sigma[-1] * np.exp(0.6 * room))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(sigma, [f"{level:g}\n{decibels(level)}" for level in sigma], fontsize=6)
    axes.set_xlabel("noise σ, signal-to-noise ratio")


def _decades(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(NullLocator())


def _asides(count: int) -> NDArray[np.float64]:
    """Where methods stand beside a place, in units of the distance of neighbouring places."""
    return _GROUP * ((np.arange(count) + 0.5) / count - 0.5)


def _spread_out(count: int) -> NDArray[np.float64]:
    """Evenly spread by number, not at random, so that the same scores give the same picture."""
    return np.asarray(_DOTS * ((np.arange(count) * 0.618034) % 1 - 0.5) * (count > 1))


def _dots(axes: Axes, places: ArrayLike, values: NDArray[np.float64], method: str) -> None:
    axes.plot(places, values, ".", color=method_colour(method), markersize=3, alpha=0.45, markeredgewidth=0)


def _mean(axes: Axes, places: ArrayLike, values: ArrayLike, method: str) -> None:
    axes.plot(
        places, values, color=method_colour(method), marker=method_marker(method), linewidth=1.0, markersize=5.5,
        markeredgecolor="white", markeredgewidth=0.5,
    )  # fmt: skip


def _keys(methods: Sequence[str]) -> list[Line2D]:
    return [
        Line2D(
            [], [], color=method_colour(m), marker=method_marker(m), markersize=4.5, label=readable(m, METHOD_LABELS)
        )
        for m in methods
    ]


def _fits(study: PhysicsInformedStudy) -> str:
    return f" (of networks, means over {study.seeds} fits)" if study.seeds > 1 else ""
