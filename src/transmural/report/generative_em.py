"""What study 1 (Ghimire et al. 2018) shows: its tables, its figures, and its section of the report."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from transmural.evaluation.published import published
from transmural.evaluation.statistics import paired_tests, summary
from transmural.report.activation_maps import activation_figure
from transmural.report.drawn_case import Choice, DrawnCase, choose_case
from transmural.report.early_activation import early_activation_figure
from transmural.report.ecg_figure import ecg_figure
from transmural.report.html import Item, Section
from transmural.report.quantities import quantity
from transmural.report.scar_maps import scar_figure
from transmural.report.score_figure import score_figure
from transmural.report.style import axis_label
from transmural.report.subjects import picture
from transmural.report.table import Table
from transmural.report.tables import ROWS, paired_table, score_table
from transmural.report.turnable import TurnableHeart
from transmural.stores.config import GenerativeEM

STUDY = "generative_em"
COSTS = ("seconds", "memory")
# Times differ from run to run, so they stand in a table of their own: the others are the same bits every time.
ACCURACIES = tuple(metric for metric in ROWS if metric not in COSTS)
FIGURES = {
    "early_activation": "Figure 3: early activation",
    "scars": "Figure 4: scars and potentials",
    "activation_times": "Activation times",
    "scores": "Scores of every case",
    "ecg": "ECG of a test beat",
}


def table_names(subjects: Sequence[str]) -> list[str]:
    """File names of the tables that `tables` makes."""
    return ["table1", *(f"table1_{subject}" for subject in subjects), "table1_tests", "costs"]


def tables(scores: pd.DataFrame, study: GenerativeEM, labels: Mapping[str, str]) -> list[Table]:
    """Table 1 over all hearts and for each, the paired tests behind it, and what each method costs.

    Parameters
    ----------
    scores
        Tidy scores of the study.
    study
        Its configuration, for the conditions under the tables.
    labels
        Names of methods as shown.
    """
    printed, notes = published(STUDY), [conditions(study)]
    # Settings in the order of the configuration, which is the paper's.
    order = {setting: number for number, setting in enumerate(study.settings)}
    scores = scores.sort_values("setting", key=lambda column: column.map(order), kind="stable")
    nothing = printed.iloc[:0]
    title = "Table 1 of Ghimire et al. 2018: accuracy in three settings"
    # The hearts pooled, then one by one; the published columns stand beside the pooled table only.
    hearts: list[tuple[str, str | None, pd.DataFrame]] = [("table1", None, printed)]
    hearts += [(f"table1_{subject}", subject, nothing) for subject in study.subjects]
    accuracy = [
        score_table(
            scores,
            beside,
            name=name,
            title=title if subject is None else f"{title}, heart {subject}",
            labels=labels,
            subject=subject,
            metrics=ACCURACIES,
            methods=study.methods,
            notes=notes,
        )
        for name, subject, beside in hearts
    ]
    tests = paired_tests(scores, reference=study.reference_method)
    return [
        *accuracy,
        paired_table(tests, name="table1_tests", title="Paired tests behind Table 1", labels=labels),
        score_table(
            scores,
            nothing,
            name="costs",
            title="Cost of each method, a case",
            labels=labels,
            metrics=COSTS,
            methods=study.methods,
            notes=notes,
        ),
    ]


def conditions(study: GenerativeEM) -> str:
    """How the cases were made, in a sentence under every table."""
    crime = "with the coarse transfer matrix itself (inverse crime)" if study.inverse_crime else "on the fine grid"
    return (
        f"Training cohort «published»: {study.published.origins} origins × {study.published.tissues} tissue "
        f"configurations a heart; {study.test_cases} test cases a setting and heart; {study.frames} frames over "
        f"{study.duration_ms:g} ms; ECGs simulated {crime}, white noise at {study.snr_db:g} dB; leads: "
        f"{study.montage.replace('_', ' ')}; regularisation parameters by {study.regularisation.replace('_', '-')}; "
        "scar thresholds from validation beats."
    )


def choices(scores: pd.DataFrame, study: GenerativeEM) -> dict[str, list[Choice]]:
    """Which cases each figure draws: one a heart, by the rule of `choose_case`."""
    origin = _first(study.settings, ("unseen_origin", "unseen_both", "unseen_scar"))
    scar = _first(study.settings, ("unseen_scar", "unseen_both", "unseen_origin"))
    both = _first(study.settings, ("unseen_both", "unseen_origin", "unseen_scar"))
    return {
        "early_activation": [choose_case(scores, origin, "nrmse_demeaned", subject) for subject in study.subjects],
        "scars": [choose_case(scores, scar, "dice", subject) for subject in study.subjects],
        "activation_times": [choose_case(scores, both, "activation_time_mae")],
    }


def figures(
    scores: pd.DataFrame,
    cases: Mapping[str, Sequence[DrawnCase]],
    transfer: Callable[[str], xr.Dataset],
    labels: Mapping[str, str],
) -> dict[str, tuple[Figure, str]]:
    """The study's figures and their captions, by the names of `FIGURES`.

    Parameters
    ----------
    scores
        Tidy scores of the study.
    cases
        The drawn cases of `choices`.
    transfer
        Gives the transfer store (contract TRANSFER) of a subject.
    labels
        Names of methods as shown.
    """
    one = cases["activation_times"][0]
    subject = one.choice.subject
    return {
        "early_activation": early_activation_figure(cases["early_activation"], labels),
        "scars": scar_figure(cases["scars"], labels),
        "activation_times": activation_figure(one, labels),
        "scores": score_figure(scores, published(STUDY), labels),
        "ecg": ecg_figure(one.anatomy, transfer(subject), one.truth, subject),
    }


def study_section(
    scores: pd.DataFrame,
    study: GenerativeEM,
    labels: Mapping[str, str],
    folder: Path,
    turned: TurnableHeart,
    command: str,
) -> Section:
    """The study's section of the report.

    Parameters
    ----------
    scores, study, labels
        As for `tables`.
    folder
        The run's figures.
    turned
        Heart of the drawn cases, to be turned and played.
    command
        Snakemake command of this run, with ``{target}`` where the target goes.
    """
    written = [
        Item(table.title, table, reproduce=command.format(target="tables")) for table in tables(scores, study, labels)
    ]
    drawn = [
        Item(title, *picture(folder / name), reproduce=command.format(target="figures"))
        for name, title in FIGURES.items()
    ]
    heart = Item(
        "A heart to turn and play",
        turned,
        "Transmembrane potential, activation time and scar: truth on the left, a method beside it. "
        "Drag to turn both, play to see the beat; methods that don't know the potential's mean have a colour scale of "
        "their own.",
        command.format(target="report"),
    )
    return Section(
        "Generative modelling of transmembrane potential (Ghimire et al. 2018)",
        (written[0], heart, *drawn, *written[1:]),
        "Reconstruction of transmembrane potentials from body-surface ECGs when scar, origin, or both are unknown to "
        "the training cohort.",
    )


def short_table(scores: pd.DataFrame, labels: Mapping[str, str], setting: str = "unseen_both") -> str:
    """Markdown table of one setting over all hearts, for the README: the accuracies that tell methods apart."""
    metrics = ("nrmse", "nrmse_demeaned", "correlation", "dice", "origin_distance")
    shown = summary(scores[scores["setting"] == setting]).set_index(["method", "metric"])
    heads = [axis_label(quantity(metric).label, quantity(metric).unit) for metric in metrics]
    lines = [f"| {' | '.join(['method', *heads])} |", "|---" * (len(metrics) + 1) + "|"]
    for method in dict.fromkeys(scores["method"]):
        cells = [quantity(metric).text(*shown.loc[(method, metric), ["mean", "sd"]]) for metric in metrics]
        lines.append(f"| {' | '.join([labels[method], *cells])} |")
    return "\n".join(lines)


def _first(available: Sequence[str], preferred: Sequence[str]) -> str:
    return next(setting for setting in preferred if setting in available)
