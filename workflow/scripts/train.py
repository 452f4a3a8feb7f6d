"""Train a network on one training cohort of a subject, watched on the validation cohort.

A training that was killed goes on from its checkpoint, which lies beside the output, because Snakemake deletes what a
killed job has written. Torch computes on one thread: how it splits a sum between threads changes its last bits.
"""

from step import made_by, step, use_one_thread
from training_run import training_run
from transmural.networks.beats import TrainingBeats
from transmural.networks.checkpoint import remove_checkpoint
from transmural.networks.registry import get
from transmural.networks.saved import write_network
from transmural.stores.config import network_settings
from transmural.stores.contracts import ANATOMY, BEATS
from transmural.stores.store import open_shards, open_store


def train(network, anatomy_path, training_paths, validation_paths, settings, run, output_path, record):
    use_one_thread()
    anatomy = open_store(anatomy_path, ANATOMY)
    beats, validation = (
        TrainingBeats.of(open_shards(paths, BEATS), anatomy) for paths in (training_paths, validation_paths)
    )
    trained = get(network).train(beats, validation, network_settings(network, settings), run)
    write_network(trained, output_path, record)
    remove_checkpoint(run.checkpoint)


if __name__ == "__main__":
    with step(snakemake) as progress:
        names = snakemake.wildcards
        train(
            names.network,
            snakemake.input.anatomy,
            list(snakemake.input.training),
            list(snakemake.input.validation),
            snakemake.params.settings,
            training_run(snakemake, ("generative_em", names.subject, names.cohort, names.network), progress),
            snakemake.output[0],
            made_by(snakemake),
        )
