"""Draw how the loss of every network fell, in training and validation."""

from pathlib import Path

from step import step
from transmural.networks.registry import labels
from transmural.networks.saved import read_history
from transmural.report.style import write_figure
from transmural.report.training_figure import training_figure


def draw(network_paths, stem):
    histories = {tuple(Path(path).parts[-3:]): read_history(path) for path in network_paths}
    write_figure(*training_figure(histories, labels()), stem)


if __name__ == "__main__":
    with step(snakemake):
        draw(list(snakemake.input), Path(snakemake.output[0]).with_suffix(""))
