"""Gather the audit's scores of every heart and write its table."""

from pathlib import Path

import pandas as pd

from step import step
from transmural.evaluation.scores import gather
from transmural.report.learned_methods import audit_of
from transmural.report.table_forms import write_table
from transmural.stores.config import GenerativeEM
from transmural.stores.files import write_whole


def write(part_paths, study, scores_path, folder):
    scores = gather([pd.read_csv(path) for path in part_paths])
    write_whole(scores_path, scores.to_csv(index=False))
    write_table(audit_of(scores, GenerativeEM(**study)), Path(folder))


if __name__ == "__main__":
    with step(snakemake):
        write(list(snakemake.input), snakemake.params.study, snakemake.output.scores, snakemake.params.folder)
