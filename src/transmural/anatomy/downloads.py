"""Public files of real hearts: fetched from their pinned source, or taken from a local folder, and verified.

``registry.json`` lists each file by key with its source (pinned to a commit), SHA-256, licence and citation. No data
file is part of the project. A file is

- taken from the folder named by the environment variable TRANSMURAL_DATA, under its key, when the variable is set;
- fetched once into the cache (TRANSMURAL_CACHE, or the system's cache folder) otherwise.

Its digest is checked every time, in both cases.
"""

import difflib
import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypedDict

import pooch

from transmural.stores.config import Subject
from transmural.stores.errors import ConfigurationError, GeometryError, reason

PREFIX = "public:"
DATA_VARIABLE = "TRANSMURAL_DATA"
CACHE_VARIABLE = "TRANSMURAL_CACHE"


class Source(TypedDict):
    """One public data set: where it comes from, under which terms, how to cite it, and its files."""

    title: str
    url: str
    licence: str
    citation: str
    files: dict[str, str]


@cache
def registry() -> dict[str, Source]:
    """Public data sets by folder; ``files`` maps the path below the folder (and below ``url``) to its SHA-256."""
    content: dict[str, Source] = json.loads(files("transmural.anatomy").joinpath("registry.json").read_text("utf-8"))
    return content


def resolve(value: str, base: Path) -> Path:
    """Path of a file named in the configuration: ``public:<key>``, or a path relative to ``base``."""
    if value.startswith(PREFIX):
        return fetch(value.removeprefix(PREFIX))
    return base / Path(value).expanduser()


def check_public_files(subjects: Mapping[str, Subject]) -> None:
    """Raise `ConfigurationError`, listing all, if a subject names a public file that the registry doesn't have."""
    problems = []
    for name, subject in subjects.items():
        for file in subject.files:
            if file.startswith(PREFIX):
                try:
                    _registered(file.removeprefix(PREFIX), registry())
                except ConfigurationError as error:
                    problems.append(f"  - subjects.{name}: {error}")
    if problems:
        raise ConfigurationError("invalid configuration:\n" + "\n".join(problems))


def fetch(key: str, sources: dict[str, Source] | None = None) -> Path:
    """Local path of a public file, verified.

    Parameters
    ----------
    key
        ``<folder>/<path>`` as in the registry.
    sources
        Data sets by folder; the project's registry by default.

    Raises
    ------
    ConfigurationError
        If the registry has no such key.
    GeometryError
        If the file is absent from the local folder, can't be fetched, or isn't the one that was registered.
    """
    sources = registry() if sources is None else sources
    url, digest = _registered(key, sources)
    if local := os.environ.get(DATA_VARIABLE):
        return _local(Path(local) / key, digest)
    return _download(key, url, digest)


def _registered(key: str, sources: dict[str, Source]) -> tuple[str, str]:
    """Address and SHA-256 of a public file."""
    folder, _, path = key.partition("/")
    if folder not in sources or path not in sources[folder]["files"]:
        known = [f"{name}/{file}" for name, source in sources.items() for file in source["files"]]
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0) or ["none"]
        raise ConfigurationError(
            f"there is no public file '{key}'; the nearest of {len(known)} known keys is '{near[0]}'"
        )
    return f"{sources[folder]['url']}/{path}", sources[folder]["files"][path]


def _local(file: Path, digest: str) -> Path:
    if not file.is_file():
        raise GeometryError(
            f"{DATA_VARIABLE} is set, but there is no file {file}; "
            f"put it there, or unset {DATA_VARIABLE} to download it"
        )
    _verify(file, digest, f"replace it by the public file, or unset {DATA_VARIABLE} to download it")
    return file


def _download(key: str, url: str, digest: str) -> Path:
    folder = Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("transmural"))
    file = folder / key
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Checked below instead of by pooch, for one message in all cases.
            pooch.retrieve(url, known_hash=None, fname=file.name, path=file.parent, progressbar=False)
        except Exception as error:
            raise GeometryError(
                f"can't download {url}: {_cause(error)}; without a network, put the file as {key} into a folder "
                f"and name the folder with the environment variable {DATA_VARIABLE}"
            ) from None
    try:
        _verify(file, digest, f"it was fetched from {url}; try again, and report it if this persists")
    except GeometryError:
        file.unlink(missing_ok=True)
        raise
    return file


def _verify(file: Path, digest: str, advice: str) -> None:
    found = pooch.file_hash(str(file), alg="sha256")
    if found != digest:
        raise GeometryError(f"{file} has the SHA-256 {found}, but {digest} is registered: {advice}")


def _cause(error: BaseException) -> str:
    """The innermost reason, without the layers of the HTTP libraries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return reason(error)
