from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from waves import SAMPLE_MS, SAMPLES, recordings

from transmural.cohorts.recording_splits import EcgScaling, parts_of
from transmural.evaluation import sequence_methods
from transmural.evaluation.metrics import TMP_METRICS
from transmural.evaluation.sequence_methods import SplitMethods
from transmural.evaluation.sequence_scores import GIVEN_TRUTH, case_scores, intervals, pooled_scores
from transmural.evaluation.sequence_study import SequenceStudy
from transmural.networks.run import TrainingRun
from transmural.networks.sequence_regression import train
from transmural.stores.config.sequences import SequenceModelsStudy, SequenceTraining
from transmural.stores.contracts import PREDICTED_TMPS, check
from transmural.stores.errors import InferenceError

SEGMENT = 10 // SAMPLE_MS
RECORDINGS = recordings()
BASELINES = ("ridge", "nearest", "mean_trace")
MODELS = ("cnn", "cnn_lstm", "transformer", "unet")
FULL = {*MODELS, *BASELINES, *GIVEN_TRUTH}


def settings(**changed):
    values = {
        "sample_ms": SAMPLE_MS,
        "splits": ["random", "heart_out"],
        "test_share": 0.2,
        "models": list(MODELS),
        "any_length": "unet",
        "input_ms": [10, 500],
        "onset_jitter_ms": [20],
        "snr_db": [10, 7.5],
        "bootstrap": 200,
    }
    return SequenceModelsStudy.model_construct(**(values | changed))


def networks(study, late=None):
    """Stand-ins: each says how many samples too late it predicts a recording."""
    late = late or {}
    return {
        (split, model, inputs): SimpleNamespace(model=model, inputs=inputs, split=split, late=late.get(model, 3))
        for split in study.splits
        for model in study.models
        for inputs in study.trainings(model, split)
    }


@contextmanager
def standing_in():
    """What stand-ins are given, in order; one predicts by the known true potentials of the ECG that it is given."""
    seen = []
    scaled = {}

    def remember(split):
        if split not in scaled:
            training = parts_of(RECORDINGS, split, 0.2, 1) == "training"
            ecg = RECORDINGS["ecg"].values
            scaled[split] = EcgScaling.of(ecg[training]).scaled(ecg)
        return scaled[split]

    def predict(network, ecg, batch_cases=64):
        seen.append((network, ecg))
        # By the first sample, which no test cuts away.
        known = remember(network.split)[None, :, :, 0] - ecg[:, None, :, 0]
        rows = np.abs(known).sum(axis=2).argmin(axis=1)
        return np.roll(RECORDINGS["tmp"].values[rows], network.late, axis=1)

    def forced(network, ecg, tmp):
        return 0.9 * tmp

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence_methods, "predict", predict)
        patch.setattr(sequence_methods, "predict_teacher_forced", forced)
        yield seen


@pytest.fixture
def given():
    """What stand-ins for networks are given."""
    with standing_in() as seen:
        yield seen


@pytest.fixture(scope="module")
def results():
    """Scores and kept predictions where the 1D U-Net is the best network and the CNN the worst."""
    with standing_in():
        return scored(cnn=4, unet=1)


def scored(study=None, **late):
    study = study or settings()
    return SequenceStudy(RECORDINGS, networks(study, late), study, seed=1).scores()


def test_every_setting_has_its_methods(results):
    scores, _ = results
    methods = scores.groupby("setting", sort=False)["method"].unique().map(set).to_dict()
    limited = FULL | {"cnn_zero_padded", "cnn_lstm_zero_padded"}
    otherwise = {"unet", *BASELINES}
    kinds = ("length_10", "length_500", "jitter_20", "noise_10", "noise_7.5")
    assert methods == {
        f"{kind}_{split}": {"full": FULL, "limited": limited}.get(kind, otherwise)
        for split in ("random", "heart_out")
        for kind in ("full", "limited", *kinds)
    }
    alone = case_scores(scores)
    assert not alone.duplicated(["subject", "setting", "case", "method", "metric"]).any()
    assert alone.groupby(["setting", "method"])["metric"].unique().map(set).map(set(TMP_METRICS).__eq__).all()
    assert len(pooled_scores(scores)) == 5 * scores.groupby("setting")["method"].nunique().sum()
    assert scores["value"].notna().all()


def test_only_test_recordings_are_scored_each_with_its_heart_and_pattern(results):
    scores, _ = results
    for split in ("random", "heart_out"):
        test = RECORDINGS.isel(case=parts_of(RECORDINGS, split, 0.2, 1) == "test")
        known = set(zip(test["heart"].values, test["pattern"].values, test["case"].values, strict=True))
        rows = case_scores(scores[scores["setting"] == f"full_{split}"])
        assert set(zip(rows["subject"], rows["pattern"], rows["case"], strict=True)) == known
    assert (intervals(scores, 200, 1)["groups"] > 1).all()


def test_the_order_of_the_cases_is_that_of_the_predictions(given):
    scores, _ = scored(settings(any_length=None), cnn=0)
    perfect = scores[(scores["setting"] == "full_heart_out") & (scores["method"] == "cnn")]
    assert perfect[perfect["metric"] == "mae"]["value"].max() < 1e-6


def test_who_is_given_what(given):
    scored(settings(splits=["random"], snr_db=[], onset_jitter_ms=[], input_ms=[50]))
    after = {}
    for network, ecg in given:
        after.setdefault((network.model, network.inputs), []).append(bool(ecg[:, :, SEGMENT:].any()))
        assert ecg.shape[1:] == (12, SAMPLES)
    # Full, then zero-padded in the limited setting; examples are drawn after that.
    assert after["cnn", "full"][:2] == [True, False]
    assert after["cnn_lstm", "full"][:2] == [True, False]
    cut = [ecg for network, ecg in given if network.inputs == "any_length"]
    assert cut[0][:, :, 9].any()
    assert not cut[0][:, :, 10:].any()


def test_the_ecg_is_scaled_by_training_recordings_alone(given):
    scored(settings(splits=["heart_out"], any_length=None))
    part = parts_of(RECORDINGS, "heart_out", 0.2, 1)
    ecg = RECORDINGS["ecg"].values
    training = ecg[part == "training"].astype(float)
    expected = (ecg[part == "test"] - training.mean(axis=(0, 2))[:, None]) / training.std(axis=(0, 2))[:, None]
    np.testing.assert_allclose(given[0][1], expected, atol=1e-3)


def test_kept_are_the_best_the_median_and_the_worst_of_the_best_network(results):
    scores, kept = results
    check(kept, PREDICTED_TMPS, "here")
    assert list(kept["setting"].values[::3]) == ["full_random", "limited_random", "full_heart_out"]
    assert list(kept["place"].values[:3]) == ["best", "median", "worst"]
    assert kept.attrs["amplitude_mv"] == 100
    chosen = scores[(scores["setting"] == "full_random") & (scores["method"] == "unet")]
    errors = chosen[chosen["metric"] == "activation_time_mae"].set_index(["subject", "case"])["value"]
    full = kept.isel(case=slice(3))
    drawn = [errors[key] for key in zip(full["heart"].values, full["number"].values, strict=True)]
    assert (drawn[0], drawn[2]) == (errors.min(), errors.max())
    assert drawn[1] == errors.sort_values().iloc[len(errors) // 2]
    np.testing.assert_array_equal(full["predicted"].sel({"method": "unet"}), np.roll(full["tmp"], 1, axis=1))
    assert np.isnan(full["predicted"].sel({"method": "cnn_zero_padded"})).all()
    assert np.isfinite(kept["predicted"].isel(case=slice(3, 6))).all()


def test_shifted_and_noisy_ecgs_are_less_like_those_of_training(results):
    scores, _ = results
    pooled = pooled_scores(scores)
    ridge = pooled[(pooled["method"] == "ridge") & (pooled["metric"] == "r2")].set_index("setting")["value"]
    for split in ("random", "heart_out"):
        assert ridge[f"full_{split}"] == ridge[f"length_500_{split}"]
        assert ridge[f"limited_{split}"] == ridge[f"length_10_{split}"]
    assert ridge["full_random"] > ridge["noise_10_random"] > ridge["noise_7.5_random"]
    assert ridge["full_random"] > ridge["jitter_20_random"]


def methods(**networks):
    half = RECORDINGS.sizes["case"] // 2
    ecg, tmp = RECORDINGS["ecg"].values, RECORDINGS["tmp"].values
    known = {tuple(name.split("__")): SimpleNamespace(split="random", late=0) for name in networks}
    return SplitMethods(known, ecg[:half], tmp[:half], ecg[half:], tmp[half:], SEGMENT)


def test_what_is_limited_does_not_see_the_rest():
    ecg = RECORDINGS["ecg"].values[-6:]
    other = ecg.copy()
    other[:, :, SEGMENT:] += 1000.0
    for methods_, least in ((methods().limited(), 3), (methods().full(), 3)):
        assert len(methods_) >= least
    for name, method in methods().limited().items():
        np.testing.assert_array_equal(method(other), method(ecg), err_msg=name)
    full = methods().full()
    for name in ("ridge", "nearest"):
        assert not np.array_equal(full[name](other), full[name](ecg))


def test_true_potentials_of_the_test_reach_audits_alone(given):
    """With a truth of NaN nothing changes but for those that are known to be given it."""
    of = methods(transformer__full=1, cnn__full=1, cnn__limited=1)
    ecg = RECORDINGS["ecg"].values[-6:]
    known = {name: method(ecg) for name, method in (of.full() | of.limited()).items()}
    assert not set(known) & set(GIVEN_TRUTH)
    audits = of.audits()
    assert set(audits) == set(GIVEN_TRUTH)
    for audit in audits.values():
        assert np.isnan(audit(ecg, np.full((6, SAMPLES, 7), np.nan, np.float32))).any()


def test_a_network_for_any_length_must_have_been_trained():
    with pytest.raises(InferenceError, match="unet wasn't trained on records of any length"):
        methods().at_length("unet", 4)
    assert "transformer_teacher_forced" not in methods().audits()


TRAINING = {
    "epochs": 1,
    "least_steps": 0,
    "batch_cases": 8,
    "learning_rate": 0.001,
    "schedule": "constant",
    "weight_decay": 0,
    "clip_norm": 1.0,
    "patience_epochs": 1,
    "dropout": 0.1,
}


def test_trained_networks_are_scored():
    """The stand-ins above say nothing about what networks are given and give; these are real, if hardly trained."""
    short = RECORDINGS.isel(time=slice(20))
    study = settings(splits=["pattern_out"], models=["transformer", "unet"], input_ms=[10, 50])
    part = parts_of(short, "pattern_out", 0.2, 1)
    ecg, tmp = short["ecg"].values, short["tmp"].values
    scaled = EcgScaling.of(ecg[part == "training"]).scaled(ecg)
    known = [values[part == name] for name in ("training", "validation") for values in (scaled, tmp)]
    trained = {
        ("pattern_out", model, inputs): train(
            model, *known, SequenceTraining(**TRAINING), TrainingRun(1, (model, inputs), device="cpu"), inputs, SEGMENT
        )
        for model in study.models
        for inputs in study.trainings(model, "pattern_out")
    }
    scores, kept = SequenceStudy(short, trained, study, seed=1).scores()
    assert np.isfinite(pooled_scores(scores)["value"]).all()
    check(kept, PREDICTED_TMPS, "here")
    value = pooled_scores(scores).set_index(["setting", "method", "metric"])["value"]
    assert value["full_pattern_out", "transformer", "mse"] == value["limited_pattern_out", "transformer", "mse"]
    assert (
        value["full_pattern_out", "transformer_teacher_forced", "mse"]
        != value["full_pattern_out", "transformer", "mse"]
    )
    assert value["length_10_pattern_out", "unet", "mse"] != value["length_50_pattern_out", "unet", "mse"]
