"""Tables of study 3: both experiments in the published form, the same case by case, the leak, and shorter input."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from transmural.evaluation.published import published
from transmural.evaluation.sequence_scores import GIVEN_TRUTH, STUDY, case_scores, pooled_scores
from transmural.report.quantities import quantity, rounded
from transmural.report.sequence_labels import (
    METHOD_LABELS,
    sequence_setting_words,
    setting_of,
    settings_of_kind,
    split_words,
)
from transmural.report.sequence_leak import LEAK_METHODS
from transmural.report.style import ordered_methods, readable
from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.report.tables import NOT_GIVEN, printed_cell, published_notes
from transmural.stores.config.sequences import SEQUENCE_NETWORKS

_POOLED_METRICS = ("mae", "mse", "r2", "pearson", "spearman")
_CASE_METRICS = ("mae_mv", "activation_time_mae", "apd90_mae", "r2", "pearson")
_ABSENT = Cell("–")

_POOLED_NOTE = (
    "As published, potentials run from 0 to 1 and all samples, points and test recordings are pooled to one series "
    "before a metric is taken. Bold: best of what is given the ECG alone."
)
_TRUTH_NOTE = (
    "Given true potentials: as the published code does at test time, the teacher-forced Transformer reads the true "
    "potentials of each previous segment of 10 ms; «hold last true segment» repeats their last value and has no other "
    "knowledge. Neither reconstructs anything from an ECG. The Transformer itself goes on from its own predictions."
)
_LIMITED_NOTE = (
    "Every network is trained on the first 10 ms alone; the Transformer never reads more. The paper's 1D CNN and LSTM "
    "were trained on whole records and given zeros after 10 ms. Their figures compare with the columns «zero-padded», "
    "the printed Transformer's with the teacher-forced one."
)
_CASES_NOTE = (
    "Mean over the test recordings, each with its own value, and 95 % interval of a bootstrap that draws whole groups "
    "of one heart and pattern. Bold: best of what is given the ECG alone."
)


def tables(scores: pd.DataFrame, intervals: pd.DataFrame, notes: Sequence[str] = ()) -> list[Table]:
    """All tables for which there are scores.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.sequence_study`, pooled ones with case −1; settings and methods may be absent.
    intervals
        As `evaluation.sequence_scores.intervals` gives them, of the same scores.
    notes
        Conditions of the run, printed first below each table.

    Returns
    -------
    Those of `sequence_names.table_names`, as far as they have rows.
    """
    pooled, cases = pooled_scores(scores), case_scores(scores)
    counts = cases[["setting", "subject", "case"]].drop_duplicates().groupby("setting").size()
    printed = published(STUDY)
    leak = pooled[pooled["method"].isin(LEAK_METHODS)]
    if not leak["method"].isin(GIVEN_TRUTH).any():
        leak = leak.iloc[:0]
    made = [
        _pooled_table(
            pooled, counts, "full", printed, "sequence_full", "Experiment I: potentials from the whole ECG"
        ),
        _pooled_table(
            pooled, counts, "limited", printed, "sequence_limited", "Experiment II: potentials from the first 10 ms"
        ),
        _pooled_table(
            leak, counts, "full", printed[printed["method"] == "transformer"], "sequence_leak",
            "What true potentials at test time are worth",
        ),
        _cases_table(intervals, "full", "sequence_full_cases", "Experiment I, recording by recording"),
        _cases_table(intervals, "limited", "sequence_limited_cases", "Experiment II, recording by recording"),
        _input_table(intervals),
    ]  # fmt: skip
    return [replace(table, notes=(*notes, *table.notes)) for table in made if table is not None]


def _pooled_table(
    pooled: pd.DataFrame, counts: pd.Series, kind: str, printed: pd.DataFrame, name: str, title: str
) -> Table | None:
    """The published form: a block a split, a row a metric, a column a method, printed columns beside."""
    settings = settings_of_kind(pooled["setting"], kind)
    if not settings:
        return None
    pooled = pooled[pooled["setting"].isin(settings)]
    printed = printed[printed["setting"] == kind]
    methods = ordered_methods(pooled["method"])
    sources = printed[["short", "table", "method", "method_label"]].drop_duplicates()
    columns = [_column(method) for method in methods]
    columns += [
        Column(f"published/{s.method}", str(s.method_label), f"Published: {s.short}, {s.table}", True)
        for s in sources.itertuples()
    ]
    blocks = []
    for setting in settings:
        of_setting = pooled[pooled["setting"] == setting]
        split = _split_of(setting)
        rows = []
        for metric in _POOLED_METRICS:
            values = of_setting[of_setting["metric"] == metric].set_index("method")["value"]
            theirs = printed[(printed["metric"] == metric) & (split == "random")].set_index("method")
            cells = [*_pooled_cells(values, methods, metric), *_printed_cells(theirs, sources["method"])]
            rows.append(Row(metric, quantity(metric).label, tuple(cells)))
        blocks.append(Block(split, f"{split_words(split)} (n = {counts[setting]})", tuple(rows)))
    notes = [_POOLED_NOTE]
    notes += [_TRUTH_NOTE] if set(methods) & set(GIVEN_TRUTH) else []
    notes += [_LIMITED_NOTE] if kind == "limited" else []
    notes += published_notes(printed, "other recordings, split at random without regard to hearts")
    return Table(name, title, "Metric", tuple(columns), tuple(blocks), tuple(notes))


def _cases_table(intervals: pd.DataFrame, kind: str, name: str, title: str) -> Table | None:
    """A block a split, a row a method, a column a metric: mean over the test recordings and its interval."""
    settings = settings_of_kind(intervals["setting"], kind)
    if not settings:
        return None
    blocks = []
    for setting in settings:
        here = intervals[intervals["setting"] == setting]
        best = _best(here[~here["method"].isin(GIVEN_TRUTH)])
        rows = tuple(
            Row(
                m,
                readable(m, METHOD_LABELS),
                _interval_cells(here[here["method"] == m], {} if m in GIVEN_TRUTH else best),
            )
            for m in ordered_methods(here["method"])
        )
        split = _split_of(setting)
        blocks.append(Block(split, f"{split_words(split)} ({_sizes(here)})", rows))
    return Table(name, title, "Method", _metric_columns(), tuple(blocks), (_CASES_NOTE, _TRUTH_NOTE))


def _input_table(intervals: pd.DataFrame) -> Table | None:
    """A block a network, a row a setting: shorter, shifted and noisy ECGs."""
    settings = settings_of_kind(intervals["setting"], "length", "jitter", "noise")
    if not settings:
        return None
    chosen = intervals[intervals["setting"].isin(settings) & intervals["method"].isin(SEQUENCE_NETWORKS)]
    blocks = []
    for method in ordered_methods(chosen["method"]):
        here = chosen[chosen["method"] == method]
        rows = tuple(
            Row(s, sequence_setting_words(s), _interval_cells(here[here["setting"] == s], {})) for s in settings
        )
        blocks.append(Block(method, readable(method, METHOD_LABELS), rows))
    notes = (
        "One network a split, trained with ECGs cut at random lengths; zeros stand after the cut, which for ECGs "
        "scaled by lead are its mean. It has never seen shifted or noisy ECGs.",
        "Mean over the test recordings and 95 % interval of the bootstrap by groups of one heart and pattern.",
    )
    title = "Shorter, shifted and noisy ECGs"
    return Table("sequence_input", title, "ECG", _metric_columns(), tuple(blocks), notes)


def _column(method: str) -> Column:
    group = "This run, given true potentials" if method in GIVEN_TRUTH else "This run"
    return Column(method, readable(method, METHOD_LABELS), group)


def _metric_columns() -> tuple[Column, ...]:
    shown = {metric: quantity(metric) for metric in _CASE_METRICS}
    return tuple(Column(m, q.label if q.unit == "1" else f"{q.label} / {q.unit}") for m, q in shown.items())


def _pooled_cells(values: "pd.Series[float]", methods: Sequence[str], metric: str) -> list[Cell]:
    ranked = values[[m not in GIVEN_TRUTH for m in values.index]]
    best = _text(quantity(metric).best(ranked)) if ranked.size else ""
    cells = []
    for method in methods:
        if method not in values.index:
            cells.append(_ABSENT)
            continue
        text = _text(values[method])
        cells.append(Cell(text, {"value": float(values[method])}, text == best and method not in GIVEN_TRUTH))
    return cells


def _printed_cells(printed: pd.DataFrame, methods: Iterable[str]) -> list[Cell]:
    cells = {str(method): replace(printed_cell(row), text=_text(row["mean"])) for method, row in printed.iterrows()}
    return [cells.get(method, Cell(NOT_GIVEN)) for method in methods]


def _text(value: float) -> str:
    # The paper prints four decimals.
    return rounded(float(value), 4)


def _interval_cells(found: pd.DataFrame, best: dict[str, float]) -> tuple[Cell, ...]:
    """A cell a metric, of the rows of one method and setting."""
    by_metric = found.set_index("metric")
    cells = []
    for metric in _CASE_METRICS:
        if metric not in by_metric.index:
            cells.append(_ABSENT)
            continue
        of_metric = by_metric.loc[metric, ["mean", "low", "high", "n"]].to_numpy(dtype=np.float64)
        mean, low, high, n = map(float, of_metric)
        shown = quantity(metric)
        text = f"{shown.text(mean)} ({shown.text(low)} to {shown.text(high)})"
        numbers = {"mean": mean, "low": low, "high": high, "n": int(n)}
        cells.append(Cell(text, numbers, metric in best and shown.text(mean) == shown.text(best[metric])))
    return tuple(cells)


def _best(ranked: pd.DataFrame) -> dict[str, float]:
    """Best mean of each metric."""
    return {str(metric): quantity(str(metric)).best(group["mean"]) for metric, group in ranked.groupby("metric")}


def _split_of(setting: str) -> str:
    parts = setting_of(setting)
    assert parts is not None  # it is one of `settings_of_kind`
    return parts.split


def _sizes(here: pd.DataFrame) -> str:
    return f"n = {int(here['n'].max())} in {int(here['groups'].max())} groups"
