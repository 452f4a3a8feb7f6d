"""Read the published archive of ECGs and potentials into a store."""

from pathlib import Path

from step import made_by, step
from transmural.cohorts.recording_archive import read_archive
from transmural.stores.contracts import RECORDINGS
from transmural.stores.store import write_store


def read(folder, sample_ms, output_path, record):
    write_store(read_archive(Path(folder), sample_ms), output_path, RECORDINGS, record)


if __name__ == "__main__":
    with step(snakemake):
        read(snakemake.input[0], snakemake.params.sample_ms, snakemake.output[0], made_by(snakemake))
