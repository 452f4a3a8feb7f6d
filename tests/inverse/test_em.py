import numpy as np
import pytest
import torch
from linear_decoder import linear_problem

from transmural.inverse.em import _m_step_objective, iterates, least_error
from transmural.inverse.gaussian_update import GaussianUpdate
from transmural.stores.config.inference import ExpectationMaximisation


def settings(**changes):
    defaults = {"iterations": 400, "gradient_steps": 5, "learning_rate": 0.05, "tolerance": 0.0}
    return ExpectationMaximisation(**{**defaults, "start": "prior_mean", "prior_weighting": "proper", **changes})


def run(linear, chosen):
    zero = torch.zeros(linear.inference.cases, *linear.inference.generative.prior_mean.shape)
    return list(iterates(linear.inference, zero, chosen))


def test_em_reaches_the_optimum_of_a_linear_decoder():
    linear = linear_problem(noise_sd=2.0)
    last = run(linear, settings())[-1]
    best = linear.log_posterior(torch.from_numpy(linear.best()).float())
    np.testing.assert_allclose(last.log_posterior, best, atol=0.02)


def test_small_steps_never_lower_the_log_posterior():
    found = np.array([i.log_posterior for i in run(linear_problem(), settings(iterations=60, learning_rate=0.005))])
    growth = np.diff(found, axis=0)
    assert (growth > -1e-3).all()
    assert (found[-1] > found[0] + 1).all()


def test_first_e_step_gives_the_posterior_of_the_prior_mean():
    linear = linear_problem()
    first = run(linear, settings(iterations=1))[0]
    covariance = linear.covariance(0)
    transfer = linear.inference.transfer.double().numpy()
    gain = linear.sigma @ transfer.T @ np.linalg.inv(covariance)
    expected = np.diag(linear.sigma - gain @ transfer @ linear.sigma)
    np.testing.assert_allclose(first.variance[0, 0], expected, rtol=1e-3, atol=1e-6)
    assert (first.iterations == 0).all()


def test_gradient_of_the_m_step_is_that_of_the_log_posterior_at_the_same_latent():
    """Fisher's identity: where the E-step was made, eq. 8 and log p(Y, Z) have one gradient."""
    linear = linear_problem()
    inference = linear.inference
    first = run(linear, settings(iterations=1))[0]
    standard = torch.zeros(inference.cases, *inference.generative.prior_mean.shape, requires_grad=True)
    mean, log_variance = inference.generative.model.decode(inference.latent(standard))
    gain = _m_step_objective(first, mean, log_variance, standard, "proper")
    (gradient,) = torch.autograd.grad(gain, standard)
    step = 0.1  # log p(Y, Z) is quadratic here, so differences are exact whatever the step, and large ones round least
    for place in ((0, 0, 0), (1, 2, 1)):
        shift = torch.zeros_like(standard)
        shift[place] = step
        slope = (linear.log_posterior(shift) - linear.log_posterior(-shift))[place[0]] / (2 * step)
        assert gradient[place].item() == pytest.approx(slope.item(), rel=2e-3, abs=1e-3)


def test_released_weighting_lets_the_prior_dominate():
    linear = linear_problem()
    proper, released = (
        run(linear, settings(iterations=100, learning_rate=0.02, prior_weighting=w))[-1] for w in ("proper", "released")
    )
    assert (released.log_posterior < proper.log_posterior - 1).all()
    assert (released.misfit > proper.misfit).all()


def test_a_case_that_has_stopped_stays_where_it_is():
    linear = linear_problem(cases=2)
    # The first case's ECG is what the prior mean gives, so it has nowhere to go.
    inference = linear.inference
    mean = inference.generative.model.decode(inference.generative.prior_mean[None])[0] @ inference.transfer.T
    inference.ecg[0] = mean[0]
    steps = run(linear, settings(tolerance=0.01, learning_rate=0.02, gradient_steps=1))
    assert steps[-1].iterations[0] == 5
    assert steps[-1].iterations[1] > 5
    assert torch.equal(steps[-1].tmp[0], steps[5].tmp[0])
    assert len(steps) < 400


def test_update_of_em_leaves_nodes_independent():
    """As published, the covariance given Z is diagonal, whatever correlation the network came with."""
    correlated, independent = linear_problem(modes=4), linear_problem(modes=0)
    variance = torch.full((1, 1, 25), 0.1)
    noise = torch.tensor([0.25])
    same = GaussianUpdate(correlated.inference.transfer).covariance(variance, noise)
    transfer = correlated.inference.transfer
    torch.testing.assert_close(same[0, 0], 0.1 * transfer @ transfer.T + 0.25 * torch.eye(6))
    assert correlated.inference.generative.residual_modes.shape != independent.inference.generative.residual_modes.shape


def test_least_error_picks_each_cases_nearest_iterate():
    found = run(linear_problem(), settings(iterations=30))
    truth = np.stack([found[7].tmp[0].numpy(), found[20].tmp[1].numpy()])
    best = least_error(found, truth)
    np.testing.assert_array_equal(best.chosen["iterations"], [7, 20])
    np.testing.assert_array_equal(best.tmp, truth)
