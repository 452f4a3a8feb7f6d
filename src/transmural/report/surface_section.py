"""Study 4 in the report: its tables and figures."""

from pathlib import Path

import pandas as pd

from transmural.report.html import Item, Section
from transmural.report.subjects import picture
from transmural.report.surface_labels import STUDY, figure_titles
from transmural.report.surface_tables import tables
from transmural.stores.config.physics_informed import PhysicsInformedStudy

_INTRODUCTION = (
    "A network that maps place and time to the potential u and the recovery variable v is fitted to one beat: to its "
    "body-surface potentials, and to the Aliev–Panfilov equations on the heart's surface. As published, one mesh, one "
    "set of parameters and one matrix make the data and reconstruct from them, an inverse crime; other protocols make "
    "them on a finer mesh, of other cells, on the muscle's own surface, or in the wall's volume with fibres, where "
    "methods of generative_em that have learnt from other beats of the heart stand beside. Tikhonov's and "
    "spatio-temporal regularisation need no equations, and a network without physics says what these add."
)


def surface_conditions(study: PhysicsInformedStudy) -> str:
    """What the tables of a run are about."""
    hearts, field = len(study.subjects), study.field
    instants = int(study.duration_ms / study.frame_ms + 1e-9) + 1
    steps = f"{field.epochs} {'epoch' if field.epochs == 1 else 'epochs'}"
    if field.least_steps:
        steps = f"{steps} or {field.least_steps} gradient steps, whichever is more"
    fits = "once" if study.seeds == 1 else f"{study.seeds} times from other first weights"
    return (
        f"{hearts} {'heart' if hearts == 1 else 'hearts'}, surfaces of {study.vertices} vertices, "
        f"{study.electrodes[0]} electrodes, {study.cases} {'beat' if study.cases == 1 else 'beats'} a heart of "
        f"{instants} instants every {study.frame_ms:g} ms; every network is fitted to each beat {fits}, for {steps}."
    )


def surface_section(scores: pd.DataFrame, study: PhysicsInformedStudy, folder: Path, command: str) -> Section:
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
    made = [Item(table.title, table, reproduce=again) for table in tables(scores, study, [surface_conditions(study)])]
    titles = figure_titles(study)
    drawn = [Item(title, *picture(folder / name), reproduce=again) for name, title in titles.items()]
    return Section("Physics-informed inverse on the heart's surface", (*made, *drawn), _INTRODUCTION)
