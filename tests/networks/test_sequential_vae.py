from dataclasses import fields

import numpy as np
import pytest
import torch

from transmural.networks.beats import TrainingBeats
from transmural.networks.elbo import FlooredMisfit, gaussian_misfit, negative_elbo, standard_divergence
from transmural.networks.encoded_beats import calibrated, mixture_moments, residual_correlation, variance_calibration
from transmural.networks.principal_components import principal_components
from transmural.networks.run import TrainingRun
from transmural.networks.saved import write_network
from transmural.networks.sequence_autoencoder import SequentialVAE
from transmural.networks.sequence_head import SequenceHead
from transmural.networks.sequential_vae import read_generative_model, train
from transmural.stores.config.networks import SequentialVAE as Settings
from transmural.stores.errors import StoreError

TRAINING = {
    "batch_cases": 4,
    "learning_rate": 0.005,
    "schedule": "cosine",
    "weight_decay": 0,
    "clip_norm": 1.0,
    "patience_epochs": 100,
    "least_steps": 0,
}
PUBLISHED = {"hidden": 800, "latent": 50, "mean_units": 0, "variance_units": 0, "components": 0, "residual_modes": 0}


def settings(**changes):
    small = {"epochs": 15, "hidden": 24, "latent": 4, "mean_units": 24, "variance_units": 8, "components": 8}
    variants = {"heads": "affine", "sd_floor": 0.05, "kl_scaling": "proper", "kl_warmup": 0.3, "residual_modes": 6}
    variants |= {"likelihood_every": 1}
    return Settings(**{**TRAINING, **small, **variants, **changes})


def travelling(cases, nodes=30, frames=20, seed=0):
    """Fronts along a line of nodes that start anywhere: potentials (case, time, node)."""
    start = np.random.default_rng(seed).uniform(0, nodes, cases)
    arrival = 2 + np.abs(np.arange(nodes) - start[:, None]) / 3
    since = np.arange(frames)[None, :, None] - arrival[:, None]
    return torch.from_numpy((1 / (1 + np.exp(-2 * since))).astype(np.float32))


def beats(tmp):
    """Beats of which only the potentials matter."""
    unused = dict.fromkeys(field.name for field in fields(TrainingBeats))
    return TrainingBeats(**{**unused, "tmp": tmp.numpy()})


@pytest.fixture(scope="module")
def trained():
    torch.set_num_threads(1)
    run = TrainingRun(3, ("test", "sequential_vae"), device="cpu")
    return train(beats(travelling(40)), beats(travelling(10, seed=1)), settings(epochs=60), run)


@pytest.mark.parametrize("heads", ["affine", "bare"])
def test_published_architecture_has_51_million_parameters(heads):
    with torch.device("meta"):
        model = SequentialVAE(1862, settings(**PUBLISHED, heads=heads))
    count = sum(parameter.numel() for parameter in model.parameters())
    lstm = [(1862, 800), (800, 50), (800, 50), (50, 800), (800, 1862), (800, 1862)]
    layers = 2 * (50 + 50 + 1862 + 1862) if heads == "affine" else 0
    assert count == sum(4 * out * (into + out + 2) for into, out in lstm) + layers
    assert round(count / 1e6) == 51


def test_bare_heads_stay_within_one_whether_wide_or_narrow():
    torch.manual_seed(0)
    features = 100 * torch.randn(2, 5, 3)
    for units in (0, 4):
        head = SequenceHead(3, 6, units, bare=True)
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.mul_(100)
        assert head(features).abs().max() <= 1


def test_affine_heads_reach_any_value_and_keep_the_floor():
    model = SequentialVAE(30, settings())
    model.log_variance.start_at(-100.0)
    model.mean.start_at(7.0)
    mean, log_variance = model.decode(torch.zeros(1, 5, 4))
    assert mean.min() > 5
    assert torch.allclose(log_variance, torch.full_like(log_variance, 2 * np.log(0.05)))


@pytest.mark.parametrize("units", [0, 7])
@pytest.mark.parametrize("bare", [True, False])
def test_projected_output_is_the_output_projected(units, bare):
    torch.manual_seed(0)
    head, features, rows = SequenceHead(3, 12, units, bare), torch.randn(2, 5, 3), torch.randn(4, 12)
    torch.testing.assert_close(head.projected(features, rows), head(features) @ rows.T)


def test_misfit_and_divergence_are_those_of_gaussians():
    mean, log_variance = torch.tensor([0.3, -2.0]), torch.tensor([-1.0, 0.5])
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(standard_divergence(mean, log_variance), expected)
    value = torch.tensor([1.0, 1.5])
    misfit = gaussian_misfit((value - mean) ** 2, log_variance) + 0.5 * np.log(2 * np.pi)
    torch.testing.assert_close(misfit, -normal.log_prob(value))


@pytest.mark.parametrize("heads", ["affine", "bare"])
def test_fused_misfit_is_that_of_the_decoded_variance_with_its_gradients(heads):
    torch.manual_seed(0)
    model = SequentialVAE(30, settings(heads=heads))
    truth, mean = torch.randn(3, 20, 30), torch.randn(3, 20, 30, requires_grad=True)
    excess = (3 * torch.randn(3, 20, 30)).requires_grad_()
    found, squared_error = FlooredMisfit.apply(truth, mean, excess, model.floor)
    plain = gaussian_misfit((truth - mean) ** 2, model._floored(excess)).mean()
    torch.testing.assert_close(found, plain)
    torch.testing.assert_close(squared_error, (truth - mean).detach().square().mean())
    gradients = (torch.autograd.grad(2 * value, (mean, excess)) for value in (found, plain))
    for fused, chained in zip(*gradients, strict=True):
        torch.testing.assert_close(fused, chained, rtol=1e-4, atol=1e-7)


def test_likelihood_of_some_frames_is_in_the_mean_that_of_all():
    tmp = travelling(3)
    model = SequentialVAE(30, settings(likelihood_every=4))

    def misfit(seed):
        torch.manual_seed(seed)
        return negative_elbo(model, {"tmp": tmp}, 0.0)["squared_error"].item()

    some = [misfit(seed) for seed in range(300)]
    assert np.std(some) > 0
    model.train(False)
    assert np.mean(some) == pytest.approx(misfit(0), rel=0.02)


def test_some_frames_are_decoded_as_among_all():
    model, latent, frames = SequentialVAE(30, settings()), torch.randn(2, 20, 4), slice(1, None, 3)
    for some, every in zip(model.decode(latent, frames), model.decode(latent), strict=True):
        torch.testing.assert_close(some, every[:, frames])


def test_released_scaling_multiplies_the_divergence_by_nodes_over_latent_variables():
    tmp = travelling(3)
    weights = {}
    for scaling in ("proper", "released"):
        torch.manual_seed(0)
        model = SequentialVAE(30, settings(kl_scaling=scaling))
        terms = negative_elbo(model, {"tmp": tmp}, 1e9)
        misfit = terms["negative_log_likelihood"] - 0.5 * np.log(2 * np.pi)
        weights[scaling] = (terms["loss"] - misfit) / terms["divergence"]
    assert weights["released"].item() / weights["proper"].item() == pytest.approx(30 / 4, rel=1e-3)
    assert weights["proper"].item() * tmp[0].numel() == pytest.approx(1.0, rel=1e-3)


def test_divergence_warms_up_from_nothing():
    torch.manual_seed(0)
    model = SequentialVAE(30, settings(epochs=10, kl_warmup=0.5))
    terms = negative_elbo(model, {"tmp": travelling(2)}, 0.0)
    assert terms["loss"].item() == pytest.approx(terms["negative_log_likelihood"].item() - 0.5 * np.log(2 * np.pi))


def test_prior_moments_are_those_of_the_mixture_of_encoded_posteriors():
    mean, variance = torch.tensor([[0.0, 5.0], [2.0, 5.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    centre, spread = mixture_moments(mean, variance)
    generator = torch.Generator().manual_seed(0)
    drawn = mean + variance.sqrt() * torch.randn(100_000, 2, 2, generator=generator)
    torch.testing.assert_close(centre, drawn.mean(dim=(0, 1)), atol=0.02, rtol=0)
    torch.testing.assert_close(spread, drawn.flatten(0, 1).var(dim=0), atol=0.05, rtol=0)
    torch.testing.assert_close(spread, torch.tensor([3.0, 3.0]))


def test_principal_components_span_the_potentials():
    tmp = travelling(20).numpy()
    found = principal_components(tmp, 6)
    frames = tmp.reshape(-1, 30) - found.centre.numpy()
    values = np.linalg.svd(frames / np.sqrt(len(frames)), compute_uv=False)
    np.testing.assert_allclose(found.sd, values[:6], rtol=1e-3)
    np.testing.assert_allclose(found.modes.T @ found.modes, np.eye(6), atol=1e-5)


def test_calibration_gives_the_mean_squared_residual_where_the_decoder_gives_a_variance(trained):
    model = _model(trained)
    validation = travelling(60, seed=5)
    table = variance_calibration(model, validation)
    assert (table.diff(dim=1)[0] > 0).all()
    assert (table.diff(dim=1)[1] >= -1e-5).all()
    with torch.no_grad():
        mean, log_variance = model.decode(model.encode(validation)[0])
    found = calibrated(log_variance, table).exp()
    square = (validation - mean).square()
    assert found.mean().item() == pytest.approx(square.mean().item(), rel=0.15)
    torch.testing.assert_close(calibrated(table[0], table), table[1])


def test_residual_correlation_has_the_size_of_new_beats_residuals(trained):
    model = _model(trained)
    new = travelling(30, seed=7)
    table = variance_calibration(model, new)
    modes, rest = residual_correlation(model, table, travelling(40), new, 6)
    with torch.no_grad():
        mean, log_variance = model.decode(model.encode(new)[0])
    standardised = (new - mean) * torch.exp(-0.5 * calibrated(log_variance, table))
    total = modes.square().sum(dim=1) + rest
    assert (rest > 0).all()
    assert total.mean().item() == pytest.approx(standardised[:, ::3].square().mean().item(), rel=0.02)


def test_trained_network_represents_new_beats_and_reads_back(trained, tmp_path):
    write_network(trained, tmp_path / "network", {})
    generative = read_generative_model(tmp_path / "network", 30, 20)
    new = travelling(20, seed=9)
    with torch.no_grad():
        mean, _ = generative.model.decode(generative.model.encode(new)[0])
        same, _ = _model(trained).decode(_model(trained).encode(new)[0])
    assert torch.equal(mean, same)
    mean_beat = travelling(40).mean(dim=0)
    assert (mean - new).norm() < 0.6 * (mean_beat - new).norm()


def test_network_of_another_heart_is_refused(trained, tmp_path):
    write_network(trained, tmp_path / "network", {})
    with pytest.raises(StoreError, match="trained for 30 nodes and 20 frames, and the problem has 31 and 20"):
        read_generative_model(tmp_path / "network", 31, 20)


@pytest.mark.parametrize("heads", ["affine", "bare"])
@pytest.mark.parametrize("published", [True, False])
def test_every_variant_trains(heads, published):
    sizes = {"mean_units": 0, "variance_units": 0, "components": 0, "residual_modes": 0} if published else {}
    chosen = settings(**sizes, heads=heads, kl_scaling="released", epochs=4)
    run = TrainingRun(3, ("test", heads), device="cpu")
    history = train(beats(travelling(20)), beats(travelling(5, seed=1)), chosen, run).history
    assert history[-1]["validation_squared_error"] < history[0]["validation_squared_error"]


def _model(trained):
    model = SequentialVAE(30, settings())
    model.load_state_dict({k[6:]: v for k, v in trained.tensors.items() if k.startswith("model.")})
    return model.requires_grad_(False)
