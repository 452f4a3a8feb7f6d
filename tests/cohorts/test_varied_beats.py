"""Beats of bodies and tissues that are otherwise than the methods' model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from transmural.cohorts.beats import simulate_cases
from transmural.cohorts.variations import levels_of, varied_beats, varied_excitability, varied_simulation
from transmural.stores.config.robustness import Conductivities, Electrodes, Tissue, Variation
from transmural.stores.contracts import BEATS, check
from transmural.torso.transfer import transfer

CASES = 2


@pytest.fixture(scope="module")
def study(study_config):
    return study_config.generative_em.model_copy(update={"duration_ms": 400.0, "frames": 21})


@pytest.fixture(scope="module")
def cohort(smoke_cohorts):
    return smoke_cohorts["unseen_both"].isel(case=slice(0, CASES))


@pytest.fixture(scope="module")
def heart(smoke_anatomy):
    """The smoke-scale heart with few electrodes, each of which costs a solve."""
    return smoke_anatomy.isel(electrode=slice(0, None, 20))


@pytest.fixture(scope="module")
def torso(study_config):
    return study_config.torso.model_copy(update={"heart_element_mm": 9.0, "body_element_mm": 36.0})


@pytest.fixture(scope="module")
def matrices(heart, torso):
    return transfer(heart, torso)


@pytest.fixture(scope="module")
def unvaried(heart, matrices, cohort, study, study_config):
    return simulate_cases(heart, matrices, cohort, slice(0, CASES), study, study_config.simulation)


@pytest.fixture(scope="module")
def vary(heart, matrices, torso, cohort, study, study_config):
    def run(section, settings, study=study):
        return varied_beats(heart, matrices, cohort, section, settings, study, study_config.simulation, torso)

    return run


@pytest.fixture(scope="module")
def electrodes(vary):
    return vary("electrodes", Electrodes(shift_mm=[0, 10], towards=(0, 0, 1)))


@pytest.fixture(scope="module")
def tissue(vary):
    return vary("tissue", Tissue(velocity=[1.0, 0.8], recovery=[0.8], a=[]))


def at(beats, name, level):
    section, key = name.split(".")
    return levels_of(beats, [Variation(section, key, level, "1")])[0][1]


def test_beats_of_all_levels_keep_their_contract_and_their_cases(electrodes, cohort):
    check(electrodes, BEATS, "varied")
    assert_array_equal(electrodes["case"], np.tile(cohort["case"], 2))
    assert_array_equal(electrodes["level"], [0, 0, 10, 10])
    assert set(electrodes["variation"].values) == {"electrodes.shift_mm"}
    assert_array_equal(electrodes["origin"], np.tile(cohort["origin"], (2, 1)))


def test_a_shift_of_zero_gives_the_unvaried_ecg_bit_for_bit(electrodes, unvaried):
    assert_array_equal(at(electrodes, "electrodes.shift_mm", 0)["ecg"], unvaried["ecg"])


def test_other_leads_see_the_same_potentials(electrodes, unvaried):
    shifted = at(electrodes, "electrodes.shift_mm", 10)
    assert_array_equal(shifted["tmp"], unvaried["tmp"])
    assert_array_equal(shifted["lead"], unvaried["lead"])
    change = np.linalg.norm(shifted["ecg"] - unvaried["ecg"]) / np.linalg.norm(unvaried["ecg"])
    assert 0.01 < change < 0.5


def test_the_standard_leads_of_shifted_electrodes_are_as_before(electrodes, unvaried):
    shifted = at(electrodes, "electrodes.shift_mm", 10)
    assert_allclose(shifted["ecg"][:, -12:], unvaried["ecg"][:, -12:], atol=1e-5)


def test_a_factor_of_one_gives_the_unvaried_beat_bit_for_bit(tissue, unvaried):
    same = at(tissue, "tissue.velocity", 1.0)
    for name in ("tmp", "ecg", "activation_time"):
        assert_array_equal(same[name], unvaried[name])


def test_slower_waves_arrive_later_in_proportion(tissue, unvaried):
    slower = at(tissue, "tissue.velocity", 0.8)["activation_time"].values
    usual = unvaried["activation_time"].values
    late = np.isfinite(slower) & np.isfinite(usual) & (usual > 60)
    assert np.median(slower[late] / usual[late]) == pytest.approx(1 / 0.8, rel=0.05)


def test_slower_recovery_makes_longer_action_potentials(tissue, unvaried):
    def active(beats):
        return (beats["tmp"].values > 0.5).mean()

    assert active(at(tissue, "tissue.recovery", 0.8)) > 1.05 * active(unvaried)


def test_conductivities_are_of_the_body_alone(vary, unvaried):
    beats = vary("conductivity", Conductivities(lung=[0.5], blood=[], muscle_across=[]))
    assert_array_equal(beats["tmp"], unvaried["tmp"])
    assert not np.allclose(beats["ecg"], unvaried["ecg"], rtol=0.01)


def test_another_threshold_leaves_scar_cores_and_is_graded_between(study_config, cohort):
    simulation = study_config.simulation
    varied = varied_simulation(simulation, Variation("tissue", "a", 0.1, "1"))
    before, after = (
        cohort["excitability"].values,
        varied_excitability(cohort, simulation, varied)["excitability"].values,
    )
    assert_allclose(after[before == np.float32(simulation.a)], 0.1, atol=1e-6)
    assert_allclose(after[np.isclose(before, simulation.scar_a)], simulation.scar_a, atol=1e-6)
    order = np.argsort(before[0])
    assert (np.diff(after[0][order]) >= -1e-6).all()


def test_with_inverse_crime_the_ecgs_come_from_the_varied_coarse_matrix(vary, study, matrices, study_config):
    crime = study.model_copy(update={"inverse_crime": True})
    beats = vary("electrodes", Electrodes(shift_mm=[0], towards=(0, 0, 1)), crime)
    matrix = study_config.simulation.amplitude_mv * matrices["transfer"].values
    assert_allclose(beats["ecg"][0], matrix @ beats["tmp"].values[0].T, atol=1e-4)
