"""Currents between the cells of a sheet, from the frames of its potentials alone.

A cell's mean potential counts tissue that doesn't conduct as zero, so the highest value of a cell's record says how
much of the cell conducts, and the record over it is the potential of the tissue. Between neighbouring cells flows their
difference in potential times the smaller share, in units of the diffusivity: what Ogbomo-Harmitt et al. (2025, Eq. 1)
call D∇V, with D and patches left to be seen.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

# Peaks of whole cells, of which there are more than a tenth on any sheet.
_WHOLE = 0.9
# A cell that conducts less than this is a patch: its own potential is unknown.
_LEAST_SHARE = 0.05
_REST = 0.01


def conductive_share(tmp: Tensor) -> Tensor:
    """Share of every cell that conducts, as its highest potential shows it.

    Parameters
    ----------
    tmp
        Mean potentials of cells, shape (case, time, row, column).

    Returns
    -------
    Shape (case, 1, row, column): 0 to 1.
    """
    peak = tmp.amax(dim=1, keepdim=True)
    whole = torch.quantile(peak.flatten(1), _WHOLE, dim=1).clamp(min=_REST)
    return (peak / whole[:, None, None, None]).clamp(0, 1)


def currents(tmp: Tensor) -> Tensor:
    """Currents from each cell to the next along rows' and columns' directions.

    Parameters
    ----------
    tmp
        Mean potentials of cells, shape (case, time, row, column).

    Returns
    -------
    Shape (case, time, 2, row, column): differences of potential to the next column, then to the next row, times the
    share of the tissue between them; zero in the last column or row.
    """
    share = conductive_share(tmp)
    tissue = torch.where(share > _LEAST_SHARE, tmp / share.clamp(min=_LEAST_SHARE), 0)
    across = torch.minimum(share[..., 1:], share[..., :-1]) * tissue.diff(dim=3)
    along = torch.minimum(share[..., 1:, :], share[..., :-1, :]) * tissue.diff(dim=2)
    return torch.stack([pad(across, (0, 1)), pad(along, (0, 0, 0, 1))], dim=2)


def is_active(tmp: Tensor) -> Tensor:
    """Whether a frame isn't at rest, shape (case, time)."""
    return tmp.abs().amax(dim=(2, 3)) > _REST
