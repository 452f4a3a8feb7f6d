"""Polygons of VTK's formats: legacy ``.vtk`` (PolyData, UnstructuredGrid) and XML ``.vtp`` (Kitware, VTK File Formats).

They are read for points and polygons; attribute data are passed over. Legacy files are ASCII or big-endian binary, of
version 1 to 4 (each polygon preceded by its number of corners) or 5 (offsets and connectivity). XML files hold arrays
as ASCII, base64 or raw, inline or appended, plain or compressed block by block with zlib or LZMA. Counts and sizes in a
file are compared with what it holds before anything is made of them.
"""

import base64
import lzma
import re
import zlib
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from transmural.stores.errors import GeometryError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEGACY_TYPES = {
    "float": "f4", "double": "f8", "int": "i4", "unsigned_int": "u4", "long": "i8", "unsigned_long": "u8",
    "short": "i2", "unsigned_short": "u2", "char": "i1", "unsigned_char": "u1",
    "vtktypeint64": "i8", "vtktypeint32": "i4",
}  # fmt: skip
_POLYGON_CELLS = (5, 7, 9)  # triangle, polygon, quadrilateral
_XML_TYPES = {
    "Float32": "f4", "Float64": "f8", "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2",
    "Int32": "i4", "UInt32": "u4", "Int64": "i8", "UInt64": "u8",
}  # fmt: skip
_DECOMPRESSORS: dict[str, Any] = {
    "vtkZLibDataCompressor": zlib.decompressobj,
    "vtkLZMADataCompressor": lzma.LZMADecompressor,
}
# All arrays of a file together: forty million vertices. Compressed parts, and arrays that share a place, are larger
# than the file.
_LARGEST_BYTES = 2**30


def read_legacy(content: bytes) -> tuple[Floats, Ints, Ints]:
    """Points (vertex, 3), corners of all polygons in a row, and where each polygon starts (one more at the end).

    Raises
    ------
    ValueError
        If the file is cut off or not what it announces.
    """
    cursor = _Legacy(content)
    points: Floats | None = None
    cells: tuple[Ints, Ints] | None = None
    while (line := cursor.line()) is not None:
        word = line[0].upper()
        if word == "POINTS":
            points = cursor.numbers(3 * int(line[1]), line[2]).astype(float).reshape(-1, 3)
        elif word == "POLYGONS" and points is not None:
            return points, *_legacy_polygons(cursor, int(line[1]), int(line[2]))
        elif word == "CELLS" and points is not None:
            cells = _legacy_polygons(cursor, int(line[1]), int(line[2]))
        elif word == "CELL_TYPES" and points is not None and cells is not None:
            return points, *_flat(*cells, cursor.numbers(int(line[1]), "int"))
    raise ValueError("it has no POINTS followed by POLYGONS, or by CELLS and CELL_TYPES")


def _flat(corners: Ints, starts: Ints, types: NDArray[np.generic]) -> tuple[Ints, Ints]:
    """Corners and starts of those cells that are polygons."""
    sizes, kept = np.diff(starts), np.isin(types, _POLYGON_CELLS)
    if len(sizes) != len(kept) or (sizes < 0).any() or sizes.sum() != len(corners):
        raise ValueError(f"it has {len(kept)} types for {len(sizes)} cells of {len(corners)} corners together")
    return corners[np.repeat(kept, sizes)], np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes[kept])])


def _legacy_polygons(cursor: "_Legacy", first: int, second: int) -> tuple[Ints, Ints]:
    if cursor.version >= 5:
        arrays = []
        for count in (first, second):
            line = cursor.line() or ["nothing"]
            if line[0].upper() not in ("OFFSETS", "CONNECTIVITY"):
                raise ValueError(f"it has {line[0]} where OFFSETS or CONNECTIVITY is due")
            arrays.append(cursor.numbers(count, line[1]).astype(np.int64))
        return arrays[1], arrays[0]
    packed = cursor.numbers(second, "int").astype(np.int64)
    if not 0 <= first <= second:
        raise ValueError(f"it announces {first} polygons in {second} numbers")
    starts = np.zeros(first + 1, np.int64)
    where = 0
    for polygon in range(first):
        starts[polygon] = where
        if packed[where] < 0:
            raise ValueError(f"it has a polygon of {packed[where]} corners")
        where += int(packed[where]) + 1
    starts[first] = where
    keep = np.ones(len(packed), bool)
    keep[starts[:-1]] = False
    return packed[keep], starts - np.arange(first + 1)


class _Legacy:
    """A position in a legacy file: its header lines and its blocks of numbers."""

    def __init__(self, content: bytes) -> None:
        if not content.startswith(b"# vtk DataFile") or content.count(b"\n") < 3:
            raise ValueError("it has no header of a legacy VTK file")
        self.content = content
        header = content.split(b"\n", 3)
        self.version = int((re.search(rb"Version\s+(\d+)", header[0]) or [b"", b"3"])[1])
        self.binary = header[2].strip().upper() == b"BINARY"
        self.position = len(content) - len(header[3])

    def line(self) -> list[str] | None:
        """Words of the next line that is not blank; None at the end."""
        while self.position < len(self.content):
            end = self.content.find(b"\n", self.position)
            end = len(self.content) if end < 0 else end
            words = self.content[self.position : end].decode("ascii", "replace").split()
            self.position = end + 1
            if words:
                return words
        return None

    def numbers(self, count: int, kind: str) -> NDArray[np.generic]:
        dtype = np.dtype(_LEGACY_TYPES[kind.lower()])
        if count < 0:
            raise ValueError(f"it announces {count} numbers")
        if self.binary:
            block = np.frombuffer(self.content, dtype.newbyteorder(">"), count, self.position)
            self.position += block.nbytes
            return block
        words = self.content[self.position :].split(None, count)
        if len(words) < count:
            raise ValueError(f"it ends after {len(words)} of {count} numbers")
        self.position = len(self.content) - (len(words[count]) if len(words) > count else 0)
        return _parsed(words[:count], dtype)


def _parsed(words: list[bytes], dtype: np.dtype[Any]) -> NDArray[np.generic]:
    """Numbers of words; each converted by itself, because an array of words is as wide as the longest."""
    values = np.fromiter(map(float, words), float, len(words))
    if dtype.kind != "f" and not np.isfinite(values).all():
        raise ValueError("it has a whole number that isn't finite")
    return values.astype(dtype)


class _NoDoctype(ElementTree.TreeBuilder):
    """Builder that refuses documents with a type of their own, whose entities may grow without bound."""

    def doctype(self, *_: str | None) -> None:
        """Refuse a document type."""
        raise ValueError("it declares a document type, which VTK files don't")


def read_xml(content: bytes) -> tuple[Floats, Ints, Ints]:
    """Points, corners and starts of the polygons of a ``.vtp`` file, as `read_legacy`.

    Raises
    ------
    ValueError
        If the file is cut off, not PolyData or compressed in a way that is not read here.
    """
    # Raw appended data are no XML: they are cut out before parsing.
    raw = re.search(rb'<AppendedData\s+encoding\s*=\s*"raw"\s*>\s*_', content)
    appended: bytes | None = None
    if raw:
        appended = content[raw.end() : content.rfind(b"</AppendedData>")]
        content = content[: raw.start()] + b"</VTKFile>"
    root = ElementTree.fromstring(content, ElementTree.XMLParser(target=_NoDoctype()))
    if root.get("type") != "PolyData":
        raise ValueError(f"it holds {root.get('type')}, expected PolyData")
    in_base64 = root.find("AppendedData")
    if in_base64 is not None:
        appended = (in_base64.text or "").strip()[1:].encode()
    decoder = _Xml(root, appended, in_base64 is not None)
    points, corners, starts = [], [], [np.zeros(1, np.int64)]
    vertices = polygons = 0
    for piece in root.iter("Piece"):
        if int(piece.get("NumberOfStrips") or 0):
            raise ValueError("it has triangle strips; save it with plain triangles")
        block = decoder.array(piece.find("Points/DataArray")).astype(float).reshape(-1, 3)
        arrays = {array.get("Name"): array for array in piece.iterfind("Polys/DataArray")}
        points.append(block)
        corners.append(decoder.array(arrays.get("connectivity")).astype(np.int64) + vertices)
        starts.append(decoder.array(arrays.get("offsets")).astype(np.int64) + polygons)
        vertices += len(block)
        polygons += len(corners[-1])
    if not points:
        raise ValueError("it has no Piece")
    return np.concatenate(points), np.concatenate(corners), np.concatenate(starts)


class _Xml:
    """Decodes the data arrays of an XML file."""

    def __init__(self, root: ElementTree.Element, appended: bytes | None, appended_base64: bool) -> None:
        self.order: Literal[">", "<"] = ">" if root.get("byte_order") == "BigEndian" else "<"
        self.header = np.dtype(_XML_TYPES[root.get("header_type") or "UInt32"]).newbyteorder(self.order)
        compressor = root.get("compressor")
        if compressor and compressor not in _DECOMPRESSORS:
            raise ValueError(f"it is compressed with {compressor}; save it uncompressed or with zlib")
        self.decompressor = _DECOMPRESSORS[compressor] if compressor else None
        self.appended, self.appended_base64 = appended, appended_base64
        self.left = _LARGEST_BYTES

    def array(self, element: ElementTree.Element | None) -> NDArray[np.generic]:
        if element is None:
            raise ValueError("an array of points or polygons is missing")
        dtype = np.dtype(_XML_TYPES[element.get("type") or ""]).newbyteorder(self.order)
        kind, text = element.get("format"), (element.text or "").strip()
        if kind == "ascii":
            return _parsed(text.encode().split(), dtype)
        if kind == "appended":
            if self.appended is None:
                raise ValueError("its appended data are missing")
            data = self.appended[int(element.get("offset") or 0) :]
            return np.frombuffer(self._block(data, self.appended_base64), dtype)
        return np.frombuffer(self._block(text.encode(), True), dtype)

    def _block(self, data: bytes, encoded: bool) -> bytes:
        """Content of the block at the beginning of ``data``: length, then bytes; or the sizes of compressed parts."""
        width = self.header.itemsize
        if self.decompressor is None:
            first = _decode(data, width, encoded)
            length = int(np.frombuffer(first, self.header, 1)[0])
            self._take(length)
            return _decode(data, width + length, encoded)[width:]
        parts = int(np.frombuffer(_decode(data, width, encoded), self.header, 1)[0])
        if parts == 0:
            return b""
        head = width * (3 + parts)
        sizes = np.frombuffer(_decode(data, head, encoded), self.header, 3 + parts)[3:].astype(np.int64)
        # In base64 the header and the parts are encoded one after the other, each padded to a multiple of three bytes.
        rest = data[4 * -(-head // 3) :] if encoded else data[head:]
        packed = _decode(rest, int(sizes.sum()), encoded)
        ends = np.cumsum(sizes)
        content = []
        for size, end in zip(sizes, ends, strict=True):
            content.append(self.decompressor().decompress(packed[end - size : end], self.left + 1))
            self._take(len(content[-1]))
        return b"".join(content)

    def _take(self, count: int) -> None:
        """Count bytes of an array."""
        self.left -= count
        if self.left < 0:
            raise ValueError(f"its arrays take more than {_LARGEST_BYTES} bytes")


def _decode(data: bytes, length: int, encoded: bool) -> bytes:
    if encoded:
        data = base64.b64decode(data[: 4 * -(-length // 3)])
    if len(data) < length:
        raise ValueError(f"it ends after {len(data)} of {length} bytes of an array")
    return data[:length]


def triangulated(corners: Ints, starts: Ints, path: Path) -> Ints:
    """Triangles of polygons (a fan from the first corner), shape (face, 3)."""
    sizes = np.diff(starts)
    if (sizes < 3).any():
        raise GeometryError(f"{path} has a polygon of {int(sizes.min())} corners; at least 3 are needed")
    if len(starts) and not 0 <= starts[0] <= starts[-1] <= len(corners):
        raise GeometryError(f"{path} has polygons of {int(starts[-1])} corners together, but {len(corners)} corners")
    fans = sizes - 2
    polygon = np.repeat(np.arange(len(sizes)), fans)
    step = np.arange(len(polygon)) - np.repeat(np.cumsum(fans) - fans, fans)
    first = starts[:-1][polygon]
    faces: Ints = np.stack([corners[first], corners[first + step + 1], corners[first + step + 2]], axis=1)
    return faces
