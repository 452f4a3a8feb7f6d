"""Robustness in the report: its table, its figures, and how they stand in the study's section."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from transmural.evaluation.robustness import NOISE, UNVARIED, intervals
from transmural.report.generative_em_names import ROBUSTNESS_FIGURES, ROBUSTNESS_TABLE
from transmural.report.html import Item
from transmural.report.quantities import Quantity, quantity, setting_label
from transmural.report.robustness_figures import METRICS, noise_figure, variation_figure
from transmural.report.style import ordered_methods, readable
from transmural.report.subjects import picture
from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.stores.config import Robustness

# A level of each variation in words.
LEVELS = {
    NOISE: "signal-to-noise ratio {:g} dB",
    "electrodes.shift_mm": "electrodes shifted {:g} mm",
    "pose.shift_mm": "heart shifted {:g} mm",
    "pose.rotation_deg": "heart turned {:g}°",
    "conductivity.lung": "lungs conduct × {:g}",
    "conductivity.blood": "blood conducts × {:g}",
    "conductivity.muscle_across": "muscle conducts × {:g} across",
    "tissue.velocity": "conduction velocity × {:g}",
    "tissue.recovery": "rate of recovery × {:g}",
    "tissue.a": "excitation threshold {:g}",
}


def robustness_table(rows: pd.DataFrame, settings: Robustness, labels: Mapping[str, str]) -> Table:
    """Mean ± standard deviation at every level: a block a metric, a row a level, a column a method.

    Parameters
    ----------
    rows
        Tidy rows of `evaluation.robustness`.
    settings
        Directions and setting, for the notes.
    labels
        Names of methods as shown.
    """
    stated = intervals(rows)
    methods = ordered_methods(stated["method"])
    levels = stated[["variation", "level"]].drop_duplicates()
    order = {name: number for number, name in enumerate([UNVARIED, *LEVELS])}
    levels = levels.sort_values(["variation", "level"], key=lambda c: c.map(order) if c.name == "variation" else c)
    blocks = []
    for metric in METRICS:
        here = stated[stated["metric"] == metric]
        shown = quantity(metric)
        lines = []
        for variation, level in levels.itertuples(index=False):
            cells = []
            for method in methods:
                found = here[(here["variation"] == variation) & (here["level"] == level) & (here["method"] == method)]
                cells.append(_cell(found, shown))
            lines.append(Row(f"{variation}:{level:g}", _label(variation, level), tuple(cells)))
        heading = shown.label if shown.unit == "1" else f"{shown.label} / {shown.unit}"
        blocks.append(Block(metric, heading, tuple(lines)))
    columns = tuple(Column(method, readable(method, labels)) for method in methods)
    title = f"Robustness: {setting_label(settings.setting).lower()}"
    return Table(ROBUSTNESS_TABLE, title, "What is otherwise", columns, tuple(blocks), _notes(rows, settings))


def robustness_figures(rows: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, tuple[Figure, str]]:
    """Figures and captions by the names of `ROBUSTNESS_FIGURES`; ``rows`` as for `robustness_table`."""
    otherwise = {name: words for name, words in LEVELS.items() if name != NOISE}
    return {"noise": noise_figure(rows, labels), "robustness": variation_figure(rows, otherwise, labels)}


def robustness_items(
    rows: pd.DataFrame, settings: Robustness, labels: Mapping[str, str], folder: Path, command: str
) -> list[Item]:
    """Items for the study's section of the report.

    Parameters
    ----------
    rows, settings, labels
        As for `robustness_table`.
    folder
        The run's figures.
    command
        Snakemake command of this run, with ``{target}`` where the target goes.
    """
    drawn = [
        Item(title, *picture(folder / name), reproduce=command.format(target="figures"))
        for name, title in ROBUSTNESS_FIGURES.items()
    ]
    table = robustness_table(rows, settings, labels)
    return [*drawn, Item(table.title, table, reproduce=command.format(target="tables"))]


def _cell(found: pd.DataFrame, shown: Quantity) -> Cell:
    """Of at most one row of `evaluation.robustness.intervals`."""
    if found.empty:
        return Cell("–")
    mean, sd, low, high, n = (float(found.iloc[0][key]) for key in ("mean", "sd", "low", "high", "n"))
    return Cell(shown.text(mean, sd), {"mean": mean, "sd": sd, "low": low, "high": high, "n": int(n)})


def _label(variation: str, level: float) -> str:
    return UNVARIED if variation == UNVARIED else LEVELS[variation].format(level)


def _notes(rows: pd.DataFrame, settings: Robustness) -> tuple[str, ...]:
    hearts = ", ".join(readable(name) for name in dict.fromkeys(rows["subject"]))
    learnt = ", ".join(sorted(set(rows["cohort"]) - {"none"}))
    electrodes, heart, axis = (
        f"({', '.join(f'{x:g}' for x in vector)})"
        for vector in (settings.electrodes.towards, settings.pose.towards, settings.pose.axis)
    )
    return (
        f"Hearts: {hearts}; {rows['case'].nunique()} test cases each; mean ± standard deviation. Methods that learn "
        f"did so from the training cohort: {learnt or 'none'}.",
        "ECGs are made with one thing otherwise; methods keep the unvaried transfer matrix, training beats, networks "
        "and scar thresholds. Where tissue is otherwise, the truth is the beat of that tissue.",
        f"Electrodes are shifted towards {electrodes} and put back on the skin; the heart is shifted towards {heart} "
        f"or turned about {axis} (x to the left, y to the back, z to the head).",
    )
