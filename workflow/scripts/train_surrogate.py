"""Train the surrogate of the forward problem, one of its ablations, or one that never saw a tissue class.

As in `train.py`, a killed training goes on from its checkpoint, and torch computes on one thread.
"""

import numpy as np

from step import made_by, step, use_one_thread
from training_run import training_run
from transmural.cohorts.sheets import PARTS, REFERENCE, EcgScale, part_of
from transmural.networks.checkpoint import remove_checkpoint
from transmural.networks.forward_surrogate import FORMS, train
from transmural.networks.saved import write_network
from transmural.stores.config.networks import ForwardSurrogate
from transmural.stores.config.sheets import WITHOUT
from transmural.stores.contracts import SHEETS
from transmural.stores.store import open_shards


def train_form(form, shard_paths, network, test_share, ecg_scale, run, output_path, record):
    use_one_thread()
    sheets = open_shards(shard_paths, SHEETS)
    classes, tmp = sheets["tissue_class"].values, sheets["tmp"].values
    parts = part_of(classes, test_share)
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
        form = snakemake.wildcards.form
        train_form(
            form,
            list(snakemake.input),
            snakemake.params.network,
            snakemake.params.test_share,
            snakemake.params.ecg_scale,
            training_run(snakemake, ("forward_surrogate", form), progress),
            snakemake.output[0],
            made_by(snakemake),
        )
