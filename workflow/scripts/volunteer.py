"""Build a heart of study 3, drawn at random or of the catalogue, and what its leads see of every voxel."""

from pathlib import Path

from pydantic import TypeAdapter

from step import made_by, step
from transmural.anatomy.build import build_anatomy
from transmural.anatomy.subjects import load_subject
from transmural.cohorts.volunteers import volunteer
from transmural.stores.config import Anatomy, Subject, Torso
from transmural.stores.contracts import ANATOMY, TRANSFER
from transmural.stores.store import write_store
from transmural.torso.transfer import transfer


def build(heart, number, subject, anatomy, torso, seed, anatomy_path, transfer_path, record):
    config = Anatomy(**anatomy)
    if subject is None:
        _, dataset = volunteer(seed, number, config)
    else:
        image, electrodes = load_subject(heart, TypeAdapter(Subject).validate_python(subject), config, Path())
        dataset = build_anatomy(image, electrodes, config, heart)
    write_store(dataset, anatomy_path, ANATOMY, record)
    write_store(transfer(dataset, Torso(**torso)), transfer_path, TRANSFER, record)


if __name__ == "__main__":
    with step(snakemake):
        params = snakemake.params
        build(
            snakemake.wildcards.heart,
            params.number,
            params.subject,
            params.anatomy,
            params.torso,
            params.seed,
            snakemake.output.anatomy,
            snakemake.output.transfer,
            made_by(snakemake),
        )
