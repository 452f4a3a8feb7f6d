"""Which voxels lie inside a closed surface: crossings of vertical lines, counted by parity.

Through every column of voxel centres runs a line along z. A centre is inside when the line meets the surface an odd
number of times below it. Lines that graze an edge or a vertex are the classical trap: a line through an edge must
count once, not never or twice. The sign of every edge function is therefore computed once for both its triangles
(from the vertex of lower number to that of higher number), and ties are broken as if the line were moved by
(ε, ε²) for an infinitesimal ε (simulation of simplicity, Edelsbrunner & Mücke 1990). A surface that is closed is
filled without leaks, whatever the position of the grid.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.anatomy.triangles import TriangleMesh

# Bounds the memory of the (triangle, column) pairs handled at once to about 200 MB.
_PAIRS_AT_ONCE = 2_000_000

Floats = NDArray[np.float64]


def voxelise(
    mesh: TriangleMesh, origin_mm: Floats, spacing_mm: float, shape: tuple[int, int, int]
) -> NDArray[np.bool_]:
    """Voxels of a regular grid whose centres lie inside a closed surface.

    Parameters
    ----------
    mesh
        Closed surface (see `triangles.check_closed`), points in mm; nested shells alternate outside and inside.
    origin_mm
        Centre of voxel (0, 0, 0), shape (3,).
    spacing_mm
        Edge of the cubic voxels.
    shape
        Number of voxels along x, y, z.

    Returns
    -------
    numpy.ndarray
        Shape ``shape``, bool.
    """
    points = (mesh.points - origin_mm) / spacing_mm
    crossings = np.zeros((shape[0], shape[1], shape[2] + 1), dtype=np.uint8)
    columns, counts = _column_boxes(points, mesh.faces, shape)
    pairs = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = pairs[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(pairs, done + _PAIRS_AT_ONCE)))
        _count_crossings(points, mesh.faces[start:stop], columns[start:stop], counts[start:stop], crossings)
        start = stop
    # Parity of the crossings below a centre; uint8 overflow keeps the parity.
    below = np.cumsum(crossings[:, :, :-1], axis=2, dtype=np.uint8)
    return (below & 1).astype(bool)


def _column_boxes(
    points: Floats, faces: NDArray[np.int64], shape: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First column and extent (i, j, columns along i, along j) that each triangle may cover, and their number."""
    corners = points[faces][:, :, :2]
    limit = np.array(shape[:2])
    first = np.clip(np.floor(corners.min(axis=1)).astype(np.int64), 0, limit)
    last = np.clip(np.ceil(corners.max(axis=1)).astype(np.int64), -1, limit - 1)
    extent = np.maximum(last - first + 1, 0)
    return np.concatenate([first, extent], axis=1), extent[:, 0] * extent[:, 1]


def _count_crossings(
    points: Floats,
    faces: NDArray[np.int64],
    columns: NDArray[np.int64],
    counts: NDArray[np.int64],
    crossings: NDArray[np.uint8],
) -> None:
    """Add to ``crossings`` one at the first voxel above each crossing of a column with one of the triangles."""
    triangle = np.repeat(np.arange(len(faces)), counts)
    within = np.arange(len(triangle)) - np.repeat(np.cumsum(counts) - counts, counts)
    across = np.maximum(columns[triangle, 3], 1)
    i = columns[triangle, 0] + within // across
    j = columns[triangle, 1] + within % across
    x, y = i.astype(float), j.astype(float)
    corner = faces[triangle]
    edge = [_edge_function(points, corner[:, m], corner[:, (m + 1) % 3], x, y) for m in range(3)]
    left = [sign for _, sign in edge]
    hit = (left[0] == left[1]) & (left[1] == left[2])
    if not hit.any():
        return
    # Barycentric weights: the edge function of the opposite edge over twice the projected area.
    weight = np.stack([np.abs(edge[1][0]), np.abs(edge[2][0]), np.abs(edge[0][0])], axis=1)[hit]
    height = points[corner[hit], 2]
    total = weight.sum(axis=1)
    flat = total <= 0
    z = np.where(flat, height.mean(axis=1), (weight * height).sum(axis=1) / np.where(flat, 1.0, total))
    above = np.floor(np.clip(z, -1.0, crossings.shape[2] - 2.0)).astype(np.int64) + 1
    np.add.at(crossings, (i[hit], j[hit], above), np.uint8(1))


def _edge_function(
    points: Floats, start: NDArray[np.int64], stop: NDArray[np.int64], x: Floats, y: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Twice the signed area of (start, stop, line), and whether the line lies to the left; never undecided."""
    flip = start > stop
    a, b = points[np.where(flip, stop, start)], points[np.where(flip, start, stop)]
    dx, dy = b[:, 0] - a[:, 0], b[:, 1] - a[:, 1]
    area = dx * (y - a[:, 1]) - dy * (x - a[:, 0])
    tie = np.where(dy != 0, -dy, dx)
    left = np.where(area != 0, area, tie) > 0
    return np.where(flip, -area, area), left ^ flip
