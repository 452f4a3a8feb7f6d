"""Reconstruct the transmembrane potentials of the validation and test beats of a subject with one method."""

from step import made_by, step
from transmural.inverse.preparation import as_dataset, prepare
from transmural.inverse.registry import get
from transmural.inverse.solve import solve
from transmural.stores.config import Measurement
from transmural.stores.contracts import ANATOMY, BEATS, RECONSTRUCTION, TRANSFER
from transmural.stores.store import open_shards, open_store, write_store


def reconstruct(
    subject,
    method,
    anatomy_path,
    transfer_path,
    training_paths,
    beat_paths,
    study,
    amplitude_mv,
    seed,
    output_paths,
    record,
):
    study = Measurement(**study)
    anatomy, transfer = open_store(anatomy_path, ANATOMY), open_store(transfer_path, TRANSFER)
    training = open_shards(training_paths, BEATS) if "training" in get(method).needs else None
    for cohort, output_path in output_paths.items():
        beats = open_shards(beat_paths[cohort], BEATS)
        stream = (seed, "generative_em", subject, cohort)
        problem = prepare(beats, anatomy, transfer, study, amplitude_mv, stream, training)
        found = as_dataset(solve(method, problem), problem.time_ms, get(method))
        write_store(found, output_path, RECONSTRUCTION, {**record, "cohort": cohort})


if __name__ == "__main__":
    with step(snakemake):
        outputs = dict(snakemake.output.items())
        reconstruct(
            snakemake.wildcards.subject,
            snakemake.wildcards.method,
            snakemake.input.anatomy,
            snakemake.input.transfer,
            list(snakemake.input.training),
            {cohort: list(snakemake.input[cohort]) for cohort in outputs},
            snakemake.params.study,
            snakemake.params.amplitude_mv,
            snakemake.params.seed,
            outputs,
            made_by(snakemake),
        )
