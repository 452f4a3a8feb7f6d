"""Triangle surfaces from files: STL, PLY, OBJ, VTK (legacy and XML PolyData) and MATLAB.

Whatever is wrong with a file becomes one `GeometryError` that names it.
"""

import contextlib
import io
import re
import reprlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import meshio
import numpy as np
from numpy.typing import NDArray

from transmural.anatomy import vtk_polydata
from transmural.anatomy.matlab_files import read_matlab
from transmural.anatomy.triangles import TriangleMesh
from transmural.stores.errors import GeometryError, reason

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MATLAB_POINTS = ("points", "nodes", "node", "vertices", "pts")
_MATLAB_FACES = ("cells", "faces", "face", "fac", "triangles", "tri")


def read_surface(path: Path, name: str) -> TriangleMesh:
    """Read a triangle surface; quadrilaterals and polygons are split into triangles.

    Parameters
    ----------
    path
        ``.stl``, ``.ply``, ``.obj``, ``.vtk``, ``.vtp`` or ``.mat``. A MATLAB file holds points (vertex, 3) and faces
        (face, 3), counted from 1, as variables or as fields of one struct.
    name
        What the surface is, for messages, such as ``"heart"``.

    Returns
    -------
    TriangleMesh
        In the file's own units and vertex order.

    Raises
    ------
    GeometryError
        If the file is absent, of another kind, unreadable, empty, or has points that are not finite numbers or corners
        that are not among its points.
    """
    readers: dict[str, Callable[[Path], tuple[Floats, Ints]]] = {
        ".stl": _read_meshio, ".ply": _read_ply, ".obj": _read_obj,
        ".vtk": _read_vtk, ".vtp": _read_vtp, ".mat": _read_matlab,
    }  # fmt: skip
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise GeometryError(f"{name}: {path} is of an unknown kind; a surface is one of {', '.join(sorted(readers))}")
    if not path.is_file():
        raise GeometryError(f"{name}: there is no file {path}")
    try:
        points, faces = reader(path)
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from None
    # Readers meet broken files in many ways.
    except Exception as error:
        kind = path.suffix.lower()[1:].upper()
        raise GeometryError(f"{name}: {path} can't be read as {kind}: {reason(error)}") from None
    _check(points, faces, f"{name}: {path}")
    return TriangleMesh(f"{name} ({path.name})", points, faces)


def _check(points: Floats, faces: Ints, where: str) -> None:
    """Check shapes and values of what was read."""
    if points.ndim != 2 or points.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise GeometryError(f"{where} has points {points.shape} and faces {faces.shape}, expected (…, 3) and (…, 3)")
    if len(faces) == 0:
        raise GeometryError(f"{where} has no triangles; a triangle surface is needed")
    if not np.isfinite(points).all():
        raise GeometryError(f"{where} has {int((~np.isfinite(points)).any(axis=1).sum())} points that are not finite")
    if faces.min() < 0 or faces.max() >= len(points):
        raise GeometryError(
            f"{where} has triangles with corners {int(faces.min())} to {int(faces.max())}, but {len(points)} points"
        )


def _read_meshio(path: Path) -> tuple[Floats, Ints]:
    # meshio prints what is wrong and leaves the process.
    said = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            warnings.simplefilter("ignore")
            mesh = meshio.read(path, path.suffix.lower()[1:])
    except SystemExit:
        raise ValueError(next(iter(said.getvalue().splitlines()), "it isn't what its suffix says")) from None
    faces = [np.zeros((0, 3), np.int64)]
    for block in mesh.cells:
        if block.type in ("triangle", "quad", "polygon"):
            corners = np.asarray(block.data, dtype=np.int64)
            starts = np.arange(len(corners) + 1) * corners.shape[1]
            faces.append(vtk_polydata.triangulated(corners.ravel(), starts, path))
    return np.asarray(mesh.points, dtype=float).reshape(len(mesh.points), -1), np.concatenate(faces)


def _read_ply(path: Path) -> tuple[Floats, Ints]:
    # meshio looks for the end of the header for ever, and believes the counts in it.
    content = path.read_bytes()
    header = re.match(rb".*?\n[ \t]*end_header[ \t]*\r?\n", content, re.DOTALL)
    if header is None:
        raise ValueError("its header has no end")
    for what, count in re.findall(r"element\s+(\w+)\s+(\d+)", header[0].decode(errors="replace")):
        if int(count) > len(content):
            raise ValueError(f"it announces {count} of the element {what} in {len(content)} bytes")
    return _read_meshio(path)


def _read_obj(path: Path) -> tuple[Floats, Ints]:
    points: list[list[float]] = []
    corners: list[int] = []
    starts = [0]
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            points.append([float(word) for word in words[1:4]])
        elif words[:1] == ["f"]:
            numbers = [int(word.split("/")[0]) for word in words[1:]]
            corners.extend(number - 1 if number > 0 else len(points) + number for number in numbers)
            starts.append(len(corners))
    faces = vtk_polydata.triangulated(np.array(corners, np.int64), np.array(starts, np.int64), path)
    return np.array(points, dtype=float).reshape(len(points), -1), faces


def _read_vtk(path: Path) -> tuple[Floats, Ints]:
    points, corners, starts = vtk_polydata.read_legacy(path.read_bytes())
    return points, vtk_polydata.triangulated(corners, starts, path)


def _read_vtp(path: Path) -> tuple[Floats, Ints]:
    points, corners, starts = vtk_polydata.read_xml(path.read_bytes())
    return points, vtk_polydata.triangulated(corners, starts, path)


def _read_matlab(path: Path) -> tuple[Floats, Ints]:
    found = read_matlab(path)
    for fields in (found, *(_fields(value) for value in found.values())):
        points = next((fields[key] for key in _MATLAB_POINTS if key in fields), None)
        faces = next((fields[key] for key in _MATLAB_FACES if key in fields), None)
        if points is not None and faces is not None:
            faces = _upright(np.asarray(faces)).astype(np.int64)
            # MATLAB counts from 1; a zero can only mean that the file counts from 0.
            return _upright(np.asarray(points, dtype=float)), faces - int(faces.min(initial=1) > 0)
    raise GeometryError(
        f"{path} holds {reprlib.repr(sorted(found))}, but no points ({' or '.join(_MATLAB_POINTS)}) together with "
        f"faces ({' or '.join(_MATLAB_FACES)})"
    )


def _fields(value: object) -> dict[str, object]:
    return {key: getattr(value, key) for key in getattr(value, "_fieldnames", None) or ()}


def _upright(array: NDArray[Any]) -> NDArray[Any]:
    """Three columns, where a file has three rows."""
    return array.T if array.ndim == 2 and array.shape[0] == 3 and array.shape[1] != 3 else array
