"""Recordings from anybody: arrays of the archive's shape, or one sentence; nothing is unpickled."""

import os
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import few, mutated, outcome
from recording_data import recordings

from transmural.cohorts.recording_archive import read_archive, write_archive
from transmural.stores.contracts import RECORDINGS, check
from transmural.stores.errors import StoreError

NAMES = [f"{kind}_set_pattern.1.volunteer.v1.npy" for kind in ("pECGData", "VmData")]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives") / "original"
    folder.mkdir()
    np.save(folder / NAMES[0], np.ones((500, 10), np.float32))
    np.save(folder / NAMES[1], np.ones((500, 75), np.float32))
    read_archive(folder, 10)
    return folder


@pytest.fixture
def archive(original, tmp_path):
    return shutil.copytree(original, tmp_path / "archive")


@pytest.mark.parametrize("name", NAMES)
@few(30)
@given(data=st.data())
def test_any_array_is_read_or_refused(original, name, data):
    path = shutil.copytree(original, original.with_name("changed"), dirs_exist_ok=True) / name
    content = path.read_bytes()
    # The header is where it can go wrong; the rest is numbers.
    path.write_bytes(data.draw(mutated(content[:128])) + content[128:])
    found = outcome(lambda: read_archive(path.parent, 10), StoreError, path)
    if found is not None:
        check(found, RECORDINGS, "read")


class Opened:
    """Runs code when unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def test_nothing_is_unpickled(archive, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    values = np.empty((500, 10), object)
    values[0, 0] = Opened()
    np.save(archive / NAMES[0], values, allow_pickle=True)
    assert outcome(lambda: read_archive(archive, 10), StoreError, NAMES[0]) is None
    assert not (tmp_path / "unpickled").exists()


def test_arrays_in_an_archive_are_none(archive):
    with (archive / NAMES[0]).open("wb") as stream:
        np.savez(stream, a=np.ones((500, 10)))
    assert outcome(lambda: read_archive(archive, 10), StoreError, NAMES[0]) is None


def test_a_declared_size_takes_no_memory(archive):
    with (archive / NAMES[1]).open("wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": (5 * 10**11, 75)}
        np.lib.format.write_array_header_1_0(stream, header)
    assert outcome(lambda: read_archive(archive, 10), StoreError, NAMES[1], mebibytes=4) is None


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused(archive, kind):
    path = archive / NAMES[0]
    path.unlink()
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert outcome(lambda: read_archive(archive, 10), StoreError, path, seconds=60) is None


@pytest.mark.parametrize("heart", ["v;1", "v 1", "-v", "v\n1", "v\x1b1", "x" * 41, "é", "$v$"])
def test_names_that_are_none_are_refused(archive, heart):
    for name in NAMES:
        (archive / name).rename(archive / name.replace("v1", heart))
    with pytest.raises(StoreError, match=r"its name must give volunteer"):
        read_archive(archive, 10)


@pytest.mark.parametrize("heart", ["../../outside", "/outside", "a/b", ""])
def test_no_recording_is_written_outside_its_folder(tmp_path, heart):
    found = recordings(hearts=1, patterns=1, repeats=1)
    found["heart"] = ("case", np.full(found.sizes["case"], heart))
    (tmp_path / "archive").mkdir()
    with pytest.raises(StoreError, match="can't be part of a file's name"):
        write_archive(found, tmp_path / "archive")
    assert [path.name for path in tmp_path.rglob("*")] == ["archive"]
