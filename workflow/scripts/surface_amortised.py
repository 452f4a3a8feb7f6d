"""Reconstruct the beats of protocol mismatch of study 4 by methods of generative_em, trained as there.

As in `train.py`, torch computes on one thread, so that results are the same bits with any ``--cores``.
"""

from pathlib import Path

from step import made_by, step, use_one_thread
from transmural.cohorts.surface_beats import beats_at_nodes
from transmural.inverse.surface_amortised import reconstruct_amortised
from transmural.stores.config import BeatSampling, Inference, Measurement, Simulation
from transmural.stores.contracts import ANATOMY, BEATS, SURFACE_BEATS, SURFACE_RECONSTRUCTIONS, TRANSFER
from transmural.stores.store import open_shards, open_store, write_store

if __name__ == "__main__":
    with step(snakemake) as progress:
        use_one_thread()
        params, given = snakemake.params, snakemake.input
        networks = {name: Path(path) for name, path in given.items() if name in params.methods}
        methods = {
            name: (networks.get(name), None if settings is None else Inference.of(name, settings))
            for name, settings in params.methods.items()
        }
        heart = open_store(given.anatomy, ANATOMY), open_store(given.transfer, TRANSFER)
        beats, simulation = open_store(given.beats, SURFACE_BEATS), Simulation(**params.simulation)
        dataset = reconstruct_amortised(
            beats,
            beats_at_nodes(beats, *heart, BeatSampling(**params.sampling), simulation, snakemake.threads),
            *heart,
            params.sigma,
            params.seed,
            Measurement(**params.measurement),
            simulation,
            methods,
            open_shards(list(given.training), BEATS) if given.training else None,
            progress,
        )
        write_store(dataset, snakemake.output[0], SURFACE_RECONSTRUCTIONS, made_by(snakemake))
