"""Methods of generative_em on beats of study 4."""

from types import SimpleNamespace

import numpy as np
import pytest

from transmural.anatomy.heart_surface import heart_surface
from transmural.cohorts.surface_beats import beats_at_nodes, simulate_surface_beats
from transmural.inverse.surface_amortised import (
    TRUTH_AT_NODES,
    at_times,
    reconstruct_amortised,
)
from transmural.stores.config import BeatSampling, Measurement
from transmural.stores.contracts import BEATS, SURFACE_RECONSTRUCTIONS, check
from transmural.torso.surface_transfer import surface_transfer

SAMPLING = BeatSampling(duration_ms=330, frames=31, shard_cases=1, inverse_crime=False)
MEASUREMENT = Measurement(snr_db=80, montage="body_surface", regularisation="l_curve")


@pytest.fixture(scope="module")
def heart(smoke_anatomy, smoke_transfer, study_config):
    surface = heart_surface(smoke_anatomy, 200, "wall")
    electrodes = int((smoke_transfer["montage"].values == "body_surface").sum())
    matrix = surface_transfer(smoke_anatomy, surface, study_config.torso, "transmembrane", (electrodes,))
    simulation = study_config.simulation
    beats = simulate_surface_beats(
        smoke_anatomy, matrix, [[7], [150]], simulation, np.arange(0.0, 301, 10), "volume"
    ).assign_coords(case=[4, 5])
    nodal = beats_at_nodes(beats, smoke_anatomy, smoke_transfer, SAMPLING, simulation)
    return SimpleNamespace(
        anatomy=smoke_anatomy, transfer=smoke_transfer, simulation=simulation, beats=beats, nodal=nodal
    )


def reconstruct(heart, methods, sigma=0.01, training=None):
    given = heart.beats, heart.nodal, heart.anatomy, heart.transfer
    return reconstruct_amortised(*given, sigma, 1, MEASUREMENT, heart.simulation, methods, training)


def test_the_beats_at_the_nodes_are_the_same_beats(heart):
    check(heart.nodal, BEATS, "nodal")
    leads = heart.transfer["montage"].values == "body_surface"
    # Both have a frame at 0, 110, 220 ms.
    seen, known = heart.nodal["ecg"].values[:, leads][..., ::10], heart.beats["ecg"].values[..., ::11]
    np.testing.assert_allclose(seen[..., :3], known[..., :3], atol=2e-3 * np.abs(known).max())


def test_what_sampling_costs_is_told_and_less_than_a_method_loses(heart):
    found = reconstruct(heart, {"nearest_beat": (None, None)}, training=heart.nodal.isel(case=[0]))
    check(found, SURFACE_RECONSTRUCTIONS, "found")
    truth = heart.beats["tmp"].values
    error = {
        (str(one["method"].values), int(one["case"])): np.linalg.norm(one["potential"].values - truth[int(one["case"]) - 4])
        / np.linalg.norm(truth[int(one["case"]) - 4])
        for one in (found.isel(fit=fit) for fit in range(found.sizes["fit"]))
    }  # fmt: skip
    assert set(error) == {(name, case) for name in (TRUTH_AT_NODES, "nearest_beat") for case in (4, 5)}
    assert error[TRUTH_AT_NODES, 4] < 0.15
    # The only beat it knows is case 4 itself; case 5 starts elsewhere.
    assert error["nearest_beat", 4] == pytest.approx(error[TRUTH_AT_NODES, 4])
    assert error["nearest_beat", 5] > 2 * error[TRUTH_AT_NODES, 5]


def test_potentials_between_frames_are_interpolated():
    values = np.arange(12.0).reshape(1, 4, 3)
    found = at_times(values, np.array([0.0, 5.5, 11.0, 16.5]), np.array([0.0, 5.5, 8.25, 16.5]))
    assert found[0, :, 0].tolist() == [0.0, 3.0, 4.5, 9.0]
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32


def test_a_reconstruction_that_is_not_finite_is_refused(heart, monkeypatch):
    from transmural.inverse import surface_amortised
    from transmural.stores.errors import InferenceError

    real = surface_amortised.solve

    def failed(name, problem):
        result = real(name, problem)
        result.tmp[1] = np.nan
        return result

    monkeypatch.setattr(surface_amortised, "solve", failed)
    with pytest.raises(InferenceError, match=r"nearest_beat: .*case 5 of mismatch: the reconstruction isn't finite"):
        reconstruct(heart, {"nearest_beat": (None, None)}, training=heart.nodal)
