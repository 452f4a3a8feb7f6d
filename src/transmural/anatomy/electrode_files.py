"""Electrodes from files: a CSV table of positions, or MATLAB node numbers of the body surface."""

import csv
import reprlib
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.image import LIMB_ELECTRODES
from transmural.anatomy.matlab_files import read_matlab
from transmural.stores.errors import GeometryError, reason

Floats = NDArray[np.float64]

_COLUMNS = ("name", "x", "y", "z")
_LONGEST_NAME = 40


def read_electrodes(path: Path, torso_points: Floats | None = None) -> tuple[tuple[str, ...], Floats]:
    """Names and positions of body-surface electrodes.

    Parameters
    ----------
    path
        ``.csv`` with the columns name, x, y, z (others are ignored, the first row names them), or ``.mat`` with one
        vector of node numbers of the body surface, counted from 1.
    torso_points
        Vertices of the body surface in the order of its file, shape (vertex, 3); needed for node numbers.

    Returns
    -------
    tuple
        Names and positions, shape (electrode, 3), in the units and axes of the file (of ``torso_points`` for node
        numbers, which are named E001, E002, ...).

    Raises
    ------
    GeometryError
        If the file is absent, of another kind, has wrong columns, rows that are not numbers, repeated names or
        positions, or node numbers that the body surface doesn't have.
    """
    if not path.is_file():
        raise GeometryError(f"electrodes: there is no file {path}")
    if path.suffix.lower() == ".csv":
        names, positions = _read_table(path, "electrodes")
    elif path.suffix.lower() == ".mat":
        names, positions = _read_node_numbers(path, torso_points)
    else:
        raise GeometryError(f"electrodes: {path} is of an unknown kind; electrodes are .csv (name, x, y, z) or .mat")
    _, first, uses = np.unique(positions, axis=0, return_index=True, return_counts=True)
    if (uses > 1).any():
        twice = names[int(first[uses > 1][0])]
        raise GeometryError(f"electrodes: {path} has two electrodes at the place of {twice!r}; every one needs its own")
    return names, positions


def read_limb_electrodes(path: Path) -> Floats:
    """Positions of RA, LA, LL, RL, V1 to V6 from a CSV file, shape (10, 3), in the units and axes of the file.

    Raises
    ------
    GeometryError
        As `read_electrodes`; and if one of the ten is absent.
    """
    if not path.is_file():
        raise GeometryError(f"limb_electrodes: there is no file {path}")
    if path.suffix.lower() != ".csv":
        raise GeometryError(f"limb_electrodes: {path} is of an unknown kind; they are a .csv (name, x, y, z)")
    names, positions = _read_table(path, "limb_electrodes")
    where = {name.upper(): number for number, name in enumerate(names)}
    absent = [name for name in LIMB_ELECTRODES if name not in where]
    if absent:
        raise GeometryError(f"limb_electrodes: {path} lacks {', '.join(absent)}; it needs {', '.join(LIMB_ELECTRODES)}")
    return positions[[where[name] for name in LIMB_ELECTRODES]]


def _read_table(path: Path, what: str) -> tuple[tuple[str, ...], Floats]:
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), skipinitialspace=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise GeometryError(f"{what}: {path} can't be read as CSV: {error}") from None
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in numbered[0][1]] if numbered else []
    absent = [column for column in _COLUMNS if column not in header]
    if absent:
        raise GeometryError(
            f"{what}: {path} has the columns {reprlib.repr(header)}, but {', '.join(absent)} is missing; "
            "the first row must name the columns name, x, y, z, separated by commas"
        )
    columns = [header.index(column) for column in _COLUMNS]
    names: list[str] = []
    positions: list[list[float]] = []
    for number, row in numbered[1:]:
        try:
            cells = [row[column].strip() for column in columns]
            position = [float(cell) for cell in cells[1:]]
        except (IndexError, ValueError):
            position = [float("nan")]
        if not np.isfinite(position).all() or not cells[0]:
            shown = reprlib.repr(row)
            raise GeometryError(f"{what}: {path}, line {number}, is {shown}; expected a name and three finite numbers")
        # Names end up in tables, in the report and on terminals.
        if len(cells[0]) > _LONGEST_NAME or not cells[0].isprintable():
            raise GeometryError(
                f"{what}: {path}, line {number}, has the name {reprlib.repr(cells[0])}; "
                f"a name is at most {_LONGEST_NAME} characters that can be printed"
            )
        names.append(cells[0])
        positions.append(position)
    if not names:
        raise GeometryError(f"{what}: {path} has no rows; at least one electrode is needed")
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise GeometryError(f"{what}: {path} names {', '.join(repeated)} more than once; names must differ")
    return tuple(names), np.array(positions)


def _read_node_numbers(path: Path, torso_points: Floats | None) -> tuple[tuple[str, ...], Floats]:
    if torso_points is None:
        raise GeometryError(f"electrodes: {path} holds node numbers of a body surface, but there is none; use a .csv")
    try:
        content = read_matlab(path)
    except GeometryError:
        raise
    except Exception as error:
        raise GeometryError(f"electrodes: {path} can't be read as MATLAB: {reason(error)}") from None
    vectors = {key: value for key, value in content.items() if isinstance(value, np.ndarray) and value.ndim == 1}
    if len(vectors) != 1:
        raise GeometryError(
            f"electrodes: {path} holds {reprlib.repr(sorted(content))}; expected one vector of node numbers"
        )
    (numbers,) = vectors.values()
    if numbers.dtype.kind not in "iuf" or not np.all(numbers == np.rint(numbers)):
        raise GeometryError(f"electrodes: {path} holds values that are not whole; expected node numbers of the torso")
    nodes = numbers.astype(np.int64)
    wrong = nodes[(nodes < 1) | (nodes > len(torso_points))]
    if len(wrong):
        raise GeometryError(
            f"electrodes: {path} has the node number {wrong[0]}; the torso has the nodes 1 to {len(torso_points)}"
        )
    width = max(3, len(str(len(nodes))))
    return tuple(f"E{n:0{width}d}" for n in range(1, len(nodes) + 1)), torso_points[nodes - 1]
