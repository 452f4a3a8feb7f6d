from dataclasses import replace

import numpy as np
import pytest
import torch
from known_decoder import SETTINGS, decoded_beats, densities, fibre_tensor, known_maps, origins
from lattice import lattice

from transmural.networks.action_potential import potential
from transmural.networks.activation_map_vae import encoded, read_activation_map_model, train
from transmural.networks.activation_maps import ActivationMaps
from transmural.networks.run import TrainingRun
from transmural.networks.saved import write_network
from transmural.networks.scar_level_set import signed_distance
from transmural.stores.errors import StoreError, TrainingError

WALL = lattice(8, 6, 2, spacing=6.0)
TIME = np.linspace(0, 480, 33)
RUN = TrainingRun(5, ("test", "activation_map_vae"), device="cpu")


@pytest.fixture(scope="module")
def cohorts():
    torch.set_num_threads(1)
    known = known_maps(WALL)
    return [decoded_beats(WALL, known, TIME, cases, seed) for seed, cases in enumerate((60, 12, 12))]


@pytest.fixture(scope="module")
def trained(cohorts):
    return train(*cohorts[:2], SETTINGS, RUN)


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("network") / "activation_map_vae"
    write_network(trained, folder, {})
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return read_activation_map_model(folder, WALL)


def inputs(cases=5, seed=4):
    density = densities(WALL, cases, seed)
    return torch.from_numpy(density), torch.from_numpy(origins(WALL, density, seed))


def encoded_decoded(model, beats):
    distance = signed_distance((beats.excitability - 0.15) / 0.35, WALL)
    latent = encoded(model.scars, torch.from_numpy(distance.astype(np.float32)))
    with torch.no_grad():
        return model.decode(latent, torch.from_numpy(beats.origin), torch.from_numpy(beats.time_ms))


def test_pace_scales_activation_times_and_durations(model):
    time = torch.from_numpy(TIME.astype(np.float32))
    faster = model.latent[:2].clone()
    faster[:, -2:] = torch.tensor([-1.0, 0.5])
    with torch.no_grad():
        maps = model.correction(
            model.maps(model.scars.density(model.latent[:2, :-2]), model.origin[:2])[0], model.origin[:2]
        )
        scaled = maps._replace(
            activation_time=np.exp(-0.1) * maps.activation_time, duration=np.exp(0.05) * maps.duration
        )
        torch.testing.assert_close(model.decode(faster, model.origin[:2], time)[0], potential(scaled, time))


def test_training_lowers_the_error_and_finds_the_known_activation_times(trained, model):
    errors = [epoch["validation_tmp"] for epoch in trained.history]
    assert min(errors) < 0.1 * errors[0]
    density, origin = inputs(12)
    first = ActivationMaps(WALL, torch.from_numpy(fibre_tensor(WALL)), SETTINGS)
    known, found, before = (maps(density, origin)[0].activation_time for maps in (known_maps(WALL), model.maps, first))
    healthy = density < 0.05
    assert (found - known)[healthy].abs().mean() < 0.2 * (before - known)[healthy].abs().mean()


def test_new_beats_are_represented_far_better_than_by_the_mean_beat(model, cohorts):
    training, _, new = cohorts
    tmp, density = (value.numpy() for value in encoded_decoded(model, new))
    assert np.square(tmp - new.tmp).mean() < 0.1 * np.square(training.tmp.mean(axis=0) - new.tmp).mean()
    assert ((density > 0.5) == new.scar).mean() > 0.95


def test_residual_variance_has_the_size_of_new_beats_errors_and_follows_the_slope(model, cohorts):
    new = cohorts[2]
    time = torch.from_numpy(new.time_ms)
    tmp, density = encoded_decoded(model, new)
    variance = model.residual_variance(tmp, density, time)
    square = (tmp - torch.from_numpy(new.tmp)).square()
    assert (model.residual >= 0).all()
    assert variance.mean().item() == pytest.approx(square.mean().item(), rel=0.8)
    steep = variance > variance.median()
    assert square[steep].mean() > 2 * square[~steep].mean()
    assert model.underfit >= 1


def test_a_network_read_again_decodes_the_same_bits(trained, folder):
    one, two = (read_activation_map_model(folder, WALL) for _ in range(2))
    known = {name.removeprefix("model."): value for name, value in trained.tensors.items()}
    for name, value in one.maps.state_dict().items():
        assert torch.equal(value, known[name])
    time = torch.from_numpy(TIME.astype(np.float32))
    first, second = (m.decode(m.latent[:6], m.origin[:6], time) for m in (one, two))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    original = ActivationMaps(WALL, torch.from_numpy(fibre_tensor(WALL)), SETTINGS)
    original.load_state_dict({k: v for k, v in known.items() if k in original.state_dict()})
    original.requires_grad_(False)
    for found, expected in zip(one.maps(*inputs())[0], original(*inputs())[0], strict=True):
        assert torch.equal(found, expected)


def test_reading_leaves_the_random_numbers_alone(folder):
    before = torch.get_rng_state()
    read_activation_map_model(folder, WALL)
    assert torch.equal(torch.get_rng_state(), before)


def test_network_of_another_heart_is_refused(folder):
    with pytest.raises(StoreError, match="trained for 96 nodes, and the problem has 90; train it again"):
        read_activation_map_model(folder, lattice(9, 5, 2))


def test_a_cohort_without_scars_is_refused(cohorts):
    healthy = [replace(c, excitability=np.full_like(c.excitability, 0.15)) for c in cohorts[:2]]
    with pytest.raises(TrainingError, match="0 training and 0 validation beats have a scar"):
        train(*healthy, SETTINGS, RUN)


def test_arrival_where_there_is_none_teaches_nothing(cohorts):
    beats, validation, _ = cohorts
    silent = replace(beats, activation_time=np.full_like(beats.activation_time, np.nan))
    short = SETTINGS.model_copy(update={"epochs": 1})
    history = train(silent, validation, short, RUN).history
    assert history[0]["train_arrival"] == 0
    assert np.isfinite(history[0]["gradient_norm"])


def test_maps_of_a_beat_do_not_depend_on_its_batch():
    maps, (density, origin) = known_maps(WALL), inputs()
    every, _, _ = maps(density, origin)
    one, _, _ = maps(density[2:3], origin[2:3])
    for all_of_them, alone in zip(every, one, strict=True):
        torch.testing.assert_close(all_of_them[2], alone[0])


def test_maps_are_those_of_a_heart():
    maps, _, _ = known_maps(WALL)(*inputs(8))
    for values in (maps.duration, maps.upstroke_width, maps.repolarisation_width, maps.slope):
        assert (values > 0).all()
    density = inputs(8)[0]
    assert maps.amplitude[density < 0.02].min() > 0.9
    assert maps.amplitude[density > 0.95].max() < 0.4


def test_gradients_reach_scar_origin_and_every_weight():
    maps, (density, origin) = known_maps(WALL).requires_grad_(True), inputs()
    density.requires_grad_()
    origin.requires_grad_()
    found, arrival, by_origin = maps(density, origin + 0.7)
    torch.autograd.backward(sum(values.square().mean() for values in (*found, arrival, by_origin)))
    for value in (density, origin, *maps.parameters()):
        assert torch.isfinite(value.grad).all()
        assert (value.grad != 0).any()
