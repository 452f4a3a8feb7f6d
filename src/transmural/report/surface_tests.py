"""EAND-ARN against every other method of a setting, beat by beat, as a table of study 4."""

from dataclasses import replace

import numpy as np
import pandas as pd

from transmural.evaluation.statistics import holm, paired_tests
from transmural.evaluation.surrogate_scores import FEWEST_TESTED
from transmural.report.surface_cases import over_fits
from transmural.report.surface_labels import COMPARED, METHOD_LABELS, OURS, ordered_settings, setting_words
from transmural.report.table import Table
from transmural.report.tables import paired_table
from transmural.stores.config.physics_informed import PhysicsInformedStudy

_METRIC = "re"
_STATISTICS = ["t", "p", "d_z", "d_z_low", "d_z_high", "wilcoxon", "p_wilcoxon"]


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
    chosen = over_fits(scores[(scores["metric"] == _METRIC) & scores["method"].isin(COMPARED)])
    chosen = chosen.sort_values("method", key=lambda names: names.map(COMPARED.index), kind="stable")
    found = []
    for setting in ordered_settings(study):
        here = chosen[chosen["setting"] == setting]
        if (here["method"] == OURS).any():
            found.append(paired_tests(here, OURS, (_METRIC,)))
    found = [tests for tests in found if len(tests)]
    if not found:
        return pd.DataFrame()
    tests = pd.concat(found, ignore_index=True)
    tests.loc[tests["n"] < FEWEST_TESTED, _STATISTICS] = np.nan
    for name in ("p", "p_wilcoxon"):
        tests[f"{name}_holm"] = holm(tests[name].to_numpy(dtype=np.float64))
    return tests


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
