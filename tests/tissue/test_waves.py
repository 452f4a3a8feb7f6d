"""Waves: velocity, its convergence, fibres, boundaries, symmetry."""

from itertools import pairwise

import numpy as np
import pytest
from small_tissues import box, every_voxel, healthy, shell

from transmural.stores.errors import ConfigurationError
from transmural.tissue.aliev_panfilov import Kinetics
from transmural.tissue.diffusion import diffusion_operator, transversely_isotropic
from transmural.tissue.events import activation_time
from transmural.tissue.kernels import advance, step_weights
from transmural.tissue.monodomain import Tissue, simulate
from transmural.tissue.rows import LANES
from transmural.tissue.velocity import cable_velocity, calibrated_diffusivities, plane_wave_diffusivity


def activation(tissue, origin, config, until_ms):
    time = np.arange(0.0, until_ms + 1, 1.0)
    beats = simulate(
        tissue, healthy(tissue, 1, config), np.array([origin]), config, time, every_voxel(tissue), device="cpu"
    )
    return activation_time(beats.tmp[0], time)


def velocity_along(tissue, direction, config, until_ms):
    """Velocity between 30 and 75 % of the length of a strip that is stimulated at its end."""
    way = tissue.voxel_position @ (np.asarray(direction, float) / np.linalg.norm(direction))
    way -= way.min()
    times = activation(tissue, tissue.voxel_position[np.argmin(way)], config, until_ms)
    measured = (way > 0.3 * way.max()) & (way < 0.75 * way.max())
    return 1 / np.polyfit(way[measured], times[measured], 1)[0]


def diagonal_strip(fibre, spacing_mm=2.0):
    """A strip along (1, 1, 0) whose sides are staircases."""
    index = box((40, 40, 5)).voxel_index
    index = index[np.abs(index[:, 0] - index[:, 1]) <= 2]
    direction = np.asarray(fibre, float) / np.linalg.norm(fibre)
    return Tissue(index, spacing_mm * index, np.tile(direction, (len(index), 1)), spacing_mm)


def test_front_of_the_continuous_model_has_the_analytic_velocity(model):
    config = model(epsilon0=1e-6, mu1=1e-6)
    measured = cable_velocity(plane_wave_diffusivity(0.6, config), config, 0.4, 0.02)
    assert measured == pytest.approx(0.6, rel=0.005)


def test_wave_velocity_converges_at_second_order_in_space(model):
    config = model()
    diffusivity = plane_wave_diffusivity(0.3, config)
    speed = [cable_velocity(diffusivity, config, h, 0.025) for h in (1.6, 0.8, 0.4)]
    assert np.log2((speed[0] - speed[1]) / (speed[1] - speed[2])) == pytest.approx(2.0, abs=0.3)


def test_wave_velocity_converges_at_first_order_in_time(model):
    config = model()
    diffusivity = plane_wave_diffusivity(0.3, config)
    speed = [cable_velocity(diffusivity, config, 1.5, dt) for dt in (0.4, 0.2, 0.1)]
    assert np.log2((speed[0] - speed[1]) / (speed[1] - speed[2])) == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize(("spacing_mm", "tolerance"), [(1.5, 0.02), (2.0, 0.03), (3.0, 0.05)])
def test_velocity_along_and_across_fibres_is_the_configured_one(model, spacing_mm, tolerance):
    config = model()
    shape = (int(90 / spacing_mm), 4, 4)
    along = velocity_along(box(shape, spacing_mm, fibre=(1, 0, 0)), (1, 0, 0), config, 180)
    across = velocity_along(box(shape, spacing_mm, fibre=(0, 1, 0)), (1, 0, 0), config, 340)
    assert along == pytest.approx(0.6, rel=tolerance)
    assert across == pytest.approx(0.3, rel=tolerance)


def test_velocity_is_the_configured_one_in_a_wall_oblique_to_the_grid(model):
    config = model()
    along = velocity_along(diagonal_strip((1, 1, 0)), (1, 1, 0), config, 220)
    across = velocity_along(diagonal_strip((0, 0, 1)), (1, 1, 0), config, 420)
    assert along == pytest.approx(0.6, rel=0.05)
    assert along / across == pytest.approx(2.0, rel=0.08)


def test_waves_spread_as_ellipses_around_oblique_fibres(model):
    tissue = box((41, 41, 3), fibre=(1, 1, 0))
    times = activation(tissue, [40.0, 40.0, 2.0], model(), 220).reshape(41, 41, 3)[:, :, 1]
    steps = np.arange(10, 19)
    along = np.polyfit(2 * np.sqrt(2) * steps, times[20 + steps, 20 + steps], 1)[0]
    across = np.polyfit(2 * np.sqrt(2) * steps, times[20 + steps, 20 - steps], 1)[0]
    # Less than the 2 of plane waves, because the tips of an ellipse are curved most and curvature slows a front.
    assert 1.6 < across / along < 2.0
    assert times[34, 34] == pytest.approx(times[6, 6], abs=0.1)


def test_calibration_needs_little_correction_on_fine_voxels(model):
    config = model()
    along, across = calibrated_diffusivities(config, 0.5, 0.02)
    assert along == pytest.approx(plane_wave_diffusivity(0.6, config), rel=0.02)
    assert across == pytest.approx(plane_wave_diffusivity(0.3, config), rel=0.02)


def test_voxels_too_coarse_for_the_front_are_refused(model):
    with pytest.raises(ConfigurationError, match="doesn't propagate on voxels of 5 mm"):
        calibrated_diffusivities(model(conduction_velocity_m_per_s=0.2, velocity_anisotropy=4.0), 5.0, 0.25)


def test_no_current_leaves_through_the_boundary():
    tissue = shell()
    operator = diffusion_operator(tissue.voxel_index, 2.0, transversely_isotropic(tissue.fibre, 2.4, 0.6))
    u = np.random.default_rng(0).random((len(tissue.voxel_index), LANES), dtype=np.float32)
    before = u.sum(axis=0, dtype=np.float64)
    still = Kinetics(*np.zeros(3, np.float32), np.float32(1))
    advance(u, u.copy(), np.zeros_like(u), np.zeros_like(u), *step_weights(operator, 0.25), still, np.float32(0), 800)
    assert u.sum(axis=0, dtype=np.float64) == pytest.approx(before, rel=1e-5)
    assert np.ptp(u, axis=0).max() < 0.15


def test_mirrored_tissue_carries_the_mirrored_wave(model):
    fibre = np.array([1.0, 0.7, 0.4])
    one, other = box((16, 12, 6), fibre=fibre), box((16, 12, 6), fibre=fibre * [-1, 1, 1])
    times = activation(one, [0.0, 6.0, 4.0], model(), 120).reshape(16, 12, 6)
    mirrored = activation(other, [30.0, 6.0, 4.0], model(), 120).reshape(16, 12, 6)
    assert np.abs(times - mirrored[::-1]).max() < 0.01


def test_later_frames_are_farther_from_the_origin(model):
    tissue = box((30, 4, 4))
    times = activation(tissue, [0.0, 4.0, 4.0], model(), 120).reshape(30, 4, 4).mean(axis=(1, 2))
    assert all(later > earlier for earlier, later in pairwise(times[6:]))
