"""Variables of MATLAB files (version 7 or older).

A file says of every array how large it is, and compressed arrays grow a thousandfold. Before SciPy reads a file, its
arrays are unpacked up to a limit, and each must be as large as what is there.
"""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from transmural.stores.errors import GeometryError

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_SPARSE_CLASS = 5
_LARGEST_BYTES = 2**30
_DEEPEST = 16


def read_matlab(path: Path) -> dict[str, object]:
    """Variables of a MATLAB file by name; structs have their fields as attributes.

    Raises
    ------
    GeometryError
        If the file is of version 7.3.
    Exception
        Of many kinds, if it is broken.
    """
    try:
        unpacked: Any = io.BytesIO(_unpacked(path.read_bytes()))
        content = scipy.io.loadmat(unpacked, squeeze_me=True, struct_as_record=False)
    except NotImplementedError:
        raise GeometryError(f"{path} is a MATLAB file of version 7.3; save it with the option -v7") from None
    return {key: value for key, value in content.items() if not key.startswith("__")}


def _unpacked(content: bytes) -> bytes:
    """The same file without compression, its arrays checked; a file of version 4, which has no such, as it is."""
    if 0 in content[:4] or content[125:126] == b"\x02" or content[124:125] == b"\x02":
        return content
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise ValueError("it has no header of a MATLAB file")
    parts, left = [content[:_HEADER_BYTES]], _LARGEST_BYTES
    for kind, body in _elements(content[_HEADER_BYTES:], order):
        element = struct.pack(f"{order}II", kind, len(body)) + body
        if kind == _COMPRESSED:
            element = zlib.decompressobj().decompress(body, left + 1)
            left -= len(element)
            if left < 0:
                raise ValueError(f"its arrays take more than {_LARGEST_BYTES} bytes")
        ((inner, matrix),) = _elements(element, order)
        if inner == _MATRIX:
            _check(matrix, order, 1)
        parts.append(element)
    return b"".join(parts)


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and content of data elements that stand one after the other."""
    at = 0
    while at < len(data):
        kind, count = struct.unpack_from(f"{order}II", data, at)
        start, padded = at + 8, kind not in (_MATRIX, _COMPRESSED)
        if kind >> 16:  # of at most four bytes: beside its type
            kind, count, start = kind & 0xFFFF, kind >> 16, at + 4
        if start + count > len(data):
            raise ValueError(f"it ends after {len(data) - start} of {count} bytes of an array")
        yield kind, data[start : start + count]
        at = start + count + (-(start + count) % 8 if padded else 0)


def _check(matrix: bytes, order: str, depth: int) -> None:
    """Check that an array, and those in it, have no more entries than bytes."""
    if depth > _DEEPEST:
        raise ValueError(f"its arrays are nested more than {_DEEPEST} deep")
    parts = list(_elements(matrix, order))
    if len(parts) > 1:
        flags, shape = (np.frombuffer(part, f"{order}i4").tolist() for _, part in parts[:2])
        if min(shape, default=0) < 0 or (math.prod(shape) > len(matrix) and flags[0] & 0xFF != _SPARSE_CLASS):
            raise ValueError(f"it announces an array of shape {shape} in {len(matrix)} bytes")
    for kind, part in parts:
        if kind == _MATRIX:
            _check(part, order, depth + 1)
