"""Draw a subject (labels, fibres, segments, nodes, electrodes) and who is simulated in it."""

from pathlib import Path

from step import step
from transmural.cohorts.plan import PUBLISHED
from transmural.report.style import write_figure
from transmural.report.subjects import subject_figures
from transmural.stores.contracts import ANATOMY, COHORT
from transmural.stores.store import open_store


def draw(subject, anatomy_path, cohort_paths, folder):
    anatomy = open_store(anatomy_path, ANATOMY)
    cohorts = {name: open_store(path, COHORT) for name, path in cohort_paths.items()}
    training = cohorts.pop(PUBLISHED)
    for name, (figure, caption) in subject_figures(anatomy, training, cohorts, subject).items():
        write_figure(figure, caption, Path(folder) / f"{name}_{subject}")


if __name__ == "__main__":
    with step(snakemake):
        draw(
            snakemake.wildcards.subject,
            snakemake.input.anatomy,
            {name: snakemake.input[name] for name in snakemake.params.cohorts},
            snakemake.params.folder,
        )
