"""The Aliev–Panfilov action potential of a single cell."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from small_tissues import box, every_voxel, healthy

from transmural.tissue.aliev_panfilov import rates
from transmural.tissue.events import action_potential_duration
from transmural.tissue.monodomain import simulate

TIME = np.linspace(0.0, 550.0, 551)


def published(_, state, a, k, epsilon0, mu1, mu2):
    """Equations 1 to 3 of Aliev & Panfilov (1996) as printed."""
    u, v = state
    return [-k * u * (u - a) * (u - 1) - u * v, (epsilon0 + mu1 * v / (u + mu2)) * (-v - k * u * (u - a - 1))]


def reference(config, start=1.0):
    constants = (config.a, config.k, config.epsilon0, config.mu1, config.mu2)
    units = TIME / config.time_unit_ms
    solution = solve_ivp(published, (0, units[-1]), [start, 0.0], "Radau", units, args=constants, rtol=1e-9, atol=1e-10)
    return solution.y[0]


def single_cell(config):
    cell = box((1, 1, 1))
    beats = simulate(cell, healthy(cell, 1, config), np.zeros((1, 3)), config, TIME, every_voxel(cell), device="cpu")
    return beats.tmp[0, :, 0]


def test_rates_are_the_published_equations(model):
    config = model()
    u, v = np.meshgrid(np.linspace(-0.1, 1.1, 13), np.linspace(0.0, 2.5, 11))
    expected = published(0, (u, v), 0.15, config.k, config.epsilon0, config.mu1, config.mu2)
    assert np.array(rates(u, v, 0.15, config.k, config.epsilon0, config.mu1, config.mu2)) == pytest.approx(
        np.array(expected)
    )


def test_single_cell_follows_a_stiff_integrator_and_converges_to_it_at_first_order(model):
    error = {dt: np.abs(single_cell(model(time_step_ms=dt)) - reference(model())).max() for dt in (0.25, 0.125, 0.0625)}
    assert error[0.25] < 0.03
    assert np.log2(error[0.25] / error[0.125]) == pytest.approx(1.0, abs=0.15)
    assert np.log2(error[0.125] / error[0.0625]) == pytest.approx(1.0, abs=0.15)


def test_action_potential_lasts_about_350_ms(model):
    duration = action_potential_duration(reference(model())[:, None], TIME)
    assert duration[0] == pytest.approx(350, abs=20)


def test_time_unit_scales_the_action_potential(model):
    slow, fast = (action_potential_duration(single_cell(model(time_unit_ms=t))[:, None], TIME)[0] for t in (12.9, 8.6))
    assert slow / fast == pytest.approx(1.5, rel=0.01)


def test_a_is_the_threshold_of_excitation(model):
    below, above = reference(model(), start=0.14), reference(model(), start=0.17)
    assert below.max() == pytest.approx(0.14)
    assert above.max() > 0.9
