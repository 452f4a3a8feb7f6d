"""Study 2 in the report: its tables, figures and how its networks were trained."""

from pathlib import Path

import pandas as pd

from transmural.report.html import Item, Section
from transmural.report.image_labels import STUDY
from transmural.report.image_names import TRAINING_FIGURE, figure_titles
from transmural.report.image_tables import tables
from transmural.report.subjects import picture
from transmural.stores.config.images import ConditionalVAEStudy

_INTRODUCTION = (
    "A conditional variational autoencoder generates activation maps from body-surface potentials and the image of a "
    "wall, in slices as published and in whole hearts. Beside the published form stand one whose decoder is told all "
    "conditions in full, and baselines that need no network. Maps are split at random, as published, and by hearts: "
    "only the latter says what to expect of a new patient."
)


def image_conditions(study: ConditionalVAEStudy) -> str:
    """What the tables of a run are about."""
    hearts = study.hearts + len(study.subjects)
    slices, volumes = study.slices, study.volumes
    return (
        f"{hearts} {'heart' if hearts == 1 else 'hearts'}: {hearts * slices.maps} simulated maps of slices "
        f"({slices.edge_cells} × {slices.edge_cells} cells of {slices.cell_mm:g} mm) and {hearts * volumes.maps} of "
        f"whole hearts ({volumes.edge_cells}³ cells of {volumes.cell_mm:g} mm), 100 electrodes in front of each. Split "
        f"at random, {study.test_share:.0%} of the maps are for the test; held out, the last "
        f"{'heart' if study.test_hearts == 1 else f'{study.test_hearts} hearts'}. "
        f"Of the other maps, {100 * study.validation_share:.3g}% choose the epoch. Potentials are free of noise."
    )


def image_section(scores: pd.DataFrame, study: ConditionalVAEStudy, folder: Path, command: str) -> Section:
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
    again = command.format(target=STUDY)
    made = [Item(table.title, table, reproduce=again) for table in tables(scores, study, [image_conditions(study)])]
    titles = {**figure_titles(study), TRAINING_FIGURE: "How the networks were trained"}
    drawn = [Item(title, *picture(folder / name), reproduce=again) for name, title in titles.items()]
    return Section("Conditional autoencoder of activation maps", (*made, *drawn), _INTRODUCTION)
