"""Choose the origins and scars of the rich training cohort of a subject, apart from all test and validation cases."""

from step import made_by, step
from transmural.cohorts.rich import rich_cohort
from transmural.stores.config import RichDesign, Simulation
from transmural.stores.contracts import ANATOMY, COHORT
from transmural.stores.store import open_store, write_store


def choose(subject, anatomy_path, apart_paths, study, simulation, seed, output_path, record):
    anatomy = open_store(anatomy_path, ANATOMY)
    apart = {name: open_store(path, COHORT) for name, path in apart_paths.items()}
    cohort = rich_cohort(anatomy, apart, RichDesign(**study), Simulation(**simulation), seed, subject)
    write_store(cohort, output_path, COHORT, record)


if __name__ == "__main__":
    with step(snakemake):
        choose(
            snakemake.wildcards.subject,
            snakemake.input.anatomy,
            {name: snakemake.input[name] for name in snakemake.params.apart},
            snakemake.params.study,
            snakemake.params.simulation,
            snakemake.params.seed,
            snakemake.output[0],
            made_by(snakemake),
        )
