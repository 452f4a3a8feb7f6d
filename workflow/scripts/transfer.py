"""Solve the lead fields of a subject: how every lead sees the transmembrane potential of every voxel and node."""

from step import made_by, step
from transmural.stores.config import Torso
from transmural.stores.contracts import ANATOMY, TRANSFER
from transmural.stores.store import open_store, write_store
from transmural.torso.transfer import transfer


def solve(anatomy_path, torso, output_path, record):
    dataset = transfer(open_store(anatomy_path, ANATOMY), Torso(**torso))
    write_store(dataset, output_path, TRANSFER, record)


if __name__ == "__main__":
    with step(snakemake):
        solve(snakemake.input.anatomy, snakemake.params.torso, snakemake.output[0], made_by(snakemake))
