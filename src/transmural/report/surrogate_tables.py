"""Tables of the forward surrogate: accuracy beside the one printed figure, paired tests, settings and costs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from transmural.evaluation.metrics import ECG_METRICS
from transmural.evaluation.published import published
from transmural.evaluation.statistics import FEWEST_TESTED, summary
from transmural.evaluation.surrogate_scores import (
    ABLATIONS,
    ALL_CLASSES,
    BASELINES,
    SOLVER,
    SURROGATE,
    TEST,
    by_class_and_over_all,
    paired_tests,
)
from transmural.report.quantities import Quantity, quantity
from transmural.report.style import ordered_methods, readable
from transmural.report.surrogate_labels import (
    CLASS_LABELS,
    METHOD_LABELS,
    ordered_classes,
    ordered_surrogate_settings,
    setting_words,
)
from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.report.tables import NOT_GIVEN, paired_table, printed_cell, published_notes

STUDY = "forward_surrogate"
_ABSENT = Cell("–")
_R2_NOTE = (
    "R²: 1 minus the squared error over the variance of the sheet's own ECG; below zero a prediction is worse than a "
    "constant."
)
_CLOSED_FORM_NOTE = (
    "Closed form: potentials of the down-sampled frames times their weight in the ECG. It knows the sheet's "
    "diffusivity, its patches and the electrode. The sum of the frames' currents knows the electrode only: it takes "
    "patches from the frames, and no account of the diffusivity. Neither learns anything."
)


def tables(scores: pd.DataFrame, notes: Sequence[str] = ()) -> list[Table]:
    """All tables for which there are scores.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surrogate_scores`, of all settings and methods; any of them may be absent.
    notes
        Conditions of the run, printed first below each table.

    Returns
    -------
    Those named in ``surrogate_names.TABLES``, as far as they have rows.
    """
    accuracy = scores[scores["metric"].isin(ECG_METRICS)]
    made = [
        _accuracy_table(accuracy[accuracy["setting"] == TEST]),
        _tests_table(accuracy),
        _settings_table(accuracy[accuracy["metric"] == "r2"]),
        _costs_table(scores[scores["metric"] == "seconds"]),
    ]
    return [replace(table, notes=(*notes, *table.notes)) for table in made if table is not None]


def _accuracy_table(scores: pd.DataFrame) -> Table | None:
    """R² and MAE: a block a metric, a row a method, a column a tissue class; the printed figure beside."""
    if scores.empty:
        return None
    stated = summary(by_class_and_over_all(scores), by=("cohort", "method", "metric"))
    classes, methods = ordered_classes(stated["cohort"]), ordered_methods(stated["method"])
    counts = {c: int(stated.loc[stated["cohort"] == c, "n"].max()) for c in classes}
    printed = published(STUDY)
    columns = [Column(c, f"{CLASS_LABELS.get(c, c)} (n = {counts[c]})", "This run") for c in classes]
    sources = printed[["paper", "short", "table"]].drop_duplicates()
    columns += [
        Column(f"{s.paper}/{ALL_CLASSES}", CLASS_LABELS[ALL_CLASSES], f"Published: {s.short}, {s.table}", True)
        for s in sources.itertuples()
    ]
    blocks = []
    for metric in (m for m in ECG_METRICS if m in set(stated["metric"])):
        here = stated[stated["metric"] == metric]
        best = {c: quantity(metric).best(here.loc[here["cohort"] == c, "mean"]) for c in classes}
        rows = []
        for method in methods:
            of_method = here[here["method"] == method]
            ours = [
                _mean_cell(of_method[of_method["cohort"] == c], quantity(metric), best[c], counts[c]) for c in classes
            ]
            theirs = [
                _printed_cell(printed[(printed["table"] == s.table) & (printed["paper"] == s.paper)], method, metric)
                for s in sources.itertuples()
            ]
            rows.append(Row(method, readable(method, METHOD_LABELS), (*ours, *theirs)))
        blocks.append(Block(metric, _heading(metric), tuple(rows)))
    title = "Predicted ECGs of the test sheets by tissue class"
    return Table("surrogate", title, "Method", tuple(columns), tuple(blocks), _accuracy_notes(printed))


def _tests_table(scores: pd.DataFrame) -> Table | None:
    """The surrogate against every other method, a block a tissue class."""
    if not ((scores["setting"] == TEST) & (scores["method"] == SURROGATE)).any():
        return None
    tests = paired_tests(scores)
    if tests.empty:
        return None
    few = list(dict.fromkeys(tests.loc[tests["n"] < FEWEST_TESTED, "cohort"]))
    notes = [
        "Each class alone, and all test sheets together. With six sheets Wilcoxon's p is 0.031 "
        "at least, which no correction over so many rows leaves significant."
    ]
    if few:
        named = ", ".join(CLASS_LABELS.get(c, c).lower() for c in few)
        notes.append(f"Fewer than {FEWEST_TESTED} test sheets, so that nothing is tested (–): {named}.")
    table = paired_table(
        tests.assign(setting=tests["cohort"]),
        name="surrogate_tests",
        title="The surrogate against its ablations and the baselines: paired tests over the test sheets",
        labels=METHOD_LABELS,
        tested="The paper names no test; differences are tested with paired t-tests",
        notes=notes,
    )
    blocks = tuple(replace(block, label=CLASS_LABELS.get(block.key, block.key)) for block in table.blocks)
    return replace(table, blocks=blocks)


def _settings_table(scores: pd.DataFrame) -> Table | None:
    """R² wherever it was measured: a row a setting, a column a method."""
    scores = scores[scores["method"].isin((SURROGATE, *BASELINES))]
    if scores.empty:
        return None
    methods = ordered_methods(scores["method"])
    stated = summary(by_class_and_over_all(scores), by=("cohort", "setting", "method"))
    pooled = stated[stated["cohort"] == ALL_CLASSES]
    shown = quantity("r2")
    rows = []
    for setting in ordered_surrogate_settings(scores["setting"]):
        here = pooled[pooled["setting"] == setting]
        count, best = int(here["n"].max()), shown.best(here["mean"])
        cells = [Cell(str(count), {"n": count})]
        cells += [_mean_cell(here[here["method"] == m], shown, best, count) for m in methods]
        rows.append(Row(setting, setting_words(setting), tuple(cells)))
    columns = (Column("n", "sheets"), *(Column(m, readable(m, METHOD_LABELS)) for m in methods))
    notes = (
        f"R², mean ± standard deviation over the sheets of a setting; bold: best of its row; –: not scored. {_R2_NOTE}",
        "Whatever learns did so on the training sheets, with the electrode in its place and all frames. Where a class "
        "isn't in training, neither networks nor ridge regressions have seen it; compare with that class's column of "
        "the table by class.",
        _CLOSED_FORM_NOTE,
    )
    title = "R² of predicted ECGs when something is otherwise than in training"
    return Table("surrogate_settings", title, "Setting", columns, (Block("settings", "", tuple(rows)),), notes)


def _costs_table(scores: pd.DataFrame) -> Table | None:
    """Seconds a beat of each step, alone and with the simulation that makes its frames."""
    if scores.empty:
        return None
    seconds = scores.pivot_table(index=["setting", "subject", "case"], columns="method", values="value", sort=False)
    solver = seconds.get(SOLVER)
    rows = []
    for method in (m for m in (SOLVER, "closed_form", "frame_currents", SURROGATE, *ABLATIONS) if m in seconds):
        alone = seconds[method].dropna()
        total = None if solver is None or method == SOLVER else (solver + seconds[method]).dropna()
        cells = (Cell(str(alone.size), {"n": int(alone.size)}), _seconds_cell(alone), _seconds_cell(total))
        rows.append(Row(method, readable(method, METHOD_LABELS), cells))
    columns = (
        Column("n", "sheets"),
        Column("alone", "by itself / s"),
        Column("with_simulation", "with the simulation / s"),
    )
    notes = (
        "Seconds of wall time a beat, mean ± standard deviation. A predicted ECG needs the voltage frames of a "
        "simulation: who has none must add it. The simulation's own time includes its ECG from all nodes.",
    )
    blocks = (Block("seconds", "", tuple(rows)),)
    return Table("surrogate_costs", "What an ECG of a sheet costs", "Step", columns, blocks, notes)


def _mean_cell(found: pd.DataFrame, shown: Quantity, best: float, common: int) -> Cell:
    """Of at most one row of a summary; says the number of sheets where it isn't the common one."""
    if found.empty:
        return _ABSENT
    mean, sd, n = (float(found.iloc[0]["mean"]), float(found.iloc[0]["sd"]), int(found.iloc[0]["n"]))
    text = shown.text(mean, sd) + (f" (n = {n})" if n != common else "")
    # Equal to the shown precision is best too: the table can't tell them apart.
    return Cell(text, {"mean": mean, "sd": sd, "n": n}, shown.text(mean) == shown.text(best))


def _printed_cell(printed: pd.DataFrame, method: str, metric: str) -> Cell:
    found = printed[(printed["method"] == method) & (printed["metric"] == metric)]
    return Cell(NOT_GIVEN) if found.empty else printed_cell(found.iloc[0])


def _seconds_cell(values: "pd.Series[float] | None") -> Cell:
    if values is None or values.empty:
        return _ABSENT
    mean, sd = float(values.mean()), float(values.std())
    numbers: Mapping[str, float] = {"mean": mean, "sd": sd}
    return Cell(quantity("seconds").text(mean, sd), numbers)


def _heading(metric: str) -> str:
    shown = quantity(metric)
    return shown.label if shown.unit == "1" else f"{shown.label} / standard deviations of z-scored ECGs"


def _accuracy_notes(printed: pd.DataFrame) -> tuple[str, ...]:
    return (
        "This run: mean ± standard deviation over the test sheets of each class; bold: best of its column.",
        _R2_NOTE,
        _CLOSED_FORM_NOTE,
        *published_notes(printed, "other sheets"),
    )
