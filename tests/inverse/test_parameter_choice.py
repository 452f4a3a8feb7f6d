import numpy as np
import pytest

from transmural.inverse import parameter_choice
from transmural.inverse.parameter_choice import candidates, choose, cross_validation, l_curve_curvature
from transmural.inverse.spectrum import spectrum
from transmural.inverse.tikhonov import regularise
from transmural.stores.errors import ConfigurationError

VALUES = np.geomspace(1.0, 1e-5, 40)


def data(noise=1e-3, seed=0):
    """Energy along each mode of data whose source has equal strength along all, with white noise."""
    rng = np.random.default_rng(seed)
    coefficients = VALUES * rng.standard_normal(40) + noise * rng.standard_normal(40)
    return coefficients[None] ** 2, np.array([20 * noise**2]), np.array([60 * noise**2])


def test_curvature_is_that_of_the_curve():
    energy, unreached, _ = data()
    grid = np.geomspace(1.0, 1e-5, 4001)
    kept = VALUES**2 / (VALUES**2 + grid[:, None] ** 2)
    x = 0.5 * np.log(((1 - kept) ** 2 * energy).sum(axis=1) + unreached)
    y = 0.5 * np.log(((kept / VALUES) ** 2 * energy).sum(axis=1))
    t = np.log(grid)
    dx, dy = np.gradient(x, t), np.gradient(y, t)
    numeric = (dx * np.gradient(dy, t) - np.gradient(dx, t) * dy) / (dx**2 + dy**2) ** 1.5
    exact = l_curve_curvature(grid, VALUES, energy, unreached)[0]
    np.testing.assert_allclose(exact[50:-50], numeric[50:-50], rtol=0.01, atol=0.002)


def test_cross_validation_is_the_leave_one_out_error_when_leads_are_alike():
    """For a circulant system all leads have the same leverage, and the criterion is M⁻¹ × the leave-one-out error."""
    rng = np.random.default_rng(4)
    kernel = np.exp(-0.5 * np.minimum(np.arange(12), 12 - np.arange(12)) ** 2)
    transfer = np.array([np.roll(kernel, k) for k in range(12)])
    data = transfer @ rng.standard_normal(12) + 0.1 * rng.standard_normal(12)
    left, values, _ = np.linalg.svd(transfer)
    weight = 0.3
    error = 0.0
    for lead in range(12):
        rest = np.delete(np.arange(12), lead)
        system = transfer[rest].T @ transfer[rest] + weight**2 * np.eye(12)
        error += (data[lead] - transfer[lead] @ np.linalg.solve(system, transfer[rest].T @ data[rest])) ** 2
    score = cross_validation(np.array([weight]), values, (left.T @ data)[None] ** 2, np.zeros(1), 12)
    assert score[0, 0] == pytest.approx(error / 12**2, rel=1e-9)


@pytest.mark.parametrize("rule", ["l_curve", "gcv"])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_chosen_weight_is_nearly_as_good_as_the_best_one(heart, rule, order):
    origins = [0, 60, 120, 180, 240, 300]
    truth, problem = heart.problem(origins, regularisation=rule)
    operator = [None, problem.graph.gradient, problem.graph.laplacian][order]
    modes = spectrum(problem.centred_transfer, operator)
    truth = truth - truth.mean(axis=2, keepdims=True)

    def error(tmp):
        return np.linalg.norm(tmp - truth, axis=(1, 2))

    coefficients = modes.coefficients(problem.ecg)
    best = np.min(
        [error(modes.expand(coefficients, np.full(6, w))) for w in candidates(modes.values, points=60)], axis=0
    )
    assert (error(regularise(problem, operator).tmp) < 1.15 * best).all()


@pytest.mark.parametrize("rule", ["l_curve", "gcv"])
def test_more_noise_asks_for_more_regularisation(rule):
    weights = []
    for noise in (1e-4, 1e-3, 1e-2):
        sets = [data(noise, seed) for seed in range(20)]
        energy, unreached, total = (np.concatenate(parts) for parts in zip(*sets, strict=True))
        weights.append(np.median(choose(rule, VALUES, energy, unreached, total, 60)))
    assert weights[0] < weights[1] < weights[2]


@pytest.mark.parametrize("rule", ["l_curve", "gcv"])
def test_data_that_are_only_noise_are_not_fitted(rule):
    rng = np.random.default_rng(0)
    noise = 1e-3
    energy = (noise * rng.standard_normal((200, 40))) ** 2
    unreached = np.full(200, 20 * noise**2)
    weight = choose(rule, VALUES, energy, unreached, np.full(200, 60 * noise**2), 60)
    misfit = parameter_choice._misfit(np.unique(weight), VALUES, energy, unreached)
    assert misfit.min() > 0.2 * 60 * noise**2
    assert weight.min() > VALUES[-1]


@pytest.mark.parametrize("rule", ["l_curve", "gcv"])
def test_no_signal_gives_the_largest_candidate(rule):
    weight = choose(rule, VALUES, np.zeros((1, 40)), np.zeros(1), np.ones(1), 60)
    assert weight[0] == candidates(VALUES)[0]


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigurationError, match="must be 'l_curve' or 'gcv'"):
        choose("oracle", VALUES, *data(), 60)
