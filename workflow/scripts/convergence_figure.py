"""Follow EM and the marginal MAP step by step on validation beats of a heart, and draw it."""

from pathlib import Path

from step import step, use_one_thread
from transmural.cohorts.plan import VALIDATION
from transmural.evaluation.convergence import convergence
from transmural.evaluation.followed_methods import METHODS
from transmural.inverse.preparation import prepare
from transmural.inverse.registry import labels
from transmural.report.convergence_figure import convergence_figure
from transmural.report.style import write_figure
from transmural.stores.config import Convergence, Inference, Measurement
from transmural.stores.contracts import ANATOMY, BEATS, TRANSFER
from transmural.stores.rows import write_rows
from transmural.stores.store import open_shards, open_store


def draw(
    subject, cohort, anatomy_path, transfer_path, training_paths, beat_paths, network_path, study, inference,
    settings, amplitude_mv, seed, steps_path, stem
):  # fmt: skip
    use_one_thread()
    settings = Convergence(**settings)
    beats = open_shards(beat_paths, BEATS).isel(case=slice(settings.cases))
    problem = prepare(
        beats,
        open_store(anatomy_path, ANATOMY),
        open_store(transfer_path, TRANSFER),
        Measurement(**study),
        amplitude_mv,
        (seed, "generative_em", subject, VALIDATION),
        open_shards(training_paths, BEATS),
        Path(network_path),
        Inference.model_construct(**{name: getattr(Inference.of(name, inference[name]), name) for name in METHODS}),
    )
    steps = convergence(problem, beats["tmp"].values, settings.steps)
    write_rows(steps_path, steps)
    write_figure(*convergence_figure(steps, labels(), subject, cohort), stem)


if __name__ == "__main__":
    with step(snakemake):
        draw(
            snakemake.params.subject,
            snakemake.params.cohort,
            snakemake.input.anatomy[0],
            snakemake.input.transfer[0],
            list(snakemake.input.training),
            list(snakemake.input.beats),
            snakemake.input.network[0],
            snakemake.params.study,
            snakemake.params.inference,
            snakemake.params.settings,
            snakemake.params.amplitude_mv,
            snakemake.params.seed,
            snakemake.output.steps,
            Path(snakemake.output.svg).with_suffix(""),
        )
