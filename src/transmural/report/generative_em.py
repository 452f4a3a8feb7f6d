"""What study 1 (Ghimire et al. 2018) shows: its tables, its figures, and its section of the report."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from transmural.cohorts.plan import RICH, STUDY
from transmural.evaluation.published import published
from transmural.evaluation.scores import under
from transmural.evaluation.statistics import paired_tests
from transmural.report.activation_maps import activation_figure
from transmural.report.drawn_case import Choice, DrawnCase, choose_case
from transmural.report.early_activation import early_activation_figure
from transmural.report.ecg_figure import ecg_figure
from transmural.report.generative_em_names import FIGURES, heart_endings, shown_cohort
from transmural.report.html import Item, Section
from transmural.report.scar_maps import scar_figure
from transmural.report.score_figure import score_figure
from transmural.report.subjects import picture
from transmural.report.table import Table
from transmural.report.tables import paired_table, score_table
from transmural.report.turnable import TurnableHeart
from transmural.stores.config import GenerativeEM

TABLE1 = ("nrmse", "dice", "origin_distance")
TABLE2 = (
    "nrmse_demeaned", "correlation", "origin_distance_geodesic", "activation_time_mae", "coverage_50", "coverage_90",
)  # fmt: skip
# Times differ from run to run, so they stand in a table of their own: the others are the same bits every time.
COSTS = ("seconds", "memory")


def shown_scores(scores: pd.DataFrame, study: GenerativeEM) -> pd.DataFrame:
    """Scores of all methods under the training cohort that is drawn."""
    return under(scores, shown_cohort(study.cohorts))


def tables(scores: pd.DataFrame, study: GenerativeEM, labels: Mapping[str, str]) -> list[Table]:
    """Tables of every training cohort: accuracy over all hearts and for each, paired tests, and what each method costs.

    Parameters
    ----------
    scores
        Tidy scores of the study.
    study
        Its configuration, for the conditions under the tables.
    labels
        Names of methods as shown.
    """
    # Settings in the order of the configuration, which is the paper's.
    order = {setting: number for number, setting in enumerate(study.settings)}
    scores = scores.sort_values("setting", key=lambda column: column.map(order), kind="stable")
    return [table for cohort in study.cohorts for table in _tables_of_cohort(scores, cohort, study, labels)]


def _tables_of_cohort(scores: pd.DataFrame, cohort: str, study: GenerativeEM, labels: Mapping[str, str]) -> list[Table]:
    """The tables of one training cohort, in the order of `table_names`."""
    scores, printed = under(scores, cohort), published(STUDY)
    nothing = printed.iloc[:0]

    def table(name: str, title: str, metrics: Sequence[str], heart: str = "", beside: pd.DataFrame = nothing) -> Table:
        subject = heart.removeprefix("_") or None
        return score_table(
            scores,
            beside,
            name=f"{name}_{cohort}{heart}",
            title=f"{title}, training cohort «{cohort}»" + ("" if subject is None else f", heart {subject}"),
            labels=labels,
            subject=subject,
            metrics=metrics,
            methods=study.methods,
            notes=[conditions(study, cohort)],
        )

    first, second = "Table 1 of Ghimire et al. 2018: accuracy in three settings", "Accuracy beyond the paper's metrics"
    tests = paired_tests(scores, reference=study.reference_method)
    return [
        # The published columns stand beside the pooled table only.
        *(
            table("table1", first, TABLE1, heart, nothing if heart else printed)
            for heart in heart_endings(study.subjects)
        ),
        *(table("table2", second, TABLE2, heart) for heart in heart_endings(study.subjects)),
        paired_table(tests, name=f"tests_{cohort}", title=f"Paired tests, training cohort «{cohort}»", labels=labels),
        table("costs", "Cost of each method, a case", COSTS),
    ]


def conditions(study: GenerativeEM, cohort: str) -> str:
    """How the cases were made, in a sentence under every table."""
    crime = "with the coarse transfer matrix itself (inverse crime)" if study.inverse_crime else "on the fine grid"
    return (
        f"Training cohort «{cohort}»: {_beats(study, cohort)}; methods that don't learn are the same under every "
        f"cohort; {study.test_cases} test cases a setting and heart; {study.frames} frames over "
        f"{study.duration_ms:g} ms; ECGs simulated {crime}, white noise at {study.snr_db:g} dB; leads: "
        f"{study.montage.replace('_', ' ')}; regularisation parameters by {study.regularisation.replace('_', '-')}; "
        "scar thresholds from validation beats."
    )


def _beats(study: GenerativeEM, cohort: str) -> str:
    if cohort == RICH:
        rich = study.rich
        healthy = f"{100 * rich.healthy_share:.0f} % healthy"
        return (
            f"{rich.beats} beats a heart, each with its own origin and scar ({healthy}), at least "
            f"{rich.origin_distance_mm:g} mm from every test origin and with a Dice overlap of at most "
            f"{rich.scar_overlap_max:g} with every test scar"
        )
    return f"{study.published.origins} origins × {study.published.tissues} tissue configurations a heart"


def choices(scores: pd.DataFrame, study: GenerativeEM) -> dict[str, list[Choice]]:
    """Which cases each figure draws, under `shown_cohort`: one a heart, by the rule of `choose_case`."""
    scores = shown_scores(scores, study)
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
    study: GenerativeEM,
    cases: Mapping[str, Sequence[DrawnCase]],
    transfer: Callable[[str], xr.Dataset],
    labels: Mapping[str, str],
) -> dict[str, tuple[Figure, str]]:
    """The study's figures and their captions, by the names of `FIGURES`, under one training cohort (`shown_cohort`).

    Parameters
    ----------
    scores, study
        Tidy scores of the study, and its configuration.
    cases
        The drawn cases of `choices`.
    transfer
        Gives the transfer store (contract TRANSFER) of a subject.
    labels
        Names of methods as shown.
    """
    one = cases["activation_times"][0]
    subject = one.choice.subject
    learnt = f" Methods that learn did so from the training cohort «{shown_cohort(study.cohorts)}»."
    drawn = {
        "early_activation": early_activation_figure(cases["early_activation"], labels),
        "scars": scar_figure(cases["scars"], labels),
        "activation_times": activation_figure(one, labels),
        "scores": score_figure(shown_scores(scores, study), published(STUDY), labels),
    }
    return {
        **{name: (figure, caption + learnt) for name, (figure, caption) in drawn.items()},
        "ecg": ecg_figure(one.anatomy, transfer(subject), one.truth, subject),
    }


def study_section(
    scores: pd.DataFrame,
    study: GenerativeEM,
    labels: Mapping[str, str],
    folder: Path,
    turned: TurnableHeart,
    command: str,
    further: Sequence[Item] = (),
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
    further
        What else the section holds, after its own figures.
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
        (written[0], heart, *drawn, *further, *written[1:]),
        "Reconstruction of transmembrane potentials from body-surface ECGs when scar, origin, or both are unknown to "
        "the training cohort.",
    )


def _first(available: Sequence[str], preferred: Sequence[str]) -> str:
    return next(setting for setting in preferred if setting in available)
