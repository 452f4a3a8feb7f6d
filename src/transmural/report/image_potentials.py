"""Body-surface potentials of test maps, and what is left of them after the autoencoder: traces and maps."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from transmural.report.image_labels import setting_words
from transmural.report.style import (
    PAGE_WIDTH_IN,
    SIGNED_MAP,
    TRUTH_COLOUR,
    axis_label,
    method_colour,
    new_figure,
    readable,
    split,
    styled,
)

Floats = NDArray[np.floating]

_ELECTRODES = {"strongest": 1.0, "middle": 0.5, "weakest": 0.0}
"""Electrodes by the quantile of their range."""
_MARKERS = ("o", "s", "^")
_AUTOENCODER = {"color": method_colour("vae"), "linewidth": 1.0, "linestyle": "--"}
_SETTING = "bsp_vae"


def potentials_figure(kept: xr.Dataset) -> tuple[Figure, str]:
    """Potentials of three electrodes over time, and of all at one time, before and after the autoencoder.

    Parameters
    ----------
    kept
        Contract PREDICTED_BSPS; cases of the setting ``bsp_vae`` are drawn.

    Returns
    -------
    figure and caption

    Raises
    ------
    ValueError
        If there is no case of this setting.
    """
    rows = [int(row) for row in np.flatnonzero(kept["setting"].values == _SETTING)]
    if not rows:
        raise ValueError(f"no kept potentials of the setting '{_SETTING}'")
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 1.75 * len(rows) + 0.3)
        for part, row in zip(split(figure, len(rows)), rows, strict=True):
            _case(part, kept.isel(case=row))
        keys = [
            Line2D([], [], color=TRUTH_COLOUR, linewidth=1.4, label="simulated"),
            Line2D([], [], label="through the autoencoder", **_AUTOENCODER),  # type: ignore[arg-type]
        ]
        figure.legend(handles=keys, loc="outside lower center", ncols=2)
    return figure, (
        "Potentials of the 100 electrodes in front of the heart, simulated and after the autoencoder, as the paper "
        "shows two electrodes: the best, the median and the worst test case by its squared error "
        f"({setting_words(_SETTING).lower()}). Left: the electrodes with the largest, the middle and the smallest "
        "range, each on a scale of its own. Right: all electrodes, base above and seen from the front, at the time at "
        "which the simulated potentials are largest (dotted line); marks are the three electrodes. Look at the weak "
        "electrode: the loss hardly sees it."
    )


def _case(part: SubFigure, one: xr.Dataset) -> None:
    truth, predicted = (one[name].values.astype(np.float64) for name in ("bsp", "predicted"))
    time = one["time"].values
    words = f"{str(one['place'].values).capitalize()}: {readable(str(one['heart'].values))}, map {int(one['number'])}"
    part.suptitle(words, fontsize=7.5, x=0.01, ha="left", weight="bold")
    *traces, before, after = part.subplots(1, len(_ELECTRODES) + 2, width_ratios=[1.25] * len(_ELECTRODES) + [0.9] * 2)
    electrodes = chosen_electrodes(truth)
    peak = int(np.square(truth).sum(axis=(0, 1)).argmax())
    for axes, place, name, marker in zip(traces, electrodes, _ELECTRODES, _MARKERS, strict=True):
        axes.axvline(time[peak], color="#888888", linestyle=":", linewidth=0.7)
        axes.plot(time, truth[place], color=TRUTH_COLOUR, linewidth=1.4)
        axes.plot(time, predicted[place], **_AUTOENCODER)
        axes.set_title(name, loc="left", fontsize=6.5)
        axes.plot(0.95, 0.93, marker=marker, transform=axes.transAxes, **_mark())
        axes.set_xlabel(axis_label("time", "ms"))
    traces[0].set_ylabel(axis_label("potential", "mV"))
    reach = float(np.abs(truth[:, :, peak]).max())
    norm = Normalize(-reach, reach)
    for axes, values, title in ((before, truth, "simulated"), (after, predicted, "autoencoder")):
        _map(axes, values[:, :, peak], norm)
        axes.set_title(title, fontsize=6.5)
        for (row, column), marker in zip(electrodes, _MARKERS, strict=True):
            axes.plot(column, row, marker=marker, **_mark())
    part.colorbar(ScalarMappable(norm, SIGNED_MAP), ax=[before, after], label="mV", shrink=0.7, pad=0.02, aspect=14)


def chosen_electrodes(bsp: Floats) -> list[tuple[int, int]]:
    """Row and column of the electrodes with the largest, the middle and the smallest range.

    Parameters
    ----------
    bsp
        Shape (row, column, time).
    """
    order = np.argsort(np.ptp(bsp, axis=-1), axis=None, kind="stable")
    places = [order[round(quantile * (order.size - 1))] for quantile in _ELECTRODES.values()]
    return [(int(place // bsp.shape[1]), int(place % bsp.shape[1])) for place in places]


def _map(axes: Axes, values: Floats, norm: Normalize) -> None:
    axes.imshow(values, cmap=SIGNED_MAP, norm=norm, interpolation="nearest")
    # Columns follow the heart's x, which the viewer has to the left.
    axes.invert_xaxis()
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _mark() -> dict[str, object]:
    return {"color": "white", "markeredgecolor": "black", "markeredgewidth": 0.7, "markersize": 4.5, "clip_on": False}
