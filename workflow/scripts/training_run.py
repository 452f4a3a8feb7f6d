"""What a training is told by its job, the same in every script that trains."""

from pathlib import Path

from transmural.networks.run import TrainingRun
from transmural.stores.config import TrainingResources


def training_run(snakemake, stream: tuple[str, ...], progress, checkpoint: Path | None = None) -> TrainingRun:
    """Run of a training with these names; its checkpoint lies beside the output unless another place is given."""
    resources = TrainingResources(**snakemake.params.training)
    return TrainingRun(
        seed=snakemake.params.seed,
        stream=stream,
        checkpoint=checkpoint or Path(snakemake.output[0]).with_suffix(".checkpoint"),
        device=resources.device,
        progress=progress,
        gpu_batch_multiple=resources.gpu_batch_multiple,
        code=snakemake.params.library,
    )
