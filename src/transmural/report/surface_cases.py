"""Scores of study 4 by beat: a network's fits from other first weights averaged, their spread apart; drawn beats."""

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from transmural.report.drawn_case import Choice, choose_case
from transmural.report.surface_labels import PROPOSED, drawn_settings, setting_words
from transmural.stores.config.physics_informed import PhysicsInformedStudy

_RESULT = ["subject", "setting", "case", "method", "metric", "unit"]


def over_fits(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over the fits of each beat.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`.

    Returns
    -------
    The same columns but ``seed``, and an empty ``cohort``, as `evaluation.statistics` takes them.
    """
    mean = scores.groupby(_RESULT, sort=False)["value"].mean().reset_index()
    return mean.assign(cohort="")


def spread_over_fits(scores: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation over the fits of a beat, averaged over the beats.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`.

    Returns
    -------
    Columns ``setting, method, metric, spread``; NaN where each beat has one fit.
    """
    by_beat = scores.groupby(_RESULT, sort=False)["value"].std().reset_index()
    return by_beat.groupby(["setting", "method", "metric"], sort=False)["value"].mean().reset_index(name="spread")


def drawn_beats(scores: pd.DataFrame, study: PhysicsInformedStudy) -> dict[str, Choice]:
    """The beat that each figure of one beat shows: of its setting, the one with EAND-ARN's (lower) median error.

    Parameters
    ----------
    scores
        Tidy rows of `evaluation.surface_scores`.
    study
        Settings.

    Returns
    -------
    Subject, setting and number of the beat by the figure's name.

    Raises
    ------
    ValueError
        If EAND-ARN has no scores of such a setting.
    """
    mean = over_fits(scores[scores["method"] == PROPOSED])
    return {figure: choose_case(mean, setting, "re") for figure, setting in drawn_settings(study).items()}


def together(reconstructions: Sequence[xr.Dataset]) -> xr.Dataset:
    """Reconstructions of the same beats as one; of several, histories are left out, as they differ in their terms."""
    if len(reconstructions) == 1:
        return reconstructions[0]
    return xr.concat(
        [one[["potential", "seconds"]].drop_vars("term", errors="ignore") for one in reconstructions], "fit"
    )


def how_drawn(choice: Choice, study: PhysicsInformedStudy) -> str:
    """The sentence of a caption that says which beat it is and by which rule it was chosen."""
    protocol, noise = setting_words(choice.setting, study)
    return (
        f"Drawn: {choice.subject.replace('_', ' ')}, case {choice.case}; protocol {protocol[0].lower()}{protocol[1:]}, "
        f"{noise}; the case of this setting with EAND-ARN's median relative error."
    )
