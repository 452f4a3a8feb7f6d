"""Gather the audit's scores of every heart and write its table."""

from pathlib import Path

from step import step
from transmural.evaluation.scores import gather
from transmural.report.learned_methods import audit_of
from transmural.report.table_forms import write_table
from transmural.stores.config import GenerativeEM
from transmural.stores.rows import read_rows, write_rows


def write(part_paths, study, scores_path, folder):
    scores = gather([read_rows(path) for path in part_paths])
    write_rows(scores_path, scores)
    write_table(audit_of(scores, GenerativeEM(**study)), Path(folder))


if __name__ == "__main__":
    with step(snakemake):
        write(list(snakemake.input.parts), snakemake.params.study, snakemake.output.scores, snakemake.params.folder)
