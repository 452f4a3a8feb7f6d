"""Make a closed surface of a heart for study 4, outer, finer or the wall's, with its transfer matrix."""

from step import made_by, step
from transmural.anatomy.heart_surface import heart_surface
from transmural.stores.config import Torso
from transmural.stores.contracts import ANATOMY, SURFACE_TRANSFER
from transmural.stores.store import open_store, write_store
from transmural.torso.surface_transfer import surface_transfer


def make(anatomy_path, kind, vertices, electrodes, torso, output_path, record):
    anatomy = open_store(anatomy_path, ANATOMY)
    surface = heart_surface(anatomy, vertices, "wall" if kind == "wall" else "outer")
    matrix = "transmembrane" if kind == "wall" else "potential"
    dataset = surface_transfer(anatomy, surface, Torso(**torso), matrix, electrodes)
    write_store(dataset, output_path, SURFACE_TRANSFER, record)


if __name__ == "__main__":
    with step(snakemake):
        params = snakemake.params
        make(
            snakemake.input[0],
            snakemake.wildcards.surface,
            params.vertices,
            params.electrodes,
            params.torso,
            snakemake.output[0],
            made_by(snakemake),
        )
