"""A surface with values, drawn in two dimensions: orthographic, back faces culled, far faces first, gently lit.

A plain projection needs no graphics library, keeps millimetres true in every view, and draws marks (origins,
electrodes) in the same plane as the surface. The light moves a colour's brightness by at most 35 %, so that colours
remain comparable with the colour bar.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import TriMesh
from matplotlib.colors import Normalize, to_rgb
from matplotlib.patches import Ellipse
from matplotlib.tri import Triangulation
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

_AMBIENT = 0.65
_LIGHT = np.array([-0.35, 0.45, 0.82])
_SMOOTHING_PASSES = 3
_MARK_RADIUS_MM = 4.0
_WALL_MM = 12.0
_WEIGHTS_PER_VERTEX = 4


@dataclass(frozen=True)
class View:
    """Directions (unit vectors in body coordinates) that point right and up on the page."""

    name: str
    right: tuple[float, float, float]
    up: tuple[float, float, float]

    @property
    def toward(self) -> NDArray[np.float64]:
        """Unit vector from the object to the viewer."""
        return np.asarray(np.cross(self.right, self.up))

    def project(self, points: ArrayLike) -> NDArray[np.float64]:
        """Page coordinates and depth (toward the viewer) in mm of points (..., 3)."""
        axes = np.stack([self.right, self.up, self.toward])
        return np.asarray(np.asarray(points, dtype=float) @ axes.T)


ANTERIOR = View("anterior", (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
POSTERIOR = View("posterior", (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Surface:
    """A triangle surface for pictures with the weights that carry node values to its vertices.

    Attributes
    ----------
    vertices, faces
        Shapes (vertex, 3) in mm and (face, 3).
    weights
        Sparse (vertex, node), rows sum to one: nearest node, smoothed over neighbouring vertices for display.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    weights: sparse.csr_array


def heart_surface(anatomy: xr.Dataset) -> Surface:
    """The heart's surface of an anatomy store, with its node-to-vertex weights."""
    vertices = np.asarray(anatomy["heart_vertex"].values, dtype=float)
    faces = outward(vertices, np.asarray(anatomy["heart_face"].values, dtype=np.int64))
    nearest = np.asarray(anatomy["heart_vertex_node"].values, dtype=np.int64)
    nodes = anatomy.sizes["node"]
    weights = sparse.csr_array((np.ones(len(nearest)), (np.arange(len(nearest)), nearest)), (len(nearest), nodes))
    average = _neighbour_average(faces, len(vertices))
    for _ in range(_SMOOTHING_PASSES):
        weights = average @ weights
    return Surface(vertices, faces, _largest_weights(weights, _WEIGHTS_PER_VERTEX))


def plain_surface(vertices: NDArray[np.floating], faces: NDArray[np.integer]) -> Surface:
    """A surface whose values are given at its vertices."""
    count = len(vertices)
    return Surface(np.asarray(vertices, float), np.asarray(faces, np.int64), sparse.eye_array(count).tocsr())


def outward(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Faces of a closed surface turned so that their normals point outward (positive enclosed volume)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c))
    return faces if volume >= 0 else faces[:, ::-1]


def draw_surface(
    axes: Axes,
    surface: Surface,
    vertex_values: NDArray[np.floating],
    view: View,
    colour_map: str,
    norm: Normalize,
) -> TriMesh:
    """Draw the faces that look at the viewer, far ones first, coloured by their vertices' values (white where NaN).

    The faces are rasterised in vector formats: tens of thousands of vector triangles would make files of many MB.
    """
    values = norm(np.ma.masked_invalid(np.asarray(vertex_values, dtype=float)))
    return draw_coloured(axes, surface, colormaps[colour_map].with_extremes(bad="white")(values)[:, :3], view)


def draw_plain(axes: Axes, surface: Surface, colour: str, view: View) -> TriMesh:
    """Draw the surface in one colour."""
    return draw_coloured(axes, surface, np.tile(to_rgb(colour), (len(surface.vertices), 1)), view)


def mark(axes: Axes, surface: Surface, point: ArrayLike, view: View, size: float = 5.0) -> None:
    """Ring around a site: bold where the site lies in the wall that faces the viewer, dotted where it is hidden."""
    x, y, depth = view.project(point)
    page = view.project(surface.vertices)
    above = page[np.hypot(page[:, 0] - x, page[:, 1] - y) < _MARK_RADIUS_MM, 2]
    hidden = above.size > 0 and above.max() > depth + _WALL_MM
    rings = [("#000000", 0.9, "-"), ("#ffffff", 0.9, ":")] if hidden else [("#000000", 2.2, "-"), ("#ffffff", 1.1, "-")]
    for colour, width, style in rings:
        axes.add_patch(
            Ellipse(
                (x, y),
                size,
                size,
                fill=False,
                edgecolor=colour,
                linewidth=width,
                linestyle=style,
                zorder=3,
                clip_on=False,
            )
        )


def scale_bar(axes: Axes, surface: Surface, view: View, length_mm: float = 50.0) -> None:
    """Horizontal bar of a stated length below the surface."""
    page = view.project(surface.vertices)
    left, bottom = page[:, 0].min(), page[:, 1].min() - 8
    axes.plot([left, left + length_mm], [bottom, bottom], color="black", linewidth=1.2, solid_capstyle="butt")
    axes.text(
        left + length_mm / 2, bottom - 3, f"{length_mm:g} mm", ha="center", va="top", fontsize=5.5, in_layout=False
    )


def orientation_marks(axes: Axes, surface: Surface, view: View) -> None:
    """Letters for the patient's right and left (or front and back) at the sides of the view."""
    names = [("R", "L"), ("A", "P"), ("F", "H")]
    axis = int(np.argmax(np.abs(view.right)))
    low, high = names[axis] if view.right[axis] > 0 else names[axis][::-1]
    page = view.project(surface.vertices)
    middle = (page[:, 1].min() + page[:, 1].max()) / 2
    for text, x, align in ((low, page[:, 0].min() - 2, "right"), (high, page[:, 0].max() + 2, "left")):
        axes.text(x, middle, text, ha=align, va="center", fontsize=6.5, color="#555555", in_layout=False)


def frame(axes: Axes, surface: Surface, view: View, side_mm: float = 6.0, below_mm: float = 0.0) -> None:
    """Equal scales, no axes, limits around the surface with room at the sides (for marks) and below."""
    page = view.project(surface.vertices)
    axes.set_xlim(page[:, 0].min() - side_mm, page[:, 0].max() + side_mm)
    axes.set_ylim(page[:, 1].min() - 2 - below_mm, page[:, 1].max() + 2)
    axes.set_aspect("equal")
    axes.set_axis_off()


def draw_coloured(axes: Axes, surface: Surface, colours: NDArray[np.float64], view: View) -> TriMesh:
    """Draw the faces that look at the viewer, far ones first, with an RGB colour (0 to 1) for each vertex."""
    page = view.project(surface.vertices)
    normals = vertex_normals(surface.vertices, surface.faces) @ np.stack([view.right, view.up, view.toward]).T
    lambert = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    lit = colours * (_AMBIENT + (1 - _AMBIENT) * lambert)[:, None]
    corners = page[surface.faces]
    edges = corners[:, 1:, :2] - corners[:, :1, :2]
    facing = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0] > 0
    order = np.flatnonzero(facing)[np.argsort(corners[facing, :, 2].mean(axis=1), kind="stable")]
    mesh = TriMesh(Triangulation(page[:, 0], page[:, 1], surface.faces[order]), rasterized=True)
    mesh.set_facecolor(lit)
    axes.add_collection(mesh, autolim=False)  # `frame` sets the limits
    return mesh


def vertex_normals(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area-weighted unit normals of the vertices, shape (vertex, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face_normals = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], face_normals)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths > 0, lengths, 1)


def _neighbour_average(faces: NDArray[np.int64], count: int) -> sparse.csr_array:
    rows = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    rows = np.concatenate([rows, rows[:, ::-1], np.repeat(np.arange(count)[:, None], 2, axis=1)])
    adjacency = sparse.csr_array((np.ones(len(rows)), (rows[:, 0], rows[:, 1])), (count, count))
    adjacency.data[:] = 1.0
    return sparse.diags_array(1 / np.asarray(adjacency.sum(axis=1)).ravel()).tocsr() @ adjacency


def _largest_weights(weights: sparse.csr_array, keep: int) -> sparse.csr_array:
    weights = weights.tocsr()
    row = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    order = np.lexsort((weights.indices, -weights.data, row))
    rank = np.arange(len(row)) - weights.indptr[row[order]]
    chosen = order[rank < keep]
    kept = sparse.csr_array((weights.data[chosen], (row[chosen], weights.indices[chosen])), weights.shape)
    return sparse.csr_array(sparse.diags_array(1 / np.asarray(kept.sum(axis=1)).ravel()) @ kept)
