"""Tables and figures of study 1, by name: what a run has follows from its configuration."""

from collections.abc import Mapping, Sequence

from transmural.cohorts.plan import RICH
from transmural.evaluation.audit_forms import METHOD as AUDITED
from transmural.evaluation.followed_methods import METHODS as FOLLOWED
from transmural.inverse.registry import Method
from transmural.stores.config import GenerativeEM

NETWORK = "sequential_vae"
FIGURES = {
    "early_activation": "Figure 3: early activation",
    "scars": "Figure 4: scars and potentials",
    "activation_times": "Activation times",
    "scores": "Scores of every case",
    "ecg": "ECG of a test beat",
}
SUBJECT_FIGURES = {"anatomy": "Heart and torso", "cohorts": "Origins and scars"}
LEARNING_FIGURES = {
    "generated": "Figure 2: potentials from generative models",
    "convergence": "Convergence of EM and marginal MAP",
    "calibration": "Calibration of standard deviations",
    "novelty": "Error against novelty",
    "training": "How the networks were trained",
}
ROBUSTNESS_TABLE = "robustness"
ROBUSTNESS_FIGURES = {"noise": "Scores against noise", "robustness": "Robustness to what the model gets wrong"}


def shown_cohort(cohorts: Sequence[str]) -> str:
    """The training cohort whose results are drawn and stand on the front page: the rich one where there is one."""
    return RICH if RICH in cohorts else cohorts[0]


def table_names(subjects: Sequence[str], cohorts: Sequence[str]) -> list[str]:
    """File names of the tables that `generative_em.tables` makes."""
    return [
        name
        for cohort in cohorts
        for name in (
            *(f"{table}_{cohort}{heart}" for table in ("table1", "table2") for heart in heart_endings(subjects)),
            f"tests_{cohort}",
            f"costs_{cohort}",
        )
    ]


def heart_endings(subjects: Sequence[str]) -> list[str]:
    """Endings of the tables' names: none for the hearts pooled, then one for each heart."""
    return ["", *(f"_{subject}" for subject in subjects)]


def learning_figures(methods: Mapping[str, Method]) -> list[str]:
    """Those of `LEARNING_FIGURES` that a run with these methods has something to show in."""
    networks = {method.network for method in methods.values()}
    shown = {
        "generated": NETWORK in networks,
        "convergence": set(FOLLOWED) <= set(methods),
        "calibration": True,
        "novelty": any(method.learns for method in methods.values()),
        "training": bool(networks - {None}),
    }
    return [name for name in LEARNING_FIGURES if shown[name]]


def audited(study: GenerativeEM) -> tuple[list[str], str]:
    """Hearts and training cohort of the audit; no hearts where the audited method isn't run."""
    hearts = study.subjects[: study.audit.hearts] if AUDITED in study.methods else []
    return hearts, study.cohorts[0]


def hardest_setting(study: GenerativeEM) -> str:
    """The setting in which most is new."""
    return "unseen_both" if "unseen_both" in study.settings else study.settings[0]
