"""Simulated recordings: their contract, what each depends on, repolarisation."""

from collections import Counter
from itertools import chain

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal
from recording_data import design

from transmural.cohorts.recordings import pattern_number, repolarisation, sample_times, simulate_recordings
from transmural.stores.contracts import RECORDINGS, check
from transmural.stores.errors import SimulationError
from transmural.tissue.events import action_potential_duration, activation_time, repolarisation_time
from transmural.tissue.monodomain import Observers, Tissue, simulate
from transmural.torso.leads import STANDARD_12


@pytest.fixture(scope="module")
def transfer(smoke_anatomy):
    """Random lead fields of the standard ECG, among other leads and in another order."""
    names = ["E1", *reversed(STANDARD_12), "E2"]
    field = 1e-3 * np.random.default_rng(0).standard_normal((len(names), smoke_anatomy.sizes["voxel"]))
    return xr.Dataset(
        {"transfer_fine": (("lead", "voxel"), field - field.mean(axis=1, keepdims=True))}, {"lead": names}
    )


@pytest.fixture(scope="module")
def simulated(smoke_anatomy, transfer, study_config):
    def run(recordings, heart="volunteer_01", number=0, given=None, **simulation):
        model = study_config.simulation.model_copy(update=simulation)
        return simulate_recordings(
            smoke_anatomy, transfer, given or design(), model, 5, heart, number, recordings, device="cpu"
        )

    return run


@pytest.fixture(scope="module")
def recordings(simulated):
    return simulated(range(10))


def test_recordings_fulfil_their_contract(recordings):
    check(recordings, RECORDINGS, "recordings")
    assert recordings.sizes == {"case": 10, "lead": 12, "time": 50, "point": 75}
    assert_array_equal(recordings["time"], np.arange(0, 500, 10))
    assert_array_equal(recordings["lead"], STANDARD_12)
    assert recordings.attrs["rest_mv"] == -80


def test_a_recording_depends_on_its_heart_and_number_only_bit_for_bit(simulated, recordings):
    later = simulated(range(6, 9))
    xr.testing.assert_identical(later, recordings.isel(case=slice(6, 9)))


def test_hearts_draw_different_repolarisation(simulated, recordings):
    other = simulated(range(2), heart="volunteer_02")
    assert (other["cycle_length"] != recordings["cycle_length"][:2]).all()
    assert_array_equal(other["pattern"], recordings["pattern"][:2])


def test_repolarisation_is_drawn_within_its_ranges(recordings):
    for name, (low, high) in (("cycle_length", (500, 1200)), ("rapid_rectifier", (0.5, 1.5))):
        values = recordings[name].values
        assert low <= values.min() < values.max() <= high
        assert np.ptp(values) > 0.3 * (high - low)


def test_points_and_leads_are_those_of_their_voxels(recordings, smoke_anatomy, transfer, study_config):
    """The same beat with every voxel observed."""
    from transmural.anatomy.places import WallMap
    from transmural.anatomy.recording_points import recording_points
    from transmural.cohorts.activation_patterns import pattern, sites

    given = design()
    start = sites(pattern(given, 5, pattern_number(given, 0, 3)), WallMap.of(smoke_anatomy), smoke_anatomy)
    voxels, model = smoke_anatomy.sizes["voxel"], study_config.simulation
    beats = simulate(
        Tissue.of(smoke_anatomy),
        np.full((1, voxels), model.a),
        start[None],
        model.model_copy(update={"time_step_ms": given.time_step_ms}),
        sample_times(given),
        Observers(np.arange(voxels), transfer.sel(lead=list(STANDARD_12))["transfer_fine"].values),
        recovery=repolarisation(
            model, recordings["cycle_length"].values[3:4], recordings["rapid_rectifier"].values[3:4]
        ),
        device="cpu",
    )
    assert_array_equal(recordings["tmp"][3], beats.tmp[0][:, recording_points(smoke_anatomy)[1]])
    assert_array_equal(recordings["ecg"][3], beats.ecg[0])


def test_one_pattern_with_other_repolarisation_activates_alike_and_repolarises_otherwise(recordings):
    # Eight patterns: recordings 0 and 8 share theirs.
    assert recordings["pattern"][0] == recordings["pattern"][8]
    one, other = (recordings["tmp"].values[case] for case in (0, 8))
    time = recordings["time"].values
    assert np.nanmax(np.abs(activation_time(one, time) - activation_time(other, time))) < 3
    ends = repolarisation_time(one, time) - repolarisation_time(other, time)
    assert np.nanmin(np.abs(ends)) > 10


def test_all_patterns_appear_equally_often_and_in_several_hearts():
    given = design(hearts=6, recordings=8, patterns=12)
    used = [[pattern_number(given, heart, i) for i in range(given.recordings)] for heart in range(given.hearts)]
    assert set(Counter(chain(*used)).values()) == {4}
    assert all(sum(number in heart for heart in used) == 4 for number in range(given.patterns))


def test_action_potentials_shorten_with_the_rate_and_with_more_rectifier_current(study_config):
    cycle, rectifier = (a.ravel() for a in np.meshgrid([500, 800, 1200], [0.5, 1.0, 1.5], indexing="ij"))
    cell = Tissue(np.zeros((1, 3), int), np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0]]), 3.0)
    model, time = study_config.simulation, np.arange(0.0, 500.0)
    beats = simulate(
        cell,
        np.full((9, 1), model.a),
        np.zeros((9, 3)),
        model,
        time,
        Observers(np.zeros(1, int), np.zeros((0, 1))),
        recovery=repolarisation(model, cycle, rectifier),
        device="cpu",
    )
    duration = action_potential_duration(beats.tmp, time)[:, 0].reshape(3, 3)
    assert (np.diff(duration, axis=0) > 20).all()
    assert (np.diff(duration, axis=1) < -20).all()
    assert duration.min() > 225
    assert duration.max() < 400


def test_a_beat_that_dies_is_named_with_its_heart(simulated):
    with pytest.raises(SimulationError, match=r"volunteer_01 recording 4"):
        simulated(range(4, 5), stimulus_radius_mm=2.0)


def test_no_recordings_are_refused(simulated):
    with pytest.raises(SimulationError, match="no recording to simulate"):
        simulated(range(3, 3))
