"""Write the tables and draw the figures of study 3, its trainings among them."""

from pathlib import Path

from step import step
from transmural.evaluation.sequence_scores import intervals
from transmural.networks.saved import read_history
from transmural.report.sequence_figures import figures
from transmural.report.sequence_labels import METHOD_LABELS
from transmural.report.sequence_names import TRAINING_FIGURE
from transmural.report.sequence_section import sequence_conditions
from transmural.report.sequence_tables import tables
from transmural.report.style import write_figure
from transmural.report.table_forms import write_table
from transmural.report.training_figure import training_figure
from transmural.stores.config import SequenceModelsStudy
from transmural.stores.contracts import PREDICTED_TMPS
from transmural.stores.rows import read_rows, write_rows
from transmural.stores.store import open_store


def write_results(scores_path, predictions_path, network_paths, study, seed, intervals_path, run):
    scores, run, study = read_rows(scores_path), Path(run), SequenceModelsStudy(**study)
    stated = intervals(scores, study.bootstrap, seed)
    write_rows(intervals_path, stated, digits=6)
    for table in tables(scores, stated, [sequence_conditions(study)]):
        write_table(table, run / "tables")
    drawn = figures(scores, stated, open_store(predictions_path, PREDICTED_TMPS), study)
    split = study.splits[0]
    histories = {
        ("recordings", split, model): read_history(Path(network_paths[split, model]) / "full") for model in study.models
    }
    drawn[TRAINING_FIGURE] = training_figure(histories, METHOD_LABELS)
    for name, (figure, caption) in drawn.items():
        write_figure(figure, caption, run / "figures" / name)


if __name__ == "__main__":
    with step(snakemake):
        study, given = snakemake.params.study, snakemake.input
        pairs = [(split, model) for split in study["splits"] for model in study["models"]]
        write_results(
            given.scores,
            given.predictions,
            dict(zip(pairs, given.networks, strict=True)),
            study,
            snakemake.params.seed,
            snakemake.output.intervals,
            snakemake.params.run,
        )
