"""A triangle surface cut finer for pictures, so that lines between bands of colour don't follow its triangles."""

import numpy as np
from scipy import sparse

from transmural.report.heart_view import Surface

_ENOUGH = 5000


def refined(surface: Surface, vertices: int = _ENOUGH) -> Surface:
    """The surface with every triangle cut into four until it has at least so many vertices.

    Its shape stays, and values between the given vertices are linear (``weights``).
    """
    while len(surface.vertices) < vertices:
        surface = _cut(surface)
    return surface


def _cut(surface: Surface) -> Surface:
    faces, count = surface.faces, len(surface.vertices)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, number = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = count + number.reshape(3, -1)
    a, b, c = faces.T
    quarters = [np.stack(corners, axis=1) for corners in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    rows = np.repeat(np.arange(len(unique)), 2)
    halves = sparse.csr_array((np.full(rows.size, 0.5), (rows, unique.ravel())), (len(unique), count))
    middle = sparse.csr_array(sparse.vstack([sparse.eye_array(count), halves]))
    return Surface(middle @ surface.vertices, np.concatenate(quarters), sparse.csr_array(middle @ surface.weights))
