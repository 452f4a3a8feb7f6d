"""Misfit and error of EM and of the marginal MAP over their gradient steps."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from transmural.report.style import (
    PAGE_WIDTH_IN,
    method_colour,
    method_marker,
    new_figure,
    ordered_methods,
    readable,
    styled,
)

_SHOWN = {
    "misfit": "ECG misfit / noise standard deviation",
    "nrmse": "Normalized RMSE (needs the truth)",
}


def convergence_figure(
    steps: pd.DataFrame, labels: Mapping[str, str] | None, subject: str, cohort: str
) -> tuple[Figure, str]:
    """A thin line a case, a thick one for the mean of the cases; a panel a quantity.

    Parameters
    ----------
    steps
        As `evaluation.convergence.convergence` gives them.
    labels
        Names of methods as shown.
    subject, cohort
        Heart and training cohort, for the caption.

    Returns
    -------
    figure and caption
    """
    methods = ordered_methods(steps["method"])
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 2.7)
        panels = figure.subplots(1, len(_SHOWN))
        for axes, (quantity, label) in zip(panels, _SHOWN.items(), strict=True):
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            for name in methods:
                values = steps[steps["method"] == name].pivot(index="step", columns="case", values=quantity)
                colour = method_colour(name)
                axes.plot(values.index, values, color=colour, linewidth=0.6, alpha=0.5)
                few = max(1, len(values) // 8)
                axes.plot(
                    values.index, _mean(values, quantity), color=colour, linewidth=1.8, marker=method_marker(name),
                    markersize=4, markevery=few, clip_on=False,
                )  # fmt: skip
            axes.set_xlabel("Number of gradient steps")
            axes.set_ylabel(label)
            axes.set_xlim(left=0)
        panels[0].set_yscale("log")
        panels[0].axhline(1.0, color="#555555", linewidth=0.7, linestyle=":")
        panels[0].text(1.0, 1.02, "noise", transform=panels[0].get_yaxis_transform(), fontsize=6.5, color="#555555",
                       ha="right", va="bottom")  # fmt: skip
        panels[1].set_ylim(bottom=0)
        keys = [
            Line2D([], [], color=method_colour(m), marker=method_marker(m), markersize=4, label=readable(m, labels))
            for m in methods
        ]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys))
    return figure, _caption(steps["case"].nunique(), subject, cohort)


def _mean(values: pd.DataFrame, quantity: str) -> "pd.Series[float]":
    """Mean over the cases, of what is drawn on a logarithmic axis the geometric one."""
    mean: pd.Series[float] = np.exp(np.log(values).mean(axis=1)) if quantity == "misfit" else values.mean(axis=1)
    return mean


def _caption(cases: int, subject: str, cohort: str) -> str:
    return (
        f"EM and marginal MAP on the same trained network and the same {cases} validation beats of "
        f"{readable(subject)}, training cohort «{cohort}» (thin: a beat; thick: their mean). Left, what both can know: "
        "the residual of the ECG of the decoded mean, in standard deviations of the noise. Right, what only we know: "
        "the error against the truth, by which neither is stopped. EM is followed beyond where it would stop. The "
        "marginal MAP starts at encodings of training beats with near ECGs, EM at the mean of p(Z); each point of the "
        "marginal MAP is a run of its own with that many steps. Look for how many steps each takes to come near the "
        "data, for how far above the noise what the decoder can't represent keeps both, and for whether the one that "
        "fits the ECG better is also nearer to the truth."
    )
