"""Activation times by the eikonal equation c |∇T| = 1 in a wall on a Cartesian grid, in 2-D or 3-D.

Solved by fast marching of the factored equation at second order (E. Treister and E. Haber, «A fast marching algorithm
for the factored eikonal equation», J Comput Phys 324, 210–225, 2016; library eikonalfm): the distance to the pacing
zone is factored out, so that the kink there costs no accuracy; in tissue of one velocity, times in full sight of it are
exact. Around a corner, waves creep along the steps of the wall's boundary, and times are late by up to three cells'
crossing after a way of 60 cells (first order). Cells outside the wall get a speed so low that no wave takes a way
through them. With several pacing zones a cell's time is the earliest of those that each zone alone gives.
"""

import eikonalfm
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from transmural.stores.errors import GeometryError, SimulationError

# Of the slowest velocity: crossing one cell outside must take longer than any way through the wall.
_OUTSIDE = 1e-6
_ORDER = 2


def activation_times(
    mask: NDArray[np.bool_], velocity: NDArray[np.floating], sources: NDArray[np.integer], spacing_mm: float
) -> NDArray[np.float64]:
    """Time at which each cell of a wall is activated.

    Parameters
    ----------
    mask
        Cells of the wall, shape (row, column) or (x, y, z).
    velocity
        Conduction velocity c in mm/ms, same shape; outside the wall it isn't read.
    sources
        Indices of the cells where a wave starts at time 0, the pacing zones, shape (zone, 2 or 3).
    spacing_mm
        Edge of a cell.

    Returns
    -------
    NDArray
        In ms, shape of the mask, NaN outside the wall.

    Raises
    ------
    GeometryError
        If shapes don't fit, or a source lies outside the wall.
    SimulationError
        If a velocity isn't positive, the library can't solve for a source, or a part of the wall has no source and no
        connection through faces to one.
    """
    wall, zones = np.asarray(mask, dtype=bool), np.atleast_2d(np.asarray(sources, dtype=np.int64))
    velocity = np.asarray(velocity, dtype=np.float64)
    _check_velocity(wall, velocity)
    _check_sources(wall, zones)
    part, count = ndimage.label(wall)
    _check_reached(part, count, zones)
    # Fast marching visits every cell, so only the box around the wall is given to it, with a margin.
    low = np.maximum(np.argwhere(wall).min(axis=0) - 1, 0)
    box = tuple(slice(a, b) for a, b in zip(low, np.argwhere(wall).max(axis=0) + 2, strict=True))
    earliest = np.full(wall[box].shape, np.inf)
    slowest = velocity[wall].min()
    for zone in zones:
        own = part[box] == part[tuple(zone)]
        alone = _from_one(np.where(own, velocity[box], _OUTSIDE * slowest), zone - low, spacing_mm)
        earliest[own] = np.minimum(earliest, alone)[own]
    found = np.full(wall.shape, np.nan)
    found[box] = np.where(wall[box], earliest, np.nan)
    return found


def _from_one(speed: NDArray[np.float64], source: NDArray[np.int64], spacing_mm: float) -> NDArray[np.float64]:
    start, spacing = tuple(int(i) for i in source), (spacing_mm,) * speed.ndim
    try:
        factor = eikonalfm.factored_fast_marching(np.ascontiguousarray(speed), start, spacing, _ORDER)
    except RuntimeError as error:
        raise SimulationError(
            f"source {start}: fast marching failed ({error}); velocities may differ too much"
        ) from None
    offset = np.indices(speed.shape) - source.reshape(-1, *(1,) * speed.ndim)
    # The library factors out the distance itself, not the time at the source's speed.
    times: NDArray[np.float64] = factor * spacing_mm * np.sqrt((offset**2).sum(axis=0))
    return times


def _check_velocity(wall: NDArray[np.bool_], velocity: NDArray[np.floating]) -> None:
    if wall.ndim not in (2, 3) or velocity.shape != wall.shape:
        raise GeometryError(
            f"mask has shape {wall.shape} and velocity {velocity.shape}; both need the same two or three dimensions"
        )
    if not wall.any():
        raise GeometryError("mask: no cell belongs to the wall")
    wrong = int((~(np.isfinite(velocity[wall]) & (velocity[wall] > 0))).sum())
    if wrong:
        raise SimulationError(f"velocity: {wrong} cells of the wall have none above 0 mm/ms; every cell needs one")


def _check_sources(wall: NDArray[np.bool_], sources: NDArray[np.int64]) -> None:
    if not sources.size or sources.shape[1] != wall.ndim:
        raise GeometryError(f"sources have shape {sources.shape}; one row a source and {wall.ndim} columns are needed")
    for source in sources:
        inside = bool(((source >= 0) & (source < wall.shape)).all())
        if not (inside and wall[tuple(source)]):
            raise GeometryError(f"source {source.tolist()} lies outside the wall; waves must start in the wall")


def _check_reached(part: NDArray[np.integer], count: int, sources: NDArray[np.int64]) -> None:
    missed = np.setdiff1d(np.arange(1, count + 1), part[tuple(sources.T)])
    if len(missed):
        size = np.bincount(part.ravel())[missed]
        first = np.argwhere(part == missed[size.argmax()])[0].tolist()
        raise SimulationError(
            f"mask: {len(missed)} parts of the wall with {size.sum()} cells, the largest at cell {first}, aren't "
            "connected to any source through faces of cells; remove them or put a source in each"
        )
