"""Study 3 in the report: its tables, figures and how its networks were trained."""

from pathlib import Path

import pandas as pd

from transmural.report.html import Item, Section
from transmural.report.sequence_names import TRAINING_FIGURE, figure_titles
from transmural.report.sequence_tables import tables
from transmural.report.subjects import picture
from transmural.stores.config.sequences import SequenceModelsStudy

_INTRODUCTION = (
    "Networks predict the transmembrane potentials of 75 points from a 12-lead ECG: from the whole record, and from "
    "its first 10 ms. Test recordings are of other hearts, of other activation patterns, of both, and, as published, a "
    "random share. No method is given true potentials at test time but the two that show what that is worth."
)


def sequence_conditions(study: SequenceModelsStudy) -> str:
    """What the tables of a run are about."""
    hearts = study.hearts + len(study.subjects)
    if study.archive is None:
        data = (
            f"{hearts * study.recordings} simulated recordings of {hearts} hearts, {study.patterns} activation "
            f"patterns, voxels of {study.voxel_mm:g} mm"
        )
    else:
        data = "Recordings of the published archive"
    return (
        f"{data}; {study.samples} samples of {study.sample_ms} ms; {study.test_share:.0%} of the recordings, hearts or "
        "patterns for the test and as many for validation. ECGs are scaled by mean and standard deviation of each lead "
        "over the training recordings."
    )


def sequence_section(
    scores: pd.DataFrame, intervals: pd.DataFrame, study: SequenceModelsStudy, folder: Path, command: str
) -> Section:
    """The study's section.

    Parameters
    ----------
    scores, intervals
        Tidy scores of the study, and what `evaluation.sequence_scores.intervals` makes of them.
    study
        Its configuration.
    folder
        The run's figures.
    command
        Snakemake command of this run, with ``{target}`` where the target goes.
    """
    again = command.format(target="sequence_models")
    made_of = tables(scores, intervals, [sequence_conditions(study)])
    made = [Item(table.title, table, reproduce=again) for table in made_of]
    titles = {**figure_titles(study), TRAINING_FIGURE: "How the networks were trained"}
    drawn = [Item(title, *picture(folder / name), reproduce=again) for name, title in titles.items()]
    return Section("Sequence models", (*made, *drawn), _INTRODUCTION)
