"""Triangle surfaces: repair of what files split, and the checks that a surface must pass before it can be filled.

A surface encloses a volume when every edge belongs to exactly two triangles. The orientation of the triangles does not
matter here: `voxelise` fills by parity. Where the orientation is consistent, the enclosed volume follows from the
divergence theorem, V = 1/6 Σ a · (b × c) over the triangles (a, b, c).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from transmural.stores.errors import GeometryError

# Files of single precision round coordinates to about 1e-7 of their size.
_MERGE_RELATIVE = 1e-6


@dataclass(frozen=True)
class TriangleMesh:
    """A surface made of triangles.

    Attributes
    ----------
    name
        What the surface is and where it comes from, for messages.
    points
        Vertices, shape (vertex, 3); mm unless said otherwise.
    faces
        Vertex indices of the triangles, shape (face, 3).
    """

    name: str
    points: NDArray[np.float64]
    faces: NDArray[np.int64]


def merged(parts: Sequence[TriangleMesh], name: str) -> TriangleMesh:
    """Join patches to one surface: coinciding vertices become one, collapsed triangles and unused vertices go.

    Parameters
    ----------
    parts
        One or more surfaces in the same coordinates, such as epicardium, base and endocardia.
    name
        Name of the joined surface.
    """
    points = np.concatenate([part.points for part in parts])
    starts = np.cumsum([0] + [len(part.points) for part in parts[:-1]])
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)])
    tolerance = _MERGE_RELATIVE * max(float(np.abs(points).max(initial=0.0)), 1e-300)
    pairs = cKDTree(points).query_pairs(tolerance, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(points),) * 2)
    _, group = connected_components(graph, directed=False)
    faces = group[faces]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    used, faces = np.unique(faces[whole], return_inverse=True)
    _, first = np.unique(group, return_index=True)
    return TriangleMesh(name, points[first[used]], faces.reshape(-1, 3).astype(np.int64))


def check_closed(mesh: TriangleMesh) -> None:
    """Check that the surface encloses a volume.

    Raises
    ------
    GeometryError
        Naming the surface and the number of open edges (one triangle) and of edges shared by more than two.
    """
    if len(mesh.faces) == 0:
        raise GeometryError(f"{mesh.name} has no triangles; a closed triangle surface is needed")
    edges = np.sort(mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    alone, crowded = int((uses == 1).sum()), int((uses > 2).sum())
    if alone or crowded:
        raise GeometryError(
            f"{mesh.name} is not a closed surface: {alone} open edges and {crowded} edges shared by more than two of "
            f"its {len(mesh.faces)} triangles; close its holes and remove doubled or inner triangles"
        )


def oriented_volume_mm3(mesh: TriangleMesh) -> float | None:
    """Enclosed volume by the divergence theorem; None where neighbouring triangles disagree about the outside."""
    directed = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    if len(np.unique(directed, axis=0)) != len(directed):
        return None
    # Relative to a point of the surface, so that a surface far from the origin loses no digits.
    a, b, c = (mesh.points - mesh.points[0])[mesh.faces].transpose(1, 0, 2)
    return abs(float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0)


def check_size(mesh: TriangleMesh, smallest_mm: float, largest_mm: float) -> None:
    """Check the largest extent of a surface: a heart of 0.1 mm or 100 m means wrong units.

    Raises
    ------
    GeometryError
        Naming the surface, its size and ``millimetres_per_unit``.
    """
    extent = float(np.ptp(mesh.points, axis=0).max())
    if not smallest_mm <= extent <= largest_mm:
        raise GeometryError(
            f"{mesh.name} is {extent:.4g} mm across, expected {smallest_mm:g} to {largest_mm:g} mm: "
            "millimetres_per_unit is probably wrong (1 for files in mm, 10 for cm, 1000 for m)"
        )
