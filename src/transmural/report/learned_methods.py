"""What the report says of the methods that learn, beyond their scores: figures of their own, and the audit."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from transmural.inverse.registry import Method
from transmural.report.audit_table import audit_table
from transmural.report.generative_em import conditions
from transmural.report.generative_em_names import LEARNING_FIGURES, audited, learning_figures
from transmural.report.html import Item
from transmural.report.subjects import picture
from transmural.report.table import Table
from transmural.stores.config import GenerativeEM


def audit_of(scores: pd.DataFrame, study: GenerativeEM) -> Table:
    """The audit's table with the conditions of the run."""
    cases = f"first {study.audit.cases}" if study.audit.cases < study.test_cases else "all"
    hearts, cohort = audited(study)
    return audit_table(scores, [f"{', '.join(hearts)}: {cases} test cases.", conditions(study, cohort)])


def learned_items(
    study: GenerativeEM, methods: Mapping[str, Method], audit: pd.DataFrame | None, folder: Path, command: str
) -> list[Item]:
    """Items for the study's section of the report.

    Parameters
    ----------
    study
        Configuration of the study.
    methods
        The run's methods.
    audit
        Scores of the audit; None where there is none.
    folder
        The run's figures.
    command
        Snakemake command of this run, with ``{target}`` where the target goes.
    """
    drawn = [
        Item(LEARNING_FIGURES[name], *picture(folder / name), reproduce=command.format(target="figures"))
        for name in learning_figures(methods)
    ]
    if audit is None:
        return drawn
    table = audit_of(audit, study)
    return [*drawn, Item(table.title, table, reproduce=command.format(target="tables"))]
