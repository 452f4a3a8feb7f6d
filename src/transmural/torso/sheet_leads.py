"""Potential of an electrode above a sheet: φ = ∫∫ ∇·(D∇V) / |r − r_e| dA (Ogbomo-Harmitt et al. 2025, Eq. 1).

The discrete ∇·(D∇) is symmetric, so the sum over nodes of its values divided by distance equals the sum over nodes of V
times a lead field, ∇·(D∇ 1/|r − r_e|) dA, which is computed once a sheet: an ECG costs one product a frame. The
medium's constant 1/(4πσ) and the thickness of the sheet are left out, as in the paper; potentials are in mm/ms for a
dimensionless V.
"""

import numpy as np
from numpy.typing import NDArray

from transmural.stores.errors import GeometryError
from transmural.tissue.sheets import Sheet


def node_positions(shape: tuple[int, int], spacing_mm: float) -> NDArray[np.float64]:
    """Centres (x along columns, y along rows, z = 0) in mm from the top-left corner, shape (row, column, 3)."""
    y, x = np.meshgrid(*((np.arange(size) + 0.5) * spacing_mm for size in shape), indexing="ij")
    return np.stack([x, y, np.zeros_like(x)], axis=-1)


def lead_fields(sheet: Sheet, electrodes_mm: NDArray[np.floating]) -> NDArray[np.float64]:
    """Weight of every node's potential in the potential of each electrode, in mm/ms.

    Parameters
    ----------
    sheet
        Tissue.
    electrodes_mm
        Positions, shape (electrode, 3).

    Returns
    -------
    NDArray
        Shape (electrode, row, column); zero in non-conductive tissue, and each electrode's sum is zero.

    Raises
    ------
    GeometryError
        If an electrode lies in the sheet's plane.
    """
    position = node_positions(sheet.diffusivity.shape, sheet.spacing_mm)
    fields = []
    for electrode in np.asarray(electrodes_mm, dtype=np.float64):
        if abs(electrode[2]) < sheet.spacing_mm:
            raise GeometryError(
                f"electrode {electrode.tolist()}: lies in the sheet's plane, where the potential is singular; it must "
                f"be at least {sheet.spacing_mm:.3g} mm above or below"
            )
        inverse = 1 / np.linalg.norm(position - electrode, axis=-1)
        fields.append(sheet.divergence(inverse) * sheet.spacing_mm**2)
    return np.stack(fields)


def cell_lead_fields(fields: NDArray[np.floating], nodes: int) -> NDArray[np.float64]:
    """Lead fields of the mean potentials of cells of ``nodes`` × ``nodes`` nodes: sums over the nodes of a cell.

    With them an ECG follows from down-sampled frames in closed form; it is exact where a cell's potential is uniform.
    """
    *lead, rows, columns = fields.shape
    found: NDArray[np.float64] = fields.reshape(*lead, rows // nodes, nodes, columns // nodes, nodes).sum(axis=(-3, -1))
    return found
