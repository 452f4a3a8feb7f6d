"""Study 5 in the report: its tables, figures and how its networks were trained."""

from pathlib import Path

import pandas as pd

from transmural.report.html import Item, Section
from transmural.report.subjects import picture
from transmural.report.surrogate_names import FIGURES, TRAINING_FIGURE
from transmural.report.surrogate_tables import tables
from transmural.stores.config import ForwardSurrogateStudy

_INTRODUCTION = (
    "A network predicts the ECG of a sheet of tissue from down-sampled frames of its potentials. The ECG is linear in "
    "the potentials, so the closed form with known tissue, the sum of the currents that the frames show, and a linear "
    "map learnt by ridge regression say what the network adds."
)


def surrogate_conditions(study: ForwardSurrogateStudy) -> str:
    """What the tables of a run are about."""
    counts = study.sheets.model_dump().values()
    scale = "its own" if study.ecg_scale == "each" else "the training ECGs'"
    network, cells = study.network, study.nodes // study.cell_nodes
    return (
        f"{sum(counts)} sheets of {study.nodes} × {study.nodes} nodes, frames of {cells} × {cells} cells every "
        f"{study.frame_ms} ms, {network.epochs} epochs at most; each ECG in units of {scale} mean and standard "
        "deviation, the closed form's too."
    )


def surrogate_section(scores: pd.DataFrame, study: ForwardSurrogateStudy, folder: Path, command: str) -> Section:
    """The study's section.

    Parameters
    ----------
    scores
        Tidy scores of the study.
    study
        Its configuration.
    folder
        The run's figures.
    command
        Snakemake command of this run, with ``{target}`` where the target goes.
    """
    again = command.format(target="forward_surrogate")
    made = [Item(table.title, table, reproduce=again) for table in tables(scores, [surrogate_conditions(study)])]
    titles = FIGURES | {TRAINING_FIGURE: "How the surrogates were trained"}
    drawn = [Item(title, *picture(folder / name), reproduce=again) for name, title in titles.items()]
    return Section("Forward surrogate", (*made, *drawn), _INTRODUCTION)
