"""Gather what every method makes of varied beats, and write its table and figures."""

from pathlib import Path

from step import step
from transmural.evaluation.robustness import gather
from transmural.inverse.registry import labels
from transmural.report.robustness import robustness_figures, robustness_table
from transmural.report.style import write_figure
from transmural.report.table_forms import write_table
from transmural.stores.config import Robustness
from transmural.stores.rows import read_rows, write_rows


def show(part_paths, settings, scores_path, run):
    rows = gather([read_rows(path) for path in part_paths])
    write_rows(scores_path, rows)
    write_table(robustness_table(rows, Robustness(**settings), labels()), run / "tables")
    for name, (figure, caption) in robustness_figures(rows, labels()).items():
        write_figure(figure, caption, run / "figures" / name)


if __name__ == "__main__":
    with step(snakemake):
        show(
            list(snakemake.input.parts),
            snakemake.params.settings,
            snakemake.output.scores,
            Path(snakemake.output.scores).parents[1],
        )
