"""Training of, and predictions by, the networks of study 3."""

import inspect
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from transmural.networks import training
from transmural.networks.run import TrainingRun
from transmural.networks.saved import TrainedNetwork, read_network, write_network
from transmural.networks.sequence_network import SequenceNetwork, cut_at_random, sequence_loss
from transmural.networks.sequence_regression import cut_to, predict, predict_teacher_forced, train
from transmural.stores.config.sequences import SEQUENCE_NETWORKS, SequenceTraining
from transmural.stores.errors import TrainingError

RUN = TrainingRun(3, ("recordings", "network"), device="cpu")
SETTINGS = SequenceTraining(
    epochs=1,
    least_steps=0,
    batch_cases=8,
    learning_rate=0.005,
    schedule="constant",
    weight_decay=0,
    clip_norm=1.0,
    patience_epochs=1000,
    dropout=0.1,
)
LEADS, POINTS, SAMPLES, SEGMENT = 12, 6, 50, 2


def recordings(cases, seed=0, samples=SAMPLES):
    """Points that are activated one after the other and repolarise together, and weighted sums of them."""
    draw = np.random.default_rng(seed)
    time = np.arange(samples)[:, None]
    activation = draw.uniform(0, 12, (cases, 1, POINTS))
    repolarisation = draw.uniform(28, 40, (cases, 1, 1))
    tmp = 1 / (1 + np.exp(activation - time)) / (1 + np.exp((time - repolarisation) / 2))
    weights = np.random.default_rng(99).normal(size=(LEADS, POINTS))
    ecg = np.einsum("ntp,lp->nlt", tmp, weights)
    ecg = (ecg - ecg.mean(axis=(0, 2), keepdims=True)) / ecg.std(axis=(0, 2), keepdims=True)
    return ecg.astype(np.float32), tmp.astype(np.float32)


def trained(network, cut="full", run=RUN, cases=16, **changes):
    plan = SETTINGS.model_copy(update=changes)
    return train(network, *recordings(cases), *recordings(4, 1), plan, run, cut, SEGMENT)


@pytest.fixture(scope="module")
def learnt():
    """Every network after one epoch, and the Transformer."""
    return {name: trained(name) for name in SEQUENCE_NETWORKS}


# Predictions


@pytest.mark.parametrize("name", SEQUENCE_NETWORKS)
def test_predictions_are_of_every_case_whatever_the_batches(learnt, name):
    ecg, _ = recordings(5, 2)
    found = predict(learnt[name], ecg)
    assert found.shape == (5, SAMPLES, POINTS)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_allclose(predict(learnt[name], ecg, batch_cases=2), found, rtol=0, atol=1e-5)
    np.testing.assert_allclose(predict(learnt[name], ecg[3:4]), found[3:4], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SEQUENCE_NETWORKS)
def test_predictions_do_not_see_the_potentials(learnt, name, monkeypatch):
    """In the place of true potentials there is not a number; what only teacher forcing may read gives none either."""
    ecg, tmp = recordings(3, 2)
    assert list(inspect.signature(predict).parameters) == ["trained", "ecg", "batch_cases"]
    before = predict(learnt[name], ecg)
    model = SequenceNetwork(learnt[name].description)
    model.load_state_dict({key.removeprefix("model."): value for key, value in learnt[name].tensors.items()})
    model.train(False)
    hidden = torch.full(tmp.shape, torch.nan)
    with torch.no_grad():
        free, forced = model(torch.from_numpy(ecg)), model.teacher_forced(torch.from_numpy(ecg), hidden)
    np.testing.assert_allclose(free, before, rtol=0, atol=1e-5)
    if name == "transformer":
        assert forced[:, :SEGMENT].isfinite().all()
        assert forced[:, SEGMENT:].isnan().all()
    else:
        np.testing.assert_allclose(forced, before, rtol=0, atol=1e-5)


def test_teacher_forced_predictions_change_with_the_potentials(learnt):
    ecg, tmp = recordings(3, 2)
    forced = predict_teacher_forced(learnt["transformer"], ecg, tmp)
    changed = predict_teacher_forced(learnt["transformer"], ecg, 1 - tmp, batch_cases=2)
    assert forced.shape == tmp.shape
    moved = np.abs(forced - changed).max(axis=2) > 1e-4
    assert not moved[:, :SEGMENT].any()
    assert moved[:, SEGMENT:].all()
    free = predict(learnt["transformer"], ecg)
    np.testing.assert_allclose(free[:, :SEGMENT], forced[:, :SEGMENT], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "epochs"), [("unet", 12), ("bilstm", 20)])
def test_networks_learn_more_than_the_mean(name, epochs):
    ecg, tmp = recordings(16, 3)
    found = predict(trained(name, cases=48, epochs=epochs, learning_rate=0.01, dropout=0), ecg)
    mean = recordings(48)[1].mean(axis=0)
    assert np.square(found - tmp).mean() < 0.8 * np.square(mean - tmp).mean()


def test_a_saved_network_predicts_the_same_bits(learnt, tmp_path):
    ecg, _ = recordings(3, 2)
    for name, network in learnt.items():
        write_network(network, tmp_path / name, {})
        assert np.array_equal(predict(read_network(tmp_path / name), ecg), predict(network, ecg))


def test_weights_belong_to_the_run_alone(learnt):
    torch.manual_seed(5)
    again = trained("unet")
    other = trained("unet", run=replace(RUN, stream=("recordings", "other")))
    for name, values in learnt["unet"].tensors.items():
        assert torch.equal(values, again.tensors[name])
    assert not torch.equal(other.tensors["model.network.potentials.weight"], values)


@pytest.mark.parametrize(("name", "cut"), [("unet", "any_length"), ("transformer", "full")])
def test_a_resumed_training_ends_with_the_same_bits(name, cut, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(training, "LARGEST_SHARE", np.inf)
    whole = trained(name, cut, epochs=3)

    def stop(done, epochs):
        if done == 3:
            raise InterruptedError

    interrupted = replace(RUN, checkpoint=tmp_path / "checkpoint", progress=stop)
    with pytest.raises(InterruptedError):
        trained(name, cut, interrupted, epochs=3)
    resumed = trained(name, cut, replace(interrupted, progress=None), epochs=3)
    assert all(torch.equal(values, resumed.tensors[key]) for key, values in whole.tensors.items())


def test_the_loss_is_the_mean_squared_error(learnt):
    ecg, tmp = recordings(4, 1)
    for name, network in learnt.items():
        given = predict_teacher_forced(network, ecg, tmp) if name == "transformer" else predict(network, ecg)
        expected = np.square(given - tmp).mean()
        assert network.history[0]["validation_loss"] == pytest.approx(expected, rel=1e-4)


# Cuts


def test_a_cut_ecg_is_zero_after_its_samples():
    ecg, _ = recordings(2)
    whole = ecg.copy()
    cut = cut_to(ecg, 7)
    assert np.array_equal(cut[:, :, :7], ecg[:, :, :7])
    assert not cut[:, :, 7:].any()
    assert np.array_equal(ecg, whole)
    assert np.array_equal(cut_to(ecg, SAMPLES), ecg)
    for samples in (0, SAMPLES + 1):
        with pytest.raises(TrainingError, match=rf"ECGs of 50 samples can't be cut to {samples}; give 1 to 50"):
            cut_to(ecg, samples)


@pytest.mark.parametrize("name", ["cnn", "cnn_lstm", "unet", "bilstm"])
def test_a_limited_network_has_never_seen_more_than_the_first_segment(name):
    """Its training and its predictions are the same whatever follows in the ECGs."""
    (ecg, tmp), (watched, watched_tmp) = recordings(8), recordings(4, 1)
    noise = np.random.default_rng(5).normal(size=ecg.shape).astype(np.float32)
    other = np.where(np.arange(SAMPLES) < SEGMENT, ecg, noise)
    one = train(name, ecg, tmp, watched, watched_tmp, SETTINGS, RUN, "limited", SEGMENT)
    two = train(name, other, tmp, cut_to(watched, SEGMENT), watched_tmp, SETTINGS, RUN, "limited", SEGMENT)
    assert all(torch.equal(values, two.tensors[key]) for key, values in one.tensors.items())
    assert np.array_equal(predict(one, ecg), predict(two, other))
    # Trained on whole records, it would tell them apart.
    full = TrainedNetwork(one.tensors, {**one.description, "cut": "full"}, [])
    assert not np.allclose(predict(full, ecg), predict(full, other), atol=1e-3)


def test_random_cuts_are_of_every_whole_number_of_segments():
    torch.manual_seed(0)
    cut = cut_at_random(torch.ones(4000, 3, 10), 2)
    lengths = cut.sum(dim=2)
    assert torch.equal(lengths, lengths[:, :1].expand(-1, 3))
    assert (cut.diff(dim=2) <= 0).all()
    values, counts = lengths[:, 0].unique(return_counts=True)
    assert values.tolist() == [2, 4, 6, 8, 10]
    assert counts.min() > 700


def test_any_length_cuts_the_records_of_the_loss_and_not_those_of_predictions(learnt):
    ecg, tmp = recordings(8)
    batch = {"ecg": torch.from_numpy(ecg), "tmp": torch.from_numpy(tmp)}
    full = SequenceNetwork(learnt["unet"].description).train(False)
    cut = SequenceNetwork({**learnt["unet"].description, "cut": "any_length"}).train(False)
    cut.load_state_dict(full.state_dict())
    torch.manual_seed(1)
    assert sequence_loss(cut, batch, 0.0)["loss"] != sequence_loss(full, batch, 0.0)["loss"]
    torch.manual_seed(1)
    shown = cut_at_random(batch["ecg"], SEGMENT)
    torch.manual_seed(1)
    assert sequence_loss(cut, batch, 0.0)["loss"] == sequence_loss(full, {**batch, "ecg": shown}, 0.0)["loss"]
    assert torch.equal(cut(batch["ecg"]), full(batch["ecg"]))


def test_any_length_is_watched_at_the_same_lengths_after_every_epoch():
    found = trained("unet", "any_length", epochs=2, learning_rate=1e-12)
    first, last = (epoch["validation_loss"] for epoch in found.history)
    # The weights stand still and normalisation by running means doesn't, by little.
    assert first == pytest.approx(last, rel=0.05)


# Errors


def test_what_can_not_be_learnt_from_is_refused():
    ecg, tmp = recordings(4)
    hole, gap = tmp.copy(), ecg.copy()
    hole[1, 3, 0], gap[3, 1, 2] = np.inf, np.nan
    bad = [
        ((ecg[0], tmp, ecg, tmp), r"recordings network: training ECGs of shape \(12, 50\) don't fit potentials"),
        (
            (ecg, tmp[:, 1:], ecg, tmp),
            r"training ECGs of shape \(4, 12, 50\) don't fit potentials of shape \(4, 49, 6\)",
        ),
        ((ecg, tmp, ecg[:3], tmp), r"validation ECGs of shape \(3, 12, 50\) don't fit"),
        ((ecg[:0], tmp[:0], ecg, tmp), "none of them empty"),
        ((ecg, hole, ecg, tmp), "training potentials: case 1 has values that aren't finite"),
        ((ecg, tmp, gap, tmp), "validation ECGs: case 3 has values that aren't finite"),
        (
            (ecg, tmp, ecg[:, :9], tmp),
            r"validation have shapes \(9, 50\) and \(50, 6\), those of the training \(12, 50\)",
        ),
    ]
    for given, said in bad:
        with pytest.raises(TrainingError, match=said):
            train("unet", *given, SETTINGS, RUN, "full", SEGMENT)


@pytest.mark.parametrize(
    ("network", "cut", "segment", "said"),
    [
        (
            "rnn",
            "full",
            2,
            "recordings network: no network 'rnn'; give one of cnn, cnn_lstm, transformer, unet, bilstm",
        ),
        ("cnn", "half", 2, "no cut 'half'; give one of full, limited, any_length"),
        ("transformer", "full", 3, "records of 50 samples don't divide into segments of 3"),
        ("transformer", "full", 0, "records of 50 samples don't divide into segments of 0"),
    ],
)
def test_unknown_names_and_segments_that_do_not_divide_a_record_are_refused(network, cut, segment, said):
    with pytest.raises(TrainingError, match=said):
        train(network, *recordings(4), *recordings(4), SETTINGS, RUN, cut, segment)


def test_recordings_of_another_kind_are_refused(learnt):
    ecg, tmp = recordings(3)
    gap, hole = ecg.copy(), tmp.copy()
    gap[2, 0, 0], hole[1, 0, 0] = np.nan, np.nan
    with pytest.raises(TrainingError, match=r"unet was trained on ECGs of shape \(12, 50\) .* these are \(12, 40\)"):
        predict(learnt["unet"], ecg[:, :, :40])
    with pytest.raises(TrainingError, match="unet: ECGs: case 2 has values that aren't finite"):
        predict(learnt["unet"], gap)
    with pytest.raises(TrainingError, match="only the transformer can be given true potentials and this is cnn"):
        predict_teacher_forced(learnt["cnn"], ecg, tmp)
    with pytest.raises(TrainingError, match=r"don't fit potentials of shape \(2, 50, 6\)"):
        predict_teacher_forced(learnt["transformer"], ecg, tmp[:2])
    with pytest.raises(TrainingError, match=r"true potentials of shape \(50, 5\) .* trained on \(50, 6\)"):
        predict_teacher_forced(learnt["transformer"], ecg, tmp[:, :, :5])
    with pytest.raises(TrainingError, match="transformer: potentials: case 1 has values that aren't finite"):
        predict_teacher_forced(learnt["transformer"], ecg, hole)


def test_descriptions_are_plain_values(learnt):
    description = learnt["transformer"].description
    assert json.loads(json.dumps(description)) == description
    assert {key: description[key] for key in ("network", "leads", "points", "samples", "segment_samples", "cut")} == {
        "network": "transformer",
        "leads": LEADS,
        "points": POINTS,
        "samples": SAMPLES,
        "segment_samples": SEGMENT,
        "cut": "full",
    }
