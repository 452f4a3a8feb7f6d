"""Write Table 1 beside the published figures, the paired tests behind it, and what each method costs."""

from pathlib import Path

from step import step
from transmural.inverse.registry import labels
from transmural.report.generative_em import tables
from transmural.report.table_forms import write_table
from transmural.stores.config import GenerativeEM
from transmural.stores.rows import read_rows


def write_tables(scores_path, study, folder):
    for table in tables(read_rows(scores_path), GenerativeEM(**study), labels()):
        write_table(table, Path(folder))


if __name__ == "__main__":
    with step(snakemake):
        write_tables(snakemake.input.scores, snakemake.params.study, snakemake.params.folder)
