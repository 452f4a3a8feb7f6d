"""The autoencoders of body-surface potentials and activation maps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from image_cases import image_cases
from torch.distributions import Normal, kl_divergence

from transmural.networks import bsp_vae, map_vae
from transmural.networks.image_vae import Decoder, Encoder, ImageVAE, halved, image_loss, loss_terms, reparametrised
from transmural.networks.run import TrainingRun
from transmural.networks.saved import read_network, write_network
from transmural.stores.config import image_networks
from transmural.stores.errors import TrainingError

RUN = TrainingRun(5, ("images", "network"), device="cpu")
SETTINGS = image_networks.ImageVAE(
    epochs=60,
    least_steps=0,
    batch_cases=25,
    learning_rate=0.005,
    schedule="constant",
    optimiser="rmsprop",
    weight_decay=0,
    clip_norm=100.0,
    patience_epochs=1000,
    latent=6,
    filters=16,
    dense=16,
    beta=1,
    misfit="sum",
)
PUBLISHED = {"latent": 6, "filters": 16, "dense": 16, "beta": 1, "misfit": "sum"}


@pytest.fixture(scope="module")
def learnt():
    """Autoencoder of maps after its training."""
    return map_vae.train(image_cases(60)[0], image_cases(10, seed=1)[0], SETTINGS, RUN)


# Layers


@pytest.mark.parametrize("shape", [(20, 17), (9, 5), (1, 3), (7, 6, 5), (10, 10, 50)])
def test_images_of_any_size_come_back_in_that_size(shape):
    model = ImageVAE({"shape": shape, "settings": PUBLISHED, "activation": "relu", "output": "sigmoid"})
    found = model(torch.rand(2, *shape))
    assert found.shape == (2, *shape)
    assert ((found > 0) & (found < 1)).all()


def test_layers_are_the_published_ones():
    encoder, decoder = Encoder(1, (64, 48), PUBLISHED, "relu"), Decoder(6, (64, 48), 16, "relu", "sigmoid")
    sizes = {name: tuple(value.shape) for name, value in [*encoder.named_parameters(), *decoder.named_parameters()]}
    assert {name: size for name, size in sizes.items() if name.endswith("weight")} == {
        "trunk.layers.0.weight": (16, 1, 3, 3),
        "trunk.layers.2.weight": (16, 16, 3, 3),
        "trunk.layers.5.weight": (16, 16 * 16 * 12),
        "mean.weight": (6, 16),
        "log_variance.weight": (6, 16),
        "dense.weight": (16 * 16 * 12, 6),
        "grow.0.weight": (16, 16, 3, 3),
        "grow.1.weight": (16, 16, 3, 3),
        "image.weight": (16, 1, 3, 3),
    }
    assert halved((64, 5)) == (32, 3)


def test_potentials_end_in_a_sigmoid_and_maps_in_a_tangent():
    few = SETTINGS.model_copy(update={"epochs": 1})
    maps, bsp, _ = image_cases(8)
    assert bsp_vae.train(bsp, bsp, few, RUN).description["output"] == "sigmoid"
    tangent = map_vae.train(maps, maps, few, RUN).description
    assert (tangent["activation"], tangent["output"]) == ("tanh", "tanh")


# Loss


def test_divergence_is_that_of_normal_distributions():
    mean, log_variance = torch.randn(5, 6), torch.randn(5, 6)
    image, mask = torch.rand(5, 4, 3), torch.ones(5, 4, 3)
    terms = loss_terms(PUBLISHED, image, image, mask, mean, log_variance)
    expected = kl_divergence(Normal(mean, torch.exp(0.5 * log_variance)), Normal(0.0, 1.0)).sum(dim=1).mean()
    torch.testing.assert_close(terms["divergence"], expected)
    torch.testing.assert_close(terms["loss"], expected)


def test_samples_have_mean_and_variance():
    mean, log_variance = torch.tensor([2.0, -1.0]), torch.tensor([-1.0, 0.5])
    with RUN.torch_stream("test"):
        drawn = reparametrised(mean.expand(40000, 2), log_variance.expand(40000, 2))
    torch.testing.assert_close(drawn.mean(dim=0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.var(dim=0), torch.exp(log_variance), atol=0.05, rtol=0)


@pytest.mark.parametrize(("misfit", "squares"), [("sum", (6 + 3) / 2), ("mean", 1.0)])
def test_errors_count_where_the_mask_is_one(misfit, squares):
    mask = torch.zeros(2, 4, 3)
    mask[0, :2], mask[1, 0] = 1, 1  # walls of 6 and 3 pixels
    still = torch.zeros(2, 6)
    settings = {"beta": 5.0, "misfit": misfit}
    terms = loss_terms(settings, torch.ones(2, 4, 3), torch.zeros(2, 4, 3), mask, still + 1, still)
    assert terms["squared_error"].item() == pytest.approx(1.0)
    assert terms["loss"].item() == pytest.approx(squares + 5 * 3.0)  # six times half a nat


# Training


def test_maps_are_learnt(learnt):
    maps, unseen = image_cases(60)[0], image_cases(10, seed=1)[0]
    found = map_vae.reconstruct(learnt, unseen)
    assert found.shape == unseen.shape
    assert found.dtype == np.float32
    assert np.square(found - unseen).mean() < 0.5 * np.square(maps.mean(axis=0) - unseen).mean()
    np.testing.assert_allclose(map_vae.reconstruct(learnt, unseen, 3), found, atol=1e-5)


def test_potentials_are_learnt():
    bsp, unseen = image_cases(64)[1], image_cases(10, seed=1)[1]
    plan = SETTINGS.model_copy(update={"optimiser": "nadam", "batch_cases": 32, "learning_rate": 0.02, "epochs": 80})
    found = bsp_vae.reconstruct(bsp_vae.train(bsp, unseen, plan, RUN), unseen)
    assert found.shape == unseen.shape
    assert np.square(found - unseen).mean() < 0.5 * np.square(bsp.mean(axis=0) - unseen).mean()


def test_a_network_read_again_gives_the_same(learnt, tmp_path):
    unseen = image_cases(3, seed=2)[0]
    write_network(learnt, tmp_path / "network", {})
    again = map_vae.reconstruct(read_network(tmp_path / "network"), unseen)
    assert np.array_equal(again, map_vae.reconstruct(learnt, unseen))


def test_the_same_seed_gives_the_same_bits():
    maps, few = image_cases(12)[0], SETTINGS.model_copy(update={"epochs": 2})
    first, same = (map_vae.train(maps, maps[:4], few, RUN).tensors for _ in range(2))
    other = map_vae.train(maps, maps[:4], few, replace(RUN, seed=6)).tensors
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    assert not torch.equal(first["encoder.mean.weight"], other["encoder.mean.weight"])


def test_the_weight_of_the_divergence_lowers_it():
    maps, _, _ = image_cases(30)
    plans = (SETTINGS.model_copy(update={"epochs": 20, "beta": beta}) for beta in (0.1, 20.0))
    little, much = (map_vae.train(maps, maps[:5], plan, RUN).history[-1] for plan in plans)
    assert much["validation_divergence"] < 0.5 * little["validation_divergence"]


# Inputs


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda maps, watched: (maps[0], watched), r"images have the shape \(20, 17\); give a case, then two or three"),
        (lambda maps, watched: (maps, watched[:, 1:]), r"validation images have the shape \(4, 19, 17\) and a case must"),
        (lambda maps, watched: (maps[:0], watched), r"training images have the shape \(0, 20, 17\)"),
        (lambda maps, watched: (np.where(maps == maps[2].max(), np.nan, maps), watched), r"of case 2 have values that"),
    ],
)  # fmt: skip
def test_images_that_cannot_be_learnt_from_are_refused(change, said):
    maps = image_cases(6)[0]
    with pytest.raises(TrainingError, match=said):
        map_vae.train(*change(maps, maps[:4]), SETTINGS, RUN)


def test_images_of_another_size_are_refused(learnt):
    with pytest.raises(TrainingError, match=r"have the shape \(2, 8, 8\) and a case must have \(20, 17\)"):
        map_vae.reconstruct(learnt, np.zeros((2, 8, 8), np.float32))


def test_image_loss_is_differentiable_by_all_parameters():
    model = ImageVAE({"shape": (9, 8), "settings": PUBLISHED, "activation": "tanh", "output": "tanh"})
    image_loss(model, {"images": torch.rand(3, 9, 8)}, 0.0)["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
