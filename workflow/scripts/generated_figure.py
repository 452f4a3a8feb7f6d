"""Draw potentials that the trained networks generate without any ECG, beside simulated ones."""

from pathlib import Path

from step import step
from transmural.anatomy.node_graph import NodeGraph
from transmural.evaluation.generated_potentials import generated_traces
from transmural.networks.activation_map_vae import read_activation_map_model
from transmural.networks.sequential_vae import read_generative_model
from transmural.report.generated_potentials import generated_figure
from transmural.report.style import write_figure
from transmural.stores.contracts import ANATOMY, BEATS
from transmural.stores.random_streams import case_generator
from transmural.stores.store import open_shards, open_store


def draw(subject, cohort, anatomy_path, training_paths, new_paths, sequential_path, maps_path, seed, stem):
    training, new = open_shards(training_paths, BEATS), open_shards(new_paths, BEATS)
    time_ms = training["time"].values
    sequential = read_generative_model(sequential_path, training.sizes["node"], time_ms.size)
    maps = read_activation_map_model(maps_path, NodeGraph.of(open_store(anatomy_path, ANATOMY))) if maps_path else None
    stream = case_generator(seed, "generative_em", subject, cohort, "generated")
    sources = generated_traces(training["tmp"].values, new["tmp"].values, time_ms, sequential, maps, stream)
    write_figure(*generated_figure(sources, time_ms, subject, cohort), stem)


if __name__ == "__main__":
    with step(snakemake):
        draw(
            snakemake.params.subject,
            snakemake.params.cohort,
            snakemake.input.anatomy[0],
            list(snakemake.input.training),
            list(snakemake.input.new),
            snakemake.input.sequential[0],
            next(iter(snakemake.input.maps), None),
            snakemake.params.seed,
            Path(snakemake.output[0]).with_suffix(""),
        )
