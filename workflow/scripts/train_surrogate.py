"""Train the surrogate of the forward problem, one of its ablations, or one that never saw a tissue class.

As in `train.py`, a killed training goes on from its checkpoint, and torch computes on one thread.
"""

from pathlib import Path

import numpy as np
import torch

from step import made_by, step
from transmural.cohorts.sheets import PARTS, REFERENCE, EcgScale, part_of
from transmural.networks.checkpoint import remove_checkpoint
from transmural.networks.forward_surrogate import FORMS, train
from transmural.networks.run import TrainingRun
from transmural.networks.saved import write_network
from transmural.stores.config import TrainingResources
from transmural.stores.config.networks import ForwardSurrogate
from transmural.stores.config.sheets import WITHOUT
from transmural.stores.contracts import SHEETS
from transmural.stores.store import open_shards


def train_form(form, shard_paths, network, ecg_scale, run, output_path, record):
    torch.set_num_threads(1)
    sheets = open_shards(shard_paths, SHEETS)
    classes, tmp = sheets["tissue_class"].values, sheets["tmp"].values
    parts = part_of(classes)
    ecg = sheets["ecg"].sel(lead=REFERENCE).values
    ecg = EcgScale.of(ecg, ecg[parts == PARTS[0]], ecg_scale).scaled(ecg).astype(np.float32)
    seen = classes != form.removeprefix(WITHOUT)
    settings = ForwardSurrogate(**network | FORMS.get(form, {}))
    chosen = (seen & (parts == part) for part in PARTS[:2])
    trained = train(*(values[which] for which in chosen for values in (tmp, ecg)), settings, run)
    write_network(trained, output_path, record)
    remove_checkpoint(run.checkpoint)


if __name__ == "__main__":
    with step(snakemake) as progress:
        form, resources = snakemake.wildcards.form, TrainingResources(**snakemake.params.training)
        train_form(
            form,
            list(snakemake.input),
            snakemake.params.network,
            snakemake.params.ecg_scale,
            TrainingRun(
                seed=snakemake.params.seed,
                stream=("forward_surrogate", form),
                checkpoint=Path(snakemake.output[0]).with_suffix(".checkpoint"),
                device=resources.device,
                progress=progress,
                gpu_batch_multiple=resources.gpu_batch_multiple,
                code=snakemake.params.library,
            ),
            snakemake.output[0],
            made_by(snakemake),
        )
