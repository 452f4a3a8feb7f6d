"""Monodomain simulation on a square sheet of tissue, with the atrial cell of Fenton and Karma.

    ∂u/∂t = ∇·(D∇u) − (J_fi + J_so + J_si)(u, v, w),    n·D∇u = 0 at the edges and at non-conductive tissue.

D may differ from node to node; between two nodes it is their harmonic mean, so that nothing flows where one of them
doesn't conduct, and the discrete ∇·(D∇) is symmetric. One sheet is simulated by one thread; sheets are independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transmural.stores.errors import SimulationError
from transmural.tissue.fenton_karma import FentonKarma
from transmural.tissue.sheet_kernel import StepFactors, advance, mark_activated, single

# A potential below this everywhere is the end of a beat: what follows decays by itself.
_OVER = 1e-3
_DIVERGED = 2.0
_UPSTROKE = np.float32(0.5)
_MARKS_MS = 1.0

Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet of tissue.

    Attributes
    ----------
    diffusivity
        D in mm²/ms of every node, shape (row, column); 0 where tissue doesn't conduct.
    spacing_mm
        Distance of neighbouring nodes.
    """

    diffusivity: NDArray[np.floating]
    spacing_mm: float

    @property
    def conducting(self) -> NDArray[np.bool_]:
        """Where there is excitable tissue, shape (row, column)."""
        conducting: NDArray[np.bool_] = self.diffusivity > 0
        return conducting

    def faces(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """D/h² in 1/ms between each node and the next column, and the next row; zero at the margin.

        Shapes (row + 2, column + 2), with a margin of one node.
        """
        d = np.pad(np.asarray(self.diffusivity, dtype=np.float64), 1)

        def between(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
            total = here + there
            return 2 * here * there / np.where(total > 0, total, 1) / self.spacing_mm**2

        east, south = np.zeros_like(d), np.zeros_like(d)
        east[:, :-1], south[:-1] = between(d[:, :-1], d[:, 1:]), between(d[:-1], d[1:])
        return east, south

    def divergence(self, field: NDArray[np.floating]) -> NDArray[np.float64]:
        """∇·(D∇f) of a field with its unit per ms, shape (row, column); a symmetric operator."""
        east, south = self.faces()
        f = np.pad(np.asarray(field, dtype=np.float64), 1)
        across, down = east[:, :-1] * np.diff(f, axis=1), south[:-1] * np.diff(f, axis=0)
        found: NDArray[np.float64] = np.diff(across, axis=1)[1:-1] + np.diff(down, axis=0)[:, 1:-1]
        return found


@dataclass(frozen=True, eq=False)
class SheetBeat:
    """What is kept of a beat on a sheet.

    Attributes
    ----------
    tmp
        Mean potential of each cell (a square of nodes), shape (frame, cell row, cell column), dimensionless.
    ecg
        Σ lead field · potential over all nodes, shape (lead, frame).
    activation_time
        In ms, first time above 0.5, shape (row, column); NaN where that isn't reached.
    """

    tmp: Singles
    ecg: NDArray[np.float64]
    activation_time: Singles


def stable_step_ms(sheet: Sheet) -> float:
    """Largest stable time step of the explicit diffusion; 0.9 of the bound 2 / λ with Gershgorin's λ."""
    east, south = sheet.faces()
    total = east[1:-1, 1:-1] + east[1:-1, :-2] + south[1:-1, 1:-1] + south[:-2, 1:-1]
    return 0.9 / max(float(total.max()), 1e-12)


def simulate_sheet(
    sheet: Sheet,
    stimulus: NDArray[np.bool_],
    cell: FentonKarma,
    time_ms: NDArray[np.floating],
    step_ms: float,
    lead_fields: NDArray[np.floating],
    cell_nodes: int,
    name: str = "sheet",
    *,
    until_rest: bool = True,
) -> SheetBeat:
    """Simulate one beat from a stimulus (u = 1 at its nodes) at time 0.

    Parameters
    ----------
    sheet
        Tissue.
    stimulus
        Nodes that are stimulated, shape (row, column); those that don't conduct are left out.
    cell
        Constants of the cells.
    time_ms
        Times of the frames: multiples of 1 ms, equally spaced, from 0.
    step_ms
        Largest time step; the one taken divides 1 ms.
    lead_fields
        Weights of the potential of every node in each lead, shape (lead, row, column).
    cell_nodes
        Nodes of a cell's edge; divides rows and columns.
    name
        How errors name the sheet.
    until_rest
        Stop when the potential is below 0.001 everywhere and take it as zero afterwards.

    Raises
    ------
    SimulationError
        If the step is unstable, shapes don't fit together, nothing is stimulated, or the beat diverges.
    """
    frame_ms = _checked(sheet, stimulus, time_ms, lead_fields, cell_nodes, name)
    steps = int(np.ceil(_MARKS_MS / step_ms - 1e-9))
    step_ms = _MARKS_MS / steps
    if step_ms > stable_step_ms(sheet):
        raise SimulationError(
            f"{name}: steps of {step_ms:.3g} ms are unstable with D up to {sheet.diffusivity.max():.3g} mm²/ms on "
            f"nodes {sheet.spacing_mm:.3g} mm apart; they must be at most {stable_step_ms(sheet):.3g} ms"
        )
    conducting = sheet.conducting
    u = np.pad((stimulus & conducting).astype(np.float32), 1)
    scratch, v, w = np.zeros_like(u), np.ones_like(u), np.ones_like(u)
    east, south = (np.ascontiguousarray(weight * step_ms, dtype=np.float32) for weight in sheet.faces())
    constants, factors = single(cell), StepFactors.of(cell, step_ms)
    rows = np.flatnonzero(u.any(axis=1))
    active = np.array([rows[0], rows[-1]])
    activation = np.full_like(u, np.inf)
    weights = np.ascontiguousarray(lead_fields, dtype=np.float32).reshape(len(lead_fields), -1)
    tmp = np.zeros((len(time_ms), *(size // cell_nodes for size in sheet.diffusivity.shape)), np.float32)
    ecg = np.zeros((len(lead_fields), len(time_ms)))
    for mark in range(round(float(time_ms[-1])) + 1):
        if mark:
            advance(u, scratch, v, w, east, south, constants, factors, active, steps)
        mark_activated(u, active, np.float32(mark), _UPSTROKE, activation)
        frame, rest = divmod(mark, frame_ms)
        if rest:
            continue
        inner = u[1:-1, 1:-1]
        highest = float(np.abs(inner).max())
        if not highest < _DIVERGED:
            raise SimulationError(
                f"{name}: the potential diverged at {mark} ms; lower the time step ({step_ms:.3g} ms)"
            )
        if until_rest and highest < _OVER:
            break
        tmp[frame] = cell_means(inner, cell_nodes)
        ecg[:, frame] = weights @ inner.ravel()
    found = activation[1:-1, 1:-1]
    return SheetBeat(tmp, ecg, np.where(np.isfinite(found) & conducting, found, np.nan).astype(np.float32))


def cell_means(field: NDArray[np.floating], nodes: int) -> NDArray[np.floating]:
    """Means over squares of ``nodes`` × ``nodes`` nodes, shape (..., row / nodes, column / nodes)."""
    *lead, rows, columns = field.shape
    found: NDArray[np.floating] = field.reshape(*lead, rows // nodes, nodes, columns // nodes, nodes).mean(
        axis=(-3, -1)
    )
    return found


def _checked(
    sheet: Sheet,
    stimulus: NDArray[np.bool_],
    time_ms: NDArray[np.floating],
    lead_fields: NDArray[np.floating],
    cell_nodes: int,
    name: str,
) -> int:
    """Whole milliseconds between frames, after checking the inputs."""
    shape = sheet.diffusivity.shape
    given: dict[str, Sequence[int]] = {"stimulus": stimulus.shape, "lead_fields": lead_fields.shape[1:]}
    for key, found in given.items():
        if tuple(found) != shape:
            raise SimulationError(f"{name}: {key} has nodes of shape {tuple(found)}, the sheet {shape}")
    if not (np.isfinite(sheet.diffusivity).all() and (sheet.diffusivity >= 0).all()):
        raise SimulationError(f"{name}: diffusivity must be finite and not negative everywhere")
    if any(size % cell_nodes for size in shape):
        raise SimulationError(f"{name}: {cell_nodes} nodes of a cell don't divide the sheet's {shape}")
    if not (stimulus & sheet.conducting).any():
        raise SimulationError(f"{name}: the stimulus lies in non-conductive tissue only")
    gaps = np.diff(np.asarray(time_ms, dtype=np.float64))
    frame_ms = round(float(gaps[0])) if len(gaps) else 0
    if frame_ms < 1 or time_ms[0] != 0 or not np.allclose(gaps, frame_ms, atol=1e-6):
        raise SimulationError(f"{name}: frames must be whole milliseconds apart, equally spaced and start at 0")
    return frame_ms
