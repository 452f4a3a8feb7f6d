"""Simulate the first test cases of a setting with other leads or another heart than the methods' model has."""

from step import made_by, step
from transmural.cohorts.variations import varied_beats
from transmural.stores.config import BeatSampling, Simulation, Torso, VariedCases
from transmural.stores.contracts import ANATOMY, BEATS, COHORT, TRANSFER
from transmural.stores.store import open_store, write_store


def simulate_varied(
    anatomy_path,
    transfer_path,
    cohort_path,
    cases,
    section,
    settings,
    study,
    simulation,
    torso,
    output_path,
    record,
    threads,
):
    simulation = Simulation(**simulation)
    beats = varied_beats(
        open_store(anatomy_path, ANATOMY),
        open_store(transfer_path, TRANSFER),
        open_store(cohort_path, COHORT).isel(case=slice(0, cases)),
        section,
        VariedCases.section(section, settings),
        BeatSampling(**study),
        simulation,
        Torso(**torso),
        threads,
        simulation.device,
    )
    write_store(beats, output_path, BEATS, record)


if __name__ == "__main__":
    with step(snakemake):
        simulate_varied(
            snakemake.input.anatomy,
            snakemake.input.transfer,
            snakemake.input.cohort,
            snakemake.params.cases,
            snakemake.wildcards.section,
            snakemake.params.settings,
            snakemake.params.study,
            snakemake.params.simulation,
            snakemake.params.torso,
            snakemake.output[0],
            made_by(snakemake),
            snakemake.threads,
        )
