"""The container recipes: the same pinned Python, the lock file and nothing beside it, Snakemake as the command."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IMAGE = re.compile(r"python:(3\.\d+)\.\d+-slim-\w+")
LOCK = "requirements.lock"


def instructions():
    """Instructions of the Dockerfile and what follows each."""
    text = (ROOT / "envs" / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]


def sections():
    """Header and sections of the Apptainer definition, without comments."""
    lines = (ROOT / "envs" / "transmural.def").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    header, *rest = re.split(r"^%", text, flags=re.MULTILINE)
    found = {name: body.strip() for name, _, body in (part.partition("\n") for part in rest)}
    return {"header": dict(re.findall(r"^(\w+): (\S+)$", header, re.MULTILINE))} | found


def dockerfile():
    """Base image, copied files, commands and entry point."""
    of = {name: [rest for key, rest in instructions() if key == name] for name in ("FROM", "COPY", "RUN", "ENTRYPOINT")}
    return of["FROM"], of["COPY"], of["RUN"], json.loads(of["ENTRYPOINT"][0])


def definition():
    """The same of the Apptainer definition."""
    found = sections()
    command = shlex.split(found["runscript"])
    return [found["header"]["From"]], found["files"].splitlines(), found["post"].splitlines(), command[1:-1]


@pytest.mark.parametrize("recipe", [dockerfile, definition])
def test_a_recipe_installs_the_lock_file_on_a_pinned_python(recipe):
    (image,), (copied,), (command,), entry = recipe()
    assert IMAGE.fullmatch(image), "the base image is pinned to a patch release"
    source, target = copied.split()
    assert source == LOCK
    assert (ROOT / source).is_file()
    words = shlex.split(command)
    assert words[:2] == ["pip", "install"]
    installed = words[words.index("-r") + 1]
    assert installed == (target + LOCK if target.endswith("/") else target)
    assert [word for word in words[2:] if not word.startswith(("-", "$"))] == [installed]
    assert entry == ["snakemake"]


def test_the_recipes_have_one_base_image_that_the_project_supports():
    (docker,), (apptainer,) = dockerfile()[0], definition()[0]
    assert docker == apptainer
    assert sections()["header"]["Bootstrap"] == "docker"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lowest, above = (int(minor) for minor in re.findall(r"3\.(\d+)", project["requires-python"]))
    minor = int(IMAGE.fullmatch(docker)[1].removeprefix("3."))
    assert lowest <= minor < above
