"""Simulate one shard of a heart's recordings: 12-lead ECGs and potentials at the named points."""

from step import made_by, step
from transmural.cohorts.plan import shards
from transmural.cohorts.recordings import simulate_recordings
from transmural.stores.config import RecordingDesign, Simulation
from transmural.stores.contracts import ANATOMY, RECORDINGS, VOXEL_TRANSFER
from transmural.stores.store import open_store, write_store


def simulate_shard(
    anatomy_path, transfer_path, design, simulation, seed, heart, number, shard, output_path, record, threads, progress
):
    design, simulation = RecordingDesign(**design), Simulation(**simulation)
    part = shards(design.recordings, design.shard_recordings)[shard]
    dataset = simulate_recordings(
        open_store(anatomy_path, ANATOMY),
        open_store(transfer_path, VOXEL_TRANSFER),
        design,
        simulation,
        seed,
        heart,
        number,
        range(part.start, part.stop),
        threads=threads,
        progress=progress and (lambda done: progress(done, part.stop - part.start)),
        device=simulation.device,
    )
    write_store(dataset, output_path, RECORDINGS, record)


if __name__ == "__main__":
    with step(snakemake) as progress:
        simulate_shard(
            snakemake.input.anatomy,
            snakemake.input.transfer,
            snakemake.params.design,
            snakemake.params.simulation,
            snakemake.params.seed,
            snakemake.wildcards.heart,
            snakemake.params.number,
            int(snakemake.wildcards.shard),
            snakemake.output[0],
            made_by(snakemake),
            snakemake.threads,
            progress,
        )
