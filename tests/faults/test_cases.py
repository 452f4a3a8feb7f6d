"""Cases that can't be computed: they diverge, die out or have no signal; nothing is written of them."""

import numpy as np
import pytest
import xarray as xr
from test_older_code import sealed

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SHEETS = "beats/forward_surrogate/published/0000"
MOVED = "beats/forward_surrogate/moved"
SHARD = "beats/generative_em/slender/unseen_scar/0000"
NETWORK = "networks/forward_surrogate/surrogate"


@pytest.mark.fault("an error that names the sheet; no shard is written")
def test_a_wave_that_does_not_cross_its_sheet(study):
    slow = "forward_surrogate={low_diffusivity: [0.005, 0.006], duration_ms: 900}"
    study.undo(f"{MOVED}/0000")
    study.refused("sheet", "the wave reaches", targets=[f"results/smoke/{MOVED}/0000"], config=[slow])
    assert not (study.results / MOVED / "0000").exists()


@pytest.mark.fault("an error that names the case; no shard is written")
def test_beats_that_die_at_their_origin(study):
    study.undo(SHARD)
    weak = "simulation={stimulus_radius_mm: 2.0, a: 0.17}"
    study.refused("unseen_scar", "case", targets=[f"results/smoke/{SHARD}"], config=[weak])
    assert not (study.results / SHARD).exists()


@pytest.mark.fault("an error that names the step and the largest one; no job starts")
def test_a_time_step_at_which_beats_diverge(study):
    study.undo(SHARD)
    study.refused("simulation.time_step_ms", "unstable", "must be below", config=["simulation={time_step_ms: 2.0}"])
    assert not (study.results / SHARD).exists()


@pytest.mark.fault("an error that names network, epoch and step; no network is written")
def test_a_training_that_diverges(study):
    study.undo(NETWORK)
    rewrite(study.results / SHEETS, "tmp", lambda tmp: np.where(np.indices(tmp.shape).sum(axis=0) % 2, 3e38, -3e38))
    study.refused("surrogate", "isn't finite in epoch 1, step")
    assert not (study.results / NETWORK).exists()


@pytest.mark.fault("an error that names the case; no network is written")
def test_a_sheet_without_any_ecg(study):
    study.undo(NETWORK)
    rewrite(study.results / SHEETS, "ecg", silent)
    study.refused("ECGs: case 0 has values that aren't finite")
    assert not (study.results / NETWORK).exists()


@pytest.mark.fault("an error that names store and variable; no reconstruction is written")
def test_a_beat_whose_ecg_is_not_a_number(study):
    study.undo("reconstructions")
    rewrite(study.results / SHARD, "ecg", lambda ecg: np.where(np.arange(ecg.shape[-1]) == 3, np.nan, ecg))
    study.refused(SHARD, "'ecg'", "not finite")
    assert not list(study.results.glob("reconstructions/*/*/*/unseen_scar/*"))


@pytest.mark.fault("an error that names the case; no reconstruction is written")
def test_a_beat_without_any_ecg(study):
    study.undo("reconstructions")
    rewrite(study.results / SHARD, "ecg", silent)
    study.refused("the ECG of case 1 is zero")
    assert not list(study.results.glob("reconstructions/*/*/*/unseen_scar/*"))


def silent(ecg):
    """ECGs of which the second is zero everywhere."""
    return ecg * (np.arange(len(ecg)) != 1)[:, None, None]


def rewrite(store, name, change):
    """Change the values of a variable of a store, which stays whole."""
    with xr.open_zarr(store / "data.zarr", consolidated=False) as lazy:
        variable = lazy[[name]].load()
    variable[name].values[:] = change(variable[name].values)
    variable.drop_vars(list(variable.coords)).to_zarr(store / "data.zarr", mode="r+", consolidated=False)
    sealed(store, *(path for path in (store / "data.zarr" / name).rglob("*") if path.is_file()))
