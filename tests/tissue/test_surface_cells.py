"""Waves of Mitchell's and Schaeffer's cells on triangulated spheres."""

import numpy as np
import pytest
from spherical_mesh import sphere

from transmural.stores.errors import ConfigurationError, SimulationError
from transmural.tissue.events import activation_time
from transmural.tissue.mitchell_schaeffer import MitchellSchaeffer, cell_potential
from transmural.tissue.surface_cells import SLOW, calibrated_cell_diffusivity, front_diffusivity, simulate_surface_cells

RADIUS = 45.0


def test_a_front_on_fine_pieces_has_the_velocity_of_the_continuous_one():
    # The gate closes a little behind the front, which slows it; the slower it closes, the less.
    late = SLOW._replace(tau_close=1e5)
    assert calibrated_cell_diffusivity(0.6, 0.5, late) == pytest.approx(front_diffusivity(0.6, late), rel=0.02)


@pytest.mark.parametrize("halvings", [2, 3])
def test_a_straight_front_has_the_configured_velocity(model, halvings):
    position, faces = sphere(RADIUS, halvings)
    way = RADIUS * np.arccos(np.clip(position @ position[0] / RADIUS**2, -1, 1))
    time = np.arange(0.0, 261, 1.0)
    waves = simulate_surface_cells(position, faces, [np.flatnonzero(way < 20)], model(time_step_ms=0.25), time)
    times = activation_time(waves.tmp[0], time)
    near = np.abs(way - np.pi / 2 * RADIUS) < 15
    assert 1 / np.polyfit(way[near], times[near], 1)[0] == pytest.approx(0.6, rel=0.03)


def test_every_vertex_has_the_action_potential_of_the_cell(model):
    position, faces = sphere(RADIUS, 2)
    time = np.arange(0.0, 701, 2.0)
    waves = simulate_surface_cells(position, faces, [[0], [7]], model(), time)
    assert (waves.activated_fraction == 1).all()
    opposite = waves.tmp[0][:, int(np.argmin(position @ position[0]))]
    alone = cell_potential(time, cell=SLOW)
    # Coupled to neighbours that end earlier, the last vertex ends a little earlier itself.
    assert opposite.max() == pytest.approx(alone.max(), abs=0.02)
    lasting = [2.0 * (values > 0.5).sum() for values in (opposite, alone)]
    assert lasting[0] == pytest.approx(lasting[1], abs=25)
    assert waves.tmp[:, -1].max() < 0.05


def test_fast_currents_do_not_propagate_on_coarse_triangles(model):
    position, faces = sphere(RADIUS, 1)
    with pytest.raises(ConfigurationError, match="doesn't propagate on triangles with edges of"):
        simulate_surface_cells(position, faces, [[0]], model(), np.arange(0.0, 21, 10.0), cell=MitchellSchaeffer())


def test_a_stimulus_too_small_to_capture_is_refused(model):
    position, faces = sphere(RADIUS, 4)
    with pytest.raises(SimulationError, match=r"1 of 1 .* surface: second \(0%\)"):
        simulate_surface_cells(
            position, faces, [[0]], model(stimulus_radius_mm=2.0), np.arange(0.0, 101, 5.0), case_names=["second"]
        )
