"""How scores change with the noise and with what the methods' model gets wrong.

Tidy rows as in `scores`, with ``variation``, ``level`` and ``level_unit`` before them. At every level the cases are
the same and so is the draw of their noise, so that a change of a score is the variation's own. The scar threshold is
that of the unvaried validation beats: a method doesn't know what is otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from transmural.evaluation import scores
from transmural.inverse.preparation import as_dataset, prepare
from transmural.inverse.problem import Floats, Problem
from transmural.inverse.registry import get
from transmural.inverse.solve import solve
from transmural.stores.config import Measurement, VariedCases
from transmural.stores.config.robustness import Variation
from transmural.stores.errors import InferenceError

COLUMNS = ["variation", "level", "level_unit", *scores.COLUMNS]
UNVARIED = "unvaried"
NOISE = "noise.snr_db"
# Cases that are solved at once. Three times as many make EM more than twice as slow, as potentials leave the caches.
_AT_ONCE = 24
_KEY = ["subject", "cohort", "setting", "case", "method", "metric", "unit"]


@dataclass(frozen=True, eq=False)
class Varied:
    """The cases of one level of a variation.

    Attributes
    ----------
    variation
        What is otherwise, and how much.
    truth
        The beats as they are (contract BEATS).
    ecg, noise_sd_mv
        What is measured of them: as in `Problem`.
    """

    variation: Variation
    truth: xr.Dataset
    ecg: Floats
    noise_sd_mv: Floats


def measured(
    settings: VariedCases,
    beats: xr.Dataset,
    varied: Sequence[xr.Dataset],
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    study: Measurement,
    amplitude_mv: float,
    stream: tuple[int, str, str, str],
) -> list[Varied]:
    """What is measured at every level of every variation.

    Parameters
    ----------
    settings
        What is varied.
    beats
        The unvaried beats of the cases (contract BEATS).
    varied
        Varied ones (`cohorts.variations.varied_beats`).
    anatomy, transfer, study, amplitude_mv
        As for `inverse.preparation.prepare`; the transfer matrix is the unvaried one.
    stream
        Seed, study, subject and setting, which name the noise of the unvaried cases.

    Returns
    -------
    Levels in the order of the configuration, but for the unvaried signal-to-noise ratio (see `unvaried`).
    """

    def level(variation: Variation, truth: xr.Dataset, ratio: Measurement) -> Varied:
        problem = prepare(truth, anatomy, transfer, ratio, amplitude_mv, stream)
        return Varied(variation, truth, problem.ecg, problem.noise_sd_mv)

    noise = [
        level(variation, beats, study.model_copy(update={"snr_db": variation.level}))
        for variation in settings.noise.of("noise")
        if variation.level != study.snr_db
    ]
    from transmural.cohorts.variations import levels_of  # the simulation, which a report doesn't need

    return noise + [
        level(variation, truth, study)
        for store in varied
        for variation, truth in levels_of(store, settings.variations())
    ]


def score_variations(
    varied: Sequence[Varied],
    model: Problem,
    anatomy: xr.Dataset,
    threshold: float,
    *,
    subject: str,
    cohort: str,
    setting: str,
    method: str,
) -> pd.DataFrame:
    """Reconstruct and score every level, several of them at once.

    Parameters
    ----------
    varied
        All levels.
    model
        What the method is told at every level, but for ECGs and noise.
    anatomy
        The heart (contract ANATOMY).
    threshold
        Of the scar definition, from the method's unvaried validation beats (`scores.scar_threshold`).
    subject, cohort, setting, method
        Names for the columns; the method is a registered one.

    Returns
    -------
    Tidy rows with the columns ``COLUMNS``.
    """
    names = {"subject": subject, "cohort": cohort, "setting": setting, "method": method}
    parts = []
    for batch in _batches(varied):
        problem = replace(
            model,
            ecg=np.concatenate([level.ecg for level in batch]),
            noise_sd_mv=np.concatenate([level.noise_sd_mv for level in batch]),
        )
        found = as_dataset(solve(method, problem), problem.time_ms, get(method))
        first = 0
        for level in batch:
            cases = slice(first, first + len(level.ecg))
            first = cases.stop
            rows = scores.score(level.truth, found.isel(case=cases), anatomy, threshold, **names)
            parts.append(_labelled(rows, level.variation.name, level.variation.level, level.variation.unit))
    return pd.concat(parts, ignore_index=True)


def unvaried(part: pd.DataFrame, settings: VariedCases, snr_db: float, cases: int) -> pd.DataFrame:
    """A method's scores where nothing is otherwise, from its scores of all settings.

    Parameters
    ----------
    part
        Tidy scores of the method (`scores.COLUMNS`).
    settings
        What is varied.
    snr_db
        The unvaried signal-to-noise ratio.
    cases
        How many, the first ones.

    Returns
    -------
    Rows of ``UNVARIED``, and the same as those of the unvaried ratio where that is a level of the noise.
    """
    chosen = part[(part["setting"] == settings.setting) & (part["case"] < cases)]
    same = [v for v in settings.noise.of("noise") if v.level == snr_db]
    return pd.concat(
        [_labelled(chosen, UNVARIED, 0.0, "1"), *(_labelled(chosen, v.name, v.level, v.unit) for v in same)],
        ignore_index=True,
    )


def gather(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all parts, in their order.

    Raises
    ------
    InferenceError
        If a score stands there twice, or a method has other cases at a level than unvaried.
    """
    rows = pd.concat(list(parts), ignore_index=True)[COLUMNS]
    if rows.duplicated(["variation", "level", *_KEY]).any():
        raise InferenceError("robustness: scores stand there twice")
    cases = rows[rows["metric"] == "nrmse"].groupby(["subject", "method", "variation", "level"])["case"].agg(frozenset)
    uneven = cases.groupby(level=["subject", "method"]).nunique() > 1
    if uneven.any():
        raise InferenceError(f"robustness: not the same cases at every level for {list(uneven.index[uneven])}")
    return rows


def changes(rows: pd.DataFrame) -> pd.DataFrame:
    """Scores of all variations with the ``change`` of every case's score from its unvaried one."""
    reference = rows.loc[rows["variation"] == UNVARIED, [*_KEY, "value"]].rename(columns={"value": "reference"})
    paired = rows[rows["variation"] != UNVARIED].merge(reference, on=_KEY, how="inner", validate="m:1")
    return paired.assign(change=paired["value"] - paired["reference"])


def intervals(rows: pd.DataFrame, column: str = "value", confidence: float = 0.95) -> pd.DataFrame:
    """Mean over the cases with its confidence interval, for each variation, level, method and metric.

    Parameters
    ----------
    rows
        Tidy rows.
    column
        What is averaged.
    confidence
        Of the interval of Student's t.

    Returns
    -------
    Columns ``variation, level, level_unit, method, metric, unit, mean, sd, n, low, high``; the interval of a single
    case is NaN.
    """
    by = ["variation", "level", "level_unit", "method", "metric", "unit"]
    table = rows.groupby(by, sort=False)[column].agg(mean="mean", sd="std", n="size").reset_index()
    reach = stats.t.ppf(0.5 + confidence / 2, np.maximum(table["n"] - 1, 1)) * table["sd"] / np.sqrt(table["n"])
    return table.assign(low=table["mean"] - reach, high=table["mean"] + reach)


def _batches(varied: Sequence[Varied]) -> Iterator[list[Varied]]:
    """Levels in groups of at most ``_AT_ONCE`` cases, at least one level each."""
    group: list[Varied] = []
    for level in varied:
        if group and sum(len(each.ecg) for each in [*group, level]) > _AT_ONCE:
            yield group
            group = []
        group.append(level)
    if group:
        yield group


def _labelled(rows: pd.DataFrame, variation: str, level: float, unit: str) -> pd.DataFrame:
    return rows.assign(variation=variation, level=level, level_unit=unit)[COLUMNS]
