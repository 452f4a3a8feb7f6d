"""EAND-ARN against every other method of a setting, beat by beat, as a table of study 4."""

from dataclasses import replace

import pandas as pd

from transmural.evaluation.statistics import FEWEST_TESTED, corrected, paired_tests
from transmural.report.surface_cases import over_fits
from transmural.report.surface_labels import METHOD_LABELS, PROPOSED, compared, ordered_settings, setting_words
from transmural.report.table import Table
from transmural.report.tables import paired_table
from transmural.stores.config.physics_informed import PhysicsInformedStudy

_METRIC = "re"


def comparisons(scores: pd.DataFrame, study: PhysicsInformedStudy) -> pd.DataFrame:
    """Paired tests of EAND-ARN in the relative error, over the beats of all hearts.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`.
    study
        Its settings give the order.

    Returns
    -------
    As `statistics.paired_tests`. Statistics are NaN for fewer than ``FEWEST_TESTED`` beats; Holm's correction is over
    all other rows. Empty where nothing can be compared.
    """
    methods = compared(study)
    chosen = over_fits(scores[(scores["metric"] == _METRIC) & scores["method"].isin(methods)])
    chosen = chosen.sort_values("method", key=lambda names: names.map(methods.index), kind="stable")
    found = []
    for setting in ordered_settings(study):
        here = chosen[chosen["setting"] == setting]
        if (here["method"] == PROPOSED).any():
            found.append(paired_tests(here, PROPOSED, (_METRIC,)))
    found = [tests for tests in found if len(tests)]
    if not found:
        return pd.DataFrame()
    return corrected(pd.concat(found, ignore_index=True), FEWEST_TESTED)


def tests_table(scores: pd.DataFrame, study: PhysicsInformedStudy) -> Table | None:
    """A block a setting, a row a method that EAND-ARN is compared with; None where nothing can be compared."""
    tests = comparisons(scores, study)
    if tests.empty:
        return None
    words = {setting: ": ".join(setting_words(setting, study)) for setting in dict.fromkeys(tests["setting"])}
    notes = ["Beats of all hearts together; the error of a network is first averaged over the fits of a beat."]
    few = list(dict.fromkeys(tests.loc[tests["n"] < FEWEST_TESTED, "setting"]))
    if few:
        where = "in any setting" if len(few) == len(words) else f"in these: {'; '.join(words[s] for s in few)}"
        notes.append(f"Fewer than {FEWEST_TESTED} beats, so that nothing is tested (–), {where}.")
    table = paired_table(
        tests,
        name="surface_tests",
        title="EAND-ARN against every other method: paired tests of the relative error over the beats",
        labels=METHOD_LABELS,
        tested="Differences are tested with paired t-tests",
        notes=notes,
    )
    blocks = tuple(replace(block, label=words[block.key]) for block in table.blocks)
    return replace(table, blocks=blocks)
