from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from linear_decoder import linear_problem
from small_heart import small_heart

from transmural.inverse.em import em_iterates, expectation_maximisation
from transmural.inverse.gaussian_update import GaussianUpdate
from transmural.inverse.marginal_map import climb, marginal_map
from transmural.inverse.nearest_beat import nearest, nearest_few
from transmural.inverse.solve import solve
from transmural.networks.beats import TrainingBeats
from transmural.networks.run import TrainingRun
from transmural.networks.saved import write_network
from transmural.networks.sequential_vae import train
from transmural.stores.config.inference import ExpectationMaximisation, Inference, MarginalMAP
from transmural.stores.config.networks import SequentialVAE
from transmural.stores.errors import InferenceError

NETWORK = SequentialVAE(
    epochs=60, least_steps=0, batch_cases=6, learning_rate=0.01, schedule="cosine", weight_decay=0, clip_norm=1.0,
    patience_epochs=60, hidden=32, latent=4, mean_units=32, variance_units=8, components=16, heads="affine",
    sd_floor=0.05, kl_scaling="proper", kl_warmup=0.3, likelihood_every=1, residual_modes=8,
)  # fmt: skip
EM = {"iterations": 20, "gradient_steps": 1, "learning_rate": 0.1, "tolerance": 0.0}
MAP = {"starts": 4, "survivors": 2, "steps": 20, "learning_rate": 0.1, "covariance_steps": 10, "noise": "given"}


def settings(em=(), marginal=()):
    return Inference.model_construct(
        em=ExpectationMaximisation(**{**EM, "start": "prior_mean", "prior_weighting": "proper", **dict(em)}),
        marginal_map=MarginalMAP(**{**MAP, **dict(marginal)}),
    )


@pytest.fixture(scope="module")
def posed(tmp_path_factory):
    """Truth and problem of unseen beats of a small heart with a network trained on others."""
    torch.set_num_threads(1)
    heart = small_heart(frames=23)
    nodes = np.random.default_rng(0).permutation(heart.graph.nodes)
    training = heart.training(nodes[:60])
    unused = dict.fromkeys(field.name for field in fields(TrainingBeats))
    beats, watched = (TrainingBeats(**{**unused, "tmp": t}) for t in (training.tmp, heart.beats(nodes[60:72])))
    folder = tmp_path_factory.mktemp("network") / "sequential_vae"
    write_network(train(beats, watched, NETWORK, TrainingRun(1, ("test",), device="cpu")), folder, {})
    truth, problem = heart.problem(nodes[72:80], training=training)
    return truth, replace(problem, network=folder, inference=settings())


def error(found, truth):
    return float(np.mean(np.linalg.norm(found.tmp - truth, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))))


@pytest.mark.parametrize("modes", [0, 4])
def test_climb_finds_the_optimum_of_a_linear_decoder(modes):
    linear = linear_problem(modes=modes, noise_sd=1.0)
    inference, generative = linear.inference, linear.inference.generative
    update = GaussianUpdate(inference.transfer, generative.residual_modes, generative.residual_variance)
    zero = torch.zeros(inference.cases, *generative.prior_mean.shape)
    chosen = MarginalMAP(**{**MAP, "steps": 600, "covariance_steps": 600, "learning_rate": 0.05})
    np.testing.assert_allclose(climb(inference, update, zero, chosen), linear.best(), atol=5e-3)


def test_marginal_map_beats_the_mean_beat_and_em(posed):
    truth, problem = posed
    found = marginal_map(problem)
    assert error(found, truth) < 0.5 * error(solve("mean_beat", problem), truth)
    assert error(found, truth) < error(expectation_maximisation(problem, problem.settings.em), truth)
    assert found.tmp.dtype == found.std.dtype == np.float32
    assert (found.std >= 0).all()


def test_intervals_cover_about_what_they_say(posed):
    truth, problem = posed
    found = marginal_map(problem)
    assert 0.75 < np.mean(np.abs(truth - found.tmp) <= 1.645 * found.std) < 0.99


def test_more_steps_and_starts_reach_higher(posed):
    _, problem = posed
    heights = []
    for chosen in ({"starts": 1, "survivors": 1, "steps": 0}, {"survivors": 4, "steps": 0}, {"survivors": 4}):
        problem = replace(problem, inference=settings(marginal=chosen))
        heights.append(marginal_map(problem).chosen["log_posterior"])
    assert (heights[1] >= heights[0] - 1e-2).all()
    assert (heights[2] >= heights[1] - 1e-2).all()
    assert heights[2].mean() > heights[1].mean() + 1


def test_a_case_does_not_depend_on_its_batch(posed):
    _, problem = posed
    one = replace(problem, ecg=problem.ecg[2:3], noise_sd_mv=problem.noise_sd_mv[2:3])
    np.testing.assert_allclose(marginal_map(one).tmp[0], marginal_map(problem).tmp[2], atol=0.02)


def test_inferred_noise_serves_as_well_as_the_given(posed):
    truth, problem = posed
    inferred = marginal_map(replace(problem, inference=settings(marginal={"noise": "inferred"})))
    np.testing.assert_allclose(inferred.chosen["noise_sd_mv"], problem.noise_sd_mv, rtol=0.1)
    assert error(inferred, truth) < 1.05 * error(marginal_map(problem), truth)


def test_em_can_start_at_a_healthy_beat_and_needs_one(posed):
    _, problem = posed
    chosen = settings(em={"start": "healthy"}).em
    first = next(em_iterates(problem, chosen))
    second = next(em_iterates(problem, settings().em))
    assert not torch.allclose(first.tmp, second.tmp)
    with pytest.raises(InferenceError, match="healthy beat"):
        next(em_iterates(replace(problem, training=None), chosen))


def test_nearest_few_begin_with_the_nearest(posed):
    _, problem = posed
    few = nearest_few(problem.ecg, problem.training.ecg, 5)
    assert few.shape == (8, 5)
    np.testing.assert_array_equal(few[:, 0], nearest(problem.ecg, problem.training.ecg)[0])
    distance = np.linalg.norm(problem.ecg[:, None] - problem.training.ecg[few], axis=(2, 3))
    assert (np.diff(distance, axis=1) >= -1e-4).all()
