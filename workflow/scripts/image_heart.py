"""Build a heart of study 2, drawn at random or of the catalogue."""

from heart_of import heart_of
from step import made_by, step
from transmural.stores.contracts import ANATOMY
from transmural.stores.store import write_store

if __name__ == "__main__":
    with step(snakemake):
        params = snakemake.params
        anatomy = heart_of(snakemake.wildcards.heart, params.number, params.subject, params.anatomy, params.seed)
        write_store(anatomy, snakemake.output[0], ANATOMY, made_by(snakemake))
