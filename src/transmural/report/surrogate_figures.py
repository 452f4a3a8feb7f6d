"""Figures of the forward surrogate: example sheets and ECGs, ablations, and accuracy against conduction velocity."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from transmural.evaluation.metrics import ECG_METRICS
from transmural.evaluation.surrogate_scores import ABLATIONS, SURROGATE, TEST, conduction_velocity
from transmural.report.quantities import quantity
from transmural.report.style import (
    PAGE_WIDTH_IN,
    axis_label,
    method_colour,
    new_figure,
    ordered_methods,
    readable,
    styled,
)
from transmural.report.surrogate_examples import ecg_figure, sheets_figure
from transmural.report.surrogate_labels import (
    CLASS_COLOURS,
    CLASS_LABELS,
    CLASS_MARKERS,
    METHOD_LABELS,
    ordered_classes,
)

# Below it R² only says «useless»; bars would leave no room for the others.
_LOWEST_R2 = -0.25
_OTHER_CLASS = "#555555"
_VELOCITY_FILLS = {SURROGATE: True, "closed_form": False}


def figures(
    scores: pd.DataFrame,
    sheets: xr.Dataset,
    predictions: Mapping[str, NDArray[np.floating]],
    scaled: NDArray[np.floating] | None = None,
) -> dict[str, tuple[Figure, str]]:
    """Figures and captions by the names of `surrogate_names.FIGURES`.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surrogate_scores`; those of setting ``test`` are drawn, at least the surrogate's.
    sheets
        Test sheets (contract SHEETS) with attribute ``cell_mm``; coordinate ``case`` numbers them as in ``scores``.
    predictions
        ECGs at the reference electrode by method, shape (case, time), rows as in ``sheets``.
    scaled
        True ECGs on the predictions' scale, of the same shape; None where that is the sheets' own.
    """
    tested = scores[(scores["setting"] == TEST) & scores["metric"].isin(ECG_METRICS)]
    return {
        "sheets": sheets_figure(sheets),
        "surrogate_ecg": ecg_figure(sheets, predictions, scaled),
        "surrogate_ablation": ablation_figure(tested),
        "surrogate_velocity": velocity_figure(tested, sheets),
    }


def ablation_figure(scores: pd.DataFrame) -> tuple[Figure, str]:
    """R² and MAE of the surrogate and its ablations on the test sheets, a group of bars a tissue class.

    Parameters
    ----------
    scores
        Tidy rows of the test sheets.

    Returns
    -------
    figure and caption
    """
    scores = scores[scores["method"].isin((SURROGATE, *ABLATIONS))]
    classes, methods = ordered_classes(scores["subject"]), ordered_methods(scores["method"])
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.4)
        panels = figure.subplots(len(ECG_METRICS), 1, sharex=True)
        for axes, metric in zip(panels, ECG_METRICS, strict=True):
            _bars(axes, scores[scores["metric"] == metric], classes, methods)
            shown = quantity(metric)
            axes.set_ylabel(axis_label(shown.label, shown.unit))
        _cut_below(panels[0], scores[scores["metric"] == "r2"], classes, methods)
        panels[-1].set_xticks(range(len(classes)), [_named(scores, c) for c in classes])
        keys: list[Patch | Line2D] = [
            Patch(color=method_colour(m), alpha=0.75, label=readable(m, METHOD_LABELS)) for m in methods
        ]
        keys.append(Line2D([], [], color="black", marker="o", markersize=2.5, linestyle="none", label="one sheet"))
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, (
        "R² and mean absolute error (of z-scored ECGs, in standard deviations) of the surrogate and of networks "
        "that are trained without one of its parts, by tissue class: mean over the test sheets (bar), standard "
        "deviation (line) and every sheet (dot). Better is higher above and lower below. An arrow marks "
        f"sheets or means of R² that lie below the axis, which ends at {_LOWEST_R2:g} if not above."
    )


def velocity_figure(scores: pd.DataFrame, sheets: xr.Dataset) -> tuple[Figure, str]:
    """1 − R² of every test sheet against its conduction velocity.

    Parameters
    ----------
    scores, sheets
        As for `figures`.

    Returns
    -------
    figure and caption
    """
    velocity = conduction_velocity(sheets["activation_time"].values, float(sheets.attrs["cell_mm"]))
    by_case = pd.Series(velocity, index=sheets["case"].values)
    here = scores[(scores["metric"] == "r2") & scores["method"].isin(_VELOCITY_FILLS)]
    here = here.assign(velocity=here["case"].map(by_case), missed=1 - here["value"])
    classes = ordered_classes(here["subject"])
    drawn = [m for m in _VELOCITY_FILLS if m in set(here["method"])]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 3.0)
        axes = figure.subplots()
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        for (method, name), group in here.groupby(["method", "subject"], sort=False):
            colour = CLASS_COLOURS.get(str(name), _OTHER_CLASS)
            axes.scatter(
                group["velocity"], group["missed"], s=22, marker=CLASS_MARKERS.get(str(name), "x"), linewidths=0.9,
                facecolors=colour if _VELOCITY_FILLS[str(method)] else "none", edgecolors=colour,
            )  # fmt: skip
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(axis_label("conduction velocity", "(m/s)"))
        axes.set_ylabel("1 − R²")
        keys = [_class_key(name) for name in classes]
        keys += [_fill_key(method) for method in drawn]
        figure.legend(handles=keys, loc="outside right center")
    return figure, (
        "What R² lacks to 1 against conduction velocity (median over the sheet of 1/|∇T| of the activation times T), "
        "every test sheet; lower is better. The front of a slow wave is narrower against the cells of "
        "the frames. The closed form (hollow) errs only by the down-sampling of the frames."
    )


def _bars(axes: Axes, scores: pd.DataFrame, classes: Sequence[str], methods: Sequence[str]) -> None:
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    for number, name in enumerate(classes):
        for place, method in zip(_places(number, methods), methods, strict=True):
            values = _values(scores, name, method)
            if values.size == 0:
                continue
            axes.bar(place, values.mean(), width=_width(methods), color=method_colour(method), alpha=0.75)
            spread = values.std(ddof=1) if values.size > 1 else 0.0
            axes.errorbar(place, values.mean(), yerr=spread, color="black", linewidth=0.8, capsize=2)
            # Evenly spread by case, not at random, so that the same scores give the same picture.
            aside = 0.6 * _width(methods) * ((np.arange(values.size) * 0.618034) % 1 - 0.5)
            axes.scatter(place + aside, values, s=5, color="black", alpha=0.6, linewidths=0, zorder=3)


def _cut_below(axes: Axes, scores: pd.DataFrame, classes: Sequence[str], methods: Sequence[str]) -> None:
    """End the axis of R² where values stop to say anything, and mark what lies below."""
    lowest = min(float(scores["value"].min()), 0.0)
    bottom = max(lowest - 0.05 if lowest < 0 else 0.0, _LOWEST_R2)
    axes.set_ylim(bottom, 1.05)
    axes.axhline(0, color="black", linewidth=0.5)
    for number, name in enumerate(classes):
        for place, method in zip(_places(number, methods), methods, strict=True):
            if (_values(scores, name, method) < bottom).any():
                axes.plot(place, bottom, marker="v", color="black", markersize=4, clip_on=False)


def _values(scores: pd.DataFrame, tissue: str, method: str) -> NDArray[np.floating]:
    found = scores[(scores["subject"] == tissue) & (scores["method"] == method)].sort_values("case")
    return found["value"].to_numpy(dtype=np.float64)


def _width(methods: Sequence[str]) -> float:
    return 0.8 / len(methods)


def _places(number: int, methods: Sequence[str]) -> NDArray[np.floating]:
    """Middles of the bars of a group."""
    return number + _width(methods) * (np.arange(len(methods)) - (len(methods) - 1) / 2)


def _named(scores: pd.DataFrame, tissue: str) -> str:
    count = scores.loc[scores["subject"] == tissue, "case"].nunique()
    return f"{CLASS_LABELS.get(tissue, tissue)} (n = {count})"


def _class_key(name: str) -> Line2D:
    colour, marker = CLASS_COLOURS.get(name, _OTHER_CLASS), CLASS_MARKERS.get(name, "x")
    label = CLASS_LABELS.get(name, name)
    return Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=4.5, label=label)


def _fill_key(method: str) -> Line2D:
    fill = "#555555" if _VELOCITY_FILLS[method] else "none"
    label = readable(method, METHOD_LABELS) + (": filled" if _VELOCITY_FILLS[method] else ": hollow")
    return Line2D(
        [], [], color="#555555", marker="o", linestyle="none", markersize=4.5, markerfacecolor=fill, label=label
    )
