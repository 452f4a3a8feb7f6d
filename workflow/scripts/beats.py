"""Simulate one shard of a cohort: transmembrane potentials at the nodes and noise-free ECGs from the fine grid."""

from functools import partial

from step import made_by, step
from transmural.cohorts.beats import simulate_cases
from transmural.cohorts.plan import shards
from transmural.stores.config import BeatSampling, Simulation
from transmural.stores.contracts import ANATOMY, BEATS, COHORT, TRANSFER
from transmural.stores.store import open_store, write_store


def simulate_shard(
    anatomy_path, transfer_path, cohort_path, shard, study, simulation, output_path, record, threads=1, progress=None
):
    study, simulation = BeatSampling(**study), Simulation(**simulation)
    cohort = open_store(cohort_path, COHORT)
    cases = shards(cohort.sizes["case"], study.shard_cases)[shard]
    beats = simulate_cases(
        open_store(anatomy_path, ANATOMY),
        open_store(transfer_path, TRANSFER),
        cohort,
        cases,
        study,
        simulation,
        threads,
        progress and partial(progress, total=cases.stop - cases.start),
        simulation.device,
    )
    write_store(beats, output_path, BEATS, record)


if __name__ == "__main__":
    with step(snakemake) as progress:
        simulate_shard(
            snakemake.input.anatomy,
            snakemake.input.transfer,
            snakemake.input.cohort,
            int(snakemake.wildcards.shard),
            snakemake.params.study,
            snakemake.params.simulation,
            snakemake.output[0],
            made_by(snakemake),
            snakemake.threads,
            progress,
        )
