"""How networks were trained: training and validation loss of every epoch, and the epoch that was kept."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from transmural.networks.history import Epoch, best_epoch
from transmural.report.style import PAGE_WIDTH_IN, new_figure, readable, styled

TRAINING_COLOUR = "#0072b2"
VALIDATION_COLOUR = "#d55e00"
_COLUMNS = 2
# Axes leave out the highest losses beyond this quantile: the first epochs' would flatten all others.
_SHOWN = 0.95


def training_figure(
    histories: Mapping[tuple[str, str, str], Sequence[Epoch]], labels: Mapping[str, str] | None = None
) -> tuple[Figure, str]:
    """Loss by epoch, a panel a training.

    Parameters
    ----------
    histories
        History (`networks.history`) of each training by subject, training cohort and network.
    labels
        Names of networks as shown.

    Returns
    -------
    figure and caption
    """
    rows = math.ceil(len(histories) / _COLUMNS)
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 1.7 * rows + 0.4)
        panels = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes in panels.flat[len(histories) :]:
            axes.set_axis_off()
        for axes, ((subject, cohort, network), history) in zip(panels.flat, histories.items(), strict=False):
            _panel(axes, history)
            axes.set_title(f"{readable(network, labels)}: {readable(subject)}, {cohort}")
        for axes in panels[:, 0]:
            axes.set_ylabel("loss")
        keys = [
            Line2D([], [], color=TRAINING_COLOUR, label="training"),
            Line2D([], [], color=VALIDATION_COLOUR, linestyle="--", label="validation"),
            Line2D([], [], color="black", marker="o", linestyle="none", markersize=3.5, label="epoch kept"),
        ]
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, _CAPTION


def _panel(axes: Axes, history: Sequence[Epoch]) -> None:
    epochs = np.array([epoch["epoch"] for epoch in history])
    trained, validated = (np.array([epoch[f"{kind}_loss"] for epoch in history]) for kind in ("train", "validation"))
    kept = best_epoch(history)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    # A line of one epoch can't be seen.
    mark = "_" if len(epochs) == 1 else ""
    axes.plot(epochs, trained, color=TRAINING_COLOUR, marker=mark)
    axes.plot(epochs, validated, color=VALIDATION_COLOUR, marker=mark, linestyle="--")
    axes.plot(kept, validated[kept - 1], marker="o", color="black", markersize=3.5)
    both = np.concatenate([trained, validated])
    low, high = both.min(), np.quantile(both, _SHOWN if len(epochs) > 1 else 1)
    if high > low:
        margin = 0.06 * (high - low)
        axes.set_ylim(low - margin, high + margin)
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")


_CAPTION = (
    "Loss of every network by epoch on the cases that it learns from and on the validation cases, none of which is "
    "tested. The weights of the marked epoch, the best one on the validation cases, are used. The "
    "validation loss is that after all warm-ups; the training loss is that of its epoch, whose terms may still be "
    "warming up. The highest twentieth of the values may lie outside the panel."
)
