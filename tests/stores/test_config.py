"""Wrong configurations are refused before anything runs, all problems at once, each with path, value and what is allowed."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from snakemake.utils import update_config

from transmural.stores.config import Inference, Study, load
from transmural.stores.config.document import overlay_schema, reference, schema
from transmural.stores.config.partial import section_models
from transmural.stores.config.physics import Simulation, stability_limit_ms, steps_ms
from transmural.stores.errors import ConfigurationError
from transmural.tissue.diffusion import diffusion_operator, largest_eigenvalue, transversely_isotropic
from transmural.tissue.velocity import calibrated_diffusivities, stable_step_ms, step_count

CONFIG = Path(__file__).parents[2] / "config"
DEFAULT = yaml.safe_load((CONFIG / "config.yaml").read_text())


def changed(path, value):
    config = copy.deepcopy(DEFAULT)
    *parents, last = path.split(".")
    section = config
    for key in parents:
        section = section[key]
    if value is None:
        del section[last]
    else:
        section[last] = value
    return config


@pytest.mark.parametrize(
    "overlays",
    [
        ["smoke"],
        ["paper"],
        ["real"],
        ["paper", "paper_two_cores"],
        ["paper", "paper_sheets_two_cores"],
        ["paper", "paper_recordings_two_cores"],
        ["paper", "paper_images_two_cores"],
    ],
)
def test_every_overlay_makes_a_valid_configuration(overlays):
    config = copy.deepcopy(DEFAULT)
    for overlay in overlays:
        update_config(config, yaml.safe_load((CONFIG / f"{overlay}.yaml").read_text()))
    assert load(config).run == overlays[-1]


def test_overlays_list_only_what_differs():
    def repeated(overlay, default, path=""):
        for key, value in overlay.items():
            if isinstance(value, dict):
                yield from repeated(value, default.get(key) or {}, f"{path}{key}.")
            elif key in default and default[key] == value:
                yield f"{path}{key}"

    for overlay in ("smoke", "paper", "real"):
        assert not list(repeated(yaml.safe_load((CONFIG / f"{overlay}.yaml").read_text()), DEFAULT)), overlay


BAD = {
    "misspelt key": ("generative_em.snr", 30, "generative_em.snr = 30: extra inputs are not permitted"),
    "unknown section": ("generative", {"x": 1}, "generative: extra inputs are not permitted"),
    "missing key": ("simulation.k", None, "simulation.k: field required"),
    "negative voxel": ("anatomy.voxel_mm", -2, "anatomy.voxel_mm = -2: input should be greater than or equal to 1"),
    "huge voxel": ("anatomy.voxel_mm", 20, "less than or equal to 5"),
    "text for number": ("anatomy.nodes", "many", "anatomy.nodes = 'many': input should be a valid integer"),
    "fractional nodes": ("anatomy.nodes", 900.5, "anatomy.nodes = 900.5: input should be a valid integer"),
    "infinite SNR": ("generative_em.snr_db", float("inf"), "generative_em.snr_db = inf: input should be a finite number"),
    "not a number": ("simulation.k", float("nan"), "finite number"),
    "zero conductivity": ("torso.conductivity.lung", 0, "torso.conductivity.lung = 0: input should be greater than 0"),
    "elements coarser in the heart": ("torso.body_element_mm", 3, r"heart_element_mm \(4.0\) must not exceed body_element_mm \(3.0\)"),
    "unknown setting": ("generative_em.settings", ["unseen_heart"], "'unseen_scar', 'unseen_origin' or 'unseen_both'"),
    "no settings": ("generative_em.settings", [], "at least 1 item"),
    "unknown subject": ("generative_em.subjects", ["slim"], r"known subjects are \['broad', 'slender'\]"),
    "no subject": ("generative_em.subjects", [], "at least 1 item"),
    "unknown source": ("subjects.slender.source", "mri", "'phantom', 'label_image', 'surfaces'"),
    "phantom with a file": ("subjects.slender.image", "a.nii", "extra inputs are not permitted"),
    "two coordinates": ("subjects.slender.heart_centre_mm", [1, 2], "subjects.slender.heart_centre_mm.2: field required"),
    "run is a path": ("run", "../elsewhere", "run = '../elsewhere': string should match pattern"),
    "run is empty": ("run", "", "run = '': string should match pattern"),
    "negative seed": ("seed", -1, "seed = -1"),
    "scar below threshold": ("simulation.scar_threshold_a", 0.1, r"a \(0.15\) must lie below scar_threshold_a \(0.1\)"),
    "scar radii swapped": ("generative_em.scars.radius_min_mm", 30, r"radius_min_mm \(30.0\) exceeds radius_max_mm \(20.0\)"),
    "too many tissues": ("generative_em.published.tissues", 18, "less than or equal to 17"),
    "one frame": ("generative_em.frames", 1, "greater than or equal to 11"),
    "unknown montage": ("generative_em.montage", "vest", "'body_surface' or 'standard_12'"),
    "yes for a flag": ("generative_em.inverse_crime", "perhaps", "valid boolean"),
    "section is a number": ("torso", 3, "torso = 3"),
    "subject twice": ("generative_em.subjects", ["slender", "slender"], r"generative_em.subjects names \['slender'\] more than once"),
    "setting twice": ("generative_em.settings", ["unseen_scar", "unseen_scar"], r"generative_em.settings names \['unseen_scar'\] more than once"),
    "training cohort twice": ("generative_em.cohorts", ["rich", "rich"], r"generative_em.cohorts names \['rich'\] more than once"),
    "unknown training cohort": ("generative_em.cohorts", ["poor"], "'published' or 'rich'"),
    "no training cohort": ("generative_em.cohorts", [], "at least 1 item"),
    "only healthy hearts": ("generative_em.rich.healthy_share", 1, "generative_em.rich.healthy_share = 1: .*less than 1"),
    "method twice": ("generative_em.methods", ["greensite", "greensite"], r"generative_em.methods names \['greensite'\] more than once"),
    "reference not among methods": ("generative_em.reference_method", "tikhonov3", "generative_em.reference_method 'tikhonov3' must be one of methods"),
    "run overwrites the committed results": ("run", "reference", "run = 'reference' is the folder of committed results"),
    "torso of no width": ("subjects.slender.torso_semi_axes_mm", [-10, 100], "subjects.slender.torso_semi_axes_mm.0 = -10: .*greater than or equal to 80"),
    "torso too deep": ("subjects.slender.torso_semi_axes_mm", [150, 400], "torso_semi_axes_mm.1 = 400: .*less than or equal to 250"),
    "heart far away": ("subjects.slender.heart_centre_mm", [0, 0, 900], "heart_centre_mm.2 = 900: .*less than or equal to 300"),
    "true for a seed": ("seed", True, "seed = True: input should be a number, not true or false"),
    "false for a length": ("anatomy.voxel_mm", False, "anatomy.voxel_mm = False: input should be a number"),
    "true for a coordinate": ("subjects.broad.heart_centre_mm", [1, True, 2], "heart_centre_mm.1 = True: input should be a number"),
    "unstable time step": ("simulation.time_step_ms", 2.0, r"simulation.time_step_ms \(2.0\).*unstable.*anatomy.voxel_mm \(2.0\).*below"),
    "list is text": ("generative_em.methods", "greensite", "generative_em.methods = 'greensite': input should be a valid list"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "message"), BAD.values(), ids=BAD.keys())
def test_a_wrong_value_is_named_with_its_path(path, value, message):
    with pytest.raises(ConfigurationError, match=message):
        load(changed(path, value))


def test_all_problems_are_listed_at_once():
    config = changed("anatomy.voxel_mm", -2)
    config["generative_em"]["snr_db"] = "loud"
    config["unknown"] = 1
    with pytest.raises(ConfigurationError) as error:
        load(config)
    assert all(part in str(error.value) for part in ("anatomy.voxel_mm", "generative_em.snr_db", "unknown"))


def with_subject(name, **content):
    config = copy.deepcopy(DEFAULT)
    config["subjects"][name] = content
    return config


def refusal(config, **known):
    with pytest.raises(ConfigurationError) as error:
        load(config, **known)
    return str(error.value)


@pytest.mark.parametrize("name", ["../x", "a/b", "{a}", "", "Slender", ".hidden", "a b", "x" * 41, "x\n"])
def test_a_name_that_is_no_file_name_is_refused(name):
    config = with_subject(name, **DEFAULT["subjects"]["slender"])
    config["generative_em"]["subjects"] = [name]
    assert f"subjects has the name {name!r}: string should match pattern" in refusal(config)


@pytest.mark.parametrize(
    ("left", "head", "message"),
    [
        ([0, 0, 0], [0, 0, 1], r"subjects.lab.left = \(0.0, 0.0, 0.0\) must be a direction"),
        ([1, 0, 0], [0, 0, 0], r"subjects.lab.head = \(0.0, 0.0, 0.0\) must be a direction"),
        ([1, 0, 0], [-2, 0, 0.01], "are 180° apart; they must be at right angles"),
        ([1, 0, 1], [0, 0, 1], "are 45° apart"),
    ],
)
def test_axes_that_make_no_frame_are_refused(left, head, message):
    files = {"heart": "h.stl", "torso": "t.stl", "electrodes": "e.csv"}
    config = with_subject("lab", source="surfaces", left=left, head=head, **files)
    with pytest.raises(ConfigurationError, match=message):
        load(config)
    config["subjects"]["lab"] |= {"left": [0, 2, 0.1], "head": [0, 0, 3]}
    assert load(config).subjects["lab"].head == (0, 0, 3)


def test_walls_must_be_as_thick_as_the_voxels_need_in_subjects_that_are_used():
    config = changed("subjects.slender.lv_wall_mm", 5.5)
    config["anatomy"]["voxel_mm"] = 3.0
    assert "subjects.slender.lv_wall_mm (5.5) is thinner than two voxels of anatomy.voxel_mm (3.0)" in refusal(config)
    config["generative_em"]["subjects"] = ["broad"]
    assert load(config)
    config["subjects"]["broad"]["rv_wall_mm"] = 3
    config["anatomy"]["voxel_mm"] = 3.5
    assert "subjects.broad.rv_wall_mm (3.0) is thinner than one voxel of anatomy.voxel_mm (3.5)" in refusal(config)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sample_ms", 3, "sample_ms (3) must divide a segment of 10 ms"),
        ("cycle_length_ms", [900, 400], "cycle_length_ms = [900.0, 400.0] must ascend and lie within 300 and 2000 ms"),
        ("rapid_rectifier", [0.1, 1], "rapid_rectifier = [0.1, 1.0] must ascend and lie within 0.3 and 2"),
        ("any_length", "transformer", "any_length can't be transformer: it reads the first segment only"),
        ("models", ["cnn"], "any_length (bilstm) must be one of models ['cnn']"),
        ("splits", ["random", "random"], "splits names"),
        ("input_ms", [12], "input_ms (12) must be a multiple of sample_ms (5) within 10 and 500 ms"),
        ("onset_jitter_ms", [600], "onset_jitter_ms (600) must be a multiple of sample_ms (5) within 1 and 500 ms"),
        ("hearts", 2, "hearts (2) and subjects (0) must be four or more together, or archive be given"),
        ("subjects", ["nobody"], "sequence_models.subjects names ['nobody']; known subjects are ['broad', 'slender']"),
        ("voxel_mm", 1, "sequence_models.time_step_ms (0.5): steps of 0.5 ms are unstable on voxels of"),
        ("networks", {}, "sequence_models.networks.cnn: field required"),
    ],
)
def test_recordings_that_cannot_be_are_refused(key, value, message):
    assert message in refusal(changed(f"sequence_models.{key}", value))


def test_networks_are_trained_for_what_they_are_tested_with():
    study = load(changed("sequence_models.splits", ["pattern_out", "heart_out", "both_out"])).sequence_models
    assert study.trainings("transformer", "pattern_out") == ["full"]
    assert study.trainings("cnn", "heart_out") == ["full", "limited"]
    assert study.trainings("bilstm", "pattern_out") == ["full", "limited", "any_length"]
    assert study.trainings("bilstm", "both_out") == ["full", "limited"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("subjects", ["nobody"], "conditional_vae.subjects names ['nobody']; known subjects are ['broad', 'slender']"),
        ("subjects", ["slender", "slender"], "subjects names ['slender'] more than once"),
        ("subjects", ["volunteer_01"], "subjects names ['volunteer_01']; hearts that are drawn are called volunteer_…"),
        ("hearts", 1, "test_hearts (1) must be fewer than hearts (1) and subjects (0) together, so that one trains"),
        ("betas", [1, 5], "betas holds 5, which networks.cvae_2d has already; leave it out"),
        ("latents", [16], "latents holds 16, which networks.cvae_2d has already; leave it out"),
        ("test_hearts", 0, "conditional_vae.test_hearts = 0: input should be greater than or equal to 1"),
        ("test_hearts", 6, "test_hearts (6) must be fewer than hearts (4) and subjects (0) together"),
        ("test_maps", 1, "conditional_vae.test_maps = 1: input should be greater than or equal to 2"),
        ("test_share", 0.6, "conditional_vae.test_share = 0.6: input should be less than or equal to 0.5"),
        ("validation_share", 0, "conditional_vae.validation_share = 0: input should be greater than 0"),
        ("voxel_mm", 0.1, "conditional_vae.voxel_mm = 0.1: input should be greater than or equal to 1"),
        ("samples", 1, "conditional_vae.samples = 1: input should be greater than or equal to 2"),
        ("slices.maps", 1, "slices.maps (1): all hearts have 4 maps together; eight or more are needed"),
        ("slices.dimensions", 3, "slices.dimensions (3) must be 2"),
        ("volumes.dimensions", 2, "volumes.dimensions (2) must be 3"),
        ("volumes.dimensions", 4, "conditional_vae.volumes.dimensions = 4: input should be 2 or 3"),
        ("slices.edge_cells", 62, "edge_cells (62) must be a multiple of 4: networks halve images twice"),
        ("slices.cell_mm", 1, "edge_cells (64) of cell_mm (1.0) make images of 64 mm; hearts need 90 to 300 mm"),
        ("volumes.sample_ms", 7, "sample_ms (7) must divide duration_ms (400)"),
        ("slices.slice_height", [0.8, 0.3], "slice_height = [0.8, 0.3] must ascend and lie within 0.1 and 0.95"),
        ("slices.pacing_zones", [0, 3], "pacing_zones = [0, 3] must ascend and lie within 1 and 10"),
        ("slices.velocity_mm_per_ms", [0.5, 9], "velocity_mm_per_ms = [0.5, 9.0] must ascend and lie within 0.1 and 3 mm"),
        ("slices.slow_radius_mm", [20, 8], "slow_radius_mm = [20.0, 8.0] must ascend and lie within 1 and 60 mm"),
        ("volumes.slow_velocity", [0.2, 1.5], "slow_velocity = [0.2, 1.5] must ascend and lie within 0.05 and 1"),
        ("volumes.shard_maps", 0, "conditional_vae.volumes.shard_maps = 0: input should be greater than or equal to 1"),
        ("betas", [0.1, 0.1000000001], "betas names ['0.1'] more than once"),
        ("betas", [-1], "betas (-1) must lie within 0 and 1e6"),
        ("betas", [float("nan")], "conditional_vae.betas.0 = nan: input should be a finite number"),
        ("latents", [4, 4], "latents names ['4'] more than once"),
        ("latents", [0], "latents (0) must lie within 1 and 1024"),
        ("networks", {}, "conditional_vae.networks.conditioned_3d: field required"),
        ("networks.map_vae.latent", 0, "networks.map_vae.latent = 0: input should be greater than or equal to 1"),
        ("networks.map_vae.misfit", "median", "networks.map_vae.misfit = 'median': input should be 'sum' or 'mean'"),
        ("networks.cvae_2d.monitor", "error", "networks.cvae_2d.monitor = 'error': input should be 'loss' or 'prior_"),
        ("networks.cvae_2d.bsp_samples", 0, "cvae_2d.bsp_samples = 0: input should be greater than or equal to 1"),
        ("networks.cvae_2d.condition_units", 8, "cvae_2d.condition_units = 8: extra inputs are not permitted"),
        ("networks.conditioned_2d.condition_units", 0, "condition_units = 0: input should be greater than or equal to 1"),
        ("networks.conditioned_3d.fine_filters", None, "conditioned_3d.fine_filters: field required"),
    ],
)  # fmt: skip
def test_activation_images_that_cannot_be_are_refused(key, value, message):
    assert message in refusal(changed(f"conditional_vae.{key}", value))


def test_hearts_that_do_not_test_must_have_maps_to_train_with():
    config = changed("conditional_vae.test_hearts", 3)
    config["conditional_vae"]["volumes"]["maps"] = 3
    said = "volumes.maps (3): hearts that don't test have 3 maps; four or more are needed"
    assert said in refusal(config)
    config["conditional_vae"]["volumes"]["maps"] = 4
    assert load(config)
    config["conditional_vae"] |= {"hearts": 0, "subjects": ["broad", "slender"], "test_hearts": 1}
    assert load(config)


def test_autoencoders_of_images_are_trained_for_what_they_are_tested_with():
    config = changed("conditional_vae.betas", [0.1, 1e-7])
    config["conditional_vae"]["latents"] = [4]
    study = load(config).conditional_vae
    random = ["bsp_vae", "map_vae", "cvae", "cvae_conditioned", "cvae_beta_0.1", "cvae_beta_1e-07", "cvae_latent_4"]
    assert [tuple(training) for training in study.trainings] == [
        *(("slices", "random", form) for form in random[:4]),
        *(("slices", "heart_out", form) for form in random[:4]),
        *(("slices", "random", form) for form in random[4:]),
        *(("volumes", "heart_out", form) for form in ("cvae", "cvae_conditioned")),
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("subjects", ["nobody"], "physics_informed.subjects names ['nobody']; known subjects are ['broad', 'slender']"),
        ("subjects", [], "physics_informed.subjects"),
        ("subjects", ["slender", "slender"], "subjects names ['slender'] more than once"),
        ("vertices", 99, "physics_informed.vertices = 99: input should be greater than or equal to 100"),
        ("electrodes", [120, 4], "electrodes (4) must lie within 8 and 2000"),
        ("electrodes", [120, 120], "electrodes names ['120'] more than once"),
        ("noise", [0.01, 0], "noise (0) must lie above 0 and up to 1"),
        ("noise", [0.1], "noise_elsewhere (0.01) must be of the levels of noise"),
        ("ablation", [0.3], "ablation (0.3) must be of the levels of noise"),
        ("ablation_cases", 3, "ablation_cases (3) must be at most cases (1)"),
        ("protocols", ["mismatch"], "protocols must hold 'published', with which the others are compared"),
        ("protocols", ["published", "guess"], "protocols.1 = 'guess': input should be 'published', 'finer', 'cells', 'wall' or"),
        ("frame_ms", 20, "physics_informed.duration_ms"),
        ("finer.vertices", 0.5, "finer.vertices = 0.5: input should be greater than or equal to 1"),
        ("field.physics.delay", 0.6, "delay (0.6) must be less than balance_until (0.5)"),
        ("field.architecture.form", "deep", "form = 'deep': input should be 'mlp', 'resnet' or 'adaptive'"),
        ("stre.window", 0, "stre.window = 0: input should be greater than or equal to 1"),
        ("regularisation", "truth", "regularisation = 'truth': input should be 'l_curve' or 'gcv'"),
    ],
)  # fmt: skip
def test_surface_studies_that_cannot_be_are_refused(key, value, message):
    config = changed(f"physics_informed.{key}", value)
    if key == "frame_ms":
        config["physics_informed"]["duration_ms"] = 60
        message = "frame_ms (20) leaves less than five instants of duration_ms (60)"
    assert message in refusal(config)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("physics_informed.amortised.methods", ["em", "stre"], "methods (stre) have namesakes here"),
        ("physics_informed.amortised.methods", ["em", "em"], "em"),
        ("physics_informed.protocols", ["published"], "amortised.methods reconstruct beats of 'mismatch', which"),
        ("generative_em.cohorts", ["published"], "amortised.cohort ('rich') must be one of generative_em.cohorts"),
        ("generative_em.duration_ms", 300, "must be at least physics_informed.duration_ms (400)"),
        ("physics_informed.electrodes", [352], "physics_informed.electrodes (352) as anatomy.electrodes (120)"),
        ("generative_em.montage", "standard_12", "need the montage of which they learnt"),
    ],
)  # fmt: skip
def test_amortised_methods_must_know_beats_of_the_surfaces(key, value, message):
    config = changed(key, value)
    assert message in refusal(config)
    config["physics_informed"]["amortised"]["methods"] = []
    assert load(config)


def test_settings_of_surfaces_are_noise_protocols_and_montages():
    study = load(changed("physics_informed.electrodes", [120, 352])).physics_informed
    assert {name: tuple(setting) for name, setting in study.settings.items()} == {
        "sigma_0.01": (0.01, "published", 120),
        "sigma_0.1": (0.1, "published", 120),
        "sigma_0.01_mismatch": (0.01, "mismatch", 120),
        "sigma_0.01_352_electrodes": (0.01, "published", 352),
    }
    first = study.first_case
    whole = {name for name, setting in study.settings.items() if len(study.networks(setting, first)) == 7}
    assert whole == {"sigma_0.01"}
    assert study.networks(study.settings["sigma_0.01"], first + 1) == ("data_network", "pinn_ad", "eand_arn")


def test_networks_of_surfaces_differ_in_nothing_but_their_names_say():
    study = load(DEFAULT).physics_informed
    assert study.fit("eand_arn") == study.field
    pinn, data = study.fit("pinn_ad"), study.fit("data_network")
    assert (pinn.physics.derivatives, pinn.architecture.form) == ("automatic", "mlp")
    assert pinn.physics.model_copy(update={"derivatives": "numerical"}) == study.field.physics
    assert data.physics.weight == 0
    assert data.architecture == study.field.architecture


def test_every_training_of_images_has_its_settings():
    study = load(DEFAULT).conditional_vae
    networks, found = study.networks, {training: study.network(training) for training in study.trainings}
    for (cohort, _, form), settings in found.items():
        dimensions = "2d" if cohort == "slices" else "3d"
        published = getattr(networks, f"cvae_{dimensions}")
        expected = {
            "bsp_vae": networks.bsp_vae,
            "map_vae": networks.map_vae,
            "cvae": published,
            "cvae_conditioned": getattr(networks, f"conditioned_{dimensions}"),
            **{f"cvae_beta_{beta:g}": published.model_copy(update={"beta": beta}) for beta in study.betas},
            **{f"cvae_latent_{size}": published.model_copy(update={"latent": size}) for size in study.latents},
        }
        assert settings == expected[form]
    assert {type(settings).__name__ for settings in found.values()} == {
        "ImageVAE",
        "ConditionalVAE",
        "FullyConditionedVAE",
    }


def test_numbers_may_be_given_as_text():
    """Snakemake's ``--config`` gives text where it sees no number."""
    config = changed("anatomy.fibre_epicardium_deg", "-3")
    config["seed"] = "7"
    study = load(config)
    assert (study.anatomy.fibre_epicardium_deg, study.seed) == (-3.0, 7)


def test_method_names_are_checked_where_they_are_known():
    config = changed("generative_em.methods", ["greensite", "wishful"])
    config["generative_em"] |= {"reference_method": "greensite"}
    config["generative_em"]["robustness"]["methods"] = ["greensite"]
    config["physics_informed"]["amortised"]["methods"] = ["greensite"]
    assert load(config).generative_em.methods == ["greensite", "wishful"]
    assert "names ['wishful']; known inverse methods are ['greensite', 'tikhonov0']" in refusal(
        config, methods=["tikhonov0", "greensite"]
    )
    assert load(config, methods=["greensite", "wishful"])
    config["physics_informed"]["amortised"]["methods"] = ["other"]
    assert "physics_informed.amortised.methods names ['other']; known" in refusal(
        config, methods=["greensite", "wishful"]
    )


def test_cross_checks_run_on_what_is_valid():
    config = changed("anatomy.voxel_mm", -1)
    config["generative_em"] |= {"subjects": ["slim"], "methods": ["wishful", "wishful"], "snr_db": "loud"}
    config["torso"] |= {"heart_element_mm": 8, "body_element_mm": 6}
    config["torso"]["conductivity"]["lung"] = 0
    said = refusal(config, methods=["greensite"])
    for part in (
        "anatomy.voxel_mm = -1",
        "generative_em.snr_db = 'loud'",
        "generative_em.subjects names ['slim']",
        "generative_em.methods names ['wishful'] more than once",
        "generative_em.methods names ['wishful']; known",
        "torso.conductivity.lung = 0",
        "torso.heart_element_mm (8.0) must not exceed body_element_mm (6.0)",
    ):
        assert said.count(part) == 1, part


@pytest.mark.parametrize("content", [None, [], 3, {}, {"subjects": 3}, {"subjects": {"a": None, 1: {}}}])
def test_what_is_no_configuration_is_refused(content):
    assert refusal(content, methods=["greensite"]).startswith("invalid configuration:")


@given(st.floats(0.01, 2), st.floats(200, 2000), st.integers(11, 2001))
def test_the_checked_step_is_the_solver_s(time_step_ms, duration_ms, frames):
    simulation = Simulation(**DEFAULT["simulation"] | {"time_step_ms": time_step_ms})
    interval = duration_ms / (frames - 1)
    assert steps_ms(simulation, duration_ms, frames) == interval / step_count(interval, time_step_ms)


def sheet():
    return np.array([(i, j, 0) for i in range(12) for j in range(12)])


def shell():
    index = np.indices((15, 15, 15)).reshape(3, -1).T
    radius = np.linalg.norm(index - 7, axis=1)
    return index[(radius > 5) & (radius < 6.7)]


@pytest.mark.parametrize("wall", [sheet, shell])
@pytest.mark.parametrize(
    ("voxel_mm", "changes"),
    [
        (2.0, {}),
        (1.0, {"velocity_anisotropy": 1.0}),
        (3.0, {"velocity_anisotropy": 1.0, "conduction_velocity_m_per_s": 1.2}),
        (1.5, {"velocity_anisotropy": 4.0, "conduction_velocity_m_per_s": 2.0}),
        (2.0, {"k": 20.0, "time_unit_ms": 30.0, "a": 0.05}),
    ],
)
def test_a_refused_time_step_is_refused_by_the_solver_too(wall, voxel_mm, changes):
    simulation = Simulation(**DEFAULT["simulation"] | changes)
    limit, index = stability_limit_ms(simulation, voxel_mm), wall()
    along, across = calibrated_diffusivities(simulation, voxel_mm, limit)
    fibre = np.random.default_rng(1).standard_normal((len(index), 3))
    operator = diffusion_operator(index, voxel_mm, transversely_isotropic(fibre, along, across))
    assert stable_step_ms(largest_eigenvalue(operator), simulation) <= limit


def test_editors_accept_the_files_as_they_are():
    for name in ("config", "smoke", "paper", "real"):
        text = (CONFIG / f"{name}.yaml").read_text()
        kind = "config" if name == "config" else "overlay"
        assert text.startswith(f"# yaml-language-server: $schema={kind}.schema.json\n")
        validator = Draft202012Validator(json.loads((CONFIG / f"{kind}.schema.json").read_text()))
        assert not list(validator.iter_errors(yaml.safe_load(text))), name


def test_an_overlay_may_name_any_key_alone_but_no_unknown_one():
    validator = Draft202012Validator(json.loads(overlay_schema()))
    for overlay in ({}, {"subjects": {"kit": {"electrodes": "e.csv"}}}, {"torso": {"conductivity": {"lung": 0.1}}}):
        assert validator.is_valid(overlay)
    for overlay in ({"sead": 1}, {"anatomy": {"voxel_mm": -1}}, {"subjects": {"kit": {"electrode": "e.csv"}}}):
        assert not validator.is_valid(overlay)


def test_schema_and_reference_page_are_in_step():
    hint = "run `make docs`"
    assert (CONFIG / "config.schema.json").read_text() == schema(), hint
    assert (CONFIG / "overlay.schema.json").read_text() == overlay_schema(), hint
    assert (CONFIG / "README.md").read_text() == reference(DEFAULT), hint


def test_every_key_is_explained():
    def undescribed(model):
        for name, field in model.model_fields.items():
            nested = section_models(field.annotation)
            if not nested and not field.description and name != "source":
                yield f"{model.__name__}.{name}"
            for inner in nested:
                yield from undescribed(inner)

    assert not list(undescribed(Study))


def test_settings_of_one_method_alone_hold_no_other_s():
    values = DEFAULT["generative_em"]["inference"]
    assert Inference.of("em", values["em"]).em == load(DEFAULT).generative_em.inference.em
    with pytest.raises(AttributeError):
        _ = Inference.of("em", values["em"]).marginal_map


def test_variations_are_named_by_their_keys_and_carry_their_units():
    robustness = load(DEFAULT).generative_em.robustness
    named = {v.name: v.unit for v in robustness.variations()}
    assert named["noise.snr_db"] == "dB"
    assert named["pose.rotation_deg"] == "degree"
    assert named["tissue.velocity"] == "1"
    assert [v.level for v in robustness.variations() if v.name == "noise.snr_db"] == robustness.noise.snr_db


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("electrodes.towards", [0, 0, 0], "electrodes.towards = (0.0, 0.0, 0.0) must be a direction, not zero"),
        ("tissue.a", [0.2], "robustness.tissue.a (0.2) must lie below simulation.scar_threshold_a (0.18)"),
        ("setting", "unseen_mood", "robustness.setting 'unseen_mood' must be one of settings"),
        ("noise.snr_db", [500], "less than or equal to 120"),
        ("methods", ["wishful"], "robustness.methods names ['wishful']"),
    ],
)
def test_a_wrong_variation_is_named(key, value, said):
    with pytest.raises(ConfigurationError) as error:
        load(changed(f"generative_em.robustness.{key}", value), ["greensite"])
    assert said in str(error.value)


def test_a_velocity_that_the_time_step_can_not_follow_is_refused():
    config = changed("simulation.time_step_ms", 1.0)
    assert load(config)
    config["generative_em"]["robustness"]["tissue"]["velocity"] = [0.9, 1.5]
    said = refusal(config)
    assert "robustness.tissue.velocity (1.5): steps of 0.9167 ms are unstable" in said
    assert "(0.9)" not in said
