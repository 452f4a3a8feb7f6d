"""Accuracy of study 3 by split, and errors against the length, shift and noise of the ECG."""

from collections.abc import Mapping
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from transmural.evaluation.published import published
from transmural.evaluation.sequence_scores import GIVEN_TRUTH, STUDY, pooled_scores
from transmural.report.quantities import quantity
from transmural.report.sequence_labels import METHOD_LABELS, Setting, ordered_splits, setting_of, split_words
from transmural.report.style import (
    PAGE_WIDTH_IN,
    PUBLISHED_COLOUR,
    axis_label,
    method_colour,
    new_figure,
    ordered_methods,
    readable,
    styled,
)
from transmural.stores.config.sequences import SEGMENT_MS, SEQUENCE_NETWORKS

_EXPERIMENTS = {"full": "I: whole ECG", "limited": "II: first 10 ms"}
SPLIT_MARKERS = {"random": "o", "heart_out": "s", "pattern_out": "^", "both_out": "D"}
SPLIT_LINES: Mapping[str, Literal["-", "--", ":", "-."]] = {
    "random": "-",
    "heart_out": "--",
    "pattern_out": ":",
    "both_out": "-.",
}
_PUBLISHED_MARKER, _PUBLISHED_SIZE = "|", 11.0
# Below it R² only says «useless».
_LOWEST_R2 = -0.1
_INPUT_METRICS = ("mae_mv", "activation_time_mae")
_INPUTS = {
    "length": axis_label("length of the ECG", "ms"),
    "jitter": axis_label("largest shift of the ECG", "ms"),
    "noise": axis_label("signal-to-noise ratio", "dB"),
}


def split_figure(scores: pd.DataFrame) -> tuple[Figure, str]:
    """Pooled R² of every method in both experiments, a mark a split.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.sequence_study`.

    Returns
    -------
    figure and caption
    """
    rows = with_parts(pooled_scores(scores))
    rows = rows[(rows["metric"] == "r2") & rows["kind"].isin(_EXPERIMENTS)]
    methods, splits = ordered_methods(rows["method"]), ordered_splits(rows["split"])
    printed = published(STUDY)
    printed = printed[printed["metric"] == "r2"]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 0.27 * len(methods) + 1.0)
        panels = figure.subplots(1, len(_EXPERIMENTS), sharey=True, squeeze=False)[0]
        for axes, (kind, words) in zip(panels, _EXPERIMENTS.items(), strict=True):
            for number, method in enumerate(methods):
                if method in GIVEN_TRUTH:
                    axes.axhspan(number - 0.5, number + 0.5, color="#eeeeee", linewidth=0)
                here = rows[(rows["kind"] == kind) & (rows["method"] == method)].set_index("split")["value"]
                for place, split in enumerate(splits):
                    if split in here.index:
                        aside = 0.5 * ((place + 0.5) / len(splits) - 0.5)
                        _mark(axes, float(here[split]), number + aside, method_colour(method), SPLIT_MARKERS[split])
            for cell in printed[printed["setting"] == kind].itertuples():
                row = _printed_row(str(cell.method), kind)
                if row in methods:
                    value = float(str(cell.mean))
                    _mark(axes, value, methods.index(row), PUBLISHED_COLOUR, _PUBLISHED_MARKER, _PUBLISHED_SIZE)
            _finish_r2(axes, f"Experiment {words}")
        panels[0].set_yticks(range(len(methods)), [readable(m, METHOD_LABELS) for m in methods])
        panels[0].set_ylim(len(methods) - 0.5, -0.5)
        keys = [split_key(s) for s in splits]
        keys.append(_key("published", PUBLISHED_COLOUR, _PUBLISHED_MARKER))
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure, (
        "R² of the potentials, pooled as published over all test recordings, by split. The gap between the random "
        "split and hearts or patterns that are not in training is what the random split hides. Methods on grey are "
        "given true potentials of previous segments at test time. Bars are printed figures of other recordings, each "
        "in the row of the method that is trained and fed as the published one was. An arrow marks what lies left of "
        f"the axis, below {_LOWEST_R2:g}."
    )


def input_figure(intervals: pd.DataFrame) -> tuple[Figure, str]:
    """Errors against the length of the ECG, its shift and its noise, a line a split.

    Parameters
    ----------
    intervals
        As `evaluation.sequence_scores.intervals` gives them; settings of length, jitter and noise are drawn, and of
        the network's ``limited`` setting.

    Returns
    -------
    figure and caption
    """
    rows = with_parts(intervals)
    rows = rows[rows["method"].isin(rows.loc[rows["kind"].isin(_INPUTS), "method"])]
    drawn = rows[rows["kind"].isin(_INPUTS)]
    kinds = [kind for kind in _INPUTS if kind in set(drawn["kind"])]
    methods, splits = ordered_methods(drawn["method"]), ordered_splits(drawn["split"])
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.2)
        panels = figure.subplots(len(_INPUT_METRICS), len(kinds), sharey="row", sharex="col", squeeze=False)
        for line, metric in zip(panels, _INPUT_METRICS, strict=True):
            for axes, kind in zip(line, kinds, strict=True):
                axes.grid(axis="y")
                axes.set_axisbelow(True)
                for method, split in product(methods, splits):
                    of_line = (rows["metric"] == metric) & (rows["method"] == method) & (rows["split"] == split)
                    _against_input(axes, rows[of_line], kind)
            line[0].set_ylabel(axis_label(quantity(metric).label, quantity(metric).unit))
            line[0].set_ylim(bottom=0)
        for axes, kind in zip(panels[-1], kinds, strict=True):
            _input_axis(axes, kind, drawn)
        keys = [Line2D([], [], color=method_colour(m), label=readable(m, METHOD_LABELS)) for m in methods]
        keys += [split_key(s, lines=True) for s in splits]
        keys.append(_key("trained on the first 10 ms", "black", "*"))
        figure.legend(handles=keys, loc="outside lower center", ncols=4)
    network = next((m for m in methods if m in SEQUENCE_NETWORKS), methods[0])
    return figure, (
        f"Errors of the {readable(network, METHOD_LABELS)} that is trained with ECGs cut at random lengths, and of "
        "baselines: mean over the test recordings and 95 % interval of the bootstrap by heart and pattern. Left: "
        "against the length of the ECG; the star is the same network trained on the first 10 ms alone. Others: whole "
        "ECGs shifted in time, or noisy, which none was in training; thin lines are whole ECGs as they are."
    )


def with_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of settings of this study's form, with what their names say in columns ``kind``, ``level``, ``split``."""
    parts = {name: setting_of(str(name)) for name in rows["setting"].unique()}
    known = rows[[parts[name] is not None for name in rows["setting"]]]
    found = pd.DataFrame([parts[name] for name in known["setting"]], columns=Setting._fields, index=known.index)
    return pd.concat([known, found], axis=1)


def split_key(split: str, lines: bool = False) -> Line2D:
    """Entry of a legend for a split, with its line if ``lines``."""
    return _key(split_words(split), "black", SPLIT_MARKERS[split], SPLIT_LINES[split] if lines else "none")


def _printed_row(method: str, kind: str) -> str:
    """Our method that is trained and fed as the printed one was."""
    if method == "transformer":
        return "transformer_teacher_forced"
    return f"{method}_zero_padded" if kind == "limited" else method


def _mark(axes: Axes, value: float, place: float, colour: str, marker: str, size: float = 3.6) -> None:
    if value < _LOWEST_R2:
        axes.plot(_LOWEST_R2, place, marker="<", color=colour, markersize=4, clip_on=False)
    else:
        axes.plot(value, place, marker=marker, color=colour, markersize=size, linestyle="none")


def _finish_r2(axes: Axes, title: str) -> None:
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.set_xlim(_LOWEST_R2, 1.02)
    axes.axvline(0, color="black", linewidth=0.5)
    axes.set_xlabel("R², pooled")
    axes.set_title(title, loc="left")


def _against_input(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    """A method on one split over the levels of one kind of input; beside it what it is to be compared with."""
    here = rows[rows["kind"] == kind].sort_values("level")
    if here.empty:
        return
    method, split = str(here["method"].iloc[0]), str(here["split"].iloc[0])
    look: dict[str, Any] = {"color": method_colour(method), "marker": SPLIT_MARKERS[split], "markersize": 3}
    reach = np.abs(here[["low", "high"]].to_numpy().T - here["mean"].to_numpy())
    axes.errorbar(
        here["level"], here["mean"], yerr=reach, linestyle=SPLIT_LINES[split], linewidth=0.9, elinewidth=0.7, **look
    )
    if method not in SEQUENCE_NETWORKS:
        return
    if kind == "length":
        for value in rows.loc[rows["kind"] == "limited", "mean"]:
            axes.plot(
                SEGMENT_MS,
                value,
                marker="*",
                markersize=9,
                color=method_colour(method),
                markeredgecolor="black",
                zorder=4,
                markeredgewidth=0.6,
            )
    else:
        lengths = rows[rows["kind"] == "length"]
        for value in lengths.loc[lengths["level"] == lengths["level"].max(), "mean"]:
            axes.axhline(value, color=method_colour(method), linestyle=SPLIT_LINES[split], linewidth=0.5)


def _input_axis(axes: Axes, kind: str, rows: pd.DataFrame) -> None:
    axes.set_xlabel(_INPUTS[kind])
    levels = sorted(rows.loc[rows["kind"] == kind, "level"].unique())
    if kind == "length":
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(levels, [f"{level:g}" for level in levels])


def _key(label: str, colour: str, marker: str, line: Literal["-", "--", ":", "-.", "none"] = "none") -> Line2D:
    return Line2D([], [], color=colour, marker=marker, linestyle=line, markersize=4, label=label)
