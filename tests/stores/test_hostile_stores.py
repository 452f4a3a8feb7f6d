"""Stores from anybody: what `write_store` doesn't write is refused, whatever manifest comes with it."""

import json
import os
import shutil
import struct

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed_document, few, mutated, outcome

from transmural.stores import store as store_module
from transmural.stores.code_digest import CodeDigests
from transmural.stores.contracts import RECONSTRUCTION, TRANSFER, check
from transmural.stores.errors import StoreError
from transmural.stores.files import crc32
from transmural.stores.store import open_shards, open_store, write_store

ONES = np.ones(3, np.float32)


def reconstruction():
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), np.zeros((3, 4, 5), np.float32)),
            "seconds": ("case", ONES),
            "memory_mb": ("case", ONES),
            "group": ("case", np.array(["b", "a", "b"])),
            "flag": ("case", np.zeros(3, bool)),
            "nothing": (("case", "none"), np.zeros((3, 0), np.float32)),
            "one": ((), np.int32(7)),
        },
        coords={"time": ("time", np.arange(4, dtype=np.float32))},
        attrs={"subject": "slender"},
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores") / "original"
    write_store(reconstruction(), folder, RECONSTRUCTION, {"seed": 1})
    open_store(folder, RECONSTRUCTION)
    return folder


@pytest.fixture
def store(original, tmp_path):
    return shutil.copytree(original, tmp_path / "store")


def sealed(folder):
    """Make the manifest fit what is there, as a sender would."""
    root = folder / "data.zarr"
    files = sorted(path for path in root.rglob("*") if path.is_file())
    manifest = {path.relative_to(root).as_posix(): [path.stat().st_size, crc32(path)] for path in files}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edited(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def refused(folder, message, **limits):
    with pytest.raises(StoreError, match=message):
        open_store(folder, RECONSTRUCTION)
    assert outcome(lambda: open_store(folder, RECONSTRUCTION), StoreError, folder, **limits) is None


def test_arrays_without_values_or_dimensions_are_read_back(original):
    read = open_store(original, RECONSTRUCTION)
    assert read["nothing"].shape == (3, 0)
    assert read["one"].item() == 7
    assert read["group"].values.tolist() == ["b", "a", "b"]
    assert not read["tmp"].values.any()
    assert not read["flag"].values.any()


ARRAYS = {
    "a codec that is installed": (lambda d: d["codecs"].append({"name": "gzip", "configuration": {"level": 1}}), "declares"),
    "another codec": (lambda d: d["codecs"].__setitem__(1, {"name": "numcodecs.zlib"}), "declares what no store"),
    "shards": (lambda d: d["codecs"].__setitem__(0, {"name": "sharding_indexed"}), "declares what no store"),
    "objects": (lambda d: d.update(data_type="string"), "declares what no store"),
    "a type of no name": (lambda d: d.update(data_type={"name": "numpy.datetime64"}), "isn't the metadata of an array"),
    "a transformer": (lambda d: d.update(storage_transformers=[{"name": "x"}]), "declares what no store"),
    "other keys of chunks": (lambda d: d["chunk_key_encoding"].update(name="v2"), "declares what no store"),
    "a huge shape": (lambda d: d.update(shape=[10**12, 10**12, 10**12]), "its files aren't the"),
    "a huge chunk": (
        lambda d: d.update(shape=[10**9, 4, 5]) or d["chunk_grid"]["configuration"].update(chunk_shape=[10**9, 4, 5]),
        "doesn't hold the 80000000000 bytes of a chunk",
    ),
    "a negative length": (lambda d: d.update(shape=[-3, 4, 5]), "declares what no store"),
    "a length of text": (lambda d: d.update(shape=["3", 4, 5]), "declares what no store"),
    "many dimensions": (lambda d: d.update(shape=[1] * 70), "declares what no store"),
    "no dimensions' names": (lambda d: d.update(dimension_names=None), "isn't the metadata of an array"),
    "another version": (lambda d: d.update(zarr_format=2), "isn't metadata of Zarr, version 3"),
    "a group": (lambda d: d.update(node_type="group"), "declares what no store"),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_no_store_has_are_refused_before_zarr_reads_them(store, case):
    change, message = ARRAYS[case]
    edited(store / "data.zarr" / "tmp" / "zarr.json", change)
    sealed(store)
    refused(store, message, mebibytes=24)


def test_a_chunk_that_says_it_is_larger_is_refused(store):
    path = store / "data.zarr" / "tmp" / "c" / "0" / "0" / "0"
    content = path.read_bytes()
    path.write_bytes(content[:4] + struct.pack("<I", 2**31 - 100) + content[8:])
    sealed(store)
    refused(store, "doesn't hold the 240 bytes of a chunk", mebibytes=24)


def test_a_missing_chunk_is_not_made_up(store):
    (store / "data.zarr" / "tmp" / "c" / "0" / "0" / "0").unlink()
    sealed(store)
    refused(store, "its files aren't the 1 chunks")


@pytest.mark.parametrize(
    "name", ["tmp/c/0/0/1", "tmp/.zarray", "tmp/c/0/0/0.part", "extra/zarr.json", "deep/er/zarr.json"]
)
def test_files_that_belong_to_no_array_are_refused(store, name):
    path = store / "data.zarr" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    refused(store, "the store's manifest doesn't have it")
    sealed(store)
    refused(store, "its files aren't the 1 chunks|unreadable|isn't metadata of Zarr")


def test_a_group_within_the_group_is_refused(store):
    shutil.copytree(store / "data.zarr", store / "data.zarr" / "inner")
    sealed(store)
    refused(store, "inner/zarr.json")


def test_metadata_that_is_gathered_elsewhere_is_refused(store):
    edited(
        store / "data.zarr" / "zarr.json", lambda d: d.update(consolidated_metadata={"kind": "inline", "metadata": {}})
    )
    sealed(store)
    refused(store, "isn't a plain group of arrays")


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "tmp/../../../outside"])
def test_manifests_lead_nowhere_else(store, name):
    (store.parent / "outside").write_text("x")
    edited(store / "manifest.json", lambda d: d.update({name: [1, 2]}))
    refused(store, "missing; the store is truncated")


def test_links_are_refused(store):
    outside = store.parent / "outside"
    (store / "data.zarr" / "tmp").rename(outside)
    (store / "data.zarr" / "tmp").symlink_to(outside)
    refused(store, "is a link or no file")
    (store / "data.zarr" / "tmp").unlink()
    outside.rename(store / "data.zarr" / "tmp")
    chunk = store / "data.zarr" / "tmp" / "c" / "0" / "0" / "0"
    chunk.rename(outside)
    chunk.symlink_to(outside)
    refused(store, "is a link or no file")
    chunk.unlink()
    os.mkfifo(chunk)
    refused(store, "is a link or no file", seconds=60)
    chunk.unlink()
    outside.rename(chunk)
    assert open_store(store, RECONSTRUCTION)
    (store / "data.zarr").rename(outside)
    (store / "data.zarr").symlink_to(outside)
    refused(store, "is a link or no file")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"categories": ["a"]}, "'group' has numbers without a name"),
        ({"categories": [["a"], ["b"]]}, "'group' has numbers without a name"),
        ({"categories": {"a": 1}}, "'group' has numbers without a name"),
        ({"categories": ["a", "b"], "scale_factor": 0.5}, "'group' has numbers without a name"),
        ({"units": "days since 2000-01-01"}, "numbers without a name|has type|missing|unreadable"),
    ],
)
def test_names_that_are_none_are_refused(store, attributes, message):
    edited(store / "data.zarr" / "group" / "zarr.json", lambda d: d["attributes"].update(attributes))
    sealed(store)
    refused(store, message)


def test_one_long_name_does_not_widen_all_others(store, monkeypatch):
    monkeypatch.setattr(store_module, "_LARGEST_NAMES", 1000)
    assert open_store(store, RECONSTRUCTION)
    names = ["a", "b" * 1000]
    edited(store / "data.zarr" / "group" / "zarr.json", lambda d: d["attributes"].update(categories=names))
    sealed(store)
    refused(store, "the names of 'group' take more than 1000 bytes")


def test_shards_are_compared_before_memory_is_taken(store, tmp_path):
    """A shard may declare more cases than memory holds of the others' variables."""
    write_store(xr.Dataset({"seconds": ("case", np.zeros(10**6, np.float32))}), tmp_path / "other", EMPTY, {})
    with pytest.raises(StoreError, match=r"of .*other has another shape"):
        open_shards([store, tmp_path / "other"], RECONSTRUCTION)


EMPTY = type(RECONSTRUCTION)("reconstruction", {})


def test_a_kind_of_any_name_is_told_in_short(store):
    edited(store / "data.zarr" / "zarr.json", lambda d: d["attributes"].update(contract="\x1b[2J" + "x" * 5000))
    sealed(store)
    refused(store, "is a store of kind")


DOCUMENTS = ["manifest.json", "data.zarr/zarr.json", "data.zarr/tmp/zarr.json", "data.zarr/group/zarr.json"]


@pytest.mark.parametrize("name", DOCUMENTS)
@few(10)
@given(data=st.data())
def test_any_metadata_are_read_or_refused(original, name, data):
    folder = original.with_name("changed")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    text = (folder / name).read_text()
    if data.draw(st.booleans()):
        (folder / name).write_text(json.dumps(data.draw(changed_document(json.loads(text)))))
    else:
        (folder / name).write_bytes(data.draw(mutated(text.encode())))
    if name != "manifest.json":
        sealed(folder)
    read_or_refused(folder)


@few(10)
@given(data=st.data())
def test_any_chunk_is_read_or_refused(original, data):
    folder = original.with_name("changed")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    path = data.draw(st.sampled_from(sorted(p for p in folder.glob("data.zarr/*/c/**/*") if p.is_file())))
    path.write_bytes(data.draw(mutated(path.read_bytes())))
    sealed(folder)
    read_or_refused(folder)


def read_or_refused(folder):
    read = outcome(lambda: open_store(folder, RECONSTRUCTION), StoreError, folder)
    if read is not None:
        check(read, RECONSTRUCTION, "read")
        assert read.attrs["contract"] == "reconstruction"
    shards = outcome(lambda: open_shards([folder, folder], RECONSTRUCTION), StoreError, folder)
    assert (shards is None) == (read is None)


@few(10)
@given(content=st.one_of(st.binary(max_size=200), st.just(b"[" * 100_000), st.just(b'{"a": [1e400, 0]}')))
def test_any_manifest_is_refused(original, content):
    folder = original.with_name("changed")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    (folder / "manifest.json").write_bytes(content)
    assert outcome(lambda: open_store(folder, TRANSFER), StoreError, folder) is None


@few(10)
@given(data=st.data())
def test_any_kept_digests_change_no_digest(original, data):
    kept, code = original.with_name("code.json"), "transmural.stores.errors"
    kept.unlink(missing_ok=True)
    fresh = CodeDigests(kept).digest(code)
    document = json.loads(kept.read_text())
    if data.draw(st.booleans()):
        # What a digest says of a file that is as it was is believed.
        document["files"] = {}
        kept.write_text(json.dumps(data.draw(changed_document(document))))
    else:
        kept.write_bytes(data.draw(st.one_of(st.binary(max_size=100), st.just(b"[" * 100_000))))
    assert CodeDigests(kept).digest(code) == fresh
