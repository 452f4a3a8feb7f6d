"""Methods of study 4 on one beat of a small heart's surface."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from transmural.anatomy.heart_surface import heart_surface
from transmural.cohorts.surface_beats import noisy_ecg, simulate_surface_beats
from transmural.inverse.surface_reconstruction import KnownHeart, fit_run, reconstruct_beats
from transmural.networks.run import TrainingRun
from transmural.stores.config.physics_informed import CLASSICAL, SurfaceMethods, SurfaceSetting
from transmural.stores.contracts import SURFACE_RECONSTRUCTIONS, check
from transmural.torso.surface_transfer import surface_transfer

ELECTRODES = 40


@pytest.fixture(scope="module")
def methods(study_config):
    study = study_config.physics_informed
    return SurfaceMethods(**{key: getattr(study, key) for key in SurfaceMethods.model_fields})


@pytest.fixture(scope="module")
def beats(smoke_anatomy, study_config):
    surface = heart_surface(smoke_anatomy, 200, "outer")
    transfer = surface_transfer(smoke_anatomy, surface, study_config.torso, "potential", (ELECTRODES,))
    time_ms = np.arange(0.0, 301.0, 10.0)
    return simulate_surface_beats(smoke_anatomy, transfer, [[7]], study_config.simulation, time_ms, "surface")


@pytest.fixture(scope="module")
def known(beats, study_config):
    heart = KnownHeart(beats, ELECTRODES, study_config.simulation)
    data, noise_sd = noisy_ecg(beats, ELECTRODES, 0.01, 1)
    return heart, heart.beat(data[0], noise_sd[0])


def run(folder=None):
    return TrainingRun(seed=1, stream=("physics_informed", "slender", "sigma_0.01"), checkpoint=folder, device="cpu")


def error(beats, potential):
    truth = beats["tmp"].values[0]
    return np.linalg.norm(truth - potential) / np.linalg.norm(truth)


@pytest.mark.parametrize("method", CLASSICAL)
def test_classical_methods_find_most_of_the_potentials(beats, known, methods, method):
    heart, beat = known
    found = heart.reconstruct(beat, method, methods, fit_run(run(), 0, method, 0))
    assert found.potential.shape == beats["tmp"].shape[1:]
    assert found.history == []
    assert error(beats, found.potential) < (0.6 if method == "tikhonov0" else 0.35)


def test_a_beat_has_the_data_in_units_of_its_potentials(beats, known):
    _, beat = known
    explained = beat.transfer @ beats["tmp"].values[0].T
    assert np.linalg.norm(beat.data - explained) < 0.02 * np.linalg.norm(explained)
    assert beat.model.diffusivity_mm2_per_ms == pytest.approx(beats.attrs["diffusivity_mm2_per_ms"])


def test_fits_differ_by_case_method_and_seed_only(tmp_path):
    one = fit_run(run(tmp_path), 3, "eand_arn", 0)
    assert one.stream == ("physics_informed", "slender", "sigma_0.01", "3", "eand_arn", "0")
    assert one.checkpoint == tmp_path / "3_eand_arn_0"
    assert fit_run(run(), 3, "eand_arn", 0).checkpoint is None


def test_a_finished_fit_is_not_repeated(known, methods, tmp_path):
    heart, beat = known
    named = fit_run(run(tmp_path), 0, "eand_arn", 0)
    first = heart.reconstruct(beat, "eand_arn", methods, named)
    assert named.checkpoint.is_file()
    again = heart.reconstruct(beat, "eand_arn", methods, replace(named, progress=pytest.fail))
    assert_array_equal(first.potential, again.potential)
    assert first.history == again.history
    other = heart.reconstruct(beat, "eand_arn", methods, fit_run(run(tmp_path), 0, "eand_arn", 1))
    assert np.abs(other.potential - first.potential).max() > 1e-3


def test_reconstructions_of_a_shard_fulfil_their_contract(beats, known, methods, study_config):
    wanted = [(0, "tikhonov1", 0), (0, "data_network", 0), (0, "eand_arn", 1)]
    setting, told = SurfaceSetting(0.01, "published", ELECTRODES), []
    found = reconstruct_beats(
        beats, setting, wanted, methods, study_config.simulation, run(), lambda *done: told.append(done)
    )
    check(found, SURFACE_RECONSTRUCTIONS, "reconstructions")
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert list(zip(found["case"].values, found["method"].values, found["seed"].values, strict=True)) == wanted
    heart, beat = known
    alone = heart.reconstruct(beat, "tikhonov1", methods, run()).potential
    assert_array_equal(found["potential"][0], alone)
    recorded = dict(zip(found["term"].values, found["history"].values[2], strict=True))
    assert np.isfinite(recorded["misfit"]).all()
    assert {"alpha_1", "alpha_2", "potential", "recovery", "weight_potential"} <= set(recorded)
    assert np.isnan(found["history"].values[0]).all()
    assert np.isnan(found["history"].values[1][list(found["term"].values).index("potential")]).all()
