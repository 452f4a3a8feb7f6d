import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from transmural.cohorts.beats import coarse_ecg, frame_times, node_mean, node_scar, simulate_cases
from transmural.cohorts.plan import shards
from transmural.stores.contracts import BEATS, check
from transmural.stores.errors import SimulationError
from transmural.tissue import gpu


@pytest.fixture(scope="module")
def study(study_config):
    return study_config.generative_em.model_copy(update={"duration_ms": 400.0, "frames": 21})


@pytest.fixture(scope="module")
def transfer(smoke_anatomy):
    """Three leads with random fields that give nothing for constant potentials."""
    generator = np.random.default_rng(0)
    fine = 1e-3 * generator.standard_normal((3, smoke_anatomy.sizes["voxel"]))
    fine -= fine.mean(axis=1, keepdims=True)
    node = smoke_anatomy["voxel_node"].values
    coarse = np.stack([np.bincount(node, weights=row) for row in fine])
    return xr.Dataset(
        {"transfer": (("lead", "node"), coarse), "transfer_fine": (("lead", "voxel"), fine)},
        coords={"lead": ["A", "B", "C"]},
    )


@pytest.fixture(scope="module")
def simulated(smoke_anatomy, transfer, smoke_cohorts, study, study_config):
    def run(cases, study=study, threads=1, device="auto", **cohort):
        data = smoke_cohorts["published"].assign(**cohort)
        return simulate_cases(
            smoke_anatomy, transfer, data, cases, study, study_config.simulation, threads, device=device
        )

    return run


@pytest.fixture(scope="module")
def beats(simulated):
    return simulated(slice(0, 5))


@given(st.integers(1, 3000), st.integers(1, 500))
def test_shards_hold_every_case_once_in_order(cases, size):
    parts = shards(cases, size)
    assert [case for part in parts for case in range(cases)[part]] == list(range(cases))
    assert len(parts) == -(-cases // size)
    assert max(part.stop - part.start for part in parts) <= size


def test_frames_run_from_the_stimulus_to_the_end_of_the_beat(study_config):
    times = frame_times(study_config.generative_em)
    assert (times[0], times[-1], len(times)) == (0.0, 550.0, study_config.generative_em.frames)
    assert_allclose(np.diff(times), times[1])


def test_beats_fulfil_their_contract(beats):
    check(beats, BEATS, "beats")
    assert_array_equal(beats["case"], np.arange(5))


def test_beats_say_where_they_were_simulated(simulated, beats):
    assert beats.attrs["simulated_on"] == ("gpu" if gpu.available() else "cpu")
    assert simulated(slice(0, 1), device="cpu").attrs["simulated_on"] == "cpu"


@pytest.mark.skipif(gpu.available(), reason="there is a CUDA device")
def test_asking_for_a_gpu_where_there_is_none_is_refused(simulated):
    with pytest.raises(SimulationError, match="no CUDA device; use 'cpu' or 'auto'"):
        simulated(slice(0, 1), device="gpu")


@pytest.mark.slow
def test_shards_and_threads_do_not_change_a_bit(simulated, beats):
    parts = [simulated(cases, threads=2) for cases in (slice(0, 2), slice(2, 5))]
    xr.testing.assert_identical(xr.concat(parts, "case", data_vars="minimal"), beats)


def test_the_origin_is_where_the_heart_is_activated_first(beats, smoke_anatomy):
    position = smoke_anatomy["node_position"].values
    for origin, activation in zip(beats["origin"].values, beats["activation_time"].values, strict=True):
        gap = np.linalg.norm(position - origin, axis=1)
        assert gap[np.nanargmin(activation)] < 20
        assert np.nanmean(activation[gap < 15]) < np.nanmean(activation) - 50


def test_scars_lower_potentials_where_they_are_and_hardly_elsewhere(beats):
    peak, scar = beats["tmp"].values.max(axis=1), beats["scar"].values
    healthy = peak[int(np.flatnonzero(beats["tissue_id"].values == 0)[0])]
    scarred = np.flatnonzero(scar.any(axis=1))
    assert len(scarred) >= 2
    for case in scarred:
        lost = healthy - peak[case]
        assert lost[scar[case]].mean() > 0.1
        assert abs(lost[~scar[case]]).mean() < 0.01


def test_healthy_beats_have_no_scar_and_activate_every_node(beats):
    healthy = beats["tissue_id"].values == 0
    assert healthy.any()
    assert not beats["scar"].values[healthy].any()
    assert np.isfinite(beats["activation_time"].values[healthy]).all()


def test_potentials_of_leads_come_from_the_fine_grid(beats, transfer, study_config):
    coarse = coarse_ecg(transfer["transfer"].values, beats["tmp"].values, study_config.simulation.amplitude_mv)
    difference = np.linalg.norm(coarse - beats["ecg"].values) / np.linalg.norm(beats["ecg"].values)
    assert beats.attrs["ecg_source"] == "fine grid"
    assert difference > 0.01


def test_inverse_crime_uses_the_coarse_matrix_and_says_so(simulated, beats, transfer, study, study_config):
    crime = simulated(slice(0, 2), study.model_copy(update={"inverse_crime": True}))
    amplitude = study_config.simulation.amplitude_mv
    expected = amplitude * np.einsum("ln,ctn->clt", transfer["transfer"].values, crime["tmp"].values.astype(float))
    assert_allclose(crime["ecg"].values, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    assert_array_equal(crime["tmp"], beats["tmp"].isel(case=slice(0, 2)))
    assert "inverse crime" in crime.attrs["ecg_source"]


def test_a_beat_that_dies_is_named(simulated, smoke_cohorts):
    excitability = smoke_cohorts["published"]["excitability"].copy(deep=True)
    excitability[1] = np.where(np.arange(excitability.sizes["voxel"]) % 2, 0.17, 0.6)
    with pytest.raises(SimulationError, match="published case 1"):
        simulated(slice(0, 2), excitability=excitability)


def test_a_shard_beyond_the_cohort_is_refused(simulated):
    with pytest.raises(SimulationError, match="published: has 12 cases, none of them in"):
        simulated(slice(40, 52))


def test_a_node_is_scar_when_more_than_half_of_its_voxels_are():
    node = np.array([0, 0, 1, 1, 1, 2])
    scar = np.array([[1, 0, 1, 1, 0, 1], [0, 0, 1, 0, 0, 0]], bool)
    assert_array_equal(node_scar(scar, node), [[False, True, True], [False, False, False]])


def test_node_means_keep_the_sum_over_the_voxels():
    generator = np.random.default_rng(2)
    node = np.concatenate([np.arange(7), generator.integers(0, 7, 30)])
    field = generator.uniform(0.15, 0.5, (3, node.size))
    mean = node_mean(field, node)
    assert mean.dtype == np.float32
    assert_allclose(mean @ np.bincount(node), field.sum(axis=1), rtol=1e-5)
    assert_allclose(node_mean(np.array([[1.0, 3.0, 5.0]]), np.array([0, 0, 1])), [[2.0, 5.0]])


def test_beats_know_the_excitability_of_their_nodes(beats, smoke_anatomy, smoke_cohorts):
    voxel, node = smoke_cohorts["published"]["excitability"].values[:5], smoke_anatomy["voxel_node"].values
    for number in (0, 7):
        assert_allclose(beats["excitability"][:, number], voxel[:, node == number].mean(axis=1), rtol=1e-5)
