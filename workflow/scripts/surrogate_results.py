"""Write the tables and draw the figures of the forward surrogate, its trainings among them."""

from pathlib import Path

from step import step
from transmural.cohorts.sheets import part_of
from transmural.evaluation.surrogate_scores import TEST
from transmural.networks.saved import read_history
from transmural.report.style import write_figure
from transmural.report.surrogate_figures import figures
from transmural.report.surrogate_labels import METHOD_LABELS
from transmural.report.surrogate_names import TRAINING_FIGURE
from transmural.report.surrogate_section import surrogate_conditions
from transmural.report.surrogate_tables import tables
from transmural.report.table_forms import write_table
from transmural.report.training_figure import training_figure
from transmural.stores.config import ForwardSurrogateStudy
from transmural.stores.contracts import PREDICTED_ECGS, SHEETS
from transmural.stores.rows import read_rows
from transmural.stores.store import open_shards, open_store


def write_results(scores_path, predictions_path, sheet_paths, network_paths, study, run):
    scores, run, study = read_rows(scores_path), Path(run), ForwardSurrogateStudy(**study)
    for table in tables(scores, [surrogate_conditions(study)]):
        write_table(table, run / "tables")
    sheets, predicted = open_shards(sheet_paths, SHEETS), open_store(predictions_path, PREDICTED_ECGS)
    test = sheets.isel(case=part_of(sheets["tissue_class"].values, study.test_share) == TEST)
    by_method = dict(zip(map(str, predicted["method"].values), predicted["predicted"].values, strict=True))
    drawn = figures(scores, test, by_method, predicted["ecg"].values)
    histories = {("sheets", "published", Path(path).name): read_history(path) for path in network_paths}
    drawn[TRAINING_FIGURE] = training_figure(histories, METHOD_LABELS)
    for name, (figure, caption) in drawn.items():
        write_figure(figure, caption, run / "figures" / name)


if __name__ == "__main__":
    with step(snakemake):
        write_results(
            snakemake.input.scores,
            snakemake.input.predictions,
            list(snakemake.input.sheets),
            list(snakemake.input.networks),
            snakemake.params.study,
            snakemake.params.run,
        )
