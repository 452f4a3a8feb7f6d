"""What the report says of the methods that learn, beyond their scores: figures of their own, and the audit."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from transmural.evaluation import convergence
from transmural.evaluation.audit import METHOD as AUDITED
from transmural.inverse.registry import Method
from transmural.report.audit_table import audit_table
from transmural.report.generative_em import conditions
from transmural.report.html import Item
from transmural.report.subjects import picture
from transmural.report.table import Table
from transmural.stores.config import GenerativeEM

NETWORK = "sequential_vae"
FIGURES = {
    "generated": "Figure 2: potentials from generative models",
    "convergence": "Convergence of EM and marginal MAP",
    "calibration": "Calibration of standard deviations",
    "novelty": "Error against novelty",
    "training": "How the networks were trained",
}


def figure_names(methods: Mapping[str, Method]) -> list[str]:
    """Those of `FIGURES` that a run with these methods has something to show in."""
    networks = {method.network for method in methods.values()}
    shown = {
        "generated": NETWORK in networks,
        "convergence": set(convergence.METHODS) <= set(methods),
        "calibration": True,
        "novelty": any(method.learns for method in methods.values()),
        "training": bool(networks - {None}),
    }
    return [name for name in FIGURES if shown[name]]


def audited(study: GenerativeEM) -> tuple[list[str], str]:
    """Hearts and training cohort of the audit; no hearts where the audited method isn't run."""
    hearts = study.subjects[: study.audit.hearts] if AUDITED in study.methods else []
    return hearts, study.cohorts[0]


def hardest_setting(study: GenerativeEM) -> str:
    """The setting in which most is new."""
    return "unseen_both" if "unseen_both" in study.settings else study.settings[0]


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
        Item(FIGURES[name], *picture(folder / name), reproduce=command.format(target="figures"))
        for name in figure_names(methods)
    ]
    if audit is None:
        return drawn
    table = audit_of(audit, study)
    return [*drawn, Item(table.title, table, reproduce=command.format(target="tables"))]
