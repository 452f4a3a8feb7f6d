"""Potentials that generative models make beside simulated ones (the question of Ghimire et al. 2018, fig. 2)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from transmural.evaluation.generated_potentials import ENCODED, MAPS, SIMULATED, STANDARD, Traces
from transmural.report.quantities import rounded
from transmural.report.style import (
    PAGE_WIDTH_IN,
    TRUTH_COLOUR,
    axis_label,
    method_colour,
    new_figure,
    readable,
    split,
    styled,
)

_SOURCES = {
    SIMULATED: ("simulated,\nnot in training", TRUTH_COLOUR),
    ENCODED: ("sequential VAE,\nencoded posterior p(Z)", method_colour("marginal_map")),
    STANDARD: ("sequential VAE,\nN(0, I)", method_colour("tikhonov1")),
    MAPS: ("activation-map VAE,\nits prior", method_colour("activation_map")),
}
_TRACES = 14
_POTENTIAL_LIMITS = (-0.25, 1.25)


def generated_figure(
    sources: Mapping[str, Traces], time_ms: NDArray[np.floating], subject: str, cohort: str
) -> tuple[Figure, str]:
    """Traces of every source, and the distribution of their distance from the nearest simulated trace.

    Parameters
    ----------
    sources
        As `evaluation.generated_potentials.generated_traces` gives them.
    time_ms
        Frames.
    subject, cohort
        Heart and training cohort of the networks, for the caption.

    Returns
    -------
    figure and caption
    """
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 2.0 + 0.55 + 0.24 * len(sources))
        above, below = split(figure, 2, heights=[2.0, 0.55 + 0.24 * len(sources)])
        panels = above.subplots(1, len(sources), squeeze=False, sharey=True)[0]
        for axes, (name, source) in zip(panels, sources.items(), strict=True):
            label, colour = _SOURCES[name]
            axes.plot(time_ms, source.potential[:_TRACES].T, color=colour, linewidth=0.6, alpha=0.75)
            axes.set_title(label, fontsize=7.5)
            axes.set_xlabel(axis_label("time", "ms"))
            axes.margins(x=0)
        panels[0].set_ylim(_POTENTIAL_LIMITS)
        panels[0].set_ylabel("TMP, dimensionless")
        _errors(below.subplots(), sources)
    return figure, _caption(sources, subject, cohort)


def _errors(axes: Axes, sources: Mapping[str, Traces]) -> None:
    """Boxes of the middle half with their median, whiskers to the 5th and 95th percentile."""
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    for row, (name, source) in enumerate(sources.items()):
        colour = _SOURCES[name][1]
        low, first, median, third, high = np.quantile(source.error, (0.05, 0.25, 0.5, 0.75, 0.95))
        axes.plot([low, high], [row, row], color=colour, linewidth=0.9)
        axes.barh(row, third - first, left=first, height=0.55, color=colour, alpha=0.35)
        axes.plot(median, row, marker="|", color=colour, markersize=9, markeredgewidth=1.8)
        axes.text(high, row, f"  {rounded(float(median), 3)}", va="center", ha="left", fontsize=7)
    axes.set_yticks(range(len(sources)), [_line(name) for name in sources])
    axes.set_ylim(len(sources) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.set_xlabel("Normalized RMSE of a trace against the nearest training trace")


def _line(name: str) -> str:
    """Label of a source on one line."""
    return _SOURCES[name][0].replace("\n", " ")


def _caption(sources: Mapping[str, Traces], subject: str, cohort: str) -> str:
    medians = "; ".join(
        f"{_line(name)}: {rounded(float(np.median(source.error)), 3)}" for name, source in sources.items()
    )
    return (
        f"Potentials over a beat at {_TRACES} nodes drawn at random from each source, {readable(subject)}, training "
        f"cohort «{cohort}»: simulated beats that are not in training, and beats that the networks generate without "
        "any ECG. Below, how far a trace is from the nearest one of the training beats, relative to the size of "
        "simulated traces: median (tick and number), middle half (box), 5th to 95th percentile (line). New simulated "
        f"beats show the best that can be reached. Medians: {medians}. Look for whether a generated trace has one "
        "upstroke, a plateau and a return to rest, and for how much N(0, I) loses against the encoded posterior p(Z)."
    )
