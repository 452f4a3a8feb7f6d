"""The conditional autoencoder of ours: every pixel is told all potentials and the whole wall, and no sample the truth."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from image_cases import error_of, image_cases

from transmural.networks import training
from transmural.networks.conditional_network import conditional_loss
from transmural.networks.conditional_vae import reconstruct, sample, train
from transmural.networks.fully_conditioned import FullyConditionedNetwork, coordinates, folded, unfolded
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork, read_network, write_network
from transmural.stores.config.image_networks import FullyConditionedVAE

RUN = TrainingRun(5, ("images", "fully_conditioned"), device="cpu")
SETTINGS = FullyConditionedVAE(
    epochs=3,
    least_steps=0,
    batch_cases=4,
    learning_rate=0.003,
    schedule="constant",
    weight_decay=0,
    clip_norm=100.0,
    patience_epochs=1000,
    latent=4,
    filters=8,
    dense=8,
    beta=0.05,
    misfit="sum",
    bsp_samples=4,
    condition_hidden=32,
    condition_units=16,
    fine_filters=8,
    monitor="prior_squared_error",
)
SHAPES = {"2-D": (20, 16), "3-D": (8, 8, 8)}
CASES, EPOCHS = {"2-D": 48, "3-D": 60}, {"2-D": 6, "3-D": 10}
AXES = {2: (0, 1), 3: (1, 2)}
TRUTH = ("read_map.", "mean.", "log_variance.")
"""What only the encoder has."""


def built(shape):
    electrodes = (10, 10, 12)
    settings = SETTINGS.model_dump()
    with RUN.torch_stream("weights"):
        return FullyConditionedNetwork(
            {"shape": shape, "electrodes": electrodes, "electrode_axes": AXES[len(shape)], "settings": settings}
        )


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(array, np.float32)) for array in arrays]


def trained(kind="2-D", run=RUN, cases=8, **changes):
    shape, settings = SHAPES[kind], SETTINGS.model_copy(update=changes)
    return train(image_cases(cases, shape), image_cases(6, shape, 1), settings, run, AXES[len(shape)])


@cache
def learnt(kind):
    """The network after its training."""
    return trained(kind, cases=CASES[kind], epochs=EPOCHS[kind])


# Grids


HALVED = st.lists(st.integers(1, 4), min_size=2, max_size=3)


@given(HALVED, st.integers(1, 3), st.integers(1, 3))
def test_folded_images_are_unfolded_again(halved, cases, channels):
    shape = [cases, channels, *(2 * size for size in halved)]
    images = torch.arange(float(np.prod(shape))).reshape(shape)
    half = folded(images)
    assert half.shape == (cases, channels * 2 ** len(halved), *halved)
    assert torch.equal(unfolded(half), images)
    assert torch.equal(folded(unfolded(half)), half)


@given(HALVED)
def test_a_coarse_pixel_holds_the_fine_ones_in_it(halved):
    """Each channel of the coarse grid is the fine one of the same place."""
    fine = torch.stack(torch.meshgrid(*(torch.arange(2 * size) for size in halved), indexing="ij"))
    held = folded(fine.unsqueeze(1)) // 2  # an image an axis
    coarse = torch.stack(torch.meshgrid(*(torch.arange(size) for size in halved), indexing="ij"))
    assert torch.equal(held, coarse.unsqueeze(1).expand_as(held))


def test_coordinates_are_those_of_the_axes():
    found = coordinates((3, 5))
    assert found[0, :, 2].tolist() == [-1, 0, 1]
    assert found[1, 1].tolist() == [-1, -0.5, 0, 0.5, 1]


# Network


@pytest.mark.parametrize("shape", [(20, 16), (4, 8), (8, 12, 4)])
def test_maps_come_back_in_their_size_and_zero_outside_of_the_wall(shape):
    maps, bsp, mask = tensors(*image_cases(3, shape))
    model = built(shape)
    mean, log_variance = model.encode(maps, model.known(bsp, mask))
    assert mean.shape == log_variance.shape == (3, 4)
    found = model.decode(torch.randn(3, 2, 4), model.known(bsp, mask))
    assert found.shape == (3, 2, *shape)
    walls = mask.unsqueeze(1).expand_as(found)
    assert (found[walls == 0] == 0).all()
    assert ((found[walls == 1] > 0) & (found[walls == 1] < 1)).all()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_samples_of_a_case_are_decoded_as_if_alone(shape):
    _, bsp, mask = tensors(*image_cases(2, shape))
    model, latent = built(shape), torch.randn(2, 3, 4)
    together = model.decode(latent, model.known(bsp, mask))
    alone = model.decode(latent[1:, 2:], model.known(bsp[1:], mask[1:]))
    torch.testing.assert_close(together[1:, 2:], alone, atol=1e-5, rtol=0)


def told_of(change):
    """Pixels of the wall whose time moves with the conditions, and the wall."""
    _, bsp, mask = tensors(*image_cases(1, (40, 40)))
    model, latent = built((40, 40)), torch.zeros(1, 1, 4)
    before, after = (
        model.decode(latent, model.known(*conditions))[0, 0] for conditions in ((bsp, mask), change(bsp, mask))
    )
    return before != after, mask[0] == 1


def test_every_pixel_is_told_of_electrodes_far_away():
    """In the published network, a pixel isn't."""

    def last_rows(bsp, mask):
        changed = bsp.clone()
        changed[:, -2:] += 5
        return changed, mask

    moved, wall = told_of(last_rows)
    assert moved[wall].float().mean() > 0.9


def test_every_pixel_is_told_of_the_wall_far_away():
    def without_last_rows(bsp, mask):
        cut = mask.clone()
        cut[:, -8:] = 0
        return bsp, cut

    moved, wall = told_of(without_last_rows)
    assert moved[:16][wall[:16]].float().mean() > 0.9


def test_the_encoder_is_told_the_conditions():
    maps, bsp, mask = tensors(*image_cases(2, (20, 16)))
    model = built((20, 16))
    mean, _ = model.encode(maps, model.known(bsp, mask))
    assert not torch.equal(model.encode(maps, model.known(bsp + 1, mask))[0], mean)
    assert not torch.equal(model.encode(maps * 0.5, model.known(bsp, mask))[0], mean)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_in_half_precision_the_loss_is_nearly_the_same(shape):
    """As on a GPU, where layers compute in bfloat16."""
    maps, bsp, mask = tensors(*image_cases(4, shape))
    model = built(shape).train(False)
    losses = []
    for enabled in (False, True):
        with RUN.torch_stream("test"), torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            losses.append(conditional_loss(model, {"maps": maps, "bsp": bsp, "mask": mask}, 0.0))
    assert {value.dtype for value in losses[1].values()} == {torch.float32}
    for name in ("loss", "prior_squared_error"):
        assert losses[1][name].item() == pytest.approx(losses[0][name].item(), rel=0.02)


# What is learnt


@pytest.mark.parametrize("kind", SHAPES)
def test_samples_are_nearer_than_the_mean_map(kind):
    known, (maps, bsp, mask) = image_cases(CASES[kind], SHAPES[kind]), image_cases(10, SHAPES[kind], 2)
    mean_map = known[0].sum(axis=0) / np.maximum(known[2].sum(axis=0), 1)
    found = sample(learnt(kind), bsp, mask, 5, range(10))
    assert found.shape == (10, 5, *SHAPES[kind])
    assert (found.std(axis=1)[mask] > 0).mean() > 0.9
    assert error_of(found.mean(axis=1), maps, mask) < 0.7 * error_of(mean_map, maps, mask)


def test_samples_need_no_map():
    """What only the encoder has, which would see the truth, isn't used."""
    _, bsp, mask = image_cases(3, SHAPES["2-D"], 2)
    network = learnt("2-D")
    only_encoder = {name for name in network.tensors if name.startswith(TRUTH)}
    assert {name.partition(".")[0] + "." for name in only_encoder} == set(TRUTH)
    blind = {
        name: torch.full_like(value, torch.nan) if name in only_encoder else value
        for name, value in network.tensors.items()
    }
    unseen = TrainedNetwork(blind, network.description, [])
    assert np.array_equal(sample(unseen, bsp, mask, 4, range(3)), sample(network, bsp, mask, 4, range(3)))
    assert np.isnan(reconstruct(unseen, np.full(mask.shape, 0.5, np.float32), bsp, mask)).any()


@pytest.mark.parametrize("kind", SHAPES)
def test_a_network_read_again_is_this_one_and_gives_the_same(kind, tmp_path):
    _, bsp, mask = image_cases(2, SHAPES[kind], 2)
    write_network(learnt(kind), tmp_path / "network", {})
    again = read_network(tmp_path / "network")
    assert "read_bsp.0.weight" in again.tensors
    assert np.array_equal(sample(again, bsp, mask, 2, [3, 4]), sample(learnt(kind), bsp, mask, 2, [3, 4]))


def test_the_unit_of_the_potentials_does_not_matter():
    maps, bsp, mask = image_cases(8, SHAPES["2-D"])
    settings = SETTINGS.model_copy(update={"epochs": 1})
    found = []
    for factor in (1, 1000):
        cases = (maps, np.float32(factor) * bsp, mask)
        found.append(sample(train(cases, cases, settings, RUN), cases[1], mask, 2, range(8)))
    np.testing.assert_allclose(found[1], found[0], atol=1e-3)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_resumed_training_ends_with_the_same_bits(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(training, "LARGEST_SHARE", np.inf)
    whole = trained(kind)

    def stop(done, epochs):
        if done == 2:
            raise InterruptedError

    interrupted = replace(RUN, checkpoint=tmp_path / "checkpoint", progress=stop)
    with pytest.raises(InterruptedError):
        trained(kind, interrupted)
    seen = []
    again = trained(kind, replace(interrupted, progress=lambda done, epochs: seen.append(done)))
    assert seen[0] == 2
    assert [epoch["validation_loss"] for epoch in again.history] == [e["validation_loss"] for e in whole.history]
    assert all(torch.equal(values, again.tensors[name]) for name, values in whole.tensors.items())
