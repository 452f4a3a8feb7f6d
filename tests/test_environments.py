"""One truth about dependencies: pyproject.toml, the lock file and the conda environments agree."""

import ast
import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
specification = importlib.util.spec_from_file_location("pin", ROOT / "envs" / "pin.py")
pin = importlib.util.module_from_spec(specification)
specification.loader.exec_module(pin)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("need", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"])
def test_the_lock_file_satisfies_every_requirement(need, python):
    requirement = Requirement(need)
    locked = pin.locked_versions(python)
    assert Version(locked[requirement.name.lower()]) in requirement.specifier


def imported_packages():
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow" / "scripts").glob("*.py")]
    own = {path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py")} | {"transmural"}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            yield from ({name.split(".")[0] for name in names} - own - set(sys.stdlib_module_names))


def test_the_requirements_are_what_is_imported():
    modules = {"pyyaml": "yaml", "scikit-fem": "skfem", "scikit-image": "skimage"}
    names = [Requirement(need).name for need in PROJECT["dependencies"]]
    assert {modules.get(name, name.replace("-", "_")) for name in names} == set(imported_packages())


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_conda_environments_follow_the_lock_file(name):
    assert (ROOT / "envs" / f"{name}.yaml").read_text() == pin.environment(name)


def test_rules_name_an_environment_that_exists():
    rules = (ROOT / "workflow" / "rules").glob("*.smk")
    names = {n for path in rules for n in re.findall(r"envs/([a-z]+\.yaml)", path.read_text())}
    assert names
    assert all((ROOT / "envs" / name).is_file() for name in names)


def test_the_lock_file_fits_every_build_of_torch():
    lock = (ROOT / "requirements.lock").read_text()
    assert re.findall(r"^torch==.*", lock, re.MULTILINE) == ["torch==2.13.0"]
    assert not re.findall(r"^(?:nvidia|cuda|triton)", lock, re.MULTILINE)
    assert pin.without_cuda(lock) == lock


def test_the_lock_file_names_no_registry():
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_workflow_asks_for_the_snakemake_that_is_required():
    minimum = re.search(r'min_version\("([0-9.]+)"\)', (ROOT / "Snakefile").read_text())[1]
    need = next(n for n in PROJECT["dependencies"] if n.startswith("snakemake"))
    assert need == f"snakemake>={minimum}"


def test_versions_of_the_project_agree():
    import transmural

    citation = (ROOT / "CITATION.cff").read_text()
    assert PROJECT["version"] == transmural.__version__
    assert f"version: {PROJECT['version']}" in citation
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()
