import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from transmural.networks import training
from transmural.networks.forward_surrogate import FORMS, ForwardSurrogate, predict, surrogate_loss, train, turned
from transmural.networks.run import TrainingRun
from transmural.networks.saved import read_network, write_network
from transmural.networks.schedule import learning_rate_factor
from transmural.networks.sheet_currents import conductive_share, currents
from transmural.networks.sheet_encoder import ConvolutionalEncoder
from transmural.networks.spectral_entropy import spectral_entropy, spectral_entropy_loss, spectral_entropy_weight
from transmural.networks.surrogate_decoder import SurrogateDecoder
from transmural.networks.time_aware_attention import TimeAwareAttention, time_embeddings
from transmural.stores.config.networks import ForwardSurrogate as Settings
from transmural.stores.errors import TrainingError

RUN = TrainingRun(3, ("sheet", "surrogate"), device="cpu")
TRAINING = {
    "epochs": 4,
    "least_steps": 0,
    "batch_cases": 8,
    "learning_rate": 0.01,
    "schedule": "plateau",
    "weight_decay": 0,
    "clip_norm": 1.0,
    "patience_epochs": 1000,
}
SIZES = {"channels_first": 3, "channels_second": 4, "pooled": 3, "hidden": 8, "units": 10, "attention_units": 6}
SIZES |= {"embedding": 4, "head_units": 7, "dropout": 0.2}
PARTS = {
    "maps": "potentials",
    "symmetries": False,
    "encoder": "cnn",
    "attention": True,
    "time_embedding": True,
    "spectral_entropy": True,
}


def settings(**changes):
    return Settings(**{**TRAINING, **SIZES, **PARTS, **changes})


def fronts(cases, seed=0, frames=20, rows=12, columns=12):
    """Plane and circular fronts that cross a sheet, and a weighted sum over it: maps and ECGs."""
    draw = np.random.default_rng(seed)
    place = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1)
    origin = draw.uniform([0, 0], [rows, columns], (cases, 2))
    arrival = np.linalg.norm(place - origin[:, None, None], axis=-1) / draw.uniform(0.8, 1.2, (cases, 1, 1))
    since = np.arange(frames)[:, None, None] - 2 - arrival[:, None]
    tmp = (1 / (1 + np.exp(-2 * since))).astype(np.float32)
    weights = np.cos(place[..., 0] / 4) * np.sin(1 + place[..., 1] / 3)
    return tmp, 40 + np.einsum("ntrc,rc->nt", tmp, weights)


def surrogate(seed=0, **changes):
    """An untrained network whose predictions differ between frames."""
    torch.manual_seed(seed)
    model = ForwardSurrogate(settings(**changes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model.train(False)


def batch(cases=4, **sizes):
    tmp, ecg = fronts(cases, **sizes)
    return {"tmp": torch.from_numpy(tmp), "ecg": torch.from_numpy((ecg - ecg.mean()) / ecg.std()).float()}


# Attention


def test_time_embeddings_are_pairs_of_sine_and_cosine_from_one_frame_to_ten_thousand():
    found = time_embeddings(50, 4)
    times = np.arange(50)
    expected = [np.sin(times), np.sin(times / 100), np.cos(times), np.cos(times / 100)]
    np.testing.assert_allclose(found.numpy(), np.column_stack(expected), atol=1e-12)
    assert time_embeddings(50, 0).shape == (50, 0)


def test_attention_is_equations_2_and_3():
    torch.manual_seed(1)
    attention = TimeAwareAttention(3, 4, 5, 6)
    state, latent, times = torch.randn(2, 5), torch.randn(2, 7, 3), time_embeddings(7, 4).float()
    timed = torch.cat([latent, times.expand(2, -1, -1)], dim=2)
    context, weights = attention(state, attention.keys(timed), latent)
    for case in range(2):
        scores = torch.stack(
            [
                attention.score(torch.tanh(attention.query(state[case]) + attention.key(timed[case, frame])))[0]
                for frame in range(7)
            ]
        )
        expected = scores.exp() / scores.exp().sum()
        torch.testing.assert_close(weights[case], expected)
        torch.testing.assert_close(context[case], (expected[:, None] * latent[case]).sum(dim=0))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))


def test_the_context_for_equal_keys_is_the_mean():
    torch.manual_seed(2)
    attention = TimeAwareAttention(3, 0, 5, 6)
    latent = torch.randn(2, 7, 3)
    context, weights = attention(torch.randn(2, 5), torch.randn(2, 1, 6).expand(-1, 7, -1), latent)
    torch.testing.assert_close(weights, torch.full((2, 7), 1 / 7))
    torch.testing.assert_close(context, latent.mean(dim=1))


# Encoder and decoder


def test_frames_at_rest_are_encoded_as_one_and_the_others_as_convolutions_say():
    torch.manual_seed(0)
    encoder = ConvolutionalEncoder(settings()).train(False)
    tmp = torch.rand(2, 3, 11, 13)
    tmp[0, 2] = 0.004  # at rest: as good as zero
    features = tmp.flatten(0, 1).unsqueeze(1).clone()
    features[2] = 0
    for layer in (layer for block in encoder.blocks for layer in block):
        features = layer(features)
    assert features.shape == (6, 4, 3, 4)  # odd edges keep their rim
    expected = encoder.dense(encoder.pooling(features).flatten(1)).unflatten(0, (2, 3))
    torch.testing.assert_close(encoder(tmp), expected)


def test_shares_and_currents_of_a_sheet_with_a_patch():
    share = torch.ones(6, 8)
    share[2, 3], share[2, 4] = 0, 0.5
    tissue = torch.rand(1, 5, 6, 8)
    tissue[:, 1] = 1  # every cell is excited once
    tmp = 0.9 * share * tissue
    torch.testing.assert_close(conductive_share(tmp)[0, 0], share)
    found = currents(tmp)
    assert found.shape == (1, 5, 2, 6, 8)
    assert not found[0, :, 0, 2, 2:4].any()  # none into the patch, none out of it
    torch.testing.assert_close(found[0, :, 0, 2, 4], 0.45 * (tissue[0, :, 2, 5] - tissue[0, :, 2, 4]))
    torch.testing.assert_close(found[0, :, 1, 0, 1], 0.9 * (tissue[0, :, 1, 1] - tissue[0, :, 0, 1]))
    assert not found[..., 0, :, -1].any()
    assert not found[..., 1, -1, :].any()


def test_a_record_of_rest_has_no_currents():
    assert not currents(torch.zeros(1, 4, 5, 5)).any()


def stepwise(decoder, latent):
    """The decoder as the paper describes it: torch's LSTM cell and everything concatenated, step by step."""
    attention, units = decoder.attention, decoder.joined.in_features - 1
    cell = nn.LSTMCell(decoder.known_gates.in_features + decoder.recurrent_gates.in_features - units, units)
    # torch has the gates in the order input, forget, cell, output.
    order = torch.cat([torch.arange(4 * units).view(4, units)[gate] for gate in (0, 1, 3, 2)])
    known, recurrent = decoder.known_gates, decoder.recurrent_gates.weight
    cell.weight_ih.data = torch.cat([known.weight, recurrent[:, units:]], dim=1)[order]
    cell.weight_hh.data = recurrent[:, :units][order]
    cell.bias_ih.data, cell.bias_hh.data = known.bias[order], torch.zeros(4 * units)
    times = time_embeddings(latent.shape[1], decoder.embedding).float().expand(latent.shape[0], -1, -1)
    timed = torch.cat([latent, times], dim=2)
    state, memory, value = torch.zeros(len(latent), units), torch.zeros(len(latent), units), torch.zeros(len(latent), 1)
    values = []
    for t in range(latent.shape[1]):
        read = [timed[:, t]]
        if attention is not None:
            read.append(attention(state, attention.keys(timed), latent)[0])
        state, memory = cell(torch.cat(read, dim=1), (state, memory))
        value = decoder.value(torch.relu(decoder.joined(torch.cat([state, value], dim=1))))
        values.append(value)
    return torch.cat(values, dim=1)


@pytest.mark.parametrize("form", ["surrogate", "no_attention", "no_time_embedding"])
def test_the_decoder_is_an_lstm_over_the_concatenated_input(form):
    torch.manual_seed(3)
    decoder, latent = SurrogateDecoder(settings(**FORMS[form])), torch.randn(3, 9, 8)
    torch.testing.assert_close(decoder(latent), stepwise(decoder, latent))


def test_decoding_stays_in_single_precision_under_autocast():
    model, given = surrogate(), batch()
    exact = surrogate_loss(model, given, 0.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model.encoder(given["tmp"]).dtype == torch.bfloat16
        assert model(given["tmp"]).dtype == torch.float32
        rounded = surrogate_loss(model, given, 0.0)
    for name, value in exact.items():
        assert rounded[name].dtype == torch.float32
        torch.testing.assert_close(rounded[name], value, rtol=0.05, atol=0.01)


# Loss


def test_spectral_entropy_of_a_tone_is_none_and_of_noise_nearly_all_bits():
    times = torch.arange(128, dtype=torch.float64)
    tone = torch.cos(2 * math.pi * 5 * times / 128 + 0.3)
    pair = tone + torch.cos(2 * math.pi * 20 * times / 128)
    impulse = (times == 3).double()
    torch.manual_seed(0)
    found = spectral_entropy(torch.stack([tone, pair, impulse, 1000 * impulse, 0 * times]))
    np.testing.assert_allclose(found, [0, 1, np.log2(65), np.log2(65), 0], atol=1e-6)
    # The bins of a periodogram of noise are exponentially distributed: (1 − γ) / ln 2 bits less than equal bins.
    noise = spectral_entropy(torch.randn(400, 128))
    assert noise.mean().item() == pytest.approx(np.log2(65) - 0.61, abs=0.05)
    assert spectral_entropy_loss(tone[None], pair[None]).item() == pytest.approx(1, abs=1e-6)


def test_the_spectral_entropys_weight_falls_from_one_to_nothing():
    weights = [spectral_entropy_weight(n, 200) for n in (0, 50, 100, 150, 200)]
    assert weights == pytest.approx([1, (2 + math.sqrt(2)) / 4, 0.5, (2 - math.sqrt(2)) / 4, 0])
    assert weights[0] == 1
    assert weights[-1] == 0


def test_terms_of_the_loss_are_what_they_are_called():
    model, given = surrogate(), batch()
    terms = surrogate_loss(model, given, 1.0)
    predicted, truth = model(given["tmp"]).detach().numpy(), given["ecg"].numpy()
    error = np.abs(predicted - truth)
    assert terms["huber"].item() == pytest.approx(np.where(error < 1, error**2 / 2, error - 0.5).mean(), rel=1e-5)
    explained = [1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum() for p, t in zip(predicted, truth, strict=True)]
    assert terms["unexplained"].item() == pytest.approx(1 - np.mean(explained), rel=1e-5)
    whole = terms["huber"] + spectral_entropy_weight(1.0, 4) * terms["spectral_entropy"]
    torch.testing.assert_close(terms["loss"], whole)


@pytest.mark.parametrize("training_mode", [True, False])
def test_predictions_within_the_loss_do_not_see_the_ecgs(training_mode):
    model, given, seen = surrogate().train(training_mode), batch(), []
    model.register_forward_hook(lambda module, read, out: seen.append(out.detach()))
    for ecg in (given["ecg"], torch.full_like(given["ecg"], math.nan)):
        torch.manual_seed(0)  # the same features are dropped
        surrogate_loss(model, {**given, "ecg": ecg}, 0.0)
    assert seen[0].isfinite().all()
    assert torch.equal(*seen)


@pytest.mark.parametrize("form", FORMS)
def test_the_losss_gradient_is_that_of_finite_differences(form):
    torch.manual_seed(5)
    sizes = {"channels_first": 2, "channels_second": 2, "hidden": 3, "units": 3, "attention_units": 2, "head_units": 3}
    model = ForwardSurrogate(settings(**sizes, **FORMS[form], dropout=0)).double()
    given = {name: value.double() for name, value in batch(3, frames=6, rows=6, columns=6).items()}
    loss = surrogate_loss(model, given, 1.0)["loss"]
    parameters = list(model.parameters())
    slopes = torch.autograd.grad(loss, parameters)
    step = 1e-6
    for parameter, slope in zip(parameters, slopes, strict=True):
        direction = torch.randn_like(parameter)
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(direction, alpha=sign * step)
                sides.append(surrogate_loss(model, given, 1.0)["loss"].item())
                parameter.sub_(direction, alpha=sign * step)
        assert (sides[0] - sides[1]) / (2 * step) == pytest.approx((slope * direction).sum().item(), rel=1e-4, abs=1e-7)


# Ablation


def earlier_predictions(model, change):
    """Predictions of the first five frames, as the maps are and with the later ones changed."""
    tmp = batch()["tmp"]
    changed = tmp.clone()
    changed[:, 5:] = change(tmp[:, 5:])
    with torch.no_grad():
        return model(tmp)[:, :5], model(changed)[:, :5]


def test_only_attention_looks_at_frames_to_come():
    for form in FORMS:
        before, after = earlier_predictions(surrogate(**FORMS[form]), lambda later: 1 - later)
        same = (before - after).abs().max() < 1e-6
        assert same == (form == "no_attention"), form


def test_without_time_embeddings_attention_does_not_know_the_order_of_frames_to_come():
    for form in FORMS:
        before, after = earlier_predictions(surrogate(**FORMS[form]), lambda later: later.flip(1))
        same = (before - after).abs().max() < 1e-6
        assert same == (form in ("no_attention", "no_time_embedding")), form


def test_without_time_embeddings_or_attention_the_decoder_does_not_know_the_time_either():
    """Its gates read the same at all times from a latent vector that stays the same."""
    for given in (True, False):
        decoder = SurrogateDecoder(settings(attention=False, time_embedding=given))
        assert decoder.known_gates.in_features == 8 + 4 * given


def test_without_convolutions_only_the_mean_voltage_counts():
    tmp = batch()["tmp"]
    shuffled = tmp.flatten(2)[:, :, torch.randperm(144)].view_as(tmp)
    for form in FORMS:
        model = surrogate(**FORMS[form])
        with torch.no_grad():
            same = torch.allclose(model(tmp), model(shuffled), atol=1e-5)
        assert same == (form == "no_cnn"), form


def test_without_spectral_entropy_the_loss_is_hubers():
    for form in FORMS:
        terms = surrogate_loss(surrogate(**FORMS[form]), batch(), 0.0)
        added = terms["loss"] - terms["huber"]
        expected = 0 if form == "no_spectral_entropy" else terms["spectral_entropy"].item()
        assert added.item() == pytest.approx(expected, abs=1e-5), form
        assert terms["spectral_entropy"] > 0.01


def test_ablation_leaves_no_parameters_unused():
    given = batch()
    for form in FORMS:
        model = surrogate(**FORMS[form])
        torch.autograd.backward(surrogate_loss(model, given, 0.0)["loss"])
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters()), form


# Schedule


def test_the_learning_rate_is_halved_by_every_five_epochs_without_a_better_loss():
    losses = [3.0, 2.0] + [2.0, 2.5, 2.1, 2.2, 2.3] + [2.9, 1.9] + [1.95] * 10
    factors = [learning_rate_factor(0, 1, "plateau", losses[:done]) for done in range(len(losses) + 1)]
    assert factors == [1.0] * 7 + [0.5] * 7 + [0.25] * 5 + [0.125]


def test_plateaus_are_those_of_torchs_scheduler():
    losses = np.random.default_rng(0).normal(size=200).cumsum().tolist()
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    # It halves when there are more bad epochs than its patience.
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=4, threshold=0, eps=0)
    for done, loss in enumerate(losses, start=1):
        reference.step(loss)
        assert learning_rate_factor(7, 9, "plateau", losses[:done]) == optimiser.param_groups[0]["lr"]


def small(cases, seed):
    return fronts(cases, seed, frames=8, rows=8, columns=8)


def trained(run=RUN, **changes):
    return train(*small(8, 0), *small(4, 1), settings(**changes), run)


def test_a_resumed_training_has_the_same_rates_and_ends_with_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(training, "LARGEST_SHARE", math.inf)
    plan = {"epochs": 40, "learning_rate": 0.2}
    whole = trained(**plan)
    rates = [epoch["learning_rate"] for epoch in whole.history]
    halved = next(number for number, rate in enumerate(rates) if rate < rates[0])
    assert halved < 35
    # Midway through a plateau, right after a halving, and later on.
    for stop in (halved - 2, halved + 1, halved + 4):

        def progress(done, epochs, stop=stop):
            if done == stop:
                raise KeyboardInterrupt

        path, seen = tmp_path / str(stop), []
        with pytest.raises(KeyboardInterrupt):
            trained(replace(RUN, checkpoint=path, progress=progress), **plan)
        again = trained(
            replace(RUN, checkpoint=path, progress=lambda done, epochs, seen=seen: seen.append(done)), **plan
        )
        assert seen[0] == stop
        assert [epoch["learning_rate"] for epoch in again.history] == rates
        assert all(torch.equal(value, again.tensors[name]) for name, value in whole.tensors.items())


# Training and prediction


@pytest.fixture(scope="module")
def learnt():
    sizes = {"channels_first": 4, "channels_second": 8, "hidden": 16, "units": 24, "attention_units": 16}
    # Twenty steps are too few to tell a plateau, and while the spectral entropy weighs much there seem to be many.
    sizes |= {"head_units": 24, "dropout": 0}
    plan = settings(**sizes, epochs=90, batch_cases=4, learning_rate=0.003, schedule="constant")
    return train(*fronts(16), *fronts(4, seed=1), plan, RUN)


def test_a_small_problem_is_learnt(learnt):
    tmp, ecg = fronts(16)
    found = predict(learnt, tmp)
    variation = ((ecg - ecg.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    assert (1 - ((found - ecg) ** 2).sum(axis=1) / variation).mean() > 0.9


def test_the_best_epoch_has_the_least_unexplained_part_of_the_validation(learnt):
    tmp, ecg = fronts(4, seed=1)
    best = min(epoch["validation_unexplained"] for epoch in learnt.history)
    variation = ((ecg - ecg.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    unexplained = ((predict(learnt, tmp) - ecg) ** 2).sum(axis=1) / variation
    assert unexplained.mean() == pytest.approx(best, rel=1e-3)
    # As after the last epoch, where the spectral entropy has no weight: losses of all epochs compare.
    assert all(epoch["validation_loss"] == epoch["validation_huber"] for epoch in learnt.history)


def test_a_written_network_predicts_the_same(learnt, tmp_path):
    write_network(learnt, tmp_path / "network", {"rule": "test"})
    tmp, _ = fronts(3, seed=2)
    assert np.array_equal(predict(read_network(tmp_path / "network"), tmp), predict(learnt, tmp))


def test_predictions_do_not_depend_on_the_batch(learnt):
    tmp, ecg = fronts(5, seed=2)
    found = predict(learnt, tmp)
    assert found.dtype == np.float32
    assert found.shape == ecg.shape
    np.testing.assert_allclose(predict(learnt, tmp, batch_cases=2), found, rtol=1e-5)
    np.testing.assert_allclose(predict(learnt, tmp[:1]), found[:1], rtol=1e-5)


def test_predictions_are_in_the_ecgs_unit():
    tmp, ecg = small(8, 0)
    watched, watched_ecg = small(4, 1)
    one = train(tmp, ecg, watched, watched_ecg, settings(epochs=2), RUN)
    other = train(tmp, 1e-3 * ecg + 5, watched, 1e-3 * watched_ecg + 5, settings(epochs=2), RUN)
    np.testing.assert_allclose((predict(other, tmp) - 5) * 1e3, predict(one, tmp), rtol=0, atol=0.01 * ecg.std())


@pytest.mark.parametrize("form", FORMS)
def test_maps_of_any_size_are_learnt_from(form):
    sizes = {"frames": 3, "rows": 2, "columns": 5}
    plan = settings(**FORMS[form], least_steps=3, epochs=1)
    found = train(*fronts(3, **sizes), *fronts(2, seed=1, **sizes), plan, RUN)
    assert len(found.history) == 3
    assert predict(found, fronts(2, **sizes)[0]).shape == (2, 3)


def test_what_can_not_be_learnt_from_is_refused():
    tmp, ecg = small(4, 0)
    flat, hole, gap = ecg.copy(), tmp.copy(), ecg.copy()
    flat[2], hole[1, 3, 0, 0], gap[3, 1] = 7.0, math.inf, math.nan
    bad = [
        (
            tmp[0],
            ecg,
            tmp,
            ecg,
            r"sheet surrogate: training maps of shape \(8, 8, 8\) don't fit ECGs of shape \(4, 8\)",
        ),
        (tmp, ecg, tmp, ecg[:, 1:], r"validation maps of shape \(4, 8, 8, 8\) don't fit ECGs of shape \(4, 7\)"),
        (tmp[:0], ecg[:0], tmp, ecg, "none of them empty"),
        (tmp, flat, tmp, ecg, "training ECGs: case 2 has no variance"),
        (hole, ecg, tmp, ecg, "training maps: case 1 has values that aren't finite"),
        (tmp, ecg, tmp, gap, "validation ECGs: case 3 has values that aren't finite"),
        (tmp, ecg, tmp[:, :, 1:], ecg, r"validation maps have shape \(8, 7, 8\) .* training maps \(8, 8, 8\)"),
    ]
    for *given, said in bad:
        with pytest.raises(TrainingError, match=said):
            train(*given, settings(), RUN)


def test_a_surrogate_of_other_maps_is_refused(learnt):
    with pytest.raises(TrainingError, match=r"trained on maps of shape \(20, 12, 12\) .* these are \(8, 8, 8\)"):
        predict(learnt, small(2, 0)[0])


def test_embeddings_need_an_even_length():
    with pytest.raises(ValidationError, match=r"embedding \(5\) must be even"):
        settings(embedding=5)


def test_the_eight_symmetries_of_a_square_are_different_and_keep_what_a_central_electrode_sees():
    maps = torch.from_numpy(np.random.default_rng(0).random((2, 3, 5, 5)).astype(np.float32))
    found = [turned(maps, symmetry) for symmetry in range(8)]
    assert torch.equal(found[0], maps)
    assert len({tuple(maps_.flatten().tolist()) for maps_ in found}) == 8
    row, column = np.mgrid[:5, :5] - 2.0
    weight = torch.from_numpy(1 / np.sqrt(row**2 + column**2 + 4)).float()
    for other in found:
        torch.testing.assert_close((other * weight).sum(dim=(2, 3)), (maps * weight).sum(dim=(2, 3)))
    oblong = maps[..., :4]
    assert turned(oblong, 7).shape == oblong.shape
