"""The closed surfaces of the ventricles on which study 4 computes.

Physics-informed ECG imaging takes potentials on a closed surface of the ventricles. There are two.

``outer``: the epicardium and a lid over the base, which encloses wall and cavities. All potentials outside follow from
those on it, and from the skin it is seen as well as can be. But a lid has no tissue, and a wave that runs over it has
no counterpart in the heart.

``wall``: the surface of the muscle itself, which folds over the base into both cavities: epicardium, base and both
endocardia in one. It has tissue everywhere, both sides of the septum among it, and transmembrane potentials on it
determine the body-surface potentials: with equal anisotropy ratios, what happens inside the wall drops out (Geselowitz,
Biophys J 7, 1–11, 1967; the equivalent double layer of van Oosterom, J Electrocardiol 34, 185–192, 2001).
"""

from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from transmural.anatomy.image import Label, LabelImage
from transmural.anatomy.simplification import simplified, vertex_normals
from transmural.anatomy.surface_mesh import mask_surface
from transmural.anatomy.triangles import TriangleMesh, check_closed, oriented_volume_mm3
from transmural.stores.errors import GeometryError

SurfaceKind = Literal["outer", "wall"]

_NOT_COARSENED = 0.2  # edge in voxels, shorter than any of the isosurface
# More smoothing closes pin-holes of the wall, which would be handles of its surface.
_BLUR_VOXELS = (0.6, 1.0, 1.5)
_SPHERE = 2  # Euler characteristic of a surface without handles
_LEAST_SHARE = 0.9  # of the isosurface's vertices in its largest piece; the others are specks and voids in the wall


def heart_surface(anatomy: xr.Dataset, vertices: int, kind: SurfaceKind = "wall") -> xr.Dataset:
    """Closed surface of the ventricles, coarsened to triangles of about one size.

    Parameters
    ----------
    anatomy
        Of the subject (`transmural.stores.contracts.ANATOMY`).
    vertices
        Of the surface; it has exactly so many.
    kind
        "outer" or "wall"; see the module.

    Returns
    -------
    xarray.Dataset
        ``vertex_position`` (vertex, xyz) in mm, ``vertex_normal`` (vertex, xyz), unit vectors outwards,
        ``face`` (face, corner), oriented outwards, ``vertex_voxel`` and ``vertex_node`` (vertex,), the nearest voxel of
        the wall and its node; attributes ``subject``, ``surface`` (its kind), ``edge_mm`` (median),
        ``least_angle_deg`` and ``euler_characteristic`` (2 for a surface without handles).

    Raises
    ------
    GeometryError
        Naming the subject, if the wall's surface is not one closed manifold or can't be that coarse.
    """
    subject = str(anatomy.attrs.get("subject", "anatomy"))
    try:
        fine = _isosurface(anatomy, kind)
        position, faces = simplified(fine.points, fine.faces, vertices)
        surface = TriangleMesh("heart surface", position, faces)
        check_manifold(surface)
    except GeometryError as error:
        raise GeometryError(f"subject '{subject}': {error}") from None
    _, voxel = cKDTree(anatomy["voxel_position"].values).query(position)
    return xr.Dataset(
        {
            "vertex_position": (("vertex", "xyz"), position, {"units": "mm"}),
            "vertex_normal": (("vertex", "xyz"), vertex_normals(position, faces), {"units": "1"}),
            "face": (("face", "corner"), faces.astype(np.int32)),
            "vertex_voxel": ("vertex", voxel.astype(np.int32)),
            "vertex_node": ("vertex", anatomy["voxel_node"].values[voxel].astype(np.int32)),
        },
        attrs={
            "subject": subject,
            "surface": kind,
            "edge_mm": float(np.median(edge_lengths_mm(position, faces))),
            "least_angle_deg": float(corner_angles_deg(position, faces).min()),
            "euler_characteristic": euler_characteristic(surface),
        },
    )


def _isosurface(anatomy: xr.Dataset, kind: SurfaceKind) -> TriangleMesh:
    """Smoothed surface of the voxels: the least smoothed one without handles, or the one with fewest."""
    spacing = float(anatomy.attrs["spacing_mm"])
    inside = np.zeros(anatomy["labels"].shape, dtype=bool)
    inside[tuple(anatomy["voxel_index"].values.T)] = True
    if kind == "outer":
        inside = binary_fill_holes(inside | np.isin(anatomy["labels"].values, (Label.LV_BLOOD, Label.RV_BLOOD)))
    image = LabelImage(inside.astype(np.uint8), spacing, np.asarray(anatomy.attrs["origin_mm"], dtype=float))
    found = []
    for blur in _BLUR_VOXELS:
        surface = _largest_piece(*mask_surface(inside, image, _NOT_COARSENED * spacing, blur))
        found.append(surface)
        if euler_characteristic(surface) == _SPHERE:
            break
    best = max(found, key=euler_characteristic)
    check_manifold(best)
    return best


def _largest_piece(position: NDArray[np.float64], faces: NDArray[np.int64]) -> TriangleMesh:
    ends = (faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel())
    graph = coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(len(position),) * 2)
    _, piece = connected_components(graph, directed=False)
    largest = int(np.bincount(piece).argmax())
    share = float((piece == largest).mean())
    if share < _LEAST_SHARE:
        raise GeometryError(
            f"heart surface: the largest piece has only {share:.0%} of it; wall and cavities must each be connected, "
            "and the cavities open at the base"
        )
    used, numbered = np.unique(faces[piece[faces[:, 0]] == largest], return_inverse=True)
    return TriangleMesh("surface of the wall's voxels", position[used], numbered.reshape(-1, 3).astype(np.int64))


def euler_characteristic(mesh: TriangleMesh) -> int:
    """Vertices − edges + triangles of a closed surface in one piece: 2, less 2 for each handle."""
    return len(mesh.points) - len(mesh.faces) // 2


def check_manifold(mesh: TriangleMesh) -> None:
    """Check that a surface is closed, consistently oriented and a 2-manifold at every vertex.

    Raises
    ------
    GeometryError
        Naming the surface and what is wrong.
    """
    check_closed(mesh)
    if oriented_volume_mm3(mesh) is None:
        raise GeometryError(f"{mesh.name}: neighbouring triangles disagree about the outside; orient them consistently")
    # Around a vertex of a manifold the opposite edges form one ring: as many rings as vertices.
    corner = np.concatenate([3 * np.arange(len(mesh.faces)) + k for k in range(3)])
    owner = mesh.faces.T.ravel()
    following, before = mesh.faces[:, [1, 2, 0]].T.ravel(), mesh.faces[:, [2, 0, 1]].T.ravel()
    size = len(mesh.points)
    leaving, order = owner * size + following, np.argsort(owner * size + following)
    next_corner = corner[order[np.searchsorted(leaving[order], owner * size + before)]]
    ring = coo_array((np.ones(len(corner), dtype=bool), (corner, next_corner)), shape=(len(corner),) * 2)
    rings, _ = connected_components(ring, directed=False)
    if rings != size:
        raise GeometryError(f"{mesh.name}: {rings - size} of its {size} vertices join sheets that only touch there")


def edge_lengths_mm(position: NDArray[np.floating], faces: NDArray[np.integer]) -> NDArray[np.float64]:
    """Lengths of all edges, each once, shape (edge,)."""
    edges = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    lengths: NDArray[np.float64] = np.linalg.norm(position[edges[:, 0]] - position[edges[:, 1]], axis=1)
    return lengths


def corner_angles_deg(position: NDArray[np.floating], faces: NDArray[np.integer]) -> NDArray[np.float64]:
    """Angles of all triangles, shape (face, 3)."""
    found = []
    for k in range(3):
        here, right, left = (position[faces[:, (k + shift) % 3]] for shift in range(3))
        a, b = right - here, left - here
        found.append(np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), np.einsum("fx,fx->f", a, b)))
    angles: NDArray[np.float64] = np.degrees(np.stack(found, axis=1))
    return angles
