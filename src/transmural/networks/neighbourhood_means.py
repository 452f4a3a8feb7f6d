"""Averages of fields over neighbourhoods of the wall's nodes that grow step by step.

One step averages over a node and those that it touches, about ten; k steps reach k nodes far. A product with the sparse
matrix of one step, taken k times, costs a tenth of one with the k-th power, which is dense.
"""

import warnings
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from transmural.anatomy.node_graph import NodeGraph
from transmural.networks.wall_paths import contacts


class NeighbourhoodMeans(nn.Module):
    """Averages over the neighbourhoods of one wall.

    Parameters
    ----------
    graph
        Nodes of the wall.
    """

    once: Tensor
    adjoint: Tensor

    def __init__(self, graph: NodeGraph) -> None:
        super().__init__()
        touching = contacts(graph)
        once = sparse.csr_array(sparse.diags_array(1 / touching.sum(axis=1)) @ touching)
        self.register_buffer("once", _rows(once), persistent=False)
        self.register_buffer("adjoint", _rows(sparse.csr_array(once.T)), persistent=False)

    def forward(self, fields: Tensor, steps: tuple[int, ...]) -> list[Tensor]:
        """Averages of fields (field, node) after so many steps, for each of ``steps``, ascending; of the same shape."""
        mean, found = fields.T.contiguous(), []
        for step in range(1, steps[-1] + 1):
            mean = _Mean.apply(mean, self.once, self.adjoint)  # type: ignore[no-untyped-call]
            if step in steps:
                found.append(mean.T)
        return found


class _Mean(torch.autograd.Function):
    """Product with a sparse matrix whose transposed, for the gradient, is at hand."""

    @staticmethod
    def forward(ctx: Any, fields: Tensor, once: Tensor, adjoint: Tensor) -> Tensor:
        """``once @ fields``, shape (node, field)."""
        ctx.adjoint = adjoint
        return once @ fields

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Gradient by the fields."""
        return ctx.adjoint @ gradients[0].contiguous(), None, None


def _rows(matrix: sparse.csr_array) -> Tensor:
    """A sparse matrix as torch's, row by row."""
    matrix.sort_indices()
    first, column = (torch.from_numpy(index.astype(np.int64)) for index in (matrix.indptr, matrix.indices))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that these tensors are new to torch; the product is tested
        value = torch.from_numpy(matrix.data.astype(np.float32))
        return torch.sparse_csr_tensor(first, column, value, matrix.shape, check_invariants=True)
