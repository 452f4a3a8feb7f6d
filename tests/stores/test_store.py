"""Stores are whole or absent, and what is read is what was written."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from transmural.stores.contracts import RECONSTRUCTION, TRANSFER
from transmural.stores.errors import StoreError
from transmural.stores.store import open_shards, open_store, provenance_of, write_store


def reconstruction(cases=3, frames=4, nodes=5, seed=0):
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), rng.random((cases, frames, nodes), dtype=np.float32)),
            "seconds": (("case",), rng.random(cases, dtype=np.float32)),
            "memory_mb": (("case",), rng.random(cases, dtype=np.float32)),
        },
        coords={"time": ("time", np.arange(frames, dtype=np.float32))},
    )


@settings(max_examples=10, deadline=None)
@given(cases=st.integers(1, 60), frames=st.integers(1, 4), nodes=st.integers(1, 6), seed=st.integers(0, 100))
def test_what_is_written_is_read_back_bit_for_bit(tmp_path_factory, cases, frames, nodes, seed):
    dataset = reconstruction(cases, frames, nodes, seed)
    folder = tmp_path_factory.mktemp("stores") / "a"
    write_store(dataset, folder, RECONSTRUCTION, {"seed": seed})
    read = open_store(folder, RECONSTRUCTION)
    xr.testing.assert_identical(read.drop_attrs(), dataset)
    assert all(read[name].attrs["units"] and read[name].attrs["long_name"] for name in read.variables)
    assert read["tmp"].dtype == np.float32
    assert read["tmp"].attrs["long_name"]
    assert provenance_of(read) == {"seed": seed}


def test_names_are_read_back_in_their_order(tmp_path):
    dataset = xr.Dataset(
        {"transfer": (("lead", "node"), np.ones((3, 2))), "transfer_fine": (("lead", "voxel"), np.ones((3, 4)))},
        coords={"lead": ["V2", "aVR", "I"], "montage": ("lead", ["standard_12", "body_surface", "standard_12"])},
    )
    write_store(dataset, tmp_path / "t", TRANSFER, {})
    read = open_store(tmp_path / "t", TRANSFER)
    assert read["lead"].values.tolist() == ["V2", "aVR", "I"]
    assert read["montage"].values.tolist() == ["standard_12", "body_surface", "standard_12"]


def break_missing(folder):
    next(p for p in (folder / "data.zarr" / "tmp" / "c").rglob("*") if p.is_file()).unlink()


def break_truncated(folder):
    path = next(p for p in (folder / "data.zarr" / "tmp" / "c").rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes()[:-7])


def break_bit(folder):
    path = next(p for p in (folder / "data.zarr" / "tmp" / "c").rglob("*") if p.is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def break_manifest(folder):
    (folder / "manifest.json").unlink()


def break_manifest_text(folder):
    (folder / "manifest.json").write_text("not json")


def break_manifest_content(folder):
    (folder / "manifest.json").write_text("{}")


def break_all(folder):
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_missing, "tmp/c.*missing; the store is truncated"),
        (break_truncated, "bytes, expected"),
        (break_bit, "content differs from what was written"),
        (break_manifest, "not a finished store"),
        (break_manifest_text, "manifest.json: unreadable"),
        (break_manifest_content, "the store's manifest doesn't have it"),
        (break_all, "no such store"),
    ],
)
def test_damage_is_noticed_and_named(tmp_path, damage, message):
    folder = tmp_path / "store"
    write_store(reconstruction(), folder, RECONSTRUCTION, {})
    damage(folder)
    with pytest.raises(StoreError, match=message) as error:
        open_store(folder, RECONSTRUCTION)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop_vars("tmp"), "variable 'tmp' is missing"),
        (lambda d: d.transpose("node", "time", "case"), "variable 'tmp' has dimensions"),
        (lambda d: d.assign(tmp=d["tmp"] > 0), "variable 'tmp' has type bool, expected float"),
        (
            lambda d: d.assign(seconds=d["seconds"].where(d["seconds"] > 2)),
            "variable 'seconds' has 3 values that are not",
        ),
    ],
)
def test_a_dataset_that_breaks_its_contract_is_not_written(tmp_path, change, message):
    with pytest.raises(StoreError, match=message):
        write_store(change(reconstruction()), tmp_path / "store", RECONSTRUCTION, {})
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_another_kind_is_refused(tmp_path):
    write_store(reconstruction(), tmp_path / "store", RECONSTRUCTION, {})
    with pytest.raises(StoreError, match="is a store of kind 'reconstruction', expected 'transfer'"):
        open_store(tmp_path / "store", TRANSFER)


def test_writing_again_replaces_the_whole_store(tmp_path):
    write_store(reconstruction(cases=9), tmp_path / "store", RECONSTRUCTION, {})
    write_store(reconstruction(cases=2), tmp_path / "store", RECONSTRUCTION, {})
    assert open_store(tmp_path / "store", RECONSTRUCTION).sizes["case"] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_a_killed_writer_leaves_no_store(tmp_path):
    script = textwrap.dedent("""
        import sys, numpy as np, xarray as xr
        from transmural.stores.contracts import RECONSTRUCTION
        from transmural.stores.store import write_store
        tmp = np.random.default_rng(0).random((200, 100, 500), dtype=np.float32)
        one = np.ones(200, dtype=np.float32)
        data = xr.Dataset({"tmp": (("case", "time", "node"), tmp), "seconds": ("case", one), "memory_mb": ("case", one)},
                          coords={"time": np.arange(100.0)})
        print("writing", flush=True)
        write_store(data, sys.argv[1], RECONSTRUCTION, {})
    """)
    target = tmp_path / "store"
    with subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while not list(tmp_path.glob(".store.*/data.zarr")):
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    assert not target.exists()
    write_store(reconstruction(), target, RECONSTRUCTION, {})
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_manifest_lists_every_file(tmp_path):
    write_store(reconstruction(), tmp_path / "store", RECONSTRUCTION, {})
    root = tmp_path / "store" / "data.zarr"
    files = {p.relative_to(root).as_posix() for p in Path(root).rglob("*") if p.is_file()}
    assert set(json.loads((tmp_path / "store" / "manifest.json").read_text())) == files


def write_shards(folder, *shards):
    paths = [folder / str(number) for number in range(len(shards))]
    for path, shard in zip(paths, shards, strict=True):
        write_store(shard, path, RECONSTRUCTION, {})
    return paths


@pytest.mark.parametrize("sizes", [(3,), (2, 3), (4, 4, 1)])
def test_shards_together_are_the_cohort(tmp_path, sizes):
    cohort = reconstruction(cases=sum(sizes)).assign_coords(case=np.arange(sum(sizes), dtype=np.int32))
    starts = np.cumsum([0, *sizes])
    shards = [cohort.isel(case=slice(*pair)) for pair in pairwise(starts)]
    read = open_shards(write_shards(tmp_path, *shards), RECONSTRUCTION)
    xr.testing.assert_identical(read.drop_attrs(), cohort)
    assert read["tmp"].attrs["units"]


def test_names_of_different_length_in_different_shards_are_kept_whole(tmp_path):
    """The array of the whole cohort is as wide as the longest name of any shard, not of the first."""
    names = [["healthy"], ["combined"], ["fib"]]
    shards = [reconstruction(cases=1).assign(group=("case", np.array(name))) for name in names]
    read = open_shards(write_shards(tmp_path, *shards), RECONSTRUCTION)
    assert read["group"].values.tolist() == ["healthy", "combined", "fib"]


@pytest.mark.parametrize(
    "other",
    [reconstruction(nodes=6), reconstruction(nodes=1), reconstruction(frames=3), reconstruction().assign_coords(time=np.ones(4))],
    ids=["nodes", "one node", "frames", "times"],
)  # fmt: skip
def test_shards_that_do_not_fit_together_are_named(tmp_path, other):
    paths = write_shards(tmp_path, reconstruction(), other)
    with pytest.raises(StoreError, match=f"{paths[0]} to {paths[1]} don't fit together"):
        open_shards(paths, RECONSTRUCTION)


def test_shards_by_different_code_are_named(tmp_path):
    for number, code in enumerate(["today", "today", "older"]):
        write_store(reconstruction(), tmp_path / str(number), RECONSTRUCTION, {"params": {"library": code}})
    assert open_shards([tmp_path / "0", tmp_path / "1"], RECONSTRUCTION).sizes["case"] == 6
    with pytest.raises(StoreError, match=r"2 was made by other code than .*0; delete both and rerun"):
        open_shards([tmp_path / str(number) for number in range(3)], RECONSTRUCTION)


def test_a_damaged_shard_is_named(tmp_path):
    paths = write_shards(tmp_path, reconstruction(), reconstruction(seed=1))
    break_bit(paths[1])
    with pytest.raises(StoreError, match=f"{paths[1]}.*content differs"):
        open_shards(paths, RECONSTRUCTION)
