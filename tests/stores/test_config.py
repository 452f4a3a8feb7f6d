"""Wrong configurations are refused before anything runs, all problems at once, each with path, value and what is allowed."""

import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from transmural.stores.config import load
from transmural.stores.config.document import reference, schema
from transmural.stores.errors import ConfigurationError

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


@pytest.mark.parametrize("overlay", ["smoke", "paper", "real"])
def test_every_overlay_makes_a_valid_configuration(overlay):
    config = copy.deepcopy(DEFAULT)
    update_config(config, yaml.safe_load((CONFIG / f"{overlay}.yaml").read_text()))
    assert load(config).run == overlay


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
    "two coordinates": ("subjects.slender.heart_centre_mm", [1, 2], "subjects.slender.phantom.heart_centre_mm.2: field required"),
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


def test_schema_and_reference_page_are_in_step():
    hint = "run `make docs`"
    assert (CONFIG / "config.schema.json").read_text() == schema(), hint
    assert (CONFIG / "README.md").read_text() == reference(DEFAULT), hint


def test_every_key_is_explained():
    def undescribed(model):
        from transmural.stores.config.document import _models

        for name, field in model.model_fields.items():
            nested = _models(field.annotation)
            if not nested and not field.description and name != "source":
                yield f"{model.__name__}.{name}"
            for inner in nested:
                yield from undescribed(inner)

    from transmural.stores.config import Study

    assert not list(undescribed(Study))
