"""Small tissues for the tests of this floor."""

import numpy as np

from transmural.tissue.monodomain import Observers, Tissue


def box(shape, spacing_mm=2.0, fibre=(1.0, 0.0, 0.0)) -> Tissue:
    """A box of voxels with parallel fibres."""
    index = np.argwhere(np.ones(shape, dtype=bool))
    direction = np.asarray(fibre, float) / np.linalg.norm(fibre)
    return Tissue(index, spacing_mm * index, np.tile(direction, (len(index), 1)), spacing_mm)


def shell(spacing_mm=2.0, outer_mm=16.0, inner_mm=8.0) -> Tissue:
    """An open spherical shell whose fibres run around its axis."""
    reach = int(outer_mm / spacing_mm) + 1
    grid = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    radius = spacing_mm * np.linalg.norm(grid, axis=1)
    index = grid[(radius < outer_mm) & (radius > inner_mm) & (grid[:, 2] * spacing_mm < inner_mm)]
    fibre = np.cross(index + np.array([0.013, 0.017, 0.0]), [0.0, 0.0, 1.0])
    return Tissue(index, spacing_mm * index, fibre / np.linalg.norm(fibre, axis=1, keepdims=True), spacing_mm)


def every_voxel(tissue: Tissue, leads=0, seed=0) -> Observers:
    """Observe every voxel as a node of its own, and random leads."""
    count = len(tissue.voxel_index)
    field = np.random.default_rng(seed).standard_normal((leads, count)) * 1e-3
    return Observers(np.arange(count), field)


def healthy(tissue: Tissue, cases, config) -> np.ndarray:
    """Threshold parameter of tissue without scars."""
    return np.full((cases, len(tissue.voxel_index)), config.a, np.float32)
