"""Draw Figures 3 and 4 of the paper for this run's methods, activation times, scores and an ECG."""

from pathlib import Path

from run_folder import drawn_cases
from step import step
from transmural.inverse.registry import labels
from transmural.report.generative_em import figures
from transmural.report.style import write_figure
from transmural.stores.config import GenerativeEM
from transmural.stores.contracts import TRANSFER
from transmural.stores.rows import read_rows
from transmural.stores.store import open_store


def draw(scores_path, study, run, shard_paths):
    scores, study, run = read_rows(scores_path), GenerativeEM(**study), Path(run)

    def transfer(subject):
        return open_store(run / "transfer" / subject, TRANSFER)

    for name, (figure, caption) in figures(
        scores, study, drawn_cases(run, scores, study, shard_paths), transfer, labels()
    ).items():
        write_figure(figure, caption, run / "figures" / name)


if __name__ == "__main__":
    with step(snakemake):
        draw(snakemake.input.scores, snakemake.params.study, snakemake.params.run, list(snakemake.input.beats))
