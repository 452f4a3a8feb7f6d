"""Stores are whole or absent: xarray datasets in Zarr v3, written beside their place, checked, then renamed.

A store is a folder with ``data.zarr`` and ``manifest.json``, the size and CRC-32 of every file. Zarr reads a
missing chunk as zeros without a word; the manifest is what notices truncation and alteration. A store may also come
from someone else: nothing but what `write_store` writes is read (see `zarr_files`).
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from zarr.codecs import BloscCodec

from transmural.stores.contracts import Contract, check
from transmural.stores.errors import StoreError, reason
from transmural.stores.files import crc32, whole_folder
from transmural.stores.zarr_files import Layout, layouts, plain_files

# Chunks of whole beats: a cohort read in chunks of one case through Zarr's shards took five times as long.
_CASES_PER_CHUNK = 16
# A single long name makes all of an array's names as long.
_LARGEST_NAMES = 2**30


def write_store(dataset: xr.Dataset, folder: str | Path, contract: Contract, provenance: dict[str, Any]) -> None:
    """Check ``dataset`` against its ``contract`` and write it to ``folder``, whole or not at all.

    Parameters
    ----------
    dataset
        In-memory dataset; floats become float32, units and long names come from the contract.
    folder
        Final place; replaced if it exists.
    contract
        What the store must contain.
    provenance
        Stored as attribute ``provenance`` (config section, code version, seed); must be JSON-serialisable.

    Raises
    ------
    StoreError
        If the dataset breaks its contract. Nothing is written then.
    """
    folder = Path(folder)
    dataset = _with_units(dataset, contract)
    check(dataset, contract, str(folder))
    dataset = _strings_to_categories(dataset)
    dataset.attrs = {**dataset.attrs, "contract": contract.name, "provenance": json.dumps(provenance, sort_keys=True)}
    with whole_folder(folder) as temporary:
        dataset.to_zarr(
            temporary / "data.zarr",
            zarr_format=3,
            consolidated=False,
            encoding=_encoding(dataset),
            write_empty_chunks=True,  # so that what is declared can be compared with what is there
        )
        (temporary / "manifest.json").write_text(json.dumps(_manifest(temporary / "data.zarr"), indent=0))


def open_store(folder: str | Path, contract: Contract) -> xr.Dataset:
    """Load a store into memory after checking its files against the manifest and its content against ``contract``.

    Raises
    ------
    StoreError
        If the store is absent, truncated, altered, of another kind, holds what `write_store` doesn't write, or breaks
        the contract.
    """
    _checked(Path(folder))
    return _loaded(Path(folder), contract)


def _loaded(folder: Path, contract: Contract) -> xr.Dataset:
    """Content of a store whose files have been checked."""
    try:
        with xr.open_zarr(folder / "data.zarr", consolidated=False, chunks=None) as lazy:
            dataset = _categories_to_strings(lazy.load())
    # Zarr and xarray meet strange metadata in many ways.
    except Exception as error:
        raise StoreError(f"{folder}: unreadable ({reason(error)}); delete it and rerun") from error
    found = str(dataset.attrs.get("contract"))[:60]
    if found != contract.name:
        raise StoreError(f"{folder}: is a store of kind {found!r}, expected '{contract.name}'")
    check(dataset, contract, str(folder))
    return dataset


def open_shards(folders: Sequence[str | Path], contract: Contract) -> xr.Dataset:
    """Load the shards of a cohort, in the given order, as one dataset along ``case``.

    Raises
    ------
    StoreError
        If a shard can't be opened (see `open_store`), shards were made by different code or their other dimensions
        differ.
    """
    found = [_checked(Path(folder)) for folder in folders]
    first = _loaded(Path(folders[0]), contract)
    by_case = [str(name) for name in first.variables if first[name].dims[:1] == ("case",)]
    for folder, arrays in zip(folders, found, strict=True):
        for name in by_case:
            if name not in arrays or arrays[name].inner != found[0][name].inner:
                raise _no_fit(folders, f"'{name}' of {folder} has another shape")
    # Copied shard by shard, so that a cohort of gigabytes is never in memory twice.
    whole = {
        name: np.empty((sum(arrays[name].shape[0] for arrays in found), *first[name].shape[1:]), first[name].dtype)
        for name in by_case
    }
    rest: list[xr.Dataset] = []
    start = 0
    for folder in folders:
        shard = _loaded(Path(folder), contract) if rest else first
        if _code(shard) != _code(first):
            raise _no_fit(folders, f"{folder} was made by other code than {folders[0]}; delete both and rerun")
        count = shard.sizes.get("case", 0)
        for name in by_case:
            # Names are as long as a shard's longest: a longer one in a later shard would be cut.
            whole[name] = whole[name].astype(np.promote_types(whole[name].dtype, shard[name].dtype), copy=False)
            whole[name][start : start + count] = shard[name].values
        rest.append(shard.drop_dims("case"))
        start += count
    try:
        common = xr.merge(rest, compat="equals", join="exact", combine_attrs="drop_conflicts")
    except ValueError as error:
        raise _no_fit(folders, str(error)) from error
    variables = {name: (first[name].dims, values, first[name].attrs) for name, values in whole.items()}
    return common.assign(variables).set_coords([name for name in by_case if name in first.coords])


def _no_fit(folders: Sequence[str | Path], why: str) -> StoreError:
    return StoreError(f"shards {folders[0]} to {folders[-1]} don't fit together: {why}")


def provenance_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The provenance with which a store was written."""
    loaded: dict[str, Any] = json.loads(dataset.attrs["provenance"])
    return loaded


def _code(dataset: xr.Dataset) -> str | None:
    """Digest of the code that made a store, where it is recorded."""
    digest: str | None = provenance_of(dataset).get("params", {}).get("library")
    return digest


def _with_units(dataset: xr.Dataset, contract: Contract) -> xr.Dataset:
    dataset = dataset.copy()
    for name in list(dataset.variables):
        if dataset[name].dtype == np.float64:
            dataset[name] = dataset[name].astype(np.float32)
    for name in map(str, dataset.variables):
        dataset[name].attrs = {"units": "1", "long_name": name.replace("_", " ")} | dataset[name].attrs
    for name, variable in contract.variables.items():
        if name in dataset.variables:
            dataset[name].attrs.update(units=variable.units, long_name=variable.long_name)
    return dataset


def _strings_to_categories(dataset: xr.Dataset) -> xr.Dataset:
    # Zarr v3 has no settled string type; names are stored as numbers with their categories as an attribute.
    for name in [str(n) for n in dataset.variables if dataset[n].dtype.kind in "UOT"]:
        array = dataset[name]
        categories, codes = np.unique(array.values.astype(str), return_inverse=True)
        coded = xr.Variable(
            array.dims, codes.reshape(array.shape).astype(np.int32), {**array.attrs, "categories": categories.tolist()}
        )
        dataset = (
            dataset.drop_vars(name).assign_coords({name: coded})
            if name in dataset.coords
            else dataset.assign({name: coded})
        )
    return dataset


def _categories_to_strings(dataset: xr.Dataset) -> xr.Dataset:
    for name in [str(n) for n in dataset.variables if "categories" in dataset[n].attrs]:
        array = dataset[name]
        attributes = dict(array.attrs)
        names = np.array(attributes.pop("categories"), dtype=str)
        codes = array.values
        if names.ndim != 1 or codes.dtype.kind not in "iu" or not np.isin(codes, np.arange(len(names))).all():
            raise ValueError(f"'{name}' has numbers without a name")
        if codes.size * names.itemsize > _LARGEST_NAMES:
            raise ValueError(f"the names of '{name}' take more than {_LARGEST_NAMES} bytes")
        decoded = xr.Variable(array.dims, names[codes], attributes)
        dataset = dataset.assign_coords({name: decoded}) if name in dataset.coords else dataset.assign({name: decoded})
    return dataset


def _encoding(dataset: xr.Dataset) -> dict[Any, dict[str, Any]]:
    # lz4 with shuffle wrote 418 MB/s where zstd wrote 90, for 8 % more bytes.
    encoding: dict[Any, dict[str, Any]] = {}
    for name, array in dataset.variables.items():
        if array.ndim == 0 or array.size == 0:
            encoding[name] = {"compressors": None}
            continue
        chosen: dict[str, Any] = {
            "compressors": BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=array.dtype.itemsize)
        }
        if array.dims[0] == "case" and array.ndim > 1:
            chosen["chunks"] = (min(_CASES_PER_CHUNK, array.shape[0]), *array.shape[1:])
        else:
            chosen["chunks"] = array.shape
        encoding[name] = chosen
    return encoding


def _manifest(root: Path) -> dict[str, list[int]]:
    return {name: [path.stat().st_size, crc32(path)] for name, path in plain_files(root).items()}


def _checked(folder: Path) -> dict[str, Layout]:
    """Arrays of a store by name, after checking that its files are those of its manifest and what they may be."""
    root = folder / "data.zarr"
    if not folder.is_dir():
        raise StoreError(f"{folder}: no such store")
    expected = _expected(folder / "manifest.json")
    try:
        present = plain_files(root) if os.path.lexists(root) else {}
        for name in expected:
            if name not in present:
                raise StoreError(f"{root / name}: missing; the store is truncated: delete {folder} and rerun")
        for name, path in present.items():
            if name not in expected:
                raise StoreError(f"{path}: the store's manifest doesn't have it; delete {folder} and rerun")
            _check_content(path, *expected[name], folder)
        return layouts(root, present)
    except ValueError as error:
        raise StoreError(f"{error}; delete {folder} and rerun") from error


def _expected(manifest: Path) -> dict[str, tuple[int, int]]:
    """Size and CRC-32 of every file, by its name below ``data.zarr``."""
    if not manifest.is_file():
        raise StoreError(
            f"{manifest.parent}: no manifest.json, so this is not a finished store of this project; delete it and rerun"
        )
    try:
        content = json.loads(manifest.read_text())
        return {str(name): (int(size), int(crc)) for name, (size, crc) in content.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise StoreError(f"{manifest}: unreadable ({reason(error)}); delete the store and rerun") from error


def _check_content(path: Path, size: int, crc: int, folder: Path) -> None:
    found = path.stat().st_size
    if found != size:
        raise StoreError(f"{path}: {found} bytes, expected {size}; truncated: delete {folder} and rerun")
    if crc32(path) != crc:
        raise StoreError(f"{path}: content differs from what was written; delete {folder} and rerun")
