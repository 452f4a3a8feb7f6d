"""Beats as they really are where a method's model is wrong: other leads, or another heart.

Where the body is varied the hearts beat as before and only their ECGs differ. Where the tissue is, the potentials
differ too, and these are the truth then.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr

from transmural.cohorts.beats import simulate_cases
from transmural.stores.config import BeatSampling, Simulation, Torso
from transmural.stores.config.robustness import Tissue, Variation, Variations
from transmural.tissue.blocks import Device
from transmural.torso.transfer import transfer as full_transfer
from transmural.torso.transfer import voxel_transfer
from transmural.torso.variations import varied_transfer


def varied_beats(
    anatomy: xr.Dataset,
    transfer: xr.Dataset,
    cohort: xr.Dataset,
    section: str,
    settings: Variations,
    study: BeatSampling,
    simulation: Simulation,
    torso: Torso,
    threads: int = 1,
    device: Device = "auto",
) -> xr.Dataset:
    """Beats of a cohort at every level of the variations of one section.

    Parameters
    ----------
    anatomy, transfer
        Of the subject, unvaried (`contracts.ANATOMY`, `contracts.TRANSFER`).
    cohort
        The cases (`contracts.COHORT`).
    section, settings
        Name and content of a section of `config.robustness.Robustness`.
    study, simulation, torso
        How beats are simulated, unvaried.
    threads, device
        As for `beats.simulate_cases`.

    Returns
    -------
    Fulfils `contracts.BEATS`, with all cases of the first level, then all of the next, and ``variation`` (case,) and
    ``level`` (case,) besides.
    """
    levels = settings.of(section)
    simulated = partial(
        simulate_cases, cases=slice(0, cohort.sizes["case"]), study=study, threads=threads, device=device
    )
    if isinstance(settings, Tissue):
        beats = []
        for variation in levels:
            tissue = varied_simulation(simulation, variation)
            cases = varied_excitability(cohort, simulation, tissue)
            beats.append(simulated(anatomy, transfer, cases, simulation=tissue))
    else:
        # Other leads see the same beats: one simulation with the leads of all levels.
        solve = full_transfer if study.inverse_crime else voxel_transfer
        seen = [varied_transfer(anatomy, torso, settings, variation, solve) for variation in levels]
        every = simulated(anatomy, _joined(seen), cohort, simulation=simulation)
        leads = transfer.sizes["lead"]
        beats = [every.isel(lead=slice(k * leads, (k + 1) * leads)) for k in range(len(levels))]
    return xr.concat([_labelled(b, v) for b, v in zip(beats, levels, strict=True)], dim="case", data_vars="all")


def levels_of(beats: xr.Dataset, variations: Sequence[Variation]) -> list[tuple[Variation, xr.Dataset]]:
    """The beats of each of those variations that are in a store of `varied_beats`, in the given order."""
    found = []
    for variation in variations:
        here = (beats["variation"].values == variation.name) & np.isclose(beats["level"].values, variation.level)
        if here.any():
            found.append((variation, beats.isel(case=np.flatnonzero(here))))
    return found


def varied_simulation(simulation: Simulation, variation: Variation) -> Simulation:
    """The electrophysiological model with one thing otherwise (a key of `config.robustness.Tissue`)."""
    level = variation.level
    changed = {
        "velocity": {"conduction_velocity_m_per_s": level * simulation.conduction_velocity_m_per_s},
        "recovery": {"epsilon0": level * simulation.epsilon0, "mu1": level * simulation.mu1},
        "a": {"a": level},
    }
    return simulation.model_copy(update=changed[variation.key])


def varied_excitability(cohort: xr.Dataset, simulation: Simulation, varied: Simulation) -> xr.Dataset:
    """The cohort with healthy tissue at the threshold of ``varied``, scar cores as they are, borders in proportion."""
    a = cohort["excitability"]
    share = (simulation.scar_a - a.values) / (simulation.scar_a - simulation.a)
    return cohort.assign(
        excitability=a.copy(data=a.values + np.float32(varied.a - simulation.a) * share.astype(a.dtype))
    )


def _joined(transfers: Sequence[xr.Dataset]) -> xr.Dataset:
    """Leads of several transfer matrices one after the other."""
    kept = [name for name in ("transfer", "transfer_fine") if name in transfers[0]]
    return xr.concat([matrices[kept] for matrices in transfers], dim="lead", join="override")


def _labelled(beats: xr.Dataset, variation: Variation) -> xr.Dataset:
    cases = beats.sizes["case"]
    labels = {"units": "1", "long_name": "what is made otherwise"}
    levels = {"units": variation.unit, "long_name": "how much, in the unit of the variation"}
    return beats.assign(
        variation=("case", np.full(cases, variation.name), labels),
        level=("case", np.full(cases, variation.level), levels),
    )
