"""Reconstruct the transmembrane potentials of the validation and test beats of a subject with one method.

A method that learns does so from one training cohort: its beats, or a network trained on them.
"""

from pathlib import Path

from step import made_by, step, use_one_thread
from transmural.inverse.preparation import as_dataset, prepare
from transmural.inverse.registry import get
from transmural.inverse.solve import solve
from transmural.stores.config import Inference, Measurement
from transmural.stores.contracts import ANATOMY, BEATS, RECONSTRUCTION, TRANSFER
from transmural.stores.store import open_shards, open_store, write_store


def reconstruct(
    subject,
    method,
    anatomy_path,
    transfer_path,
    training_paths,
    network_path,
    beat_paths,
    study,
    inference,
    amplitude_mv,
    seed,
    output_paths,
    record,
):
    study = Measurement(**study)
    anatomy, transfer = open_store(anatomy_path, ANATOMY), open_store(transfer_path, TRANSFER)
    training = open_shards(training_paths, BEATS) if training_paths else None
    settings = None if inference is None else Inference.of(method, inference)
    if network_path is not None:
        use_one_thread()
    for setting, output_path in output_paths.items():
        beats = open_shards(beat_paths[setting], BEATS)
        stream = (seed, "generative_em", subject, setting)
        problem = prepare(beats, anatomy, transfer, study, amplitude_mv, stream, training, network_path, settings)
        found = as_dataset(solve(method, problem), problem.time_ms, get(method))
        write_store(found, output_path, RECONSTRUCTION, {**record, "setting": setting})


if __name__ == "__main__":
    with step(snakemake):
        outputs = dict(snakemake.output.items())
        reconstruct(
            snakemake.wildcards.subject,
            snakemake.wildcards.method,
            snakemake.input.anatomy,
            snakemake.input.transfer,
            list(snakemake.input.training),
            next(map(Path, snakemake.input.network), None),
            {setting: list(snakemake.input[setting]) for setting in outputs},
            snakemake.params.study,
            snakemake.params.inference,
            snakemake.params.amplitude_mv,
            snakemake.params.seed,
            outputs,
            made_by(snakemake),
        )
