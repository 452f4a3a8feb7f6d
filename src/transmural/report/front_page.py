"""Tables of the front page: one setting's scores, and how far every printed cell of the paper is from this run's."""

from collections.abc import Mapping

import pandas as pd

from transmural.cohorts.plan import NO_TRAINING, STUDY
from transmural.evaluation.published import published
from transmural.evaluation.scores import under
from transmural.evaluation.statistics import summary
from transmural.report.generative_em_names import shown_cohort
from transmural.report.quantities import Quantity, quantity, rounded, setting_label
from transmural.report.style import axis_label

_PROPOSED = "proposed"
# This project's own best method, settled on validation beats.
_OURS = "activation_map"


def short_table(scores: pd.DataFrame, labels: Mapping[str, str], setting: str = "unseen_both") -> str:
    """Markdown table of one setting over all hearts under the drawn cohort: the accuracies that tell methods apart.

    Parameters
    ----------
    scores
        Tidy scores of the study.
    labels
        Names of methods as shown.
    setting
        Test setting.
    """
    metrics = ("nrmse", "nrmse_demeaned", "correlation", "dice", "origin_distance")
    scores = under(scores, shown_cohort(_cohorts(scores)))
    shown = summary(scores[scores["setting"] == setting]).set_index(["method", "metric"])
    heads = [axis_label(quantity(metric).label, quantity(metric).unit) for metric in metrics]
    rows = []
    for method in sorted(set(scores["method"])):
        cells = [quantity(metric).text(*shown.loc[(method, metric), ["mean", "sd"]]) for metric in metrics]
        rows.append([labels[method], *cells])
    return _markdown(["method", *heads], rows)


def gap_table(scores: pd.DataFrame, labels: Mapping[str, str], method: str = _OURS) -> str:
    """Markdown table of every cell that the paper prints for its own method, one method of this run, and the gap.

    Parameters
    ----------
    scores
        Tidy scores of the study.
    labels
        Names of methods as shown.
    method
        The method, settled before the test scores were seen.

    Returns
    -------
    A row a cell; for each training cohort the method's mean over all hearts, and by how much it differs from the
    printed one, absolutely and relatively.
    """
    printed = published(STUDY)
    printed = printed[printed["method"] == _PROPOSED]
    cohorts = _cohorts(scores)
    stated = {cohort: summary(under(scores, cohort)) for cohort in cohorts}
    rows = []
    for cell in printed.itertuples():
        shown = quantity(str(cell.metric))
        found = [
            part
            for cohort in cohorts
            for part in _ours(stated[cohort], str(cell.setting), str(cell.metric), float(str(cell.mean)), shown, method)
        ]
        name = axis_label(shown.label, shown.unit)
        rows.append([setting_label(str(cell.setting)), name, f"{cell.mean:g} ± {cell.sd:g}", *found])
    heads = [head for cohort in cohorts for head in (f"{labels[method]}, cohort «{cohort}»", "gap")]
    return _markdown(["setting", "metric", "published", *heads], rows)


def _ours(stated: pd.DataFrame, setting: str, metric: str, printed: float, shown: Quantity, method: str) -> list[str]:
    """A cell's mean, and its gap to the printed one."""
    cell = (stated["setting"] == setting) & (stated["metric"] == metric) & (stated["method"] == method)
    if not cell.any():
        return ["–", "–"]
    ours = stated[cell].iloc[0]
    gap = float(ours["mean"]) - printed
    decimals = shown.decimals if shown.decimals is not None else 3
    return [
        shown.text(float(ours["mean"]), float(ours["sd"])),
        f"{_signed(gap, decimals)} ({_signed(100 * gap / printed, 0)} %)",
    ]


def _signed(value: float, decimals: int) -> str:
    """Rounded value with its sign, zero with none."""
    text = rounded(value, decimals)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def _cohorts(scores: pd.DataFrame) -> list[str]:
    """Training cohorts in the scores."""
    return [cohort for cohort in dict.fromkeys(scores["cohort"]) if cohort != NO_TRAINING]


def _markdown(heads: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])
