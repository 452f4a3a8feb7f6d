"""The subjects' figures and their section of the report: hearts, torsos and who is simulated in them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from transmural.report.anatomy_figures import anatomy_figure
from transmural.report.cohort_figure import cohort_figure
from transmural.report.generative_em_names import SUBJECT_FIGURES
from transmural.report.html import Item, Png, Section
from transmural.report.style import readable, svg_caption
from transmural.report.table import Table

_ANATOMY_CAPTION = (
    "Top: tissue labels in axial (seen from the feet, the body's right on the left), coronal and sagittal section. "
    "Middle: muscle fibres by helix angle, and AHA segments. Bottom: inference nodes, and electrodes on the body."
)


def subject_figures(
    anatomy: xr.Dataset, training: xr.Dataset, tests: Mapping[str, xr.Dataset], subject: str
) -> dict[str, tuple[Figure, str]]:
    """Figures of one subject and their captions, by the names of `SUBJECT_FIGURES`.

    Parameters
    ----------
    anatomy
        Its anatomy (contract ANATOMY).
    training, tests
        Its cohorts (contract COHORT): the one for training, and the others by name.
    subject
        Its name.
    """
    return {
        "anatomy": (anatomy_figure(anatomy), _ANATOMY_CAPTION),
        "cohorts": cohort_figure(anatomy, training, tests, subject),
    }


def subjects_section(table: Table, subjects: Sequence[str], folder: Path, command: str) -> Section:
    """Section with the table of subjects and the figures of each, from the files of a run's figures folder.

    ``command`` is the Snakemake command of the run, with ``{target}`` where the target goes.
    """
    items = [Item(table.title, table, reproduce=command.format(target="tables"))]
    items += [
        Item(
            f"{title}: {readable(subject)}",
            *picture(folder / f"{name}_{subject}"),
            reproduce=command.format(target="figures"),
        )
        for subject in subjects
        for name, title in SUBJECT_FIGURES.items()
    ]
    return Section("Hearts and torsos", tuple(items), "Where the beats are simulated and the leads recorded.")


def picture(stem: Path) -> tuple[Png, str]:
    """Image and caption of a written figure."""
    return Png(stem.with_suffix(".png").read_bytes()), svg_caption(stem.with_suffix(".svg").read_text("utf-8"))
