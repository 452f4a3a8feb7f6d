import numpy as np
import pytest
import torch
from linear_decoder import linear_problem
from small_heart import small_heart

from transmural.inverse.gaussian_update import GaussianUpdate, log_likelihood
from transmural.inverse.lead_modes import LeadModes
from transmural.inverse.sequence_inference import log_prior
from transmural.stores.errors import InferenceError


@pytest.fixture(params=[0, 4], ids=["independent", "correlated"])
def linear(request):
    return linear_problem(modes=request.param)


def solved(linear):
    """Update, decoded mean and variance, residual and whitener at z = 0."""
    inference = linear.inference
    generative = inference.generative
    update = GaussianUpdate(inference.transfer, generative.residual_modes, generative.residual_variance)
    standard = torch.zeros(inference.cases, *generative.prior_mean.shape)
    mean, log_variance = generative.model.decode(inference.latent(standard))
    variance = log_variance.exp()
    residual = inference.ecg - mean @ inference.transfer.T
    return update, standard, mean, variance, residual, update.whitener(variance, inference.noise_variance)


def test_update_is_that_of_the_dense_precision(linear):
    update, _, mean, variance, residual, whitener = solved(linear)
    transfer, beta = linear.inference.transfer.double().numpy(), 1 / float(linear.inference.noise_variance[0])
    prior = np.linalg.inv(linear.sigma)
    posterior = np.linalg.inv(beta * transfer.T @ transfer + prior)
    found, spread = update.mean(mean, variance, residual, whitener), update.variance(variance, whitener)
    for case, frame in np.ndindex(*mean.shape[:2]):
        m, y = mean[case, frame].double().numpy(), linear.inference.ecg[case, frame].double().numpy()
        expected = posterior @ (beta * transfer.T @ y + prior @ m)
        np.testing.assert_allclose(found[case, frame], expected, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(spread[case, frame], np.diag(posterior), rtol=1e-3, atol=1e-5)


def test_marginal_likelihood_is_that_of_a_dense_gaussian(linear):
    _, standard, _, _, residual, whitener = solved(linear)
    found = log_likelihood(residual, whitener) + log_prior(standard)
    np.testing.assert_allclose(found, linear.log_posterior(standard), rtol=1e-4)


def test_large_batches_are_cut_into_blocks_without_a_seam():
    linear = linear_problem(cases=1, frames=600, modes=2)
    update, _, _, variance, _, whitener = solved(linear)
    spread = update.variance(variance, whitener)
    torch.testing.assert_close(spread, spread[:, :1].expand_as(spread), rtol=1e-4, atol=1e-6)


def test_lead_modes_lose_nothing_that_matters():
    """Reduced systems bring the potentials as near the truth as those of all leads."""
    heart = small_heart()
    tmp, problem = heart.problem(list(range(0, 300, 30)), snr_db=30)
    reduced = LeadModes.of(problem)
    assert reduced.transfer.shape[0] < 0.7 * problem.transfer.shape[0]
    truth = torch.from_numpy(tmp).double()
    mean = truth.mean(dim=0, keepdim=True).expand_as(truth)
    noise = torch.from_numpy(problem.noise_sd_mv**2)
    errors = []
    for transfer, ecg in ((problem.centred_transfer, problem.ecg.transpose(0, 2, 1)), (reduced.transfer, reduced.ecg)):
        update = GaussianUpdate(torch.from_numpy(transfer))
        variance = torch.full_like(truth, 0.05)
        residual = torch.from_numpy(np.ascontiguousarray(ecg, float)) - mean @ torch.from_numpy(transfer).T
        found = update.mean(mean, variance, residual, update.whitener(variance, noise))
        errors.append(float((found - truth).norm()))
    assert errors[1] == pytest.approx(errors[0], rel=0.01)
    assert errors[0] < 0.95 * float((mean - truth).norm())


def test_silent_leads_tell_the_noise():
    _, problem = small_heart().problem([3, 50, 77], snr_db=30)
    np.testing.assert_allclose(LeadModes.of(problem).inferred_noise_sd(), problem.noise_sd_mv, rtol=0.05)


def test_noise_of_leads_that_all_hear_the_heart_is_refused():
    modes = LeadModes(np.zeros((1, 2, 3)), np.zeros((3, 4)), np.zeros(1), 0)
    with pytest.raises(InferenceError, match="choose noise: given"):
        modes.inferred_noise_sd()
