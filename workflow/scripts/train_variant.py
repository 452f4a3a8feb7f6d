"""Train a network of the audit: as the one that it is compared with, but for what its form changes.

It draws from the same random streams, so it starts from the same weights and sees the same batches.
"""

from step import made_by, step
from train import train
from training_run import training_run

if __name__ == "__main__":
    with step(snakemake) as progress:
        names, params = snakemake.wildcards, snakemake.params
        train(
            params.network,
            snakemake.input.anatomy,
            list(snakemake.input.training),
            list(snakemake.input.validation),
            params.settings,
            training_run(snakemake, ("generative_em", names.subject, names.cohort, params.network), progress),
            snakemake.output[0],
            made_by(snakemake),
        )
