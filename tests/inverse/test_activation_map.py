from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known_decoder import decoded, decoded_beats, known_maps, known_model
from small_heart import small_heart

from transmural.inverse import activation_map as module
from transmural.inverse.activation_map import Points, activation_map, most_probable, starting_points
from transmural.inverse.nearest_beat import nearest_few
from transmural.inverse.noise import add_noise
from transmural.inverse.problem import Problem, Training
from transmural.inverse.solve import solve
from transmural.stores.config.inference import ActivationMAP, Inference
from transmural.stores.errors import InferenceError
from transmural.stores.random_streams import case_generators

MAP = {"starts": 4, "first_steps": 12, "survivors": 2, "rough_steps": 20, "second_starts": 2, "steps": 30, "newton_steps": 2,
       "learning_rate": 0.15, "samples": 16, "temperature": 1}  # fmt: skip
CASES = 8


def chosen(**changed):
    return Inference.model_construct(activation_map=ActivationMAP(**{**MAP, **changed}))


@pytest.fixture(scope="module")
def heart():
    torch.set_num_threads(1)
    return small_heart(spacing=11.0, leads=60, frames=34)


@pytest.fixture(scope="module")
def known(heart):
    """Training beats that a known decoder has made, and the autoencoder of it."""
    maps = known_maps(heart.graph)
    beats = decoded_beats(heart.graph, maps, heart.time_ms, 60, 0, heart.transfer)
    return beats, known_model(heart.graph, maps, beats)


@pytest.fixture(scope="module")
def truth(heart, known):
    """Latent variables, origins and potentials of new beats: scars drawn from the prior, origins between the nodes."""
    _, model = known
    draw = np.random.default_rng(12)
    latent = torch.from_numpy(draw.normal(size=(CASES, model.latent.shape[1])).astype(np.float32))
    # The pace of training, from which the inferred one must not stray.
    latent[:, -2:] = 0
    density = model.scars.density(latent[:, :-2]).numpy()
    healthy = [draw.choice(np.flatnonzero(case < 0.05)) for case in density]
    origin = (heart.graph.position[healthy] + draw.uniform(-4, 4, (CASES, 3))).astype(np.float32)
    return latent, origin, decoded(model.maps, density, origin, heart.time_ms)[0]


@pytest.fixture(scope="module")
def problem(heart, known, truth):
    beats, _ = known
    ecg, level = add_noise(heart.ecg(truth[2]), 30.0, case_generators(7, "noise", cases=range(CASES)))
    training = Training(beats.tmp, beats.ecg, beats.origin, beats.scar)
    given = {"training": training, "network": Path("network"), "inference": chosen()}
    return Problem(ecg, heart.transfer, level, heart.time_ms, heart.graph, **given)


@pytest.fixture(autouse=True)
def known_network(monkeypatch, known):
    monkeypatch.setattr(module, "read_activation_map_model", lambda folder, graph: known[1])


@pytest.fixture(scope="module")
def found(problem, known):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read_activation_map_model", lambda folder, graph: known[1])
        return activation_map(problem)


def error(tmp, truth):
    return np.linalg.norm(tmp - truth, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))


def begin(search, problem, count, cases=CASES):
    ecg = torch.from_numpy(problem.ecg[:cases])
    return starting_points(search, ecg, torch.from_numpy(problem.training.ecg), count)


def some(problem, *cases):
    return replace(problem, ecg=problem.ecg[list(cases)], noise_sd_mv=problem.noise_sd_mv[list(cases)])


def test_decoded_beats_are_found_again(problem, found, truth):
    errors = error(found.tmp, truth[2])
    assert np.median(errors) < 0.06
    assert errors.mean() < 0.5 * error(solve("nearest_beat", problem).tmp, truth[2]).mean()
    assert found.tmp.dtype == found.std.dtype == np.float32


def test_origin_is_found_within_a_node(problem, known, truth):
    coarse, wanted = module._search(problem, known[1], 2), problem.settings.activation_map
    found = most_probable(coarse, begin(coarse, problem, wanted.starts), wanted)
    distance = np.linalg.norm(found.origin[:, 0].numpy() - truth[1], axis=1)
    assert np.median(distance) < 4
    assert distance.max() < 11


def test_energy_falls_below_that_of_every_start_and_misfit_is_one(problem, known, found):
    search = module._search(problem, known[1], 1)
    starts = begin(search, problem, problem.settings.activation_map.starts)
    for start in range(starts.latent.shape[1]):
        begun = search.energies(starts.latent[:, start], starts.origin[:, start], torch.arange(CASES)).numpy()
        assert (found.chosen["energy"] < begun).all()
    assert np.median(found.chosen["misfit"]) == pytest.approx(1, abs=0.25)
    assert set(found.chosen["start"]) <= {"beat", "trial scar"}


def test_scars_tried_with_the_origin_that_was_found_lead_out_of_a_wrong_scar(problem, known, truth):
    search, wanted = module._search(problem, known[1], 2), ActivationMAP(**MAP)
    wrong = Points(truth[0].roll(1, dims=0)[:, None], torch.from_numpy(truth[1])[:, None], np.full((CASES, 1), "beat"))
    steps = wanted.first_steps + wanted.rough_steps + wanted.steps
    alone, again = module._descend(search, wrong, steps, wanted.learning_rate)[0], most_probable(search, wrong, wanted)
    stuck, free = (search.misfits_and_energies(p.latent[:, 0], p.origin[:, 0])[1] for p in (alone, again))
    left = again.kind[:, 0] == "trial scar"
    assert left.any()
    assert free[left].mean() < 0.97 * stuck[left].mean()


def test_steps_of_gauss_newton_never_raise_the_energy_and_end_where_it_is_flat(problem, known, truth):
    search = module._search(problem, known[1], 2)
    latent, origin = truth[0], torch.from_numpy(truth[1])
    energies = []
    for steps in (1, 2, 6):
        z, o, _ = module._to_the_bottom(search, latent, origin, steps)
        energies.append(search.misfits_and_energies(z, o)[1])
    begun = search.misfits_and_energies(latent, origin)[1]
    for before, after in zip([begun, *energies[:-1]], energies, strict=True):
        assert (after <= before * (1 + 1e-5)).all()
    assert (energies[0] < begun).all()
    assert (energies[1] - energies[2]).median() < 0.1 * (begun - energies[2]).median()


def test_intervals_cover_about_what_they_say(found, truth):
    assert (found.std >= 0).all()
    # Where nothing is uncertain, rounding alone decides.
    uncertain = found.std > 1e-4
    assert uncertain.any(axis=(1, 2)).all()
    inside = np.abs(truth[2] - found.tmp)[uncertain] <= 1.645 * found.std[uncertain]
    assert 0.6 < inside.mean() < 0.99


def test_standard_deviation_grows_with_the_root_of_the_temperature(problem):
    # Small temperatures, because the decoder is far from linear over a prior standard deviation.
    cold, warm = (
        activation_map(some(replace(problem, inference=chosen(temperature=t)), 5)).std.mean() for t in (0.01, 0.04)
    )
    assert warm / cold == pytest.approx(2, rel=0.25)


def test_what_the_decoder_leaves_over_adds_to_the_variance(problem, found, known, monkeypatch):
    wider = replace(known[1], residual=torch.tensor([0.0, 0.0, 0.01]))
    monkeypatch.setattr(module, "read_activation_map_model", lambda folder, graph: wider)
    with_error = activation_map(some(problem, 0))
    # Another set of cases rounds otherwise, and a front may end elsewhere by as little.
    difference = np.abs(with_error.std**2 - found.std[:1] ** 2 - 0.01)
    assert np.quantile(difference, 0.9) < 2e-3


def test_a_case_does_not_depend_on_its_batch(problem, found):
    part = activation_map(some(problem, 5, 2))
    assert (error(part.tmp, found.tmp[[5, 2]]) < 0.05).all()
    assert np.abs(part.std - found.std[[5, 2]]).mean() < 0.01
    np.testing.assert_allclose(part.chosen["energy"], found.chosen["energy"][[5, 2]], rtol=0.01)


def test_memory_is_spared_without_changing_the_result(problem, found, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    assert (error(activation_map(some(problem, 0, 1)).tmp, found.tmp[:2]) < 0.05).all()


def test_posterior_is_that_of_the_linearised_model(problem, known, truth):
    search = module._search(problem, known[1], 2)
    latent, origin = truth[0][0], torch.from_numpy(truth[1][0])
    point, modes = torch.cat([latent, origin]), latent.numel()

    def misfit(x):
        return search.misfit(x[None, :modes], x[None, modes:], torch.zeros(1, dtype=torch.long))[0]

    jacobian = torch.autograd.functional.jacobian(misfit, point).double()
    prior = torch.diag(torch.cat([torch.ones(modes), torch.full((3,), 1e-4)])).double()
    expected = torch.linalg.inv(jacobian.T @ jacobian + prior)
    factor = module._to_the_bottom(search, latent[None], origin[None], 1)[2][0].double()
    found = factor @ factor.T
    assert torch.linalg.matrix_norm(found - expected) < 0.25 * torch.linalg.matrix_norm(expected)


@settings(max_examples=12)
@given(st.integers(1, 12))
def test_starts_are_the_nearest_beats_and_the_most_probable_trial_scars(problem, known, starts):
    model, search = known[1], module._search(problem, known[1], 2)
    begun = begin(search, problem, starts, 2)
    latent, origin, kinds = begun.latent, begun.origin, begun.kind
    assert latent.shape == (2, starts, model.latent.shape[1])
    assert origin.shape == (2, starts, 3)
    assert kinds.tolist() == 2 * [["beat"] * (starts - starts // 2) + ["trial scar"] * (starts // 2)]
    near = nearest_few(problem.ecg[:2], problem.training.ecg, starts - starts // 2)
    beats = kinds[0] == "beat"
    assert torch.equal(latent[:, beats], model.latent[near])
    assert torch.equal(origin[:, beats], model.origin[near])
    for case in range(2):
        number = torch.full((model.trial.shape[0],), case)
        first = nearest_few(problem.ecg[case : case + 1], problem.training.ecg, 1)[0]
        everywhere = search.energies(model.trial, model.origin[first].expand(number.numel(), 3), number)
        tried = search.energies(latent[case, ~beats], origin[case, ~beats], number[: starts // 2])
        assert (tried.diff() >= -1e-3 * tried[:-1]).all()
        assert starts == 1 or tried[0] <= everywhere.min() * (1 + 1e-3)


def test_an_origin_outside_the_wall_costs_energy(problem, known):
    search = module._search(problem, known[1], 2)
    inside = torch.from_numpy(problem.graph.position[:3].astype(np.float32))
    assert (search._outside_mm(inside) == 0).all()
    outside = inside.clone()
    outside[:, 2] += 200
    assert (search._outside_mm(outside) > 100).all()


def test_training_beats_of_the_networks_cohort_are_needed(problem):
    with pytest.raises(InferenceError, match="needs training beats"):
        activation_map(replace(problem, training=None))
    training = problem.training
    fewer = Training(training.tmp[:9], training.ecg[:9], training.origin[:9], training.scar[:9])
    with pytest.raises(InferenceError, match="trained on 60 beats and the problem has 9"):
        activation_map(replace(problem, training=fewer))
