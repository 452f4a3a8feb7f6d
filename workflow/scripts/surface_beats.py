"""Simulate all beats of a heart under one protocol of study 4."""

import numpy as np

from step import made_by, step
from transmural.cohorts.surface_beats import beats_of_finer_surface, origin_vertices, simulate_surface_beats
from transmural.stores.config import Simulation
from transmural.stores.config.physics_informed import FINER_PROTOCOLS
from transmural.stores.contracts import ANATOMY, SURFACE_BEATS, SURFACE_TRANSFER
from transmural.stores.store import open_store, write_store


def beats_of(protocol, anatomy, transfer, finer, sites, simulation, time_ms, names, threads):
    given = sites, simulation, time_ms
    if protocol in FINER_PROTOCOLS:
        source = "surface" if protocol == "finer" else "other_cells"
        return beats_of_finer_surface(anatomy, transfer, finer, *given, names, source)
    source = "volume" if protocol == "mismatch" else "surface"
    options = {"case_names": names, "threads": threads, "device": simulation.device}
    return simulate_surface_beats(anatomy, transfer, *given, source, **options)


if __name__ == "__main__":
    with step(snakemake):
        params, protocol = snakemake.params, snakemake.wildcards.protocol
        cases = range(params.first_case, params.first_case + params.cases)
        transfer = open_store(snakemake.input.surface, SURFACE_TRANSFER)
        subject = snakemake.wildcards.subject
        dataset = beats_of(
            protocol,
            open_store(snakemake.input.anatomy, ANATOMY),
            transfer,
            open_store(snakemake.input.finer[0], SURFACE_TRANSFER) if snakemake.input.finer else None,
            origin_vertices(transfer.sizes["vertex"], params.seed, subject, cases),
            Simulation(**params.simulation),
            params.frame_ms * np.arange(int(params.duration_ms / params.frame_ms + 1e-9) + 1),
            [f"{subject}, case {case}" for case in cases],
            snakemake.threads,
        )
        write_store(dataset.assign_coords(case=list(cases)), snakemake.output[0], SURFACE_BEATS, made_by(snakemake))
