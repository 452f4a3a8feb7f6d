"""Cells, rows and columns of the tables of study 2."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from transmural.report.image_labels import SHOWN, STUDY
from transmural.report.quantities import Quantity, quantity
from transmural.report.table import Cell, Column, Row
from transmural.report.tables import NOT_GIVEN, printed_cell

ERRORS = ("mse", "mse_own", "mse_image")
"""One error in three scalings; the printed one is of one of them, or of another."""
ABSENT = Cell("–")


def metric_columns(metrics: Sequence[str]) -> tuple[Column, ...]:
    """A column a metric."""
    shown = {metric: quantity(metric, STUDY) for metric in metrics}
    return tuple(Column(m, q.label if q.unit == "1" else f"{q.label} / {q.unit}") for m, q in shown.items())


def metric_rows(
    stated: pd.DataFrame, words: Mapping[str, str], metrics: Sequence[str], ranked: bool = True
) -> tuple[Row, ...]:
    """A row a method of ``words``, a cell a metric; the best of each column is marked if ``ranked``."""
    chosen = stated[stated["method"].isin(words)]
    by_metric = {
        m: mean_cells(chosen[chosen["metric"] == m].set_index("method"), list(words), quantity(m, STUDY), ranked)
        for m in metrics
    }
    return tuple(
        Row(method, label, tuple(cells[place] for cells in by_metric.values()))
        for place, (method, label) in enumerate(words.items())
    )


def mean_cells(found: pd.DataFrame, methods: Sequence[str], shown: Quantity, ranked: bool = True) -> list[Cell]:
    """A cell a method from the rows of one metric, indexed by method; says the number of cases where it's another."""
    honest = found.loc[found.index != SHOWN, "mean"].dropna()
    best = shown.text(shown.best(honest)) if ranked and shown.accuracy and len(honest) > 1 else ""
    common = int(found["n"].max()) if len(found) else 0
    cells = []
    for method in methods:
        if method not in found.index:
            cells.append(ABSENT)
            continue
        mean, sd, n = (float(found[key][method]) for key in ("mean", "sd", "n"))
        # Times are means over all cases that were timed together.
        text = (shown.text(mean, sd) if shown.accuracy else shown.text(mean)) + (
            f" (n = {n:.0f})" if n != common else ""
        )
        numbers = {"mean": mean, "sd": sd, "n": int(n)}
        # Equal to the shown precision is best too: the table can't tell them apart.
        cells.append(Cell(text, numbers, method != SHOWN and shown.text(mean) == best))
    return cells


def printed_beside(printed: pd.DataFrame, source: tuple[Any, ...], metric: str) -> Cell:
    """The printed figure; that of a map's error, whose scaling isn't given, beside each of ours."""
    paper, _, table, method, _ = source
    here = printed[(printed["paper"] == paper) & (printed["table"] == table) & (printed["method"] == method)]
    found = here[here["metric"] == ("mse" if metric in ERRORS else metric)]
    if found.empty:
        return Cell(NOT_GIVEN)
    cell = printed_cell(found.iloc[0])
    scaling = " (scaling not given)" if metric in ERRORS else ""
    return replace(cell, text=cell.text.replace("-", "−") + scaling)
