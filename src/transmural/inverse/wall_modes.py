"""Eigenfunctions of the wall and a random field spanned by them, smooth over a correlation length.

With G the gradient on the nodes (`anatomy.node_graph`) and V their volumes, modes solve ``GᵀG φ = κ² V φ``: standing
waves without flux through the wall's surface, from the constant to ever shorter waves. A field whose coefficients are
independent with variances proportional to ``(1 + ℓ² κ²)⁻²`` is of the Matérn family, with ℓ as its length (Lindgren,
Rue & Lindström 2011, J. R. Stat. Soc. B 73:423; there on meshes, here on the nodes' graph).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from transmural.anatomy.node_graph import NodeGraph
from transmural.stores.errors import InferenceError

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class WallModes:
    """Smooth random fields on the wall, in few numbers.

    Attributes
    ----------
    functions
        Modes φ, orthonormal in the norm of the volumes, smoothest first, shape (node, mode).
    projection
        ``φᵀ V``, which gives the coefficients of a field, shape (mode, node).
    variance
        Variance of each coefficient of the random field, whose mean variance over the nodes is one, shape (mode,).
    """

    functions: Doubles
    projection: Doubles
    variance: Doubles

    @classmethod
    def of(cls, graph: NodeGraph, count: int, length_mm: float) -> Self:
        """The smoothest modes of a wall.

        Parameters
        ----------
        graph
            Nodes of the wall.
        count
            How many; all where there are fewer nodes.
        length_mm
            ℓ of the random field.

        Raises
        ------
        InferenceError
            If ``count`` or ``length_mm`` isn't positive.
        """
        if count < 1 or not length_mm > 0:
            raise InferenceError(f"wall modes: {count} modes of length {length_mm:g} mm; both must be positive")
        root = np.sqrt(graph.volume.astype(np.float64))
        # With V^(1/2) φ as unknown the problem is an ordinary one, of V^(−1/2) GᵀG V^(−1/2).
        last = min(count, graph.nodes) - 1
        squares, vectors = eigh(-graph.laplacian.toarray() / root, subset_by_index=(0, last), check_finite=False)
        functions = vectors / root[:, None]
        variance = (1 + length_mm**2 * np.maximum(squares, 0.0)) ** -2
        variance /= np.mean(functions**2 @ variance)
        return cls(functions, vectors.T * root, variance)
