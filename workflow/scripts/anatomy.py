"""Build a subject: label image, myocardial voxels and nodes, fibres, coordinates, electrodes, surfaces."""

from pathlib import Path

from pydantic import TypeAdapter

from step import made_by, step
from transmural.anatomy.build import build_anatomy
from transmural.anatomy.subjects import load_subject
from transmural.stores.config import Anatomy, Subject
from transmural.stores.contracts import ANATOMY
from transmural.stores.store import write_store


def build(name, subject, anatomy, output_path, record):
    image, electrodes = load_subject(name, TypeAdapter(Subject).validate_python(subject), Anatomy(**anatomy), Path())
    dataset = build_anatomy(image, electrodes, Anatomy(**anatomy), name)
    write_store(dataset, output_path, ANATOMY, record)


if __name__ == "__main__":
    with step(snakemake):
        build(
            snakemake.wildcards.subject,
            snakemake.params.subject,
            snakemake.params.anatomy,
            snakemake.output[0],
            made_by(snakemake),
        )
