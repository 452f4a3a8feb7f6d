"""Reconstruct a shard of beats of study 4 by all its methods; a job that was killed repeats no finished fit.

As in `train.py`, torch computes on one thread, so that results are the same bits with any ``--cores``.
"""

import shutil

from step import made_by, step, use_one_thread
from training_run import training_run
from transmural.inverse.surface_reconstruction import reconstruct_beats
from transmural.stores.config import Simulation
from transmural.stores.config.physics_informed import SurfaceMethods, SurfaceSetting
from transmural.stores.contracts import SURFACE_BEATS, SURFACE_RECONSTRUCTIONS
from transmural.stores.store import open_store, write_store

if __name__ == "__main__":
    with step(snakemake) as progress:
        use_one_thread()
        params, wildcards = snakemake.params, snakemake.wildcards
        run = training_run(snakemake, ("physics_informed", wildcards.subject, wildcards.setting), progress)
        dataset = reconstruct_beats(
            open_store(snakemake.input[0], SURFACE_BEATS),
            SurfaceSetting(*params.setting),
            [tuple(fit) for fit in params.fits],
            SurfaceMethods(**params.methods),
            Simulation(**params.simulation),
            run,
            progress,
        )
        write_store(dataset, snakemake.output[0], SURFACE_RECONSTRUCTIONS, made_by(snakemake))
        shutil.rmtree(run.checkpoint, ignore_errors=True)
