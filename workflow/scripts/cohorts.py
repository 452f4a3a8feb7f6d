"""Choose the origins and scars of the training, validation and test beats of a subject."""

from step import made_by, step
from transmural.cohorts.design import design
from transmural.stores.config import CohortDesign, Simulation
from transmural.stores.contracts import ANATOMY, COHORT
from transmural.stores.store import open_store, write_store


def choose(subject, anatomy_path, study, simulation, seed, output_paths, record):
    anatomy = open_store(anatomy_path, ANATOMY)
    cohorts = design(anatomy, CohortDesign(**study), Simulation(**simulation), seed, subject)
    for name, path in output_paths.items():
        write_store(cohorts[name], path, COHORT, {**record, "cohort": name})


if __name__ == "__main__":
    with step(snakemake):
        choose(
            snakemake.wildcards.subject,
            snakemake.input.anatomy,
            snakemake.params.study,
            snakemake.params.simulation,
            snakemake.params.seed,
            dict(snakemake.output.items()),
            made_by(snakemake),
        )
