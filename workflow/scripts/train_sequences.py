"""Train a network of study 3 on one split, once for each kind of input that it is tested with.

As in `train.py`, a killed training goes on from its checkpoint, and torch computes on one thread. Checkpoints are kept
until all trainings of the job are written, because Snakemake deletes the output of a killed job.
"""

from dataclasses import replace
from pathlib import Path

from step import made_by, step, use_one_thread
from training_run import training_run
from transmural.cohorts.recording_splits import PARTS, EcgScaling, parts_of
from transmural.networks.checkpoint import remove_checkpoint
from transmural.networks.saved import write_network
from transmural.networks.sequence_regression import train
from transmural.stores.config.sequences import SEGMENT_MS, SequenceTraining
from transmural.stores.contracts import RECORDINGS
from transmural.stores.store import open_shards


def train_all(model, split, cuts, paths, settings, test_share, sample_ms, run, output_path, record):
    use_one_thread()
    recordings = open_shards(paths, RECORDINGS)
    parts = parts_of(recordings, split, test_share, run.seed)
    known = [recordings.isel(case=parts == part) for part in PARTS[:2]]
    scaling = EcgScaling.of(known[0]["ecg"].values)
    given = [values for part in known for values in (scaling.scaled(part["ecg"].values), part["tmp"].values)]
    checkpoints = [Path(f"{output_path}.{cut}.checkpoint") for cut in cuts]
    for cut, checkpoint in zip(cuts, checkpoints, strict=True):
        # The same first weights and batches whatever the input.
        own = replace(run, checkpoint=checkpoint)
        trained = train(model, *given, SequenceTraining(**settings), own, cut, SEGMENT_MS // sample_ms)
        write_network(trained, Path(output_path) / cut, record)
    for checkpoint in checkpoints:
        remove_checkpoint(checkpoint)


if __name__ == "__main__":
    with step(snakemake) as progress:
        names, params = snakemake.wildcards, snakemake.params
        train_all(
            names.model,
            names.split,
            params.cuts,
            list(snakemake.input),
            params.network,
            params.test_share,
            params.sample_ms,
            training_run(snakemake, ("sequence_models", names.split, names.model), progress),
            snakemake.output[0],
            made_by(snakemake),
        )
