"""Simulate all beats of a heart under one protocol of study 4."""

import numpy as np

from step import made_by, step
from transmural.cohorts.surface_beats import origin_vertices, sampled_beats, simulate_surface_beats
from transmural.stores.config import Simulation
from transmural.stores.contracts import ANATOMY, SURFACE_BEATS, SURFACE_TRANSFER
from transmural.stores.store import open_store, write_store


def nearest_vertices(coarse, fine, sites):
    """Vertices of the fine surface nearest to given ones of the coarse surface, a list a case."""
    position = fine["vertex_position"].values
    found = coarse["vertex_position"].values[np.asarray(sites)]
    return [[int(np.argmin(np.sum((position - site) ** 2, axis=1))) for site in case] for case in found]


def beats_of(protocol, anatomy, transfer, finer, sites, simulation, time_ms, names, threads):
    options = {"case_names": names, "threads": threads, "device": simulation.device}
    if protocol != "finer":
        source = "volume" if protocol == "mismatch" else "surface"
        return simulate_surface_beats(anatomy, transfer, sites, simulation, time_ms, source, **options)
    fine = simulate_surface_beats(
        anatomy, finer, nearest_vertices(transfer, finer, sites), simulation, time_ms, "surface", **options
    )
    return sampled_beats(fine, transfer)


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
