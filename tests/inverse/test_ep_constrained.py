from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from small_heart import small_heart

from transmural.anatomy.node_graph import NodeGraph
from transmural.anatomy.segments import RIGHT_VENTRICLE
from transmural.evaluation.metrics import correlation, nrmse
from transmural.inverse.ep_constrained import beat, ep_constrained
from transmural.inverse.node_model import NodeModel
from transmural.inverse.noise import add_noise
from transmural.inverse.problem import Problem, WallCoordinates
from transmural.inverse.sinus_rhythm import BREAKTHROUGHS, SinusRhythm
from transmural.inverse.solve import solve
from transmural.inverse.unscented_filter import predicted, sigma_points, unscented_filter
from transmural.inverse.wall_modes import WallModes
from transmural.stores.config import Inference
from transmural.stores.errors import InferenceError
from transmural.stores.random_streams import case_generators

VELOCITY = 0.47
SETTINGS = {
    "modes": 60,
    "conduction_velocity_m_per_s": VELOCITY,
    "model_error_per_ms": 0.05,
    "model_error_length_mm": 20,
}


def settings(**changed):
    return Inference.of("ep_constrained", SETTINGS | changed)


@pytest.fixture(scope="module")
def coarse():
    """The heart of these tests: 146 nodes 10 mm apart, so that the full filter takes a second."""
    return small_heart(spacing=10.0)


@pytest.fixture(scope="module")
def wall(coarse):
    x, y, z = (coarse.graph.position / [38, 36, 44]).T
    level = np.select([z > 0.1, z > -0.4], [0, 6], 12)
    sector = np.floor((np.degrees(np.arctan2(y, x)) + 180) / 60).astype(int) % 6
    segment = np.where(level < 12, level + sector + 1, 13 + sector % 4)
    return WallCoordinates((np.sqrt(x**2 + y**2 + z**2) - 0.6) / 0.4, np.where(sector == 5, RIGHT_VENTRICLE, segment))


@pytest.fixture(scope="module")
def rhythm(coarse, wall):
    return SinusRhythm.of(coarse.graph, wall)


@pytest.fixture(scope="module")
def model(coarse):
    return NodeModel.calibrated(coarse.graph, VELOCITY, 10.0)


def model_beat(model, rhythm, time_ms):
    """One beat of the model that starts at the stimuli of ``rhythm``, shape (time, node)."""
    step = beat(model, rhythm, time_ms)
    frames = [rhythm.between(*time_ms[:2]).astype(np.float32)[:, None]]
    for frame in range(1, len(time_ms)):
        frames.append(step(frames[-1], frame))
    return np.concatenate(frames, axis=1).T


def elsewhere(coarse):
    """A beat from one site at the base, against the sinus rhythm."""
    distance = coarse.graph.distance_from(int(np.argmax(coarse.graph.position[:, 2])))
    return SinusRhythm(np.zeros(1, int), distance[None] < 15, np.zeros(1))


@pytest.fixture(scope="module")
def beats(coarse, model, rhythm):
    return np.stack([model_beat(model, r, coarse.time_ms) for r in (rhythm, elsewhere(coarse))])


@pytest.fixture(scope="module")
def problem(coarse, wall, beats):
    ecg, level = add_noise(coarse.ecg(beats), 30.0, case_generators(3, "noise", cases=range(2)))
    return Problem(ecg, coarse.transfer, level, coarse.time_ms, coarse.graph, inference=settings(), wall=wall)


@pytest.fixture(scope="module")
def lattice():
    index = np.argwhere(np.ones((5, 4, 3), bool))
    volume = np.random.default_rng(5).uniform(50, 80, len(index))
    return NodeGraph.from_voxels(index, np.arange(len(index)), 4.0 * index, volume)


# The filter


def kalman_filter(ecg, noise_sd, transfer, process, start, matrix):
    """Means, standard deviations, innovations and log likelihood, written densely."""
    mean, covariance = start, process
    means, stds, innovations, likelihood = [], [], [], 0.0
    for frame, data in enumerate(ecg.T):
        if frame:
            mean, covariance = matrix @ mean, matrix @ covariance @ matrix.T + process
        seen = transfer @ covariance @ transfer.T + noise_sd**2 * np.eye(len(transfer))
        error = data - transfer @ mean
        innovations.append(error @ np.linalg.solve(seen, error) / len(error))
        likelihood += multivariate_normal.logpdf(error, cov=seen)
        gain = np.linalg.solve(seen, transfer @ covariance).T
        mean, covariance = mean + gain @ error, covariance - gain @ transfer @ covariance
        means.append(mean)
        stds.append(np.sqrt(np.diag(covariance)))
    return np.array(means), np.array(stds), np.array(innovations), likelihood


def test_full_filter_of_a_linear_model_is_the_kalman_filter(lattice):
    draw = np.random.default_rng(1)
    nodes, modes = lattice.nodes, WallModes.of(lattice, lattice.nodes, 8.0)
    matrix = 0.6 * np.linalg.qr(draw.normal(size=(nodes, nodes)))[0] + 0.3 * np.eye(nodes)
    transfer, ecg, start = draw.normal(size=(20, nodes)), draw.normal(size=(20, 12)), draw.normal(size=nodes)
    found = unscented_filter(
        ecg, 0.3, transfer, modes, 0.2, start, lambda u, _: (matrix.astype(np.float32) @ u).astype(np.float32)
    )
    process = 0.04 * (modes.functions * modes.variance) @ modes.functions.T
    mean, std, innovation, likelihood = kalman_filter(ecg, 0.3, transfer, process, start, matrix)
    np.testing.assert_allclose(found.mean, mean, atol=2e-4)
    np.testing.assert_allclose(found.std, std, rtol=2e-4)
    np.testing.assert_allclose(found.innovation, innovation, rtol=2e-4)
    assert found.log_likelihood == pytest.approx(likelihood, rel=2e-4)


def test_unscented_transform_is_exact_for_linear_maps():
    draw = np.random.default_rng(2)
    mean, factor, matrix = draw.normal(size=9), draw.normal(size=(9, 9)), draw.normal(size=(9, 9))
    found, covariance = predicted((matrix @ sigma_points(mean, factor)).astype(np.float32), np.eye(9))
    np.testing.assert_allclose(found, matrix @ mean, atol=1e-4)
    np.testing.assert_allclose(covariance, matrix @ factor @ factor.T @ matrix.T, rtol=1e-4, atol=1e-3)


def test_unscented_transform_gives_the_mean_of_a_square():
    draw = np.random.default_rng(3)
    mean, factor = draw.normal(size=6), draw.normal(size=(6, 6))
    found, _ = predicted(sigma_points(mean, factor) ** 2, np.eye(6))
    np.testing.assert_allclose(found, mean**2 + np.sum(factor**2, axis=1), rtol=1e-4)


def test_covariance_stays_positive_for_a_wild_model(lattice):
    modes = WallModes.of(lattice, 30, 8.0)
    draw = np.random.default_rng(4)
    ecg, transfer = draw.normal(size=(10, 20)), draw.normal(size=(10, lattice.nodes))
    found = unscented_filter(ecg, 0.1, transfer, modes, 0.5, np.zeros(lattice.nodes), lambda u, _: np.cos(9 * u))
    assert np.isfinite(found.mean).all()
    assert (found.std > 0).all()


# Modes of the wall


def test_modes_are_orthonormal_in_volume_and_start_with_the_constant(lattice):
    modes = WallModes.of(lattice, 25, 10.0)
    np.testing.assert_allclose(modes.projection @ modes.functions, np.eye(25), atol=1e-10)
    np.testing.assert_allclose(modes.functions[:, 0] ** 2 * lattice.volume.sum(), 1.0, rtol=1e-8)
    assert np.mean(modes.functions**2 @ modes.variance) == pytest.approx(1.0)


def test_modes_of_a_bar_are_its_cosines():
    index = np.stack([np.arange(40), np.zeros(40, int), np.zeros(40, int)], axis=1)
    bar = NodeGraph.from_voxels(index, np.arange(40), 2.0 * index, np.full(40, 8.0))
    modes = WallModes.of(bar, 4, 10.0)
    for number in range(1, 4):
        cosine = np.cos(np.pi * number * (np.arange(40) + 0.5) / 40)
        assert abs(np.corrcoef(cosine, modes.functions[:, number])[0, 1]) > 0.995


def test_longer_fields_are_smoother(lattice):
    steepness = [
        np.sum((lattice.gradient @ modes.functions) ** 2 @ modes.variance)
        for modes in (WallModes.of(lattice, lattice.nodes, length) for length in (2.0, 8.0, 30.0))
    ]
    assert steepness[0] > 2 * steepness[1] > 4 * steepness[2]


@pytest.mark.parametrize(("count", "length"), [(0, 10.0), (5, 0.0)])
def test_modes_of_nothing_are_refused(lattice, count, length):
    with pytest.raises(InferenceError, match="must be positive"):
        WallModes.of(lattice, count, length)


# The model


@pytest.mark.parametrize("velocity", [0.35, 0.47, 0.7])
def test_waves_on_the_nodes_have_the_wanted_velocity(coarse, velocity):
    measured = NodeModel.calibrated(coarse.graph, velocity, 2.0).velocity(coarse.graph, 1000.0)
    assert measured == pytest.approx(velocity, rel=0.07)


def test_waves_that_cannot_spread_are_refused():
    index = np.argwhere(np.ones((5, 5, 5), bool))
    far = NodeGraph.from_voxels(index, np.arange(125), 60.0 * index, np.full(125, 216e3))
    with pytest.raises(InferenceError, match="don't spread"):
        NodeModel.calibrated(far, VELOCITY, 2.0)


def test_a_wall_in_parts_is_refused():
    index = np.argwhere(np.ones((5, 4, 4), bool))
    index = index[index[:, 0] != 2]
    parts = NodeGraph.from_voxels(index, np.arange(len(index)), 6.0 * index, np.full(len(index), 216.0))
    with pytest.raises(InferenceError, match="2 parts"):
        NodeModel.calibrated(parts, VELOCITY, 2.0)


def test_states_do_not_depend_on_each_other_and_recovery_follows_the_first(model, coarse):
    draw = np.random.default_rng(6)
    u = draw.uniform(0, 1, (coarse.graph.nodes, 40)).astype(np.float32)
    v = draw.uniform(0, 1, coarse.graph.nodes).astype(np.float32)
    together, recovery = model.advance(u, v)
    alone, own = model.advance(u[:, 35:36], v)
    np.testing.assert_array_equal(together[:, 35], alone[:, 0])
    first, recovery_of_first = model.advance(u[:, :1], v)
    np.testing.assert_array_equal(recovery, recovery_of_first)
    assert np.abs(own - recovery).max() > 1e-3
    np.testing.assert_array_equal(together[:, 0], first[:, 0])


def test_uniform_tissue_follows_the_kinetics_alone(model, coarse):
    u, v = np.full((coarse.graph.nodes, 1), 0.4, np.float32), np.zeros(coarse.graph.nodes, np.float32)
    after, _ = model.advance(u, v)
    np.testing.assert_allclose(after, after[0, 0], atol=1e-5)
    assert after[0, 0] > 0.9


# Sinus rhythm


def test_sinus_rhythm_starts_at_the_endocardium_of_its_segments(rhythm, wall):
    for site, stimulated, (segments, _) in zip(rhythm.sites, rhythm.stimulated, BREAKTHROUGHS, strict=True):
        assert wall.segment[site] in segments
        assert wall.transmural[site] <= np.median(wall.transmural[np.isin(wall.segment, segments)])
        assert stimulated[site]
        assert stimulated.sum() >= 8


def test_stimuli_come_in_turn(rhythm):
    np.testing.assert_array_equal(rhythm.between(0, 5), rhythm.stimulated[:3].any(axis=0))
    np.testing.assert_array_equal(rhythm.between(5, 10), rhythm.stimulated[3])
    assert not rhythm.between(10, 500).any()


def test_sinus_rhythm_activates_the_whole_heart_sooner_than_one_site(beats, coarse):
    peak = beats.max(axis=1)
    assert (peak > 0.7).all()
    latest = [coarse.time_ms[(beat >= 0.5).argmax(axis=0)].max() for beat in beats]
    assert latest[0] < 0.8 * latest[1]


def test_a_heart_without_the_segments_is_refused(coarse, wall):
    with pytest.raises(InferenceError, match="no node lies in segments"):
        SinusRhythm.of(coarse.graph, replace(wall, segment=np.full(coarse.graph.nodes, 3)))


# The method


def test_what_the_method_assumes_is_recovered_and_what_it_denies_is_not(problem, beats):
    found = solve("ep_constrained", problem)
    right, wrong = nrmse(beats, found.tmp)
    assert right < 0.05
    assert 0.3 < wrong < 0.8
    assert found.chosen["innovation"][0] < 1.1
    assert found.chosen["innovation"][1] > 1.5 * found.chosen["innovation"][0]


def test_data_bring_a_beat_from_elsewhere_nearer_than_the_model_alone(problem, beats):
    blind = ep_constrained(replace(problem, noise_sd_mv=np.full(2, 1e3)))
    seeing = ep_constrained(problem)
    assert correlation(beats, blind.tmp)[1] < 0.2
    assert correlation(beats, seeing.tmp)[1] > 0.8
    assert nrmse(beats, seeing.tmp)[1] < 0.9 * nrmse(beats, blind.tmp)[1]
    assert seeing.std.mean() < 0.9 * blind.std.mean()


def test_reduced_rank_agrees_with_the_full_filter(problem):
    nodes = problem.graph.nodes
    full = ep_constrained(replace(problem, inference=settings(modes=nodes)))
    difference = []
    for modes in (20, 60, 100):
        reduced = ep_constrained(replace(problem, inference=settings(modes=modes)))
        difference.append(nrmse(full.tmp, reduced.tmp))
    assert (np.diff(difference, axis=0) < 0).all()
    assert difference[-1].max() < 0.05


def test_a_case_does_not_depend_on_its_batch(problem):
    alone = ep_constrained(replace(problem, ecg=problem.ecg[1:], noise_sd_mv=problem.noise_sd_mv[1:]))
    np.testing.assert_array_equal(alone.tmp[0], ep_constrained(problem).tmp[1])


@pytest.mark.parametrize("scale", [0.0, 100.0])
def test_absurd_ecgs_and_no_noise_give_finite_potentials(problem, scale):
    found = ep_constrained(replace(problem, ecg=scale * problem.ecg, noise_sd_mv=np.zeros(2)))
    assert np.isfinite(found.tmp).all()
    assert np.isfinite(found.std).all()
    assert found.tmp.min() >= -0.2
    assert found.tmp.max() <= 1.2


def test_a_problem_without_coordinates_is_refused(problem):
    with pytest.raises(InferenceError, match="coordinates of the wall"):
        ep_constrained(replace(problem, wall=None))


def test_coordinates_of_other_nodes_are_refused(problem):
    with pytest.raises(InferenceError, match=r"wall\.segment has shape"):
        replace(problem, wall=replace(problem.wall, segment=np.zeros(3, int)))
