"""Simulate one shard of the sheets of tissue: down-sampled potentials, ECGs of all electrodes, activation maps."""

from functools import partial

from step import made_by, step
from transmural.cohorts.plan import classes_of, shards
from transmural.cohorts.sheets import simulate_sheets
from transmural.stores.config import SheetDesign
from transmural.stores.contracts import SHEETS
from transmural.stores.store import write_store


def simulate_shard(design, seed, cohort, shard, output_path, record, threads=1, progress=None):
    design = SheetDesign(**design)
    part = shards(len(classes_of(design, cohort)), design.shard_sheets)[shard]
    cases = range(part.start, part.stop)
    counted = progress and partial(progress, total=len(cases))
    write_store(simulate_sheets(design, seed, cohort, cases, threads, counted), output_path, SHEETS, record)


if __name__ == "__main__":
    with step(snakemake) as progress:
        simulate_shard(
            snakemake.params.design,
            snakemake.params.seed,
            snakemake.wildcards.cohort,
            int(snakemake.wildcards.shard),
            snakemake.output[0],
            made_by(snakemake),
            snakemake.threads,
            progress,
        )
