"""Measure how far every test case is from the nearest training origin and the nearest training scar of each cohort."""

from pathlib import Path

import pandas as pd

from step import step
from transmural.evaluation.novelty import novelty
from transmural.stores.contracts import COHORT
from transmural.stores.rows import write_rows
from transmural.stores.store import open_store


def measure(folder, subjects, training, settings, output_path):
    def cohorts(subject, names):
        return {name: open_store(Path(folder) / subject / name, COHORT) for name in names}

    parts = [novelty(cohorts(subject, training), cohorts(subject, settings), subject) for subject in subjects]
    write_rows(output_path, pd.concat(parts))


if __name__ == "__main__":
    with step(snakemake):
        measure(
            Path(snakemake.input[0]).parents[1],
            snakemake.params.subjects,
            snakemake.params.training,
            snakemake.params.settings,
            snakemake.output[0],
        )
