"""Score autoencoders and baselines of study 2 on every split, and keep a few predictions for the figures."""

from step import made_by, step, use_one_thread
from transmural.evaluation.image_study import ImageStudy
from transmural.networks.saved import read_network
from transmural.stores.config import ConditionalVAEStudy
from transmural.stores.contracts import (
    ACTIVATION_IMAGES,
    ACTIVATION_VOLUMES,
    PREDICTED_BSPS,
    PREDICTED_MAPS,
    PREDICTED_VOLUMES,
)
from transmural.stores.rows import write_rows
from transmural.stores.store import open_shards, write_store


def score(slice_paths, volume_paths, network_paths, study, seed, output, record):
    use_one_thread()
    networks = {training: read_network(path) for training, path in zip(study.trainings, network_paths, strict=True)}
    slices, volumes = open_shards(slice_paths, ACTIVATION_IMAGES), open_shards(volume_paths, ACTIVATION_VOLUMES)
    scores, *kept = ImageStudy(slices, volumes, networks, study, seed).scores()
    contracts = {"potentials": PREDICTED_BSPS, "slices": PREDICTED_MAPS, "volumes": PREDICTED_VOLUMES}
    for (name, contract), dataset in zip(contracts.items(), kept, strict=True):
        write_store(dataset, output[name], contract, record)
    write_rows(output["scores"], scores, digits=6)


if __name__ == "__main__":
    with step(snakemake):
        score(
            list(snakemake.input.slices),
            list(snakemake.input.volumes),
            list(snakemake.input.networks),
            ConditionalVAEStudy(**snakemake.params.study),
            snakemake.params.seed,
            dict(snakemake.output.items()),
            made_by(snakemake),
        )
