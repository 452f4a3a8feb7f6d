"""One beat on the heart's surface: true and reconstructed potentials at three instants, and activation times."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from transmural.evaluation.surface_scores import surface_metrics
from transmural.report.drawn_case import Choice
from transmural.report.early_activation import VIEWS
from transmural.report.heart_view import (
    Surface,
    draw_surface,
    frame,
    mark,
    orientation_marks,
    plain_surface,
    scale_bar,
)
from transmural.report.quantities import quantity
from transmural.report.style import PAGE_WIDTH_IN, POTENTIAL_MAP, TIME_MAP, new_figure, readable, split, styled
from transmural.report.surface_cases import how_drawn, over_fits
from transmural.report.surface_labels import METHOD_LABELS, STUDY
from transmural.report.surface_refined import refined
from transmural.stores.config.physics_informed import CLASSICAL, COMPARED_NETWORKS, PhysicsInformedStudy
from transmural.tissue.events import activation_time

_INSTANTS = (0.2, 0.4, 0.6)
"""As shares of the last true activation time."""
_BANDS = 12
_INTERVALS_MS = (2.0, 5.0, 10.0, 20.0, 25.0, 50.0)
_NAMES_IN, _GAP_IN, _TITLES_IN, _BELOW_IN = 0.95, 0.1, 0.4, 0.62
_SIDE_MM, _BAR_MM = 4.0, 12.0
_POTENTIALS = Normalize(0, 1)


class ShownBeat(NamedTuple):
    """The beat on its surface: potentials by method, the truth first, shape (time, vertex), and where it starts."""

    surface: Surface
    time_ms: NDArray[np.floating]
    potentials: dict[str, NDArray[np.floating]]
    origin_mm: NDArray[np.floating]

    @property
    def last_ms(self) -> float:
        """The last true activation time."""
        return float(np.nanmax(activation_time(self.potentials["truth"], self.time_ms)))

    @property
    def instants(self) -> list[int]:
        """Frames at `_INSTANTS` of the last true activation time."""
        return [int(np.argmin(np.abs(self.time_ms - share * self.last_ms))) for share in _INSTANTS]


def maps_figure(
    scores: pd.DataFrame, beats: xr.Dataset, reconstructions: xr.Dataset, choice: Choice, study: PhysicsInformedStudy
) -> tuple[Figure, str]:
    """A row a method, two views an instant, and two of the activation times.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`, which say what method without network is best.
    beats, reconstructions
        Of the heart and setting; this beat is among them (contracts SURFACE_BEATS, SURFACE_RECONSTRUCTIONS).
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
        If the beat, or a reconstruction of it, isn't there.
    """
    classical = best_classical(scores, choice.setting)
    amortised = study.amortised.methods if choice.setting == study.amortised_setting else []
    beat = shown_beat(beats, reconstructions, choice, [classical, *COMPARED_NETWORKS, *amortised])
    interval = next((ms for ms in _INTERVALS_MS if beat.last_ms / ms <= _BANDS), _INTERVALS_MS[-1])
    times = BoundaryNorm(np.arange(0, beat.last_ms + interval, interval), 256, extend="max")
    widths, heights = _sizes_in(beat)
    above_in = sum(heights) + _TITLES_IN
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, above_in + _BELOW_IN, pad_in=0.03)
        above, below = split(figure, 2, heights=[above_in, _BELOW_IN])
        grid = above.subplots(len(heights), len(widths), width_ratios=widths, height_ratios=heights)
        _draw(grid, beat, times)
        _colour_bars(below, times)
    return figure, _caption(beat, choice, study, classical, interval)


def best_classical(scores: pd.DataFrame, setting: str) -> str:
    """The method without network that has the least mean relative error in a setting."""
    here = scores[(scores["setting"] == setting) & (scores["metric"] == "re") & scores["method"].isin(CLASSICAL)]
    if here.empty:
        raise ValueError(f"no method without network has a relative error in setting '{setting}'")
    return str(over_fits(here).groupby("method")["value"].mean().idxmin())


def shown_beat(beats: xr.Dataset, reconstructions: xr.Dataset, choice: Choice, methods: Sequence[str]) -> ShownBeat:
    """The chosen beat with the reconstructions of these methods, of networks the first fit."""
    where = f"case {choice.case} of {choice.subject}, {choice.setting}"
    place = np.flatnonzero(beats["case"].values == choice.case)
    if place.size != 1:
        raise ValueError(f"beats hold no {where}")
    truth = beats.isel(case=int(place[0]))
    potentials = {"truth": truth["tmp"].values}
    first = (reconstructions["case"].values == choice.case) & (reconstructions["seed"].values == 0)
    for method in methods:
        fit = np.flatnonzero(first & (reconstructions["method"].values.astype(str) == method))
        if fit.size != 1:
            raise ValueError(f"reconstructions hold no {method} of {where}")
        potentials[method] = reconstructions["potential"].values[int(fit[0])]
    origin = truth["origin"].values
    surface = plain_surface(truth["vertex_position"].values, truth["face"].values)
    return ShownBeat(surface, truth["time"].values, potentials, origin[np.isfinite(origin).all(axis=1)])


def _draw(grid: NDArray[np.object_], beat: ShownBeat, times: BoundaryNorm) -> None:
    """A row a method: its name, and the hearts of each instant and of the activation times, with gaps between."""
    starts = [1 + (len(VIEWS) + 1) * k for k in range(len(_INSTANTS) + 1)]
    fine = refined(beat.surface)
    for line, (method, values) in zip(grid, beat.potentials.items(), strict=True):
        for axes in (line[start - 1] for start in starts):
            axes.set_axis_off()
        line[0].text(0.03, 0.5, _row_words(beat, method), transform=line[0].transAxes, va="center", fontsize=7)
        drawn = [(beat.surface, values[instant], POTENTIAL_MAP, _POTENTIALS) for instant in beat.instants]
        drawn.append((fine, fine.weights @ activation_time(values, beat.time_ms), TIME_MAP, times))
        for start, (surface, shown, colour_map, norm) in zip(starts, drawn, strict=True):
            for axes, view in zip(line[start:], VIEWS, strict=False):
                draw_surface(axes, surface, shown, view, colour_map, norm)
                for site in beat.origin_mm:
                    mark(axes, surface, site, view, size=9)
                frame(axes, surface, view, _SIDE_MM, _BAR_MM if method == "truth" else 0)
    scale_bar(grid[0, 1], beat.surface, VIEWS[0])
    orientation_marks(grid[0, 1], beat.surface, VIEWS[0])
    headings = [f"potential at {beat.time_ms[instant]:.0f} ms" for instant in beat.instants] + ["activation time"]
    for start, heading in zip(starts, headings, strict=True):
        for axes, view in zip(grid[0, start:], VIEWS, strict=False):
            axes.set_title(f"\n{view.name}", fontsize=6.5)
        # The layout knows the titles' height only: the heading is wider than its panel.
        grid[0, start].annotate(
            heading, (0, 1), (0, 13), xycoords="axes fraction", textcoords="offset points", fontsize=7.5,
            weight="bold", in_layout=False,
        )  # fmt: skip


def _row_words(beat: ShownBeat, method: str) -> str:
    if method == "truth":
        return "Truth"
    found = surface_metrics(beat.potentials["truth"], beat.potentials[method], beat.time_ms)
    name = readable(method, METHOD_LABELS).replace(" (", "\n(").replace("Data-driven ", "Data-driven\n")
    error, late = (quantity(m, STUDY).text(found[m]) for m in ("re", "activation_time_mae"))
    return f"{name}\nRE {error}\n{late} ms off"


def _sizes_in(beat: ShownBeat) -> tuple[list[float], list[float]]:
    """Widths of the columns and heights of the rows in inches; the first row has room for a scale bar."""
    groups = len(_INSTANTS) + 1
    heart = (PAGE_WIDTH_IN - _NAMES_IN - (groups - 1) * _GAP_IN) / (groups * len(VIEWS))
    widths = [gap for k in range(groups) for gap in (_GAP_IN if k else _NAMES_IN, *[heart] * len(VIEWS))]
    page = VIEWS[0].project(beat.surface.vertices)
    width_mm, height_mm = np.ptp(page[:, 0]) + 2 * _SIDE_MM, np.ptp(page[:, 1]) + 4
    heights = [float(heart / width_mm * (height_mm + below)) for below in (_BAR_MM, *[0] * (len(beat.potentials) - 1))]
    return widths, heights


def _colour_bars(part: SubFigure, times: BoundaryNorm) -> None:
    for norm, colour_map, label, left in (
        (_POTENTIALS, POTENTIAL_MAP, "potential, 0 at rest, 1 on the plateau", 0.12),
        (times, TIME_MAP, "activation time / ms", 0.62),
    ):
        bar = part.colorbar(
            ScalarMappable(norm, colour_map), cax=part.add_axes((left, 0.66, 0.32, 0.2)), orientation="horizontal",
            extend="both" if norm is _POTENTIALS else None,
        )  # fmt: skip
        bar.set_label(label)


def _caption(beat: ShownBeat, choice: Choice, study: PhysicsInformedStudy, classical: str, interval: float) -> str:
    shares = ", ".join(f"{100 * share:.0f}" for share in _INSTANTS)
    return (
        f"Potentials on the heart's surface at about {shares} % of the last true activation "
        f"({beat.last_ms:.0f} ms), and activation times in bands of {interval:g} ms, seen from the front and from the "
        "back (R, L: the patient's right and left). Below a method: relative error over the whole beat, and mean "
        "absolute error of the activation times. All potentials share one scale, and all times one that ends at the "
        "last true one; values beyond have the colours of the bar's ends, and what is never activated is white. Rings "
        "mark where the beat starts, dotted where the heart hides it. Look at "
        "whether the front lies where it should, whether it is as sharp, and whether activation spreads from the ring. "
        f"{readable(classical, METHOD_LABELS)} is the method without network that has the least mean relative error "
        f"in this setting; of networks, the first fit. {how_drawn(choice, study)}"
    )
