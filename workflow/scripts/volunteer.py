"""Build a heart of study 3, drawn at random or of the catalogue, and what its leads see of every voxel."""

from heart_of import heart_of
from step import made_by, step
from transmural.stores.config import Torso
from transmural.stores.contracts import ANATOMY, VOXEL_TRANSFER
from transmural.stores.store import write_store
from transmural.torso.transfer import voxel_transfer


def build(anatomy, torso, anatomy_path, transfer_path, record):
    write_store(anatomy, anatomy_path, ANATOMY, record)
    write_store(voxel_transfer(anatomy, Torso(**torso)), transfer_path, VOXEL_TRANSFER, record)


if __name__ == "__main__":
    with step(snakemake):
        params = snakemake.params
        build(
            heart_of(snakemake.wildcards.heart, params.number, params.subject, params.anatomy, params.seed),
            params.torso,
            snakemake.output.anatomy,
            snakemake.output.transfer,
            made_by(snakemake),
        )
