"""One test sheet of each tissue class: what it looks like, and its ECG by simulation, surrogate and closed form."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from transmural.cohorts.sheets import REFERENCE
from transmural.evaluation.surrogate_scores import SURROGATE, r2
from transmural.report.quantities import rounded
from transmural.report.style import (
    COUNT_MAP,
    PAGE_WIDTH_IN,
    POTENTIAL_MAP,
    TIME_MAP,
    TRUTH_COLOUR,
    axis_label,
    method_colour,
    new_figure,
    readable,
    styled,
)
from transmural.report.surrogate_labels import CLASS_LABELS, METHOD_LABELS, ordered_classes

_LINES: Mapping[str, Literal[":", "--"]] = {"closed_form": ":", SURROGATE: "--"}
_RAW = (
    "Units are those of Eq. 1 with a dimensionless potential, whose constant 1/(4πσ) and thickness are left out as in "
    "the paper."
)
_SCALED = "ECGs are z-scored: less a mean and over a standard deviation (sd), as the network predicts them."
_NOT_CONDUCTIVE = "#ececec"


def example_sheets(sheets: xr.Dataset) -> dict[str, int]:
    """Row of the first sheet of each tissue class, so that no sheet is chosen for its looks."""
    classes = sheets["tissue_class"].values
    return {name: int(np.argmax(classes == name)) for name in ordered_classes(map(str, classes))}


def sheets_figure(sheets: xr.Dataset) -> tuple[Figure, str]:
    """A voltage frame, the conductive share and the activation times of one sheet of each class.

    Parameters
    ----------
    sheets
        Test sheets (contract SHEETS) with attribute ``cell_mm``.

    Returns
    -------
    figure and caption
    """
    chosen = example_sheets(sheets)
    latest = float(np.nanmax(sheets["activation_time"].values[list(chosen.values())]))
    rows = (
        ("transmembrane potential", POTENTIAL_MAP, 1.0),
        ("conductive share", COUNT_MAP, 1.0),
        (axis_label("activation time", "ms"), TIME_MAP, latest),
    )
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 3 * (PAGE_WIDTH_IN - 1.0) / max(len(chosen), 3) + 0.6)
        grid = figure.subplots(len(rows), len(chosen), squeeze=False, sharex=True, sharey=True)
        for column, (name, place) in enumerate(chosen.items()):
            sheet = sheets.isel(case=place)
            frame, time_ms = _middle_frame(sheet)
            share = sheet["conductive_share"].values
            conducts = np.where(share > 0, 1.0, np.nan)
            shown = (frame * conducts, share, sheet["activation_time"].values * conducts)
            for axes, values, (_, colours, top) in zip(grid[:, column], shown, rows, strict=True):
                _map(axes, values, sheet, colours, top)
            x, y, _ = sheet["stimulus_position"].values
            grid[2, column].plot(x, y, marker="*", color="white", markeredgecolor="black", markersize=9, clip_on=False)
            grid[0, column].set_title(f"{CLASS_LABELS.get(name, name)}\nat {time_ms:g} ms")
            grid[-1, column].set_xlabel(axis_label("x", "mm"))
        for row, (label, _, _) in enumerate(rows):
            grid[row, 0].set_ylabel(axis_label("y", "mm"))
            figure.colorbar(grid[row, -1].images[0], ax=list(grid[row]), label=label, aspect=12, pad=0.01)
    return figure, (
        "The first test sheet of each tissue class: potentials, down-sampled as the surrogate gets them, when half of "
        "the tissue is activated; how much of each cell conducts; and activation times, with the centre of the "
        "stimulus (star). Where nothing conducts, potentials and times are grey. D: "
        + ", ".join(_diffusivity(sheets, name, place) for name, place in chosen.items())
        + " mm²/ms."
    )


def ecg_figure(
    sheets: xr.Dataset, predictions: Mapping[str, NDArray[np.floating]], scaled: NDArray[np.floating] | None = None
) -> tuple[Figure, str]:
    """True and predicted ECG of one sheet of each class, and below each what is wrong.

    Parameters
    ----------
    sheets
        Test sheets (contract SHEETS).
    predictions
        ECGs at the reference electrode by method, shape (case, time), rows as in ``sheets``; the surrogate's and the
        closed form's are drawn where they are given.
    scaled
        True ECGs with the predictions' mean and deviation, shape (case, time); None where predictions are in the unit
        of the sheets' ECGs.

    Returns
    -------
    figure and caption
    """
    chosen, drawn = example_sheets(sheets), [m for m in _LINES if m in predictions]
    truth = sheets["ecg"].sel(lead=REFERENCE).values if scaled is None else scaled
    time_ms = sheets["time"].values
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 3.6)
        grid = figure.subplots(2, len(chosen), squeeze=False, sharex=True, sharey="row", height_ratios=[5, 3])
        for (name, place), (above, below) in zip(chosen.items(), grid.T, strict=True):
            below.axhline(0, color=TRUTH_COLOUR, linewidth=0.6)
            above.plot(time_ms, truth[place], color=TRUTH_COLOUR, linewidth=1.4)
            for method in drawn:
                predicted = predictions[method][place]
                for axes, values in ((above, predicted), (below, predicted - truth[place])):
                    axes.plot(time_ms, values, color=method_colour(method), linestyle=_LINES[method])
            above.set_title(f"{CLASS_LABELS.get(name, name)}\n{_accuracy(truth, predictions, place)}")
            below.set_xlabel(axis_label("time", "ms"))
        for axes, quantity in zip(grid[:, 0], ("ECG", "error"), strict=True):
            axes.set_ylabel(axis_label(quantity, "(mm/ms)" if scaled is None else "sd"))
        keys = [Line2D([], [], color=TRUTH_COLOUR, linewidth=1.4, label="Simulation, all nodes")]
        for m in drawn:
            keys.append(Line2D([], [], color=method_colour(m), linestyle=_LINES[m], label=readable(m, METHOD_LABELS)))
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, (
        "ECG of the first test sheet of each tissue class: by Eq. 1 from all nodes of the simulation, and as predicted "
        "from down-sampled frames; below, prediction minus simulation. R² is the surrogate's for this sheet. "
        + (_RAW if scaled is None else _SCALED)
    )


def _middle_frame(sheet: xr.Dataset) -> tuple[NDArray[np.floating], float]:
    """The frame nearest to when half of the cells are activated, and its time in ms."""
    time_ms = sheet["time"].values
    nearest = int(np.argmin(np.abs(time_ms - np.nanmedian(sheet["activation_time"].values))))
    return sheet["tmp"].values[nearest], float(time_ms[nearest])


def _map(axes: Axes, values: NDArray[np.floating], sheet: xr.Dataset, colours: str, top: float) -> None:
    """Values of a sheet's cells, rows downwards from the top-left corner."""
    height, width = np.array(values.shape) * float(sheet.attrs["cell_mm"])
    axes.set_facecolor(_NOT_CONDUCTIVE)
    axes.imshow(values, cmap=colours, vmin=0, vmax=top, interpolation="nearest", extent=(0, width, height, 0))
    axes.set_xticks([0, width / 2, width])
    axes.set_yticks([0, height / 2, height])


def _accuracy(truth: NDArray[np.floating], predictions: Mapping[str, NDArray[np.floating]], place: int) -> str:
    if SURROGATE not in predictions:
        return ""
    one = slice(place, place + 1)
    return f"surrogate: R² = {rounded(float(r2(truth[one], predictions[SURROGATE][one])[0]), 3)}"


def _diffusivity(sheets: xr.Dataset, name: str, place: int) -> str:
    return f"{float(sheets['diffusivity'].values[place]):.3f} ({CLASS_LABELS.get(name, name).lower()})"
