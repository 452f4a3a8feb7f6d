"""Who is simulated: where beats start, where scars lie, and how far the unseen cases are from the training cohort."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from transmural.report.early_activation import VIEWS
from transmural.report.heart_view import (
    Surface,
    draw_plain,
    draw_surface,
    frame,
    heart_surface,
    orientation_marks,
    scale_bar,
)
from transmural.report.quantities import setting_label
from transmural.report.style import COUNT_MAP, PAGE_WIDTH_IN, axis_label, new_figure, readable, split, styled

_TRAINING_COLOUR = "#0072b2"
_TEST_COLOURS = ("#d55e00", "#cc79a7", "#e69f00", "#009e73")
_TEST_MARKERS = ("^", "s", "D", "v")


def cohort_figure(
    anatomy: xr.Dataset, training: xr.Dataset, tests: Mapping[str, xr.Dataset], subject: str = ""
) -> tuple[Figure, str]:
    """Origins and scars of the training cohort on the heart, and how the test cases differ from them.

    Parameters
    ----------
    anatomy
        Anatomy store of the subject.
    training
        Cohort store of the training beats.
    tests
        Cohort stores of the test settings by name.
    subject
        Name for the caption.

    Returns
    -------
    figure and caption
    """
    surface = heart_surface(anatomy)
    origins = np.unique(training["origin"].values.astype(float), axis=0)
    scars = scar_configurations(training)
    designed = len(np.unique(training["origin_id"].values))
    moved = len(origins) - designed
    instead = f" ({moved} more sites stand in for origins too near a scar)" if moved > 0 else ""
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 4.6)
        top, bottom = split(figure, 2, heights=[1.25, 1])
        left, right = split(top, 1, 2, widths=[1, 1.12])
        _origins(left, surface, origins, tests)
        _coverage(right, surface, anatomy, scars)
        panels = bottom.subplots(1, 2)
        _distances(panels[0], origins, tests)
        _scar_sizes(panels[1], anatomy, scars, tests)
    caption = (
        f"The training cohort of {readable(subject) or 'the subject'}: {designed} origins of activation{instead} × "
        f"{len(scars)} scars and healthy tissue, {training.sizes['case']} beats. Top left: origins of training "
        "(dots) and of test beats elsewhere (symbols as below); pale where they lie on the far side. Top right: in "
        "how many of the training scars each part of the heart lies. Bottom: distance of each test beat's origin to "
        "the nearest training origin, and volumes of the scars. Look for gaps in the coverage, and for test "
        "settings with unseen origins starting away from zero."
    )
    return figure, caption


def scar_configurations(cohort: xr.Dataset) -> NDArray[np.bool_]:
    """The distinct scars of a cohort, shape (scar, voxel); healthy tissue is left out."""
    _, first = np.unique(cohort["tissue_id"].values, return_index=True)
    scars: NDArray[np.bool_] = cohort["scar_voxel"].values[first].astype(bool)
    return scars[scars.any(axis=1)]


def _test_style(k: int) -> tuple[str, str]:
    return _TEST_COLOURS[k % len(_TEST_COLOURS)], _TEST_MARKERS[k % len(_TEST_MARKERS)]


def _origins(part: SubFigure, surface: Surface, origins: NDArray[np.float64], tests: Mapping[str, xr.Dataset]) -> None:
    for axes, view in zip(part.subplots(1, len(VIEWS)), VIEWS, strict=True):
        draw_plain(axes, surface, "#e8e4dc", view)
        middle = view.project(surface.vertices)[:, 2].mean()
        groups = [(origins, _TRAINING_COLOUR, "o", 9.0)] + [
            (_away_from(origins, cohort["origin"].values.astype(float)), *_test_style(k), 7.0)
            for k, cohort in enumerate(tests.values())
        ]
        for points, colour, marker, size in groups:
            page = view.project(points)
            near = page[:, 2] > middle
            axes.scatter(
                page[~near, 0], page[~near, 1], s=size, c=colour, marker=marker, alpha=0.2, linewidths=0, zorder=3
            )
            axes.scatter(
                page[near, 0],
                page[near, 1],
                s=size,
                c=colour,
                marker=marker,
                edgecolors="white",
                linewidths=0.3,
                zorder=4,
            )
        frame(axes, surface, view, below_mm=14)
        orientation_marks(axes, surface, view)
        axes.set_title(f"origins, {view.name}")
    scale_bar(part.axes[0], surface, VIEWS[0])


def _away_from(origins: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points that aren't themselves training origins."""
    return points[_to_nearest(origins, points) > 0.1]


def _to_nearest(origins: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(points[:, None] - origins[None], axis=2).min(axis=1))


def _coverage(part: SubFigure, surface: Surface, anatomy: xr.Dataset, scars: NDArray[np.bool_]) -> None:
    node = anatomy["voxel_node"].values
    count = np.bincount(node, minlength=anatomy.sizes["node"])
    covered = scars.sum(axis=0) if len(scars) else np.zeros(len(node))
    mean = np.bincount(node, covered, minlength=len(count)) / np.maximum(count, 1)
    norm = Normalize(0, max(float(np.ceil(mean.max())), 1))
    grid = part.subplots(1, len(VIEWS))
    for axes, view in zip(grid, VIEWS, strict=True):
        draw_surface(axes, surface, surface.weights @ mean, view, COUNT_MAP, norm)
        frame(axes, surface, view, below_mm=14)
        axes.set_title(f"scars, {view.name}")
    part.colorbar(
        ScalarMappable(norm, COUNT_MAP), ax=grid, fraction=0.05, aspect=22, shrink=0.7,
        ticks=MaxNLocator(integer=True), label="training scars that cover it",
    )  # fmt: skip


def _distances(axes: Axes, origins: NDArray[np.float64], tests: Mapping[str, xr.Dataset]) -> None:
    for k, cohort in enumerate(tests.values()):
        nearest = _to_nearest(origins, cohort["origin"].values.astype(float))
        colour, marker = _test_style(k)
        axes.scatter(np.sort(nearest), np.full(len(nearest), k), s=14, c=colour, marker=marker, alpha=0.6, linewidths=0)
    axes.set_yticks(range(len(tests)), [setting_label(s) for s in tests])
    axes.set_ylim(len(tests) - 0.4, -0.6)
    axes.set_xlim(left=-0.5)
    axes.set_xlabel(axis_label("distance to nearest training origin", "mm"))
    axes.grid(axis="x")


def _scar_sizes(axes: Axes, anatomy: xr.Dataset, training: NDArray[np.bool_], tests: Mapping[str, xr.Dataset]) -> None:
    voxel_cm3 = float(anatomy.attrs["spacing_mm"]) ** 3 / 1000
    groups = [("Training", training, (_TRAINING_COLOUR, "o"))] + [
        (setting_label(s), scar_configurations(cohort), _test_style(k)) for k, (s, cohort) in enumerate(tests.items())
    ]
    for line, (_, scars, (colour, marker)) in enumerate(groups):
        volume = scars.sum(axis=1) * voxel_cm3
        axes.scatter(
            np.sort(volume), np.full(len(volume), line), s=14, c=colour, marker=marker, alpha=0.6, linewidths=0
        )
    axes.set_yticks(range(len(groups)), [label for label, *_ in groups])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel(axis_label("scar volume", "cm³"))
    axes.grid(axis="x")
