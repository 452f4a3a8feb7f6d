"""Scars: core, graded border, outline, cavities."""

import numpy as np
import pytest
from small_tissues import box, shell

from transmural.stores.errors import GeometryError
from transmural.tissue.scars import scar_excitability

WALL = box((31, 31, 5))
CENTRE = np.array([30.0, 30.0, 4.0])


def scar(config, semi_axes=(16.0, 8.0, 12.0), axes=None, irregularity=0.0, seed=0, wall=WALL, centre=CENTRE):
    axes = np.eye(3) if axes is None else axes
    generator = np.random.default_rng(seed)
    return scar_excitability(wall.voxel_position, centre, np.array(semi_axes), axes, config, generator, irregularity)


def test_core_has_the_scar_threshold_and_far_tissue_the_healthy_one(model):
    config = model()
    a = scar(config)
    offset = WALL.voxel_position - CENTRE
    depth = np.linalg.norm(offset / [16.0, 8.0, 12.0], axis=1)
    assert (a[depth < 0.99] == np.float32(0.5)).all()
    assert (a[np.linalg.norm(offset, axis=1) > 16 + 4] == np.float32(0.15)).all()


def test_border_falls_linearly_over_its_width(model):
    row = (WALL.voxel_position[:, 1:] == CENTRE[1:]).all(axis=1) & (WALL.voxel_position[:, 0] >= CENTRE[0])
    outside = WALL.voxel_position[row, 0] - CENTRE[0] - 13.0
    expected = 0.5 - 0.35 * np.clip(outside / 4.0, 0, 1)
    assert scar(model(), semi_axes=(13.0, 8.0, 12.0))[row] == pytest.approx(expected, abs=1e-6)


def test_without_a_border_there_are_only_two_values(model):
    assert np.unique(scar(model(scar_border_mm=0.0))) == pytest.approx([0.15, 0.5])


def test_axes_turn_the_scar(model):
    turned = scar(model(), axes=np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    straight = scar(model()).reshape(31, 31, 5)
    assert turned.reshape(31, 31, 5) == pytest.approx(straight.swapaxes(0, 1), abs=1e-6)


def test_outline_is_irregular_follows_the_generator_and_keeps_the_size(model):
    cores = [scar(model(), irregularity=0.15, seed=seed) >= 0.5 for seed in range(12)]
    smooth = (scar(model()) >= 0.5).sum()
    assert (cores[0] == (scar(model(), irregularity=0.15, seed=0) >= 0.5)).all()
    assert all((cores[0] != other).any() for other in cores[1:])
    assert np.mean([core.sum() for core in cores]) == pytest.approx(smooth, rel=0.15)


def test_a_scar_does_not_jump_across_a_cavity(model):
    two_walls = box((21, 21, 12))
    kept = (two_walls.voxel_index[:, 2] < 4) | (two_walls.voxel_index[:, 2] > 6)
    position = two_walls.voxel_position[kept]
    a = scar_excitability(
        position, np.array([20.0, 20.0, 4.0]), np.full(3, 15.0), np.eye(3), model(), np.random.default_rng(0), 0.0
    )
    far_wall = position[:, 2] > 10
    assert (a[far_wall] == np.float32(0.15)).all()
    assert (a[~far_wall] == np.float32(0.5)).sum() > 300


def test_positions_in_single_precision_and_off_the_origin_are_a_grid(model):
    wall = shell(spacing_mm=1.7)
    position = (wall.voxel_position + np.array([31.337, -18.25, 7.77])).astype(np.float32)
    centre = position[len(position) // 2]
    a = scar_excitability(position, centre, np.full(3, 6.0), np.eye(3), model(), np.random.default_rng(0), 0.0)
    near = np.linalg.norm(position - centre, axis=1) < 4.0
    assert (a[near] == np.float32(0.5)).all()


def test_a_centre_outside_the_wall_is_refused(model):
    with pytest.raises(GeometryError, match=r"centre lies 3\d\.\d mm outside the wall"):
        scar(model(), centre=np.array([30.0, 30.0, 40.0]))


def test_axes_without_length_are_refused(model):
    with pytest.raises(GeometryError, match="semi-axes must be positive"):
        scar(model(), semi_axes=(10.0, 0.0, 5.0))
