"""Train a network of the audit: as the one that it is compared with, but for what its form changes.

It draws from the same random streams, so it starts from the same weights and sees the same batches.
"""

from pathlib import Path

from step import made_by, step
from train import train
from transmural.networks.run import TrainingRun
from transmural.stores.config import TrainingResources

if __name__ == "__main__":
    with step(snakemake) as progress:
        names, params = snakemake.wildcards, snakemake.params
        resources = TrainingResources(**params.training)
        train(
            params.network,
            snakemake.input.anatomy,
            list(snakemake.input.training),
            list(snakemake.input.validation),
            params.settings,
            TrainingRun(
                seed=params.seed,
                stream=("generative_em", names.subject, names.cohort, params.network),
                checkpoint=Path(snakemake.output[0]).with_suffix(".checkpoint"),
                device=resources.device,
                progress=progress,
                gpu_batch_multiple=resources.gpu_batch_multiple,
                code=params.library,
            ),
            snakemake.output[0],
            made_by(snakemake),
        )
