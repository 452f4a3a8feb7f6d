"""What is scored and kept of study 2, and that no prediction follows from the map that is asked for."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from wall_waves import wall_waves

from transmural.cohorts.image_splits import ImageScaling, parts_of
from transmural.cohorts.recording_splits import PARTS
from transmural.evaluation import image_study
from transmural.evaluation.image_baselines import KnownMaps, MapBaselines, PrincipalSubspace
from transmural.evaluation.image_methods import SHOWN, Conditions, ImageMethods
from transmural.evaluation.image_study import ImageStudy
from transmural.evaluation.metrics import IMAGE_METRICS
from transmural.networks import bsp_vae, conditional_vae, map_vae
from transmural.networks.run import TrainingRun
from transmural.stores.config.image_networks import ConditionalVAE, FullyConditionedVAE, ImageVAE
from transmural.stores.config.images import ELECTRODE_AXES, ConditionalVAEStudy
from transmural.stores.contracts import PREDICTED_BSPS, PREDICTED_MAPS, PREDICTED_VOLUMES, check
from transmural.stores.errors import InferenceError

AUTOENCODER = {
    "epochs": 2,
    "least_steps": 0,
    "batch_cases": 8,
    "learning_rate": 0.01,
    "schedule": "constant",
    "weight_decay": 0,
    "clip_norm": 1.0,
    "patience_epochs": 10,
    "latent": 3,
    "filters": 4,
    "dense": 8,
    "beta": 0.1,
    "misfit": "sum",
}
CONDITIONAL = ConditionalVAE(**AUTOENCODER, bsp_samples=4, monitor="loss")
OURS = FullyConditionedVAE(**CONDITIONAL.model_dump(), condition_hidden=8, condition_units=8, fine_filters=4)
STUDY = ConditionalVAEStudy.model_construct(
    hearts=3,
    subjects=["patient"],
    test_share=0.2,
    test_hearts=1,
    test_maps=1000,
    validation_share=0.2,
    betas=[0.5],
    latents=[2],
    samples=4,
    networks=SimpleNamespace(
        bsp_vae=ImageVAE(**AUTOENCODER),
        map_vae=ImageVAE(**AUTOENCODER),
        cvae_2d=CONDITIONAL,
        cvae_3d=CONDITIONAL,
        conditioned_2d=OURS,
        conditioned_3d=OURS,
    ),
)
SEED = 1
IMAGES = {"slices": wall_waves(2), "volumes": wall_waves(3, maps=6)}
BASELINES = {"mean_map", "nearest_map", "ridge"}
PREDICTED = {"cvae", "cvae_conditioned", *BASELINES}
SWEPT = {"cvae_beta_0.5", "cvae_latent_2"}
SETTINGS = {
    "bsp_vae": {"vae", "pca", "mean_bsp"},
    "map_vae": {"vae", "pca", "mean_map"},
    "cvae_2d": PREDICTED | SWEPT | {SHOWN},
    "cvae_2d_heart_out": PREDICTED | {SHOWN},
    "cvae_3d": PREDICTED | {SHOWN},
} | {f"{name}_heart_out": {"vae", "pca", mean} for name, mean in (("bsp_vae", "mean_bsp"), ("map_vae", "mean_map"))}
OF_POTENTIALS = {"correlation", "mean_difference", "area_difference", "amplitude_difference", "first_peak", "mse"}
COVERAGES = {f"coverage_{level}{ending}" for level in (50, 80, 90) for ending in ("", "_widened")}
OF_SAMPLES = {"mse_samples", "deviation_ms", "deviation_correlation", *COVERAGES}
OF_MAPS = {"mse", "mse_image", "mse_own", "mae_ms", "correlation", "pacing_mm", "slow_auc", "seconds"}


def trained(training):
    images = IMAGES[training.cohort]
    part = parts_of(images, training.split, STUDY, SEED)
    known = [images.isel(case=part == name) for name in PARTS[:2]]
    scaling = ImageScaling.of(known[0])
    run = TrainingRun(SEED, ("conditional_vae", *training), device="cpu")
    maps = [KnownMaps.of(each, scaling) for each in known]
    settings = STUDY.network(training)
    if training.form == "bsp_vae":
        return bsp_vae.train(*(scaling.bsp.scaled(each.bsp) for each in maps), settings, run)
    if training.form == "map_vae":
        return map_vae.train(*(each.maps for each in maps), settings, run)
    given = [(each.maps, each.bsp, each.mask) for each in maps]
    return conditional_vae.train(*given, settings, run, ELECTRODE_AXES[training.cohort])


@pytest.fixture(scope="module")
def networks():
    return {training: trained(training) for training in STUDY.trainings}


def scored(networks, **changed):
    return ImageStudy(*(IMAGES | changed).values(), networks, STUDY, SEED).scores()


@pytest.fixture(scope="module")
def results(networks):
    return scored(networks)


def maps_of(setting):
    """Maps that test a setting, by number."""
    images = IMAGES["volumes" if setting == "cvae_3d" else "slices"]
    split = "heart_out" if setting.endswith(("heart_out", "3d")) else "random"
    return images.assign_coords(case=np.arange(images.sizes["case"])).isel(
        case=parts_of(images, split, STUDY, SEED) == "test"
    )


def test_every_setting_has_its_methods_and_every_method_its_metrics(results):
    scores = results[0]
    assert scores.groupby("setting")["method"].unique().map(set).to_dict() == SETTINGS
    for (setting, method), metrics in scores.groupby(["setting", "method"])["metric"].unique().items():
        samples = OF_SAMPLES if method.startswith("cvae") and method != SHOWN else set()
        assert set(metrics) == (OF_POTENTIALS if setting.startswith("bsp_vae") else OF_MAPS | samples), (
            setting,
            method,
        )
    assert not scores.duplicated(["subject", "setting", "case", "method", "metric"]).any()
    assert list(scores.columns) == ["subject", "setting", "case", "method", "metric", "value", "unit"]
    assert np.isfinite(scores["value"]).all()
    assert (scores["unit"] == scores["metric"].map(lambda name: IMAGE_METRICS[name].unit)).all()


@pytest.mark.parametrize("setting", SETTINGS)
def test_test_maps_alone_are_scored_each_with_its_heart(results, setting):
    scores = results[0][results[0]["setting"] == setting]
    test = maps_of(setting)
    numbers = dict(zip(test["case"].values.tolist(), test["heart"].values.tolist(), strict=True))
    for (method, metric), rows in scores.groupby(["method", "metric"]):
        found = dict(zip(rows["case"], rows["subject"], strict=True))
        if metric == "slow_auc":
            slow = test["slow"].values.reshape(len(numbers), -1).any(axis=1)
            assert found == {number: numbers[number] for number in test["case"].values[slow].tolist()}, method
        else:
            assert found == numbers, (method, metric)


def test_what_is_kept_fulfils_its_contract(results):
    _, potentials, slices, volumes = results
    for kept, contract in ((potentials, PREDICTED_BSPS), (slices, PREDICTED_MAPS), (volumes, PREDICTED_VOLUMES)):
        check(kept, contract, contract.name)
        assert kept["place"].values.tolist() == ["best", "median", "worst"] * (kept.sizes["case"] // 3)
        assert kept.attrs["cell_mm"] == IMAGES["slices"].attrs["cell_mm"]
    assert potentials["setting"].values[::3].tolist() == ["bsp_vae", "bsp_vae_heart_out"]
    assert slices["setting"].values[::3].tolist() == ["map_vae", "cvae_2d", "map_vae_heart_out", "cvae_2d_heart_out"]
    assert set(volumes["setting"].values.tolist()) == {"cvae_3d"}
    assert set(volumes["method"].values.tolist()) == SETTINGS["cvae_3d"]


def test_kept_are_the_best_the_median_and_the_worst(results):
    scores, potentials, slices, volumes = results
    for kept in (potentials, slices, volumes):
        for first in range(0, kept.sizes["case"], 3):
            cases = kept.isel(case=slice(first, first + 3))
            setting = str(cases["setting"].values[0])
            method = "vae" if "vae" in SETTINGS[setting] else "cvae_conditioned"
            metric = "mse" if setting.startswith("bsp") else "mae_ms"
            chosen = (scores["setting"] == setting) & (scores["method"] == method) & (scores["metric"] == metric)
            errors = scores[chosen].set_index("case")["value"]
            drawn = [errors[number] for number in cases["number"].values]
            assert [drawn[0], drawn[2]] == [errors.min(), errors.max()]
            assert drawn[1] == errors.sort_values().iloc[len(errors) // 2]


def test_kept_predictions_are_those_that_were_scored(results):
    scores, potentials, slices, volumes = results
    value = scores.set_index(["setting", "case", "method", "metric"])["value"].sort_index()
    for kept in (slices, volumes):
        for case in (kept.isel(case=k) for k in range(kept.sizes["case"])):
            setting, number = str(case["setting"].values), int(case["number"].values)
            truth, mask = case["activation_time"].values, case["mask"].values
            for method in kept["method"].values.tolist():
                found = case["predicted"].sel({"method": method}).values
                deviation = case["deviation"].sel({"method": method}).values
                if method not in SETTINGS[setting]:
                    assert np.isnan(found).all()
                    continue
                assert_array_equal(np.isfinite(found), mask)
                assert_allclose(np.abs(found - truth)[mask].mean(), value[setting, number, method, "mae_ms"], rtol=1e-3)
                if (setting, number, method, "deviation_ms") in value.index:
                    assert_allclose(deviation[mask].mean(), value[setting, number, method, "deviation_ms"], rtol=1e-3)
                else:
                    assert np.isnan(deviation).all()
    for case in (potentials.isel(case=k) for k in range(potentials.sizes["case"])):
        bsp = case["bsp"].values
        difference = 100 * np.abs(case["predicted"].values - bsp).mean() / np.ptp(bsp)
        key = (str(case["setting"].values), int(case["number"].values), "vae", "mean_difference")
        assert difference == pytest.approx(value[key], rel=1e-3)


def recorded(monkeypatch, networks, images):
    """Predictions of all maps by setting and method."""
    found = {}
    original = image_study.score_maps

    def record(tested, truth, predicted, seconds, setting, method):
        found[setting, method] = predicted
        return original(tested, truth, predicted, seconds, setting, method)

    with monkeypatch.context() as patch:
        patch.setattr(image_study, "score_maps", record)
        scored(networks, **images)
    return found


def test_no_prediction_follows_from_the_true_map(monkeypatch, networks):
    """With test maps turned round and made later, only what is shown them changes."""
    draw = np.random.default_rng(0)
    changed = {}
    for cohort, images in IMAGES.items():
        test = parts_of(images, "heart_out", STUDY, SEED) == "test"
        times = images["activation_time"].values.copy()
        times[test] = 900 - 2 * times[test] + draw.normal(size=times[test].shape)
        changed[cohort] = images.assign(activation_time=(images["activation_time"].dims, times))
    before, after = recorded(monkeypatch, networks, {}), recorded(monkeypatch, networks, changed)
    for setting in ("cvae_2d_heart_out", "cvae_3d"):
        for method in SETTINGS[setting]:
            one, other = before[setting, method], after[setting, method]
            assert np.array_equal(one.maps, other.maps) == (method != SHOWN), (setting, method)
            assert (one.deviation is None) == (method in {SHOWN, *BASELINES})
            if one.deviation is not None:
                assert_array_equal(one.deviation, other.deviation)
    assert not np.array_equal(before["map_vae_heart_out", "vae"].maps, after["map_vae_heart_out", "vae"].maps)


def test_predictions_and_truth_are_of_the_same_case(monkeypatch, networks):
    """A network that knows the map of every potential makes no error."""
    known = {cases["bsp"].values[k].tobytes(): cases["activation_time"].values[k] for cases in IMAGES.values() for k in range(cases.sizes["case"])}  # fmt: skip

    def clairvoyant(network, bsp, mask, count, seeds, batch_cases):
        scale = ImageScaling.of(training).maps
        return np.stack([np.stack([scale.scaled(known[one.tobytes()])] * count) for one in bsp])

    for cohort, split, setting in (("slices", "random", "cvae_2d"), ("volumes", "heart_out", "cvae_3d")):
        images = IMAGES[cohort]
        training = images.isel(case=parts_of(images, split, STUDY, SEED) == "training")
        with monkeypatch.context() as patch:
            patch.setattr(conditional_vae, "sample", clairvoyant)
            scores = scored(networks)[0]
        perfect = scores[(scores["setting"] == setting) & (scores["method"] == "cvae")].set_index("metric")["value"]
        assert perfect["mae_ms"].max() < 1e-3
        assert perfect["pacing_mm"].max() < 1e-3
        assert perfect["deviation_ms"].max() < 1e-3


@pytest.fixture(scope="module")
def known():
    """Training and validation maps of the random split of slices, and their scaling."""
    images = IMAGES["slices"]
    part = parts_of(images, "random", STUDY, SEED)
    training, validation = (images.isel(case=part == name) for name in PARTS[:2])
    scaling = ImageScaling.of(training)
    return KnownMaps.of(training, scaling), KnownMaps.of(validation, scaling), scaling


@pytest.fixture(scope="module")
def methods(networks, known):
    forms = {training.form: network for training, network in networks.items() if training[:2] == ("slices", "random")}
    return ImageMethods(forms, *known, STUDY.samples)


def test_every_name_is_of_its_own_baseline(methods, known):
    training, validation, scaling = known
    baselines = MapBaselines(training, validation)
    test = maps_of("cvae_2d")
    given = Conditions(test["bsp"].values, test["mask"].values, list(range(test.sizes["case"])))
    expected = {
        "mean_map": baselines.mean_map(given.mask),
        "nearest_map": baselines.nearest_map(given.bsp, given.mask),
        "ridge": baselines.ridge(given.bsp, given.mask),
    }
    for name, maps in expected.items():
        assert_array_equal(methods.conditional()[name](given).maps, maps)
    maps = scaling.maps.scaled(test["activation_time"].values)
    shown = methods.maps()
    assert_array_equal(shown["mean_map"](given, maps).maps, expected["mean_map"])
    components = PrincipalSubspace.of(training.maps, AUTOENCODER["latent"])
    assert_array_equal(shown["pca"](given, maps).maps, components.projected(maps))
    bsp = scaling.bsp.scaled(given.bsp)
    components = PrincipalSubspace.of(scaling.bsp.scaled(training.bsp), AUTOENCODER["latent"])
    assert_array_equal(methods.potentials()["pca"](bsp), components.projected(bsp))


def test_a_case_s_prediction_does_not_depend_on_other_cases(methods):
    test = maps_of("cvae_2d")
    given = Conditions(test["bsp"].values, test["mask"].values, list(range(test.sizes["case"])))
    for name, method in methods.conditional().items():
        whole, alone = method(given), method(given.of([2]))
        assert_allclose(alone.maps[0], whole.maps[2], atol=1e-5, err_msg=name)
        assert not whole.maps[~given.mask].any()
        if whole.deviation is not None:
            assert_allclose(alone.deviation[0], whole.deviation[2], atol=1e-5)
            assert whole.draws == STUDY.samples


def test_mean_and_deviation_are_those_of_the_samples(methods, networks):
    test = maps_of("cvae_2d").isel(case=slice(1))
    given = Conditions(test["bsp"].values, test["mask"].values, [7])
    found = methods.conditional()["cvae"](given)
    network = next(network for training, network in networks.items() if training == ("slices", "random", "cvae"))
    samples = conditional_vae.sample(network, given.bsp, given.mask, STUDY.samples, [7])
    assert_allclose(found.maps, samples.mean(axis=1), atol=1e-6)
    assert_allclose(found.deviation, samples.std(axis=1, ddof=1), atol=1e-6)


def test_the_mean_of_the_training_potentials_is_the_same_for_all(methods):
    repeated = methods.potentials()
    bsp = np.random.default_rng(0).random((3, *IMAGES["slices"]["bsp"].shape[1:])).astype(np.float32)
    mean = repeated["mean_bsp"](bsp)
    assert_array_equal(mean, np.broadcast_to(mean[0], bsp.shape))
    assert_allclose(repeated["pca"](mean), mean, atol=1e-5)
    assert not np.array_equal(repeated["vae"](bsp), bsp)


def test_a_network_that_gives_no_numbers_is_named(monkeypatch, networks):
    def broken(network, bsp, mask, count, seeds, batch_cases):
        return np.full((len(bsp), count, *mask.shape[1:]), np.nan, np.float32)

    monkeypatch.setattr(conditional_vae, "sample", broken)
    with pytest.raises(InferenceError, match="scores: cvae, setting cvae_2d: the activation times predicted for row 0"):
        scored(networks)
