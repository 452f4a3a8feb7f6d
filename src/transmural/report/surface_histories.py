"""How the fields of one beat are fitted: misfit, residuals, weights and the blocks' α by epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from transmural.report.drawn_case import Choice
from transmural.report.style import PAGE_WIDTH_IN, method_colour, new_figure, readable, styled
from transmural.report.surface_cases import how_drawn
from transmural.report.surface_labels import GRID, METHOD_LABELS, ordered
from transmural.stores.config.physics_informed import PhysicsInformedStudy

_TERMS = {
    "misfit": "misfit / variance of the noise",
    "potential": "residual of u, mean square",
    "recovery": "residual of v, mean square",
    "white_misfit": "whitened misfit",
    "weights": "weights λ of the residuals",
    "alpha": "α of the adaptive blocks",
}
_WEIGHTS = {"weight_potential": "-", "weight_recovery": "--"}
_LINEAR = ("white_misfit", "weights")
_BLOCK_LINES = ("-", "--", ":", "-.")
History = Mapping[str, NDArray[np.float64]]
"""Means of every epoch by term; NaN where there is none."""


def history_figure(reconstructions: xr.Dataset, choice: Choice, study: PhysicsInformedStudy) -> tuple[Figure, str]:
    """A panel a quantity, a line a network: its first fit of one beat, by epoch.

    Parameters
    ----------
    reconstructions
        Of this beat, others may be among them (contract SURFACE_RECONSTRUCTIONS).
    choice
        Which beat.
    study
        Settings.

    Returns
    -------
    figure and caption

    Raises
    ------
    ValueError
        If no network has a history of this beat.
    """
    histories = _histories(reconstructions, choice.case)
    if not histories:
        raise ValueError(f"no network was fitted to case {choice.case} of {choice.subject}, {choice.setting}")
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.0, pad_in=0.04)
        grid = figure.subplots(2, 3, sharex=True)
        for axes, (term, label) in zip(grid.flat, _TERMS.items(), strict=True):
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            for method, history in histories.items():
                for name, line in _drawn_terms(term, history):
                    epochs = np.arange(1, history[name].size + 1)
                    axes.plot(epochs, history[name], line, color=method_colour(method), linewidth=0.9)
            _finish(axes, term, label)
        for axes in grid[-1]:
            axes.set_xlabel("epoch")
        keys = [Line2D([], [], color=method_colour(m), label=readable(m, METHOD_LABELS)) for m in histories]
        figure.legend(handles=keys, loc="outside lower center", ncols=4)
    return figure, _caption(choice, study)


def _histories(reconstructions: xr.Dataset, case: int) -> dict[str, History]:
    """Of the first fit of each network to the beat, by method."""
    found = {}
    terms = [str(term) for term in reconstructions["term"].values]
    methods = reconstructions["method"].values.astype(str)
    first = (reconstructions["case"].values == case) & (reconstructions["seed"].values == 0)
    for fit in np.flatnonzero(first & np.isin(methods, GRID)):
        history = reconstructions["history"].values[fit].astype(np.float64)
        if np.isfinite(history).any():
            found[str(methods[fit])] = dict(zip(terms, history, strict=True))
    return {method: found[method] for method in ordered(found)}


def _drawn_terms(term: str, history: History) -> Sequence[tuple[str, str]]:
    """Names in the history that a panel shows, and their lines."""
    if term == "weights":
        return [(name, line) for name, line in _WEIGHTS.items() if name in history]
    if term == "alpha":
        blocks = sorted((n for n in history if n.startswith("alpha_")), key=lambda n: int(n.removeprefix("alpha_")))
        return [(name, _BLOCK_LINES[k % len(_BLOCK_LINES)]) for k, name in enumerate(blocks)]
    return [(term, "-")] if term in history else []


def _finish(axes: Axes, term: str, label: str) -> None:
    axes.set_title(label, loc="left", fontsize=7.5)
    drawn = [line for line in axes.lines if np.isfinite(np.asarray(line.get_ydata(), dtype=np.float64)).any()]
    if not drawn:
        return
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if term == "alpha":
        axes.axhline(0, color="black", linewidth=0.5)
    elif term in _LINEAR:
        axes.set_ylim(bottom=0)
    else:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    if term == "misfit":
        axes.axhline(1, color="black", linestyle=":", linewidth=0.9)


def _caption(choice: Choice, study: PhysicsInformedStudy) -> str:
    field = study.field
    return (
        "How fields are fitted to one beat: means over the gradient steps of an epoch. Misfit: squared "
        "difference of measured and explained body-surface potentials over the variance of the noise; at 1 (dotted) "
        "data are explained as well as noise allows, below it noise is. Whitened misfit: what the fit lessens, as a "
        "share of the whitened data. Residuals are those of the Aliev–Panfilov equations of the potential u and the "
        "recovery variable v, as each network takes them: with automatic derivatives at "
        f"{field.physics.points} random points, with numerical ones at all vertices. Weights: λ of the residual of u "
        "(solid) and of v (dashed), which coincide where the settings make them equal; the data-driven network has "
        "neither. α of the blocks of adaptive networks: the first solid, then dashed, dotted, dash-dotted; 0 leaves a "
        f"block out, 1 has no shortcut. First fit of each network. {how_drawn(choice, study)}"
    )
