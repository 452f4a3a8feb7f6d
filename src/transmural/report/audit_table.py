"""The audit: what each defect of the authors' release does to the published inference."""

from collections.abc import Sequence

import pandas as pd

from transmural.evaluation.audit_forms import CORRECTED, FORMS
from transmural.evaluation.statistics import paired_tests, summary
from transmural.report.quantities import ordered_settings, quantity, setting_label
from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.report.tables import p_cell

_METRICS = ("nrmse", "dice", "origin_distance")


def audit_table(scores: pd.DataFrame, notes: Sequence[str] = ()) -> Table:
    """A row a form of the method; for each metric its value, what the defect costs, and a paired test.

    Parameters
    ----------
    scores
        As `evaluation.audit.audit` gives them, of all audited hearts.
    notes
        Conditions of the run, printed first below the table.
    """
    stated = summary(scores, by=("setting", "method", "metric"))
    tests = paired_tests(scores, reference=CORRECTED, compared=_METRICS).rename(columns={"other": "form"})
    columns = [Column("n", "cases")]
    for metric in _METRICS:
        shown = quantity(metric)
        group = shown.label if shown.unit == "1" else f"{shown.label} ({shown.unit})"
        columns += [
            Column(metric, "mean ± sd", group),
            Column(f"{metric}_change", "change", group),
            Column(f"{metric}_p", "p, Holm", group),
        ]
    blocks = tuple(
        Block(
            setting,
            setting_label(setting),
            tuple(
                _row(
                    name,
                    stated[(stated["setting"] == setting) & (stated["method"] == name)].set_index("metric"),
                    tests[(tests["setting"] == setting) & (tests["form"] == name)].set_index("metric"),
                )
                for name in FORMS
            ),
        )
        for setting in ordered_settings(scores["setting"])
    )
    own = [
        "Change: mean over the cases of this form minus the corrected one. Paired t-tests over the cases, two-sided, "
        "Holm's correction over all rows of this table; bold: p < 0.001. All forms are scored with the scar threshold "
        "of the corrected form; networks that are trained otherwise start from the same weights and see the same "
        "batches.",
        *(f"{form.label}: {form.defect}." for form in FORMS.values()),
    ]
    title = "Audit: the released inference, one defect at a time"
    return Table("audit", title, "Form of EM", tuple(columns), blocks, (*notes, *own))


def _row(name: str, stated: pd.DataFrame, tests: pd.DataFrame) -> Row:
    """One form: its summaries and its tests by metric."""
    count = int(stated["n"].max())
    cells = [Cell(str(count), {"n": count})]
    for metric in _METRICS:
        if metric not in stated.index:
            cells += [Cell("–")] * 3
            continue
        mean, sd = float(stated["mean"][metric]), float(stated["sd"][metric])
        cells.append(Cell(quantity(metric).text(mean, sd), {"mean": mean, "sd": sd}))
        cells += (
            _comparison(float(tests["improvement"][metric]), float(tests["p_holm"][metric]), metric)
            if name != CORRECTED
            else [Cell("–")] * 2
        )
    return Row(name, FORMS[name].label, tuple(cells))


def _comparison(improvement: float, p: float, metric: str) -> list[Cell]:
    """How the metric changes with the defect, and the paired test of it."""
    shown = quantity(metric)
    # Tests state by how much the corrected form is better.
    change = -improvement if shown.higher_is_better else improvement
    text = shown.text(change)
    signed = text if text.startswith("−") or not text.strip("0.") else f"+{text}"
    return [Cell(signed, {"value": change}), p_cell(p, strong=True)]
