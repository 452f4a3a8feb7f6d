"""Gather how well standard deviations are calibrated, and draw that and errors against novelty."""

from pathlib import Path

import pandas as pd

from step import step
from transmural.evaluation.calibration import gathered
from transmural.inverse.registry import labels
from transmural.report.calibration_figure import calibration_figure
from transmural.report.novelty_figure import novelty_figure
from transmural.report.style import write_figure
from transmural.stores.files import write_whole


def draw(scores_path, novelty_path, calibration_paths, cohorts, learning, coverage_path, folder):
    coverage = gathered([pd.read_csv(path) for path in calibration_paths])
    write_whole(coverage_path, coverage.to_csv(index=False))
    write_figure(*calibration_figure(coverage, cohorts, labels()), folder / "calibration")
    if learning:
        scores, novelty = pd.read_csv(scores_path), pd.read_csv(novelty_path)
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
