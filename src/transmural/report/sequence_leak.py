"""What true potentials at test time are worth: the Transformer with and without them, and what needs no ECG."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from transmural.evaluation.published import published
from transmural.evaluation.sequence_scores import GIVEN_TRUTH, STUDY, pooled_scores
from transmural.report.sequence_accuracy import SPLIT_MARKERS, split_key, with_parts
from transmural.report.sequence_examples import DRAWN_POINTS, Examples, line_of
from transmural.report.sequence_labels import METHOD_LABELS, ordered_splits
from transmural.report.style import (
    PAGE_WIDTH_IN,
    PUBLISHED_COLOUR,
    axis_label,
    method_colour,
    new_figure,
    readable,
    styled,
)

LEAK_METHODS = ("mean_trace", "transformer", *GIVEN_TRUTH)
"""In the order in which they are given more."""


def leak_figure(scores: pd.DataFrame, examples: Examples) -> tuple[Figure, str]:
    """Pooled R² by split, and the potential of one point of an example recording.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.sequence_study`.
    examples
        Of whole ECGs; the middle one is drawn.

    Returns
    -------
    figure and caption
    """
    rows = with_parts(pooled_scores(scores))
    rows = rows[(rows["metric"] == "r2") & (rows["kind"] == "full")]
    methods = [method for method in LEAK_METHODS if method in set(rows["method"])]
    with styled():
        figure = new_figure(PAGE_WIDTH_IN, 3.0)
        left, right = figure.subplots(1, 2)
        _r2_by_split(left, rows, methods)
        _potentials(right, examples, methods)
        keys = [Line2D([], [], label=readable(m, METHOD_LABELS), **line_of(m)) for m in ("truth", *methods)]
        keys += [split_key(split) for split in ordered_splits(rows["split"])]
        figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure, (
        "What true potentials at test time are worth. Left: R², pooled as published; the dashed line is the printed "
        "figure of the Transformer. Right: the potential of one point of a test recording, the middle one of "
        "the examples. The teacher-forced Transformer and «hold last true segment» read the true potentials of each "
        "previous segment of 10 ms, and only the former reads an ECG, of which it sees 10 ms as the Transformer does."
    )


def _r2_by_split(axes: Axes, rows: pd.DataFrame, methods: Sequence[str]) -> None:
    splits = ordered_splits(rows["split"])
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    for number, method in enumerate(methods):
        here = rows[rows["method"] == method].set_index("split")["value"]
        for place, split in enumerate(splits):
            if split in here.index:
                aside = number + 0.6 * ((place + 0.5) / len(splits) - 0.5)
                axes.vlines(aside, 0, here[split], color=method_colour(method), linewidth=1.4)
                axes.plot(aside, here[split], marker=SPLIT_MARKERS[split], color=method_colour(method), markersize=4)
    printed = published(STUDY)
    printed = printed[
        (printed["setting"] == "full") & (printed["metric"] == "r2") & (printed["method"] == "transformer")
    ]
    for value in printed["mean"]:
        axes.axhline(value, color=PUBLISHED_COLOUR, linestyle="--", linewidth=0.8)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_xticks([])
    axes.set_ylabel("R², pooled")


def _potentials(axes: Axes, examples: Examples, methods: Sequence[str]) -> None:
    recordings, row = examples.recordings, len(examples.words) // 2
    point, words = next(iter(DRAWN_POINTS.items()))
    place = recordings.indexes["point"].get_loc(point)
    rest, amplitude = float(recordings.attrs["rest_mv"]), float(recordings.attrs["amplitude_mv"])
    drawn = {"truth": recordings["tmp"].values} | {m: v for m, v in examples.predictions.items() if m in methods}
    for method, values in drawn.items():
        axes.plot(recordings["time"].values, rest + amplitude * values[row, :, place], **line_of(method))
    axes.set_title(f"{point}: {words}", loc="left")
    axes.set_xlabel(axis_label("time", "ms"))
    axes.set_ylabel(axis_label("potential", "mV"))
