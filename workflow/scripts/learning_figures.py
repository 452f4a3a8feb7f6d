"""Gather how well standard deviations are calibrated, and draw that and errors against novelty."""

from pathlib import Path

from step import step
from transmural.evaluation.calibration import gathered
from transmural.inverse.registry import labels
from transmural.report.calibration_figure import calibration_figure
from transmural.report.novelty_figure import novelty_figure
from transmural.report.style import write_figure
from transmural.stores.rows import read_rows, write_rows


def draw(scores_path, novelty_path, calibration_paths, cohorts, learning, coverage_path, folder):
    coverage = gathered([read_rows(path) for path in calibration_paths])
    write_rows(coverage_path, coverage)
    write_figure(*calibration_figure(coverage, cohorts, labels()), folder / "calibration")
    if learning:
        scores, novelty = read_rows(scores_path), read_rows(novelty_path)
        write_figure(*novelty_figure(scores, novelty, cohorts, learning, labels()), folder / "novelty")


if __name__ == "__main__":
    with step(snakemake):
        draw(
            snakemake.input.scores,
            snakemake.input.novelty,
            list(snakemake.input.calibration),
            snakemake.params.cohorts,
            snakemake.params.learning,
            snakemake.output.coverage,
            Path(snakemake.params.folder),
        )
