"""Maps of study 2: activation on images of walls by the eikonal equation, with body-surface potentials.

Every map draws its own slice (in 2-D), pacing zones, conduction velocity and slow region. A pacing zone is one cell of
the wall, a slow region a ball around one. Potentials of the wall are action potentials of Mitchell and Schaeffer at the
activation times (Bacoyannis et al. 2019, section 3.1), and each cell is a dipole for 10 × 10 electrodes in front of the
heart. The paper cuts slices from maps of one whole heart; here each slice is simulated as a slab one cell thick, so
that its potentials are its own. Electrodes stand along the heart's own axes (`transmural.anatomy.heart_images`), so
that they have the same place in the images of all hearts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from transmural.anatomy.heart_images import HeartFrame, cell_centres, wall_image
from transmural.stores.config.activation_images import ActivationImageDesign
from transmural.stores.errors import GeometryError, SimulationError
from transmural.stores.random_streams import case_generator
from transmural.tissue.eikonal import activation_times
from transmural.tissue.mitchell_schaeffer import action_potentials
from transmural.torso.dipole_potentials import GRID, dipole_matrix, electrode_grid

_FRONT, _DOWN = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
_DRAWS = 20  # of a slice, until its wall is in one piece


@dataclass(frozen=True, eq=False)
class WallImage:
    """A wall's image with its electrodes.

    Attributes
    ----------
    mask
        Cells of the wall, shape (row, column) or (x, y, z).
    centre_mm
        Centres x, y, z of all cells, shape (*mask, 3).
    dipoles
        Weights of the wall's cells in the electrodes' potentials, shape (electrode row, electrode column, cell).
    height
        Of the slice; NaN for a whole heart.
    """

    mask: NDArray[np.bool_]
    centre_mm: NDArray[np.float64]
    dipoles: NDArray[np.float64]
    height: float


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """What is drawn on a wall: velocity (mm/ms, shape of the mask), slow cells, and cells of the pacing zones."""

    velocity: NDArray[np.float64]
    slow: NDArray[np.bool_]
    zones: NDArray[np.int64]
    normal_velocity: float
    slow_velocity: float


def sample_times(design: ActivationImageDesign) -> NDArray[np.float64]:
    """Times of the samples in ms, shape (time,)."""
    return design.sample_ms * np.arange(design.samples, dtype=np.float64)


def electrodes(frame: HeartFrame, design: ActivationImageDesign) -> NDArray[np.float64]:
    """Electrodes in the heart's frame in mm, rows from base to apex, shape (10, 10, 3)."""
    box = np.stack([frame.low_mm, frame.high_mm])
    return electrode_grid(box, _FRONT, _DOWN, design.electrode_distance_mm, design.electrode_spacing_mm)


def simulate_images(
    anatomy: xr.Dataset,
    design: ActivationImageDesign,
    seed: int,
    heart: str,
    cases: range,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Draw and simulate maps of a heart; each depends on seed, heart and its number only.

    Parameters
    ----------
    anatomy
        Of the heart.
    design
        What is drawn, image, electrodes and samples.
    seed
        Of the run.
    heart
        Its name, which is part of the random streams.
    cases
        Numbers of the maps.
    progress
        Called with the number of maps finished so far.

    Returns
    -------
    xarray.Dataset
        Fulfils `contracts.ACTIVATION_IMAGES` in 2-D, `contracts.ACTIVATION_VOLUMES` in 3-D; attributes ``cell_mm``,
        ``amplitude_mv``.

    Raises
    ------
    GeometryError
        If the heart doesn't fit into the image, or its wall falls into pieces there.
    SimulationError
        If there is no map to simulate.
    """
    if not len(cases):
        raise SimulationError(f"{heart}: there is no map to simulate in {cases}")
    frame = HeartFrame.of(anatomy)
    whole = _image(anatomy, frame, design, np.nan) if design.dimensions == 3 else None
    found = []
    for case in cases:
        started = perf_counter()
        draw = case_generator(seed, "conditional_vae", f"{design.dimensions}d", heart, case)
        image = whole or _slice(anatomy, frame, design, draw)
        drawn = _draw(image, design, draw)
        activation = activation_times(image.mask, drawn.velocity, drawn.zones, design.cell_mm)
        bsp = body_surface_potentials(image, activation, drawn.velocity, design)
        found.append((image, drawn, activation, bsp, perf_counter() - started))
        if progress is not None:
            progress(len(found))
    return _dataset(design, heart, cases, electrodes(frame, design), found)


def body_surface_potentials(
    image: WallImage,
    activation_ms: NDArray[np.floating],
    velocity: NDArray[np.floating],
    design: ActivationImageDesign,
) -> NDArray[np.float32]:
    """Potentials of the electrodes in mV.

    Parameters
    ----------
    image
        The wall with its electrodes.
    activation_ms, velocity
        Activation times, and velocity in mm/ms, from which follows how long a wave takes through a cell; shape of the
        mask.
    design
        Samples, cells and amplitude.

    Returns
    -------
    NDArray
        Shape (row, column, time).
    """
    crossing = design.cell_mm / velocity[image.mask]
    potential = action_potentials(activation_ms[image.mask], sample_times(design), crossing)
    weights = image.dipoles.reshape(-1, len(potential)).astype(np.float32)
    found: NDArray[np.float32] = design.amplitude_mv * (weights @ potential)
    return found.reshape(*GRID, -1)


def _image(anatomy: xr.Dataset, frame: HeartFrame, design: ActivationImageDesign, height: float) -> WallImage:
    position = None if np.isnan(height) else frame.slice_mm(height)
    centre = cell_centres(design.edge_cells, design.cell_mm, position)
    mask = wall_image(anatomy, frame, centre)
    index = np.argwhere(mask)
    if mask.ndim == 2:  # axes x, y, z from row (y) and column (x)
        index = np.column_stack([index[:, 1], index[:, 0], np.zeros(len(index), dtype=index.dtype)])
    dipoles = dipole_matrix(index, centre[mask], design.cell_mm, electrodes(frame, design))
    return WallImage(mask, centre, dipoles, height)


def _slice(
    anatomy: xr.Dataset, frame: HeartFrame, design: ActivationImageDesign, draw: np.random.Generator
) -> WallImage:
    refusal: GeometryError | None = None
    for _ in range(_DRAWS):
        try:
            return _image(anatomy, frame, design, float(draw.uniform(*design.slice_height)))
        except GeometryError as error:
            refusal = error
    raise GeometryError(f"none of {_DRAWS} slices shows a wall, the last because: {refusal}")


def _draw(image: WallImage, design: ActivationImageDesign, draw: np.random.Generator) -> DrawnMap:
    cells = np.argwhere(image.mask)
    count = int(draw.integers(design.pacing_zones[0], design.pacing_zones[1] + 1))
    zones = cells[draw.choice(len(cells), count, replace=False)]
    normal, slower = float(draw.uniform(*design.velocity_mm_per_ms)), 1.0
    slow = np.zeros(image.mask.shape, dtype=bool)
    # All numbers are drawn, so that a map without slow region differs from one with it in nothing else.
    has_slow, centre = draw.random() < design.slow_share, cells[draw.integers(len(cells))]
    radius, share = float(draw.uniform(*design.slow_radius_mm)), float(draw.uniform(*design.slow_velocity))
    if has_slow:
        distance = np.linalg.norm(image.centre_mm - image.centre_mm[tuple(centre)], axis=-1)
        slow, slower = image.mask & (distance <= radius), share
    velocity = np.where(image.mask, normal * np.where(slow, slower, 1.0), np.nan)
    return DrawnMap(velocity, slow, zones, normal, slower)


def _dataset(
    design: ActivationImageDesign,
    heart: str,
    cases: range,
    places: NDArray[np.float64],
    found: list[tuple[WallImage, DrawnMap, NDArray[np.float64], NDArray[np.float32], float]],
) -> xr.Dataset:
    images, drawn, activation, bsp, seconds = zip(*found, strict=True)
    pacing = np.full((len(cases), design.pacing_zones[1], 3), np.nan, dtype=np.float32)
    for row, image, one in zip(pacing, images, drawn, strict=True):
        row[: len(one.zones)] = image.centre_mm[tuple(one.zones.T)]
    case, grid = ("case",), ("electrode_row", "electrode_column")
    space = ("row", "column") if design.dimensions == 2 else ("x", "y", "z")

    def numbers(values: list[float]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        return case, np.array(values, dtype=np.float32)

    return xr.Dataset(
        {
            "mask": ((*case, *space), np.stack([image.mask for image in images])),
            "activation_time": ((*case, *space), np.stack(activation).astype(np.float32)),
            "velocity": ((*case, *space), np.stack([one.velocity for one in drawn]).astype(np.float32)),
            "slow": ((*case, *space), np.stack([one.slow for one in drawn])),
            "bsp": ((*case, *grid, "time"), np.stack(bsp)),
            "electrode_position": (
                (*case, *grid, "xyz"),
                np.broadcast_to(places.astype(np.float32), (len(cases), *GRID, 3)).copy(),
            ),
            "pacing_position": ((*case, "zone", "xyz"), pacing),
            "heart": (case, np.full(len(cases), heart)),
            "slice_height": numbers([image.height for image in images]),
            "normal_velocity": numbers([one.normal_velocity for one in drawn]),
            "slow_velocity": numbers([one.slow_velocity for one in drawn]),
            "seconds": numbers(list(seconds)),
        },
        coords={"case": np.array(cases, np.int64), "time": sample_times(design)},
        attrs={"cell_mm": design.cell_mm, "amplitude_mv": design.amplitude_mv},
    )
