"""Write the tables and draw the figures of study 2, its trainings among them."""

from pathlib import Path

from step import step
from transmural.networks.saved import read_history
from transmural.report.image_figures import figures
from transmural.report.image_labels import FORM_LABELS
from transmural.report.image_names import TRAINING_FIGURE
from transmural.report.image_section import image_conditions
from transmural.report.image_tables import tables
from transmural.report.style import write_figure
from transmural.report.table_forms import write_table
from transmural.report.training_figure import training_figure
from transmural.stores.config import ConditionalVAEStudy
from transmural.stores.contracts import PREDICTED_BSPS, PREDICTED_MAPS, PREDICTED_VOLUMES
from transmural.stores.rows import read_rows
from transmural.stores.store import open_store


def write_results(given, study, run):
    scores = read_rows(given.scores)
    for table in tables(scores, study, [image_conditions(study)]):
        write_table(table, run / "tables")
    kept = (
        open_store(given.potentials, PREDICTED_BSPS),
        open_store(given.slices, PREDICTED_MAPS),
        open_store(given.volumes, PREDICTED_VOLUMES),
    )
    drawn = figures(scores, *kept, study)
    histories = {
        (training.cohort, training.split, training.form): read_history(path)
        for training, path in zip(study.trainings, given.networks, strict=True)
        if training.form in FORM_LABELS
    }
    drawn[TRAINING_FIGURE] = training_figure(histories, FORM_LABELS)
    for name, (figure, caption) in drawn.items():
        write_figure(figure, caption, run / "figures" / name)


if __name__ == "__main__":
    with step(snakemake):
        params = snakemake.params
        write_results(snakemake.input, ConditionalVAEStudy(**params.study), Path(params.run))
