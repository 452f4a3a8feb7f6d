"""The conditional variational autoencoder: what it is told, what it learns, what it may not see."""

import inspect

import numpy as np
import pytest
import torch
from image_cases import error_of, image_cases

from transmural.networks import conditional_vae
from transmural.networks.conditional_network import ConditionalNetwork, conditional_loss
from transmural.networks.conditional_vae import reconstruct, sample, train
from transmural.networks.image_conditions import ImageConditions
from transmural.networks.run import TrainingRun
from transmural.networks.saved import read_network, write_network
from transmural.stores.config.image_networks import ConditionalVAE
from transmural.stores.errors import TrainingError

RUN = TrainingRun(5, ("images", "conditional"), device="cpu")
SETTINGS = ConditionalVAE(
    epochs=10,
    least_steps=0,
    batch_cases=4,
    learning_rate=0.003,
    schedule="constant",
    weight_decay=0,
    clip_norm=100.0,
    patience_epochs=1000,
    latent=16,
    filters=16,
    dense=16,
    beta=5,
    misfit="sum",
    bsp_samples=6,
    monitor="loss",
)
SHAPES = {"2-D": (20, 17), "3-D": (9, 8, 7)}
AXES = {2: (0, 1), 3: (1, 2)}


def described(shape, **changes):
    settings = SETTINGS.model_copy(update=changes).model_dump()
    return {"shape": shape, "electrodes": (10, 10, 12), "electrode_axes": AXES[len(shape)], "settings": settings}


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(array, np.float32)) for array in arrays]


@pytest.fixture(scope="module")
def learnt():
    """The network as published after training, by kind."""
    return {
        kind: train(image_cases(60, shape), image_cases(10, shape, 1), SETTINGS, RUN, AXES[len(shape)])
        for kind, shape in SHAPES.items()
    }


# Conditions


def test_potentials_are_averaged_and_standardised():
    bsp = 3 + 5 * torch.randn(40, 10, 10, 12)
    conditions = ImageConditions((10, 10, 12), 4, (0, 1))
    averages = bsp.reshape(40, 10, 10, 4, 3).mean(dim=-1).permute(0, 3, 1, 2)
    torch.testing.assert_close(conditions.potentials(bsp), averages)
    conditions.standardise(bsp)
    found = conditions.potentials(bsp)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(4, 10, 10), atol=1e-5, rtol=0)
    assert found.square().mean().item() == pytest.approx(1, rel=1e-5)


def test_the_unit_of_the_potentials_does_not_matter():
    bsp = torch.randn(8, 10, 10, 12)
    first, second = ImageConditions((10, 10, 12), 4, (0, 1)), ImageConditions((10, 10, 12), 4, (0, 1))
    first.standardise(bsp)
    second.standardise(1000 * bsp)
    torch.testing.assert_close(second.potentials(1000 * bsp), first.potentials(bsp), atol=1e-4, rtol=0)


def test_electrodes_are_stretched_over_the_image():
    rows = torch.arange(10.0)[:, None].expand(10, 10)
    image = ImageConditions((10, 10, 12), 1, (0, 1)).on_grid(rows[None, None], torch.ones(1, 19, 5), (19, 5))
    torch.testing.assert_close(image[0, 0], torch.linspace(0, 9, 19)[:, None].expand(19, 5))


@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (2, 1), (0, 2), (2, 0), (0, 1), (1, 0)])
def test_in_a_volume_potentials_are_the_same_at_every_depth(rows, columns):
    potentials, grid = torch.randn(2, 3, 10, 10), (7, 6, 5)
    volume = ImageConditions((10, 10, 12), 3, (rows, columns)).on_grid(potentials, torch.ones(2, *grid), grid)
    plane = (grid[rows], grid[columns])
    flat = ImageConditions((10, 10, 12), 3, (0, 1)).on_grid(potentials, torch.ones(2, *plane), plane)
    assert volume.shape == (2, 4, *grid)
    depth = 3 - rows - columns
    for place in range(grid[depth]):
        cut = volume.select(2 + depth, place)
        torch.testing.assert_close(cut if rows < columns else cut.transpose(2, 3), flat)


def test_electrode_rows_across_a_slice_are_averaged():
    potentials = torch.randn(2, 3, 10, 10)
    found = ImageConditions((10, 10, 12), 3, (None, 1)).on_grid(potentials, torch.ones(2, 6, 10), (6, 10))[:, :3]
    torch.testing.assert_close(found, potentials.mean(dim=2, keepdim=True).expand(2, 3, 6, 10))


def test_a_coarser_mask_is_the_share_of_wall():
    mask = torch.zeros(1, 4, 4)
    mask[0, :3, 0] = 1
    conditions = ImageConditions((10, 10, 12), 1, (0, 1))
    flat = torch.zeros(1, 1, 10, 10)
    assert torch.equal(conditions.on_grid(flat, mask, (4, 4))[:, 1], mask)
    assert conditions.on_grid(flat, mask, (2, 2))[0, 1].tolist() == [[0.5, 0], [0.25, 0]]


# Network


@pytest.mark.parametrize("shape", [(20, 17), (5, 9), (9, 8, 7)])
def test_maps_of_any_size_come_back_in_that_size(shape):
    maps, bsp, mask = tensors(*image_cases(3, shape))
    model = ConditionalNetwork(described(shape))
    mean, log_variance = model.encode(maps, model.known(bsp, mask))
    assert mean.shape == log_variance.shape == (3, 16)
    found = model.decode(torch.randn(3, 2, 16), model.known(bsp, mask))
    assert found.shape == (3, 2, *shape)
    assert (found[:, 0][mask == 0] == 0).all()
    assert ((found[:, 0][mask == 1] > 0) & (found[:, 0][mask == 1] < 1)).all()


def test_samples_of_a_case_are_decoded_as_if_alone():
    _, bsp, mask = tensors(*image_cases(2))
    model = ConditionalNetwork(described((20, 17)))
    latent = torch.randn(2, 3, 16)
    together = model.decode(latent, model.known(bsp, mask))
    alone = model.decode(latent[1:, 2:], model.known(bsp[1:], mask[1:]))
    torch.testing.assert_close(together[1:, 2:], alone, atol=1e-5, rtol=0)


def test_conditions_are_joined_where_the_paper_says():
    """C1: the encoder's first convolution; C2, C3: what each transposed convolution of stride 2 gives."""
    sizes = {name: tuple(value.shape) for name, value in ConditionalNetwork(described((20, 17))).named_parameters()}
    joined = 6 + 1
    assert sizes["encoder.trunk.layers.0.weight"] == (16, 1 + joined, 3, 3)
    assert sizes["decoder.dense.weight"][1] == 16
    assert sizes["decoder.grow.0.weight"] == (16, 16, 3, 3)
    assert sizes["decoder.grow.1.weight"] == (16 + joined, 16, 3, 3)
    assert sizes["decoder.image.weight"] == (16 + joined, 1, 3, 3)


def test_a_pixel_is_told_of_electrodes_near_it_only():
    """As published; `FullyConditionedNetwork` is the other way."""
    _, bsp, mask = tensors(*image_cases(1, (40, 40)))
    model = ConditionalNetwork(described((40, 40)))
    changed = bsp.clone()
    changed[:, -2:] += 5  # the last rows of electrodes
    latent = torch.randn(1, 1, 16)
    before, after = (model.decode(latent, model.known(potentials, mask)) for potentials in (bsp, changed))
    moved = (after - before).abs()[0, 0]
    assert moved[-8:].max() > 0
    assert moved[:20].max() == 0


def test_in_validation_the_error_of_samples_from_the_prior_is_recorded():
    maps, bsp, mask = tensors(*image_cases(4))
    batch = {"maps": maps, "bsp": bsp, "mask": mask}
    model = ConditionalNetwork(described((20, 17)))
    assert set(conditional_loss(model, batch, 0.0)) == {"loss", "squared_error", "divergence"}
    model.train(False)
    with torch.no_grad():
        model.encoder.log_variance.bias.fill_(-30)
        model.encoder.mean.bias.fill_(50)  # a posterior far away from the prior: samples are of the latter
        terms = conditional_loss(model, batch, 0.0)
    assert terms["prior_squared_error"] != pytest.approx(terms["squared_error"].item(), rel=1e-3)
    assert terms["prior_squared_error"].item() < 1


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_in_half_precision_the_loss_is_nearly_the_same(shape):
    """As on a GPU, where layers compute in bfloat16 and conditions don't."""
    maps, bsp, mask = tensors(*image_cases(4, shape))
    model = ConditionalNetwork(described(shape)).train(False)
    batch = {"maps": maps, "bsp": bsp, "mask": mask}
    losses = []
    for enabled in (False, True):
        with RUN.torch_stream("test"), torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            losses.append(conditional_loss(model, batch, 0.0))
    assert {value.dtype for value in losses[1].values()} == {torch.float32}
    assert losses[1]["loss"].item() == pytest.approx(losses[0]["loss"].item(), rel=0.02)


# What is learnt


@pytest.mark.parametrize("kind", SHAPES)
def test_samples_are_nearer_than_the_mean_map(learnt, kind):
    known, (maps, bsp, mask) = image_cases(60, SHAPES[kind]), image_cases(10, SHAPES[kind], 1)
    mean_map = known[0].sum(axis=0) / np.maximum(known[2].sum(axis=0), 1)
    found = sample(learnt[kind], bsp, mask, 10, range(10))
    assert found.shape == (10, 10, *SHAPES[kind])
    assert found.dtype == np.float32
    assert error_of(found.mean(axis=1), maps, mask) < 0.5 * error_of(mean_map, maps, mask)
    assert error_of(reconstruct(learnt[kind], maps, bsp, mask), maps, mask) < 0.5 * error_of(mean_map, maps, mask)


def test_samples_need_no_map(learnt, monkeypatch):
    """Nothing that a sample is made from has seen the truth, and the encoder, which would, isn't run."""
    assert list(inspect.signature(sample).parameters) == ["trained", "bsp", "mask", "count", "seeds", "batch_cases"]
    _, bsp, mask = image_cases(3, seed=2)
    expected = sample(learnt["2-D"], bsp, mask, 4, range(3))
    blind = {
        name: torch.full_like(value, torch.nan) if name.startswith("encoder.") else value
        for name, value in learnt["2-D"].tensors.items()
    }
    trained = type(learnt["2-D"])(blind, learnt["2-D"].description, [])
    assert np.array_equal(sample(trained, bsp, mask, 4, range(3)), expected)
    maps = np.full(mask.shape, 0.5, np.float32)
    assert np.isnan(reconstruct(trained, maps, bsp, mask)).any()


def test_samples_follow_from_the_case_s_seed_alone(learnt):
    _, bsp, mask = image_cases(5, seed=2)
    drawn = sample(learnt["2-D"], bsp, mask, 3, range(5))
    np.testing.assert_allclose(sample(learnt["2-D"], bsp, mask, 3, range(5), batch_cases=2), drawn, atol=1e-5)
    np.testing.assert_allclose(sample(learnt["2-D"], bsp[3:], mask[3:], 3, [3, 4]), drawn[3:], atol=1e-5)
    other = sample(learnt["2-D"], bsp, mask, 3, range(5, 10))
    assert np.abs(other - drawn).max() > 0
    assert (drawn.std(axis=1)[mask] > 0).all()


def test_a_network_read_again_gives_the_same(learnt, tmp_path):
    _, bsp, mask = image_cases(2, SHAPES["3-D"], 2)
    write_network(learnt["3-D"], tmp_path / "network", {})
    again = sample(read_network(tmp_path / "network"), bsp, mask, 2, [3, 4])
    assert np.array_equal(again, sample(learnt["3-D"], bsp, mask, 2, [3, 4]))


@pytest.mark.parametrize("monitor", ["loss", "prior_squared_error"])
def test_the_settings_say_what_picks_the_best_epoch(monitor, monkeypatch):
    seen = []
    monkeypatch.setattr(conditional_vae, "fit", lambda *given: seen.append(given[-1]) or [])
    train(image_cases(4), image_cases(4, seed=1), SETTINGS.model_copy(update={"monitor": monitor}), RUN)
    assert seen == [monitor]


# Inputs


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda maps, bsp, mask: (maps, bsp[..., 0], mask), r"and potentials \(6, 10, 10\); give"),
        (lambda maps, bsp, mask: (maps, bsp[:5], mask), r"potentials of 5 cases beside 6 others"),
        (lambda maps, bsp, mask: (maps, bsp * np.nan, mask), r"training: potentials of case 0 have values that aren't"),
        (lambda maps, bsp, mask: (maps, bsp, mask[:, 1:]), r"masks have the shape \(6, 19, 17\) and a case must have"),
        (lambda maps, bsp, mask: (maps, bsp, mask * 2), r"masks hold values other than 0 and 1"),
        (lambda maps, bsp, mask: (maps * 0, bsp, mask & (np.arange(6) != 4)[:, None, None]), r"mask of case 4 has no"),
        (lambda maps, bsp, mask: (maps + 1, bsp, mask), r"maps aren't 0 outside of the wall"),
    ],
)  # fmt: skip
def test_cases_that_cannot_be_learnt_from_are_refused(change, said):
    known = image_cases(6)
    with pytest.raises(TrainingError, match=said):
        train(change(*known), known, SETTINGS, RUN)


@pytest.mark.parametrize("axes", [(0, 0), (0, 2), (2, 0), (None, -1)])
def test_electrodes_along_other_axes_than_those_of_the_image_are_refused(axes):
    known = image_cases(4)
    with pytest.raises(TrainingError, match=r"electrode_axes are .* and must be two of \[0, 1\], or None and one of"):
        train(known, known, SETTINGS, RUN, axes)


def test_conditions_of_another_size_are_refused(learnt):
    _, bsp, mask = image_cases(2)
    with pytest.raises(TrainingError, match=r"potentials have the shape \(2, 10, 10, 9\)"):
        sample(learnt["2-D"], bsp[..., :9], mask, 2, [3, 4])
    with pytest.raises(TrainingError, match=r"masks have the shape"):
        sample(learnt["2-D"], bsp, mask[:, :, :9], 2, [3, 4])
    with pytest.raises(TrainingError, match=r"0 samples of a case can't be drawn"):
        sample(learnt["2-D"], bsp, mask, 0, [3, 4])
    with pytest.raises(TrainingError, match=r"there are 1 seeds for 2 cases; give one a case"):
        sample(learnt["2-D"], bsp, mask, 2, [3])
