"""Train an autoencoder of study 2; as in `train.py`, a killed training goes on, and torch computes on one thread."""

from step import made_by, step, use_one_thread
from training_run import training_run
from transmural.cohorts.image_splits import ImageScaling, parts_of
from transmural.cohorts.recording_splits import PARTS
from transmural.networks import bsp_vae, conditional_vae, map_vae
from transmural.networks.checkpoint import remove_checkpoint
from transmural.networks.saved import write_network
from transmural.stores.config.image_networks import ConditionalVAE, FullyConditionedVAE, ImageVAE
from transmural.stores.config.images import ELECTRODE_AXES, ImageParts, ImageTraining
from transmural.stores.contracts import ACTIVATION_IMAGES, ACTIVATION_VOLUMES
from transmural.stores.store import open_shards


def train(training, paths, parts, network, seed, run, output_path, record):
    use_one_thread()
    images = open_shards(paths, ACTIVATION_IMAGES if training.cohort == "slices" else ACTIVATION_VOLUMES)
    part = parts_of(images, training.split, ImageParts(**parts), seed)
    known = [images.isel(case=part == name) for name in PARTS[:2]]
    scaling = ImageScaling.of(known[0])
    bsp = [cases["bsp"].values for cases in known]
    maps = [scaling.maps.scaled(cases["activation_time"].values) for cases in known]
    if training.form == "bsp_vae":
        trained = bsp_vae.train(*map(scaling.bsp.scaled, bsp), ImageVAE(**network), run)
    elif training.form == "map_vae":
        trained = map_vae.train(*maps, ImageVAE(**network), run)
    else:
        given = zip(maps, bsp, [cases["mask"].values for cases in known], strict=True)
        settings = FullyConditionedVAE if training.form == "cvae_conditioned" else ConditionalVAE
        trained = conditional_vae.train(*given, settings(**network), run, ELECTRODE_AXES[training.cohort])
    write_network(trained, output_path, record)
    remove_checkpoint(run.checkpoint)


if __name__ == "__main__":
    with step(snakemake) as progress:
        training = ImageTraining(**dict(snakemake.wildcards.items()))
        train(
            training,
            list(snakemake.input),
            snakemake.params.parts,
            snakemake.params.network,
            snakemake.params.seed,
            training_run(snakemake, ("conditional_vae", *training), progress),
            snakemake.output[0],
            made_by(snakemake),
        )
