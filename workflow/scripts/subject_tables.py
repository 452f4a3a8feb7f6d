"""Write the table of hearts and torsos: sizes, masses, walls, leads."""

from pathlib import Path

from step import step
from transmural.report.run_tables import subjects_table
from transmural.report.table_forms import write_table
from transmural.stores.contracts import ANATOMY, TRANSFER
from transmural.stores.store import open_store


def write_tables(subjects, anatomy_paths, transfer_paths, folder):
    anatomies = {name: open_store(path, ANATOMY) for name, path in zip(subjects, anatomy_paths, strict=True)}
    transfers = {name: open_store(path, TRANSFER) for name, path in zip(subjects, transfer_paths, strict=True)}
    write_table(subjects_table(anatomies, transfers), Path(folder))


if __name__ == "__main__":
    with step(snakemake):
        write_tables(
            snakemake.params.subjects,
            list(snakemake.input.anatomies),
            list(snakemake.input.transfers),
            snakemake.params.folder,
        )
