"""Waves on triangulated spheres and hearts."""

import numpy as np
import pytest
from spherical_mesh import sphere

from transmural.stores.errors import ConfigurationError, SimulationError
from transmural.tissue.events import activation_time
from transmural.tissue.surface_waves import simulate_surface

RADIUS = 45.0


def arrival(halvings, config):
    """Distance along the sphere from its pole, where a wave starts, and activation time of every vertex."""
    position, faces = sphere(RADIUS, halvings)
    way = RADIUS * np.arccos(np.clip(position @ position[0] / RADIUS**2, -1, 1))
    time = np.arange(0.0, 261, 1.0)
    waves = simulate_surface(position, faces, [np.flatnonzero(way < 20)], config, time)
    return way, activation_time(waves.tmp[0], time)


@pytest.fixture(scope="module")
def fast(model):
    return model(time_step_ms=0.25)


@pytest.mark.parametrize(("halvings", "tolerance"), [(2, 0.03), (3, 0.02), (4, 0.01)])
def test_a_straight_front_has_the_configured_velocity(fast, halvings, tolerance):
    # Where the front is a great circle it is neither slowed nor sped up by curvature.
    way, times = arrival(halvings, fast)
    near = np.abs(way - np.pi / 2 * RADIUS) < 15
    assert 1 / np.polyfit(way[near], times[near], 1)[0] == pytest.approx(0.6, rel=tolerance)


def test_activation_converges_with_the_mesh(fast):
    way, finest = arrival(4, fast)
    errors = []
    for halvings in (2, 3):
        _, times = arrival(halvings, fast)
        # Vertices of a coarse sphere come first among those of a finer one. The stimulated cap ends at a vertex, so
        # that all of a mesh may be earlier or later.
        errors.append((times - finest[: len(times)])[way[: len(times)] > 30].std())
    assert errors[1] < 1.5
    assert errors[1] < 0.7 * errors[0]


def test_cases_do_not_depend_on_each_other(fast):
    position, faces = sphere(RADIUS, 2)
    time = np.arange(0.0, 151, 5.0)
    together = simulate_surface(position, faces, [[3], [0, 7], [11]], fast, time, require_capture=False)
    alone = simulate_surface(position, faces, [[0, 7]], fast, time, require_capture=False)
    assert (together.tmp[1] == alone.tmp[0]).all()
    assert together.tmp.shape == (3, 31, len(position))


def test_every_vertex_fires_and_recovers(fast):
    position, faces = sphere(RADIUS, 2)
    waves = simulate_surface(position, faces, [[0]], fast, np.linspace(0, 600, 121))
    assert waves.activated_fraction[0] == 1
    assert waves.tmp[0].max(axis=0).min() > 0.9
    assert waves.tmp[0, -1].max() < 0.05
    assert waves.tmp.min() > -0.01


def test_steps_are_shortened_until_they_are_stable(model):
    position, faces = sphere(RADIUS, 4)
    waves = simulate_surface(position, faces, [[0]], model(time_step_ms=2.0), np.arange(0.0, 301, 10.0))
    assert waves.step_ms < 1.0
    assert np.isfinite(waves.tmp).all()


def test_a_stimulus_too_small_to_capture_is_refused(model):
    position, faces = sphere(RADIUS, 4)
    with pytest.raises(SimulationError, match=r"1 of 2 .* surface: second \(0%\); .*stimulus_radius_mm = 2 mm"):
        simulate_surface(
            position,
            faces,
            [np.flatnonzero(position[:, 2] > 20), [0]],
            model(stimulus_radius_mm=2.0),
            np.arange(0.0, 301, 5.0),
            case_names=["first", "second"],
        )


def test_scars_stay_at_rest(fast):
    position, faces = sphere(RADIUS, 3)
    scar = position[:, 2] < -30
    a = np.where(scar, 0.5, fast.a)[None]
    start = int(position[:, 2].argmax())
    waves = simulate_surface(position, faces, [[start]], fast, np.arange(0.0, 301, 5.0), excitability=a)
    assert waves.activated_fraction[0] == 1
    assert waves.tmp[0][:, position[:, 2] < -40].max() < 0.5


def test_triangles_too_coarse_for_the_front_are_refused(model):
    position, faces = sphere(RADIUS, 1)
    with pytest.raises(ConfigurationError, match="doesn't propagate on triangles with edges of"):
        simulate_surface(
            position, faces, [[0]], model(conduction_velocity_m_per_s=0.2, time_step_ms=2.0), np.arange(0.0, 21, 10.0)
        )


def test_sites_that_are_no_vertices_are_refused(fast):
    position, faces = sphere(RADIUS, 1)
    with pytest.raises(SimulationError, match="case 1: 42 is none of the surface's 42 vertices"):
        simulate_surface(position, faces, [[0], [42]], fast, np.arange(0.0, 11, 5.0))
