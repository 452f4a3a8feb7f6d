"""Gather the scores of every subject and method into the study's one tidy table."""

import pandas as pd

from step import step
from transmural.evaluation.scores import gather
from transmural.stores.files import write_whole


def gather_scores(part_paths, output_path):
    write_whole(output_path, gather([pd.read_csv(path) for path in part_paths]).to_csv(index=False))


if __name__ == "__main__":
    with step(snakemake):
        gather_scores(list(snakemake.input), snakemake.output[0])
