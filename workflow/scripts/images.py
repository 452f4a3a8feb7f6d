"""Simulate one shard of a heart's activation maps, slices or whole hearts, with their body-surface potentials."""

from step import made_by, step
from transmural.cohorts.activation_images import simulate_images
from transmural.cohorts.plan import shards
from transmural.stores.config import ActivationImageDesign
from transmural.stores.contracts import ACTIVATION_IMAGES, ACTIVATION_VOLUMES, ANATOMY
from transmural.stores.store import open_store, write_store


def simulate_shard(anatomy_path, design, seed, heart, shard, output_path, record, progress):
    design = ActivationImageDesign(**design)
    part = shards(design.maps, design.shard_maps)[shard]
    dataset = simulate_images(
        open_store(anatomy_path, ANATOMY),
        design,
        seed,
        heart,
        range(part.start, part.stop),
        progress=progress and (lambda done: progress(done, part.stop - part.start)),
    )
    write_store(dataset, output_path, ACTIVATION_IMAGES if design.dimensions == 2 else ACTIVATION_VOLUMES, record)


if __name__ == "__main__":
    with step(snakemake) as progress:
        simulate_shard(
            snakemake.input[0],
            snakemake.params.design,
            snakemake.params.seed,
            snakemake.wildcards.heart,
            int(snakemake.wildcards.shard),
            snakemake.output[0],
            made_by(snakemake),
            progress,
        )
