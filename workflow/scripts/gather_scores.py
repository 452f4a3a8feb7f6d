"""Gather the scores of every subject and method into the study's one tidy table."""

from step import step
from transmural.evaluation.scores import gather
from transmural.stores.rows import read_rows, write_rows


def gather_scores(part_paths, output_path):
    write_rows(output_path, gather([read_rows(path) for path in part_paths]))


if __name__ == "__main__":
    with step(snakemake):
        gather_scores(list(snakemake.input.parts), snakemake.output[0])
