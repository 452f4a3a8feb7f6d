import numpy as np
import pytest
import torch

from transmural.inverse.ecg_discrepancy import WhiteECG

LEADS, FRAMES, NODES = 6, 9, 20


def factors(seed=0, centred=False):
    """Square roots of a covariance of leads and one of frames; centred ones know no common potential of the leads."""
    draw = torch.Generator().manual_seed(seed)
    by_lead = torch.randn(LEADS, LEADS, generator=draw, dtype=torch.float64)
    if centred:
        by_lead = by_lead - by_lead.mean(dim=0)
    by_frame = torch.linalg.cholesky(torch.exp(-0.5 * (torch.arange(FRAMES)[:, None] - torch.arange(FRAMES)).abs()))
    return by_lead, by_frame.double()


def drawn(by_lead, by_frame, count, seed):
    white = torch.randn(count, LEADS, FRAMES, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return by_lead @ white @ by_frame.T


def problem(cases, noise_sd, seed=1, centred=False, beats=4000):
    """White ECGs of random potentials, and the potentials."""
    draw = torch.Generator().manual_seed(seed)
    transfer = torch.randn(LEADS, NODES, generator=draw)
    if centred:
        transfer = transfer - transfer.mean(dim=0)
    tmp = torch.rand(cases, FRAMES, NODES, generator=draw)
    by = factors(centred=centred)
    difference = drawn(*by, beats, 2).float()
    noise = noise_sd[:, None, None] * torch.randn(cases, LEADS, FRAMES, generator=draw)
    ecg = torch.einsum("ln,ctn->clt", transfer, tmp) + drawn(*by, cases, 3).float() + noise
    return WhiteECG.of(ecg, transfer, noise_sd, difference), tmp, transfer, ecg, difference


def test_noise_and_discrepancy_together_are_white():
    noise_sd = torch.linspace(0.1, 2.0, 1500)
    white, tmp, *_ = problem(1500, noise_sd)
    misfit = white.misfit(tmp, torch.arange(1500))
    assert misfit.shape == (1500, LEADS * FRAMES)
    assert misfit.square().mean().item() == pytest.approx(1, abs=0.02)
    covariance = np.cov(misfit.T.numpy())
    np.testing.assert_allclose(np.diag(covariance), 1, atol=0.2)
    off = covariance - np.diag(np.diag(covariance))
    assert np.abs(off).max() < 0.15
    assert misfit[:300].square().mean().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("centred", [False, True])
def test_misfit_is_the_gaussian_likelihood_of_a_separable_covariance(centred):
    noise_sd = torch.tensor([0.5, 1.5])
    white, tmp, transfer, ecg, difference = problem(2, noise_sd, centred=centred, beats=50)
    wide = difference.double()
    variance = wide.square().mean()
    by_lead = torch.einsum("blt,bmt->lm", wide, wide) / (50 * FRAMES)
    by_frame = torch.einsum("blt,blu->tu", wide, wide) / (50 * LEADS * variance)
    other = tmp + 0.3 * torch.rand(tmp.shape, generator=torch.Generator().manual_seed(8))
    case = torch.arange(2)
    energy = [0.5 * white.misfit(potentials, case).double().square().sum(dim=1) for potentials in (tmp, other)]
    for number in range(2):
        covariance = torch.kron(by_lead, by_frame) + float(noise_sd[number]) ** 2 * torch.eye(LEADS * FRAMES)
        normal = torch.distributions.MultivariateNormal(ecg[number].double().flatten(), covariance)
        predicted = [(transfer.double() @ u[number].double().T).flatten() for u in (tmp, other)]
        expected = normal.log_prob(predicted[0]) - normal.log_prob(predicted[1])
        assert (energy[1] - energy[0])[number].item() == pytest.approx(expected.item(), rel=1e-3)


def test_directions_in_which_the_heart_is_silent_are_left_out():
    white, tmp, *_ = problem(3, torch.full((3,), 0.5), centred=True)
    assert white.transfer.shape == (LEADS - 1, NODES)
    assert white.misfit(tmp, torch.arange(3)).shape == (3, (LEADS - 1) * FRAMES)


def test_samples_are_compared_with_the_case_that_they_name():
    white, tmp, *_ = problem(3, torch.tensor([0.3, 0.5, 1.0]))
    every = white.misfit(tmp, torch.arange(3))
    some = white.misfit(tmp[[2, 0, 2]], torch.tensor([2, 0, 2]))
    torch.testing.assert_close(some, every[[2, 0, 2]])
