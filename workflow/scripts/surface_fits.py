"""Reconstruct a shard of beats of study 4 by all its methods; a job that was killed repeats no finished fit.

As in `train.py`, torch computes on one thread, so that results are the same bits with any ``--cores``.
"""

import shutil

import numpy as np
import torch
import xarray as xr

from step import made_by, step
from training_run import training_run
from transmural.cohorts.surface_beats import noisy_ecg
from transmural.inverse.surface_reconstruction import KnownHeart, fit_run
from transmural.stores.config import Simulation
from transmural.stores.config.physics_informed import SurfaceMethods, SurfaceSetting
from transmural.stores.contracts import SURFACE_BEATS, SURFACE_RECONSTRUCTIONS
from transmural.stores.store import open_store, write_store


def reconstructed(beats, setting, wanted, methods, simulation, run, progress):
    """Reconstructions of beats by methods: case, method and seed of each in ``wanted``."""
    heart = KnownHeart(beats, setting.electrodes, simulation)
    cases = list(dict.fromkeys(case for case, *_ in wanted))
    data, noise_sd = noisy_ecg(beats.sel(case=cases), setting.electrodes, setting.sigma, run.seed)
    known = {case: heart.beat(*recorded) for case, *recorded in zip(cases, data, noise_sd, strict=True)}
    found = []
    for done, fit in enumerate(wanted, start=1):
        found.append(heart.reconstruct(known[fit[0]], fit[1], methods, fit_run(run, *fit)))
        progress(done, len(wanted))
    case, method, seed = zip(*wanted, strict=True)
    term, history = histories([one.history for one in found])
    return xr.Dataset(
        {
            "potential": (("fit", "time", "vertex"), np.stack([one.potential for one in found])),
            "seconds": ("fit", np.array([one.seconds for one in found])),
            "history": (("fit", "term", "epoch"), history),
        },
        coords={
            "case": ("fit", list(case)),
            "method": ("fit", list(method)),
            "seed": ("fit", list(seed)),
            "term": term,
            "time": beats["time"].values,
        },
        attrs={"subject": beats.attrs["subject"]},
    )


def histories(given):
    """Terms of the training in alphabetical order, and their means in every epoch, (fit, term, epoch), NaN for none."""
    terms = sorted({name for history in given for entry in history for name in entry if name.startswith("train_")})
    values = np.full((len(given), len(terms), max(1, *map(len, given))), np.nan)
    for fit, history in enumerate(given):
        for epoch, entry in enumerate(history):
            values[fit, :, epoch] = [entry.get(term, np.nan) for term in terms]
    return [term.removeprefix("train_") for term in terms], values


if __name__ == "__main__":
    with step(snakemake) as progress:
        torch.set_num_threads(1)
        params, wildcards = snakemake.params, snakemake.wildcards
        run = training_run(snakemake, ("physics_informed", wildcards.subject, wildcards.setting), progress)
        dataset = reconstructed(
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
