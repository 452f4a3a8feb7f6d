"""The files below a store's ``data.zarr``, checked before Zarr reads any of them.

A store may come from someone else, and Zarr follows ``zarr.json`` wherever it leads: to any codec that is installed, to
groups and files that no contract names, to arrays of any size, whose missing chunks it makes up. So only what
`store.write_store` writes passes: one group of arrays of numbers, whole chunks that are plain or compressed by Blosc,
and as many bytes as the files can hold.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from transmural.stores.errors import reason

_BYTES = {
    "bool": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
    "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "float32": 4, "float64": 8,
}  # fmt: skip
_METADATA = "zarr.json"
# Files that NFS, FUSE and macOS put beside those that are open or copied.
_HIDDEN = (".nfs", ".fuse_hidden", ".DS_Store", "._")
_MOST_DIMENSIONS = 8
# LZ4 makes at most 255 bytes of one.
_LARGEST_RATIO = 256
# Sizes of the content and of the file, after eight and twelve bytes of Blosc's header.
_BLOSC_SIZES = struct.Struct("<4xI4xI")


@dataclass(frozen=True)
class Layout:
    """Dimensions, shape and type of an array, its chunks' shape, and whether they are compressed."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    data_type: str
    chunk: tuple[int, ...]
    compressed: bool

    @property
    def inner(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Dimensions, and lengths of all but the first."""
        return self.dims, self.shape[1:]

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        return tuple(-(-length // step) for length, step in zip(self.shape, self.chunk, strict=True))

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a chunk, the last ones padded to whole ones."""
        return math.prod(self.chunk) * _BYTES[self.data_type]


def plain_files(root: Path) -> dict[str, Path]:
    """Files below a folder by their names relative to it, sorted, but for those that a file system hides there.

    Raises
    ------
    ValueError
        If the folder, or anything in it, is a link or no file.
    """
    files: dict[str, Path] = {}
    for path in [root, *sorted(root.rglob("*"))]:
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise ValueError(f"{path}: is a link or no file; a store holds files of its own")
        if path.is_file() and not path.name.startswith(_HIDDEN):
            files[path.relative_to(root).as_posix()] = path
    return files


def layouts(root: Path, files: Mapping[str, Path]) -> dict[str, Layout]:
    """Arrays of a store by name.

    Parameters
    ----------
    root
        Folder of the group.
    files
        All files below it (`plain_files`).

    Raises
    ------
    ValueError
        Naming the file that isn't as `store.write_store` writes it.
    """
    group = _read(root / _METADATA)
    if group.get("node_type") != "group" or "consolidated_metadata" in group:
        raise ValueError(f"{root / _METADATA}: isn't a plain group of arrays")
    parts: dict[str, set[str]] = {}
    for name in files:
        array, _, part = name.partition("/")
        parts.setdefault(array, set()).add(part)
    del parts[_METADATA]
    found: dict[str, Layout] = {}
    for array, present in parts.items():
        if not array.isidentifier():
            raise ValueError(f"{root / array}: isn't the name of a variable")
        found[array] = _layout(root / array / _METADATA)
        _check_chunks(root / array, found[array], present - {_METADATA})
    return found


def _check_chunks(folder: Path, layout: Layout, present: set[str]) -> None:
    """Check that all chunks of an array are there, nothing else is, and each holds what is declared."""
    count = math.prod(layout.grid)
    # Counted first: a shape may declare more chunks than could be listed.
    if len(present) != count or present != {"/".join(["c", *map(str, at)]) for at in product(*map(range, layout.grid))}:
        raise ValueError(f"{folder}: its files aren't the {count} chunks of shape {list(layout.chunk)} of the array")
    for name in present:
        path = folder / name
        size = path.stat().st_size
        if layout.compressed:
            with path.open("rb") as stream:
                header = stream.read(_BLOSC_SIZES.size)
            held = _BLOSC_SIZES.unpack(header) if len(header) == _BLOSC_SIZES.size else (0, 0)
            whole = held == (layout.chunk_bytes, size) and layout.chunk_bytes <= _LARGEST_RATIO * size
        else:
            whole = size == layout.chunk_bytes
        if not whole:
            raise ValueError(f"{path}: doesn't hold the {layout.chunk_bytes} bytes of a chunk")


def _layout(path: Path) -> Layout:
    about = _read(path)
    try:
        codecs = tuple(codec["name"] for codec in about["codecs"])
        shape, chunk = tuple(about["shape"]), tuple(about["chunk_grid"]["configuration"]["chunk_shape"])
        dims = tuple(about["dimension_names"]) if shape else ()
        layout = Layout(dims, shape, about["data_type"], chunk, len(codecs) > 1)
        known = (
            about["node_type"] == "array"
            and about["chunk_grid"]["name"] == "regular"
            and about["chunk_key_encoding"] == {"name": "default", "configuration": {"separator": "/"}}
            and not about.get("storage_transformers")
            and codecs in (("bytes",), ("bytes", "blosc"))
            and layout.data_type in _BYTES
            and len(dims) == len(shape) == len(chunk) <= _MOST_DIMENSIONS
            and all(isinstance(name, str) for name in dims)
            and all(type(length) is type(step) is int for length, step in zip(shape, chunk, strict=True))
            and all(length >= 0 and 0 < step <= max(length, 1) for length, step in zip(shape, chunk, strict=True))
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: isn't the metadata of an array ({reason(error)})") from None
    if not known:
        raise ValueError(f"{path}: declares what no store of this project has")
    return layout


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: unreadable ({reason(error)})") from None
    if not isinstance(content, dict) or content.get("zarr_format") != 3:
        raise ValueError(f"{path}: isn't metadata of Zarr, version 3")
    return content
