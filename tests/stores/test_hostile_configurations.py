"""Configurations from anybody are data: every value is valid or named in the error, and no name leads out of a folder."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed_document, few, mutated, watched

from transmural.stores.config import Study, load
from transmural.stores.errors import ConfigurationError
from transmural.stores.overlays import check_overlay

CONFIG = Path(__file__).parents[2] / "config"
DEFAULT = yaml.safe_load((CONFIG / "config.yaml").read_text())
NAMES = [
    "../../x",
    "/etc",
    "a b",
    "a;b",
    "a\nb",
    "a\n",
    "-x",
    ".",
    "..",
    "a/b",
    "$(x)",
    "`x`",
    "a|b",
    "*",
    "{a}",
    "é",
    "A",
]


def tried(read):
    """What a call gives under watch, and what the project's own error says."""
    with watched():
        try:
            return read(), ""
        except ConfigurationError as refused:
            return None, str(refused)


@few(12)
@given(data=st.data())
def test_any_configuration_is_valid_or_refused(data):
    config = data.draw(changed_document(DEFAULT))
    study, said = tried(lambda: load(config))
    if said:
        assert said.startswith("invalid configuration:\n  - ")
        assert len(said) < 100_000
    else:
        assert isinstance(study, Study)


@pytest.mark.parametrize(
    ("key", "name"),
    [("run", name) for name in NAMES]
    + [("subject", name) for name in NAMES]
    + [(study, name) for study in ("sequence_models", "conditional_vae", "physics_informed") for name in NAMES[:2]],
)
def test_no_name_leads_out_of_its_folder(key, name):
    config = copy.deepcopy(DEFAULT)
    if key == "run":
        config["run"] = name
    elif key == "subject":
        config["subjects"][name] = config["subjects"]["slender"]
        config["generative_em"]["subjects"] = [name]
    else:
        config[key]["subjects"] = [name]
    with pytest.raises(ConfigurationError, match="string should match pattern"):
        load(config)


@pytest.mark.parametrize("name", NAMES[:2])
@pytest.mark.parametrize("key", ["methods", "cohorts", "settings", "subjects"])
def test_names_of_other_things_are_those_of_a_list(key, name):
    config = copy.deepcopy(DEFAULT)
    config["generative_em"][key] = [name]
    with pytest.raises(ConfigurationError, match=f"generative_em.{key}"):
        load(config, methods=["greensite"])


def test_lists_that_hold_one_another_are_told_in_short():
    """Ten lines of YAML that would take a gigabyte when written out."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{to}: &{to} [{', '.join([f'*{of}'] * 10)}]" for of, to in zip("abcdefgh", "bcdefghi", strict=True)]
    lists = yaml.safe_load("\n".join(lines))
    for path, value in (("unknown", lists["i"]), ("seed", lists["i"]), ("run", [lists["i"]])):
        with watched(seconds=60), pytest.raises(ConfigurationError) as refused:
            load({**DEFAULT, path: value})
        assert len(str(refused.value)) < 20_000


CODE = "__use_yte__: true\nrun: mine\n? __import__('os').mkdir('ran')\n: 1\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CODE, "has the key __use_yte__, with which Snakemake runs code"),
        ('{"__use_yte__": false}', "has the key __use_yte__"),
        ('"__use\\x5fyte__": true', "has the key __use_yte__"),
        ("!!python/object/apply:os.mkdir [ran]", "can't be read as YAML: could not determine a constructor"),
        ("run: !!python/name:os.mkdir", "can't be read as YAML"),
        ("- run", "must be a mapping"),
        ("run: [", "can't be read as YAML"),
        ("[" * 500, "can't be read as YAML"),
    ],
)
def test_code_in_an_overlay_is_refused(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(content)
    with watched(), pytest.raises(ConfigurationError, match=message) as refused:
        check_overlay(tmp_path / "mine.yaml")
    assert str(tmp_path / "mine.yaml") in str(refused.value)
    assert not (tmp_path / "ran").exists()


@few(20)
@given(data=st.data())
def test_any_overlay_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "overlay.yaml"
    path.write_bytes(data.draw(mutated((CONFIG / "smoke.yaml").read_bytes())))
    _, said = tried(lambda: check_overlay(path))
    assert not said or str(path) in said


def test_overlays_of_the_project_are_data(tmp_path):
    overlays = sorted(CONFIG.glob("*.yaml"))
    command = [sys.executable, "-m", "transmural.stores.overlays"]
    subprocess.run([*command, *overlays], check=True)
    (tmp_path / "mine.yaml").write_text(CODE)
    found = subprocess.run([*command, *overlays, tmp_path / "mine.yaml"], check=False, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr.startswith(f"{tmp_path}/mine.yaml: has the key __use_yte__")
    assert "Traceback" not in found.stderr
