"""The paper's table beside this run's numbers, and the paired tests behind it.

Form of Ghimire et al. 2018, table 1: a block a setting, a row a metric, a column a method, mean ± standard deviation.
Published columns stand apart, are marked, and are never averaged, ranked or tested with this run's.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from transmural.evaluation.statistics import summary
from transmural.report.quantities import Quantity, ordered_settings, quantity, rounded, setting_label
from transmural.report.style import ordered_methods, readable
from transmural.report.table import Block, Cell, Column, Row, Table

NOT_GIVEN = "not given"
SIGNIFICANT = 0.001
ROWS = (
    "nrmse",
    "dice",
    "origin_distance",
    "origin_distance_geodesic",
    "nrmse_demeaned",
    "correlation",
    "activation_time_mae",
    "coverage_50",
    "coverage_90",
    "seconds",
)
_COVERAGE_NOTE = (
    "Coverage: the share of the potentials within the central interval that a method's standard deviation gives; best "
    "is the nominal share, less means too sure. Methods without a standard deviation have none."
)


def score_table(
    scores: pd.DataFrame,
    published: pd.DataFrame,
    *,
    name: str,
    title: str,
    labels: Mapping[str, str] | None = None,
    subject: str | None = None,
    metrics: Sequence[str] = ROWS,
    methods: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """Mean ± standard deviation of this run by setting and method, with the published columns beside them.

    Parameters
    ----------
    scores
        Tidy scores: subject, cohort, setting, case, method, metric, value, unit.
    published
        Printed figures as `evaluation.published.published` gives them; may be empty.
    name, title
        File name and caption of the table.
    labels
        Names of methods as shown.
    subject
        Only this heart; all hearts pooled when None.
    metrics, methods
        Rows and columns in order; all methods when None.
    notes
        Conditions of the run, printed first below the table.

    Raises
    ------
    ValueError
        If no score is left to show.
    """
    chosen = scores if subject is None else scores[scores["subject"] == subject]
    if chosen.empty:
        raise ValueError(f"table {name}: no scores" + ("" if subject is None else f" of subject '{subject}'"))
    stated = summary(chosen)
    order = list(methods) if methods is not None else ordered_methods(scores["method"])
    ours = _our_columns(stated, order, labels)
    theirs = _published_columns(published)
    blocks = []
    for setting in ordered_settings(stated["setting"]):
        rows = []
        for metric in metrics:
            here = stated[(stated["setting"] == setting) & (stated["metric"] == metric)]
            printed = published[(published["setting"] == setting) & (published["metric"] == metric)]
            if not here.empty or not printed.empty:
                cells = (
                    *_our_cells(here, ours, quantity(metric)),
                    *_published_cells(printed, theirs, quantity(metric)),
                )
                rows.append(Row(metric, quantity(metric).label, cells, quantity(metric).unit))
        blocks.append(Block(setting, setting_label(setting), tuple(rows)))
    columns = (
        Column("n", "cases", "This run"),
        *(column for column, *_ in ours),
        *(column for column, *_ in theirs),
    )
    over = "all hearts" if subject is None else f"heart {readable(subject)}"
    measured = {row.key for block in blocks for row in block.rows}
    own_notes = [
        f"This run: mean ± standard deviation over the test cases of {over}; bold: best of this run. A failed case "
        "stays in the mean, as if the method had returned zero, and is counted in brackets.",
        *([_COVERAGE_NOTE] if measured & {"coverage_50", "coverage_90"} else []),
        *published_notes(published),
    ]
    return Table(name, title, "Metric", columns, tuple(blocks), (*notes, *own_notes))


def paired_table(
    tests: pd.DataFrame,
    *,
    name: str,
    title: str,
    labels: Mapping[str, str] | None = None,
    tested: str = "As published, differences are tested with paired t-tests",
    notes: Sequence[str] = (),
) -> Table:
    """Paired comparisons: the t-test as published, Holm's correction, effect size and Wilcoxon's test.

    Parameters
    ----------
    tests
        As `evaluation.statistics.paired_tests` gives them.
    name, title
        File name and caption of the table.
    labels
        Names of methods as shown.
    tested
        How differences are tested, and whether a paper did so; begins the second note.
    notes
        What else the study says of these tests, printed first below the table.
    """
    columns = (
        Column("n", "cases"),
        Column("improvement", "mean improvement"),
        Column("t", "t", "Paired t-test"),
        Column("p", "p", "Paired t-test"),
        Column("p_holm", "p, Holm", "Paired t-test"),
        Column("d_z", "d_z (95 % interval)", "Effect size"),
        Column("p_wilcoxon", "p", "Wilcoxon"),
        Column("p_wilcoxon_holm", "p, Holm", "Wilcoxon"),
    )
    blocks = []
    for setting in ordered_settings(tests["setting"]):
        rows = tuple(_test_row(test, labels) for _, test in tests[tests["setting"] == setting].iterrows())
        blocks.append(Block(setting, setting_label(setting), rows))
    own_notes = (
        "Improvement: by how much the first method is better than the second, in the metric's unit; negative where it "
        "is worse. Tests are two-sided and paired by case.",
        f"{tested}; Holm's correction is over all rows of this table. "
        "d_z: mean over standard deviation of the paired differences. Bold: p < 0.001 after the correction.",
    )
    return Table(name, title, "Comparison", columns, tuple(blocks), (*notes, *own_notes))


def _our_columns(
    stated: pd.DataFrame, order: Sequence[str], labels: Mapping[str, str] | None
) -> list[tuple[Column, str, str]]:
    cohorts = list(dict.fromkeys(stated["cohort"]))
    columns = []
    for cohort in cohorts:
        group = "This run" if len(cohorts) == 1 else f"This run, cohort {readable(cohort)}"
        present = set(stated.loc[stated["cohort"] == cohort, "method"])
        for method in (m for m in order if m in present):
            key = method if len(cohorts) == 1 else f"{method}/{cohort}"
            columns.append((Column(key, readable(method, labels), group), cohort, method))
    return columns


def _published_columns(published: pd.DataFrame) -> list[tuple[Column, str, str]]:
    sources = published[["paper", "short", "table", "method", "method_label"]].drop_duplicates()
    return [
        (
            Column(
                f"{row['paper']}/{row['method']}",
                row["method_label"],
                f"Published: {row['short']}, {row['table']}",
                True,
            ),
            str(row["paper"]),
            str(row["method"]),
        )
        for _, row in sources.iterrows()
    ]


def _our_cells(here: pd.DataFrame, columns: Sequence[tuple[Column, str, str]], shown: Quantity) -> list[Cell]:
    common = int(here["n"].max()) if not here.empty else 0
    means = here["mean"].dropna()
    best = shown.best(means) if shown.accuracy and len(means) > 1 else np.nan
    cells = [Cell(str(common) if common else "–", {"n": common} if common else {})]
    for _, cohort, method in columns:
        row = here[(here["cohort"] == cohort) & (here["method"] == method)]
        if row.empty:
            cells.append(Cell("–"))
            continue
        mean, sd, n, failed = (row.iloc[0][key] for key in ("mean", "sd", "n", "failed"))
        text = shown.text(mean, sd) + (f" (n = {n})" if n != common else "") + (f" ({failed} failed)" if failed else "")
        # Equal to the shown precision counts as best too: the table can't tell them apart.
        is_best = bool(np.isfinite(best)) and shown.text(mean) == shown.text(float(best))
        numbers = {"mean": float(mean), "sd": float(sd), "n": int(n), "failed": int(failed)}
        cells.append(Cell(text, numbers, is_best))
    return cells


def _published_cells(printed: pd.DataFrame, columns: Sequence[tuple[Column, str, str]], shown: Quantity) -> list[Cell]:
    cells = []
    for column, paper, method in columns:
        row = printed[(printed["paper"] == paper) & (printed["method"] == method)]
        row = row[row["short"] + ", " + row["table"] == column.group.removeprefix("Published: ")]
        cells.append(Cell(NOT_GIVEN) if row.empty else printed_cell(row.iloc[0]))
    return cells


def printed_cell(row: "pd.Series[float]") -> Cell:
    """A printed figure, a row of `evaluation.published.published`, with as many decimals as the paper prints."""
    mean, sd = float(row["mean"]), float(row["sd"])
    numbers: dict[str, float | int | str] = {"mean": mean, "sd": sd}
    if np.isfinite(row["cases"]):
        numbers["n"] = int(row["cases"])
    return Cell(f"{mean:g}" + (f" ± {sd:g}" if np.isfinite(sd) else ""), numbers)


def published_notes(published: pd.DataFrame, elsewhere: str = "other hearts and simulations") -> list[str]:
    """What printed columns are and where they come from; ``elsewhere`` is what they were measured on."""
    sources = published[["short", "table", "citation", "note"]].drop_duplicates()
    notes = [f"{row['short']}, {row['table']}: {row['citation']}. {row['note']}" for _, row in sources.iterrows()]
    if notes:
        notes.insert(
            0,
            f"Published columns (italic) are printed in the paper, on {elsewhere}; "
            f"«{NOT_GIVEN}»: the paper prints no value.",
        )
    return notes


def _test_row(test: "pd.Series[float]", labels: Mapping[str, str] | None) -> Row:
    shown = quantity(str(test["metric"]))
    pair = f"{readable(str(test['method']), labels)} vs {readable(str(test['other']), labels)}"
    numbers = {key: float(test[key]) for key in ("d_z", "d_z_low", "d_z_high")}
    effect, low, high = (rounded(number, 2) for number in numbers.values())
    cells = (
        Cell(str(int(test["n"])), {"value": int(test["n"])}),
        Cell(shown.text(float(test["improvement"])), {"value": float(test["improvement"])}),
        _given(rounded(float(test["t"]), 2), {"value": float(test["t"])}),
        p_cell(test["p"]),
        p_cell(test["p_holm"], strong=True),
        _given(
            f"{effect} ({low} to {high})",
            {"value": numbers["d_z"], "low": numbers["d_z_low"], "high": numbers["d_z_high"]},
        ),
        p_cell(test["p_wilcoxon"]),
        p_cell(test["p_wilcoxon_holm"]),
    )
    return Row(f"{test['metric']}:{test['method']}:{test['other']}", f"{shown.label}: {pair}", cells, shown.unit)


def _given(text: str, numbers: Mapping[str, float]) -> Cell:
    """A cell with these numbers; a dash where there are too few cases for a statistic."""
    return Cell("–") if np.isnan(numbers["value"]) else Cell(text, numbers)


def p_cell(p: float, strong: bool = False) -> Cell:
    """A p-value; a significant one is set in bold if ``strong``."""
    if not np.isfinite(p):
        return Cell("–")
    return Cell("< 0.001" if p < SIGNIFICANT else f"{p:.3f}", {"value": float(p)}, best=strong and p < SIGNIFICANT)
