"""The fully conditioned β-CVAE against every other method, case by case, as rows of the tables of predicted maps."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from transmural.evaluation.statistics import corrected, paired_tests
from transmural.report.image_labels import COMPARED, OURS, STUDY
from transmural.report.quantities import quantity, rounded
from transmural.report.table import Cell, Row
from transmural.report.tables import p_cell

_METRIC = "mae_ms"
_ABSENT = Cell("–")


def comparisons(scores: pd.DataFrame, settings: Sequence[str]) -> pd.DataFrame:
    """Paired tests in the mean absolute error.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.image_study`.
    settings
        Which belong to one table; Holm's correction is over all of its tests.

    Returns
    -------
    As `statistics.paired_tests`; empty where ours or all others have no scores.
    """
    chosen = scores[(scores["metric"] == _METRIC) & scores["method"].isin(COMPARED)].assign(cohort="")
    found = []
    for setting in settings:
        here = chosen[chosen["setting"] == setting]
        if (here["method"] == OURS).any():
            found.append(paired_tests(here, OURS, (_METRIC,)))
    found = [tests for tests in found if len(tests)]
    if not found:
        return pd.DataFrame(columns=["setting", "other"])
    return corrected(pd.concat(found, ignore_index=True))


def paired_rows(scores: pd.DataFrame, settings: Sequence[str], setting: str, columns: Sequence[str]) -> list[Row]:
    """Rows of a table's block: by how much ours is better than each column's method, and whether that is chance.

    Parameters
    ----------
    scores, settings
        As for `comparisons`.
    setting
        Whose block it is.
    columns
        Keys of the table's columns; those of other methods get a dash.
    """
    tests = comparisons(scores, settings)
    by_other = {str(test["other"]): test for _, test in tests[tests["setting"] == setting].iterrows()}
    if not by_other:
        return []
    shown = quantity(_METRIC, STUDY)

    def cells(name: str) -> tuple[Cell, ...]:
        return tuple(_cell(by_other[c], name) if c in by_other else _ABSENT for c in columns)

    return [
        Row("improvement", "Error above that of the fully conditioned", cells("improvement"), shown.unit),
        Row("p_holm", "p, paired t-test, Holm", cells("p_holm")),
        Row("p_wilcoxon_holm", "p, Wilcoxon, Holm", cells("p_wilcoxon_holm")),
        Row("d_z", "d_z (95 % interval)", cells("d_z")),
    ]


def _cell(test: "pd.Series[float]", name: str) -> Cell:
    value = float(test[name])
    if not np.isfinite(value):
        return _ABSENT
    if name.startswith("p_"):
        return p_cell(value, strong=True)
    if name == "d_z":
        low, high = float(test["d_z_low"]), float(test["d_z_high"])
        text = f"{rounded(value, 2)} ({rounded(low, 2)} to {rounded(high, 2)})"
        return Cell(text, {"value": value, "low": low, "high": high})
    return Cell(quantity(_METRIC, STUDY).text(value), {"value": value})
