"""Example test recordings of study 3: potentials of a few points, and when every point is activated."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from transmural.evaluation.metrics import activation_time_mae
from transmural.evaluation.sequence_scores import GIVEN_TRUTH
from transmural.report.bullseye import SEGMENTS, draw_bullseye
from transmural.report.quantities import rounded
from transmural.report.sequence_labels import METHOD_LABELS
from transmural.report.style import (
    PAGE_WIDTH_IN,
    TIME_MAP,
    TRUTH_COLOUR,
    axis_label,
    method_colour,
    method_marker,
    new_figure,
    ordered_methods,
    readable,
    split,
    styled,
)
from transmural.stores.config.sequences import SEQUENCE_NETWORKS
from transmural.tissue.events import activation_time

Floats = NDArray[np.floating]

# One point of each kind, far from each other.
DRAWN_POINTS = {
    "AHA12": "LV lateral, endocardium",
    "RV07": "RV free wall, endocardium",
    "EPI_AHA10": "LV inferior, epicardium",
    "SEPTM_AHA08_RV10": "septum",
}
_NOT_ACTIVATED = "#d9d9d9"


class Examples(NamedTuple):
    """Recordings of one setting, what methods predict of them, shape (case, time, point), and how they are called."""

    recordings: xr.Dataset
    predictions: Mapping[str, Floats]
    words: Sequence[str]


def examples_of(predicted: xr.Dataset, setting: str) -> Examples:
    """The examples of one setting.

    Parameters
    ----------
    predicted
        Contract PREDICTED_TMPS, with attributes ``rest_mv`` and ``amplitude_mv``.
    setting
        Name of the setting.

    Raises
    ------
    ValueError
        If there is no recording of this setting.
    """
    chosen = predicted.isel(case=np.flatnonzero(predicted["setting"].values == setting))
    if not chosen.sizes["case"]:
        raise ValueError(f"no example recordings of setting '{setting}'; there are {_names(predicted['setting'])}")
    by_method = zip(_names(chosen["method"]), chosen["predicted"].values, strict=True)
    words = [
        f"{str(place).capitalize()}: {readable(str(heart))}, {readable(str(pattern))}"
        for place, heart, pattern in zip(*(chosen[key].values for key in ("place", "heart", "pattern")), strict=True)
    ]
    return Examples(chosen, {name: found for name, found in by_method if np.isfinite(found).all()}, words)


def traces_figure(examples: Examples) -> tuple[Figure, str]:
    """Potentials of four points, a row a recording, a line a network.

    Parameters
    ----------
    examples
        Of one setting.

    Returns
    -------
    figure and caption

    Raises
    ------
    KeyError
        If one of ``DRAWN_POINTS`` isn't among the points.
    """
    recordings, words = examples.recordings, examples.words
    places = [recordings.indexes["point"].get_loc(name) for name in DRAWN_POINTS]
    rest, amplitude = float(recordings.attrs["rest_mv"]), float(recordings.attrs["amplitude_mv"])
    lines = {"truth": recordings["tmp"].values} | _of_networks(examples)
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 1.5 * len(words) + 0.4)
        for row, part in enumerate(split(figure, len(words))):
            _headed(part, words[row])
            panels = part.subplots(1, len(places), sharey=True)
            for axes, place, (point, label) in zip(panels, places, DRAWN_POINTS.items(), strict=True):
                for method, values in lines.items():
                    axes.plot(recordings["time"].values, rest + amplitude * values[row, :, place], **line_of(method))
                axes.set_title(f"{point}: {label}", loc="left", fontsize=6)
                axes.set_xlabel(axis_label("time", "ms"))
            panels[0].set_ylabel(axis_label("potential", "mV"))
        keys = [Line2D([], [], label=readable(m, METHOD_LABELS), **line_of(m)) for m in lines]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure, (
        "True and predicted transmembrane potentials of four of the 75 points in example test recordings. Look at when "
        "the upstroke comes and how steep it is: who can't tell early from late predicts their mean, which rises "
        "slowly."
    )


def activation_figure(examples: Examples) -> tuple[Figure, str]:
    """Activation times of the left ventricle's endocardium as bull's-eyes, and of all points in their true order.

    Parameters
    ----------
    examples
        Of one setting.

    Returns
    -------
    figure and caption
    """
    recordings, words = examples.recordings, examples.words
    time = recordings["time"].values.astype(np.float64)
    times = {"truth": activation_time(recordings["tmp"].values, time)}
    times |= {method: activation_time(tmp, time) for method, tmp in _of_networks(examples).items()}
    errors = {m: activation_time_mae(times["truth"], found, float(time[-1])) for m, found in times.items()}
    names = [f"AHA{k:02d}" for k in range(1, SEGMENTS + 1)]
    endocardium = recordings.indexes["point"].get_indexer(pd.Index(names))
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 1.7 * len(words) + 2.4)
        *rows, below = split(figure, len(words) + 1, heights=[*[1.7] * len(words), 2.2])
        for row, part in enumerate(rows):
            _headed(part, words[row])
            of_row = {name: found[row, endocardium] for name, found in times.items()}
            _bullseyes(part, of_row, {name: float(errors[name][row]) for name in times})
        panels = below.subplots(1, len(words), squeeze=False)[0]
        for row, axes in enumerate(panels):
            _in_true_order(axes, {name: found[row] for name, found in times.items()})
            axes.set_title(words[row], loc="left", fontsize=6.5)
        panels[0].set_ylabel(axis_label("activation time", "ms"))
        keys = [Line2D([], [], label=readable(m, METHOD_LABELS), **_mark(m)) for m in times]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure, (
        "Activation times, steepest upstrokes, in example test recordings. Above: the 17 points of the left "
        "ventricle's endocardium (base outside, anterior wall up, septum left), beneath each the mean absolute error "
        "over all 75 points. Grey is never activated; the darkest colour is the last true time and all that is later. "
        "Below: all 75 points in the order of their true times."
    )


def line_of(method: str) -> dict[str, Any]:
    """How the line of a method, or of ``truth``, is drawn."""
    if method == "truth":
        return {"color": TRUTH_COLOUR, "linewidth": 1.8}
    return {
        "color": method_colour(method), "linewidth": 0.9, "linestyle": "--" if method in GIVEN_TRUTH else "-",
    }  # fmt: skip


def _of_networks(examples: Examples) -> dict[str, Floats]:
    names = [name for name in ordered_methods(examples.predictions) if name in SEQUENCE_NETWORKS]
    return {name: examples.predictions[name] for name in names}


def _names(values: xr.DataArray) -> list[str]:
    return list(dict.fromkeys(map(str, values.values)))


def _headed(part: SubFigure, words: str) -> None:
    part.suptitle(words, fontsize=8, x=0.01, ha="left", weight="bold")


def _mark(method: str) -> dict[str, Any]:
    if method == "truth":
        return line_of(method)
    return {"color": method_colour(method), "marker": method_marker(method), "markersize": 2.8, "linestyle": "none"}


def _bullseyes(part: SubFigure, times: Mapping[str, Floats], errors: Mapping[str, float]) -> None:
    """A bull's-eye for the true times of the segments and each network's, on the scale of the true ones."""
    norm = Normalize(0.0, float(np.nanmax(times["truth"])))
    colours = mpl.colormaps[TIME_MAP]
    panels = part.subplots(1, len(times), squeeze=False)[0]
    for axes, (name, found) in zip(panels, times.items(), strict=True):
        draw_bullseye(axes, [colours(norm(t)) if np.isfinite(t) else _NOT_ACTIVATED for t in found], walls=False)
        axes.set_title(readable(name, METHOD_LABELS), fontsize=6.5, pad=2)
        if name != "truth":
            axes.text(0, -1.08, f"{rounded(errors[name], 1)} ms", ha="center", va="top", fontsize=6.5)
    part.colorbar(
        ScalarMappable(norm, colours), ax=list(panels), label=axis_label("activation", "ms"), fraction=0.02, pad=0.01
    )


def _in_true_order(axes: Axes, times: Mapping[str, Floats]) -> None:
    order = np.argsort(times["truth"])
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    for name, found in times.items():
        axes.plot(np.arange(1, len(order) + 1), found[order], **_mark(name))
    axes.set_xlabel("point, by true time")
