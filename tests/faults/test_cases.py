"""Cases that can't be computed: they diverge, die out or have no signal; nothing is written of them."""

import numpy as np
import pytest
import xarray as xr
from test_older_code import sealed

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

MOVED = "beats/forward_surrogate/moved"
BEATS = "beats/generative_em/slender"


@pytest.mark.fault("an error that names the sheet; no shard is written")
def test_a_wave_that_does_not_cross_its_sheet(study):
    slow = "forward_surrogate={low_diffusivity: [0.005, 0.006], duration_ms: 900}"
    study.refused("sheet", "the wave reaches", targets=[f"results/smoke/{MOVED}/0000"], config=[slow])
    assert not (study.results / MOVED / "0000").exists()


@pytest.mark.fault("an error that names the case; no shard is written")
def test_beats_that_die_at_their_origin(study):
    weak = "simulation={stimulus_radius_mm: 1.0, a: 0.3}"
    study.refused("unseen_scar", "case", targets=[f"results/smoke/{BEATS}/unseen_scar/0000"], config=[weak])
    assert not (study.results / BEATS / "unseen_scar" / "0000").exists()


@pytest.mark.fault("an error that names the largest step; no shard is written")
def test_a_time_step_at_which_beats_diverge(study):
    large = "simulation={time_step_ms: 2.0, conduction_velocity_m_per_s: 1.0}"
    study.refused("time", targets=[f"results/smoke/{BEATS}/unseen_scar/0000"], config=[large])
    assert not (study.results / BEATS / "unseen_scar" / "0000").exists()


@pytest.mark.fault("an error that names store and variable; no reconstruction is written")
def test_a_beat_whose_ecg_is_not_a_number(study):
    with_ecg(study, lambda ecg: np.where(np.arange(ecg.shape[-1]) == 3, np.nan, ecg))
    study.refused("unseen_scar/0000", "'ecg'", "not finite")


@pytest.mark.fault("an error that names the case; no reconstruction is written")
def test_a_beat_without_any_ecg(study):
    with_ecg(study, lambda ecg: ecg * (np.arange(len(ecg)) != 1)[:, None, None])
    study.refused("the ECG of case 1 is zero")


def with_ecg(study, change):
    """Change the ECGs of a store, which stays whole, and undo what was made from them."""
    study.undo("reconstructions")
    store = study.results / BEATS / "unseen_scar" / "0000"
    with xr.open_zarr(store / "data.zarr", consolidated=False) as lazy:
        ecg = lazy[["ecg"]].load()
    ecg["ecg"].values[:] = change(ecg["ecg"].values)
    ecg.drop_vars(list(ecg.coords)).to_zarr(store / "data.zarr", mode="r+", consolidated=False)
    sealed(store, *(path for path in (store / "data.zarr" / "ecg").rglob("*") if path.is_file()))
