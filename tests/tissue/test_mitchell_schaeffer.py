"""The cell: threshold, duration, convergence; and its action potential placed at activation times."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from transmural.tissue.events import activation_time
from transmural.tissue.mitchell_schaeffer import STANDARD, MitchellSchaeffer, action_potentials, cell_potential

TIME = np.arange(0.0, 600.0, 0.1)


def duration_ms(potential, level=STANDARD.v_gate):
    above = TIME[potential > level]
    return above[-1] - above[0]


def test_a_rested_cell_fires_above_the_root_of_its_cubic_only():
    threshold = (1 - np.sqrt(1 - 4 * STANDARD.tau_in / STANDARD.tau_out)) / 2
    assert threshold == pytest.approx(0.0528, abs=1e-4)
    # A short stimulus, so that hardly any of it leaks.
    below, above = (cell_potential(TIME, share * threshold / 0.05, 0.05) for share in (0.97, 1.05))
    assert below.max() < 0.06
    assert below[-1] < 1e-6
    assert above.max() > 0.9


@pytest.mark.parametrize("tau_close", [80.0, 150.0])
def test_the_duration_follows_the_asymptotic_formula_the_better_the_faster_the_currents(tau_close):
    expected = tau_close * np.log(6.0 / (4 * 0.3))
    errors = []
    for scale in (1.0, 0.3, 0.1):
        cell = MitchellSchaeffer(tau_in=0.3 * scale, tau_out=6 * scale, tau_close=tau_close)
        errors.append(abs(duration_ms(cell_potential(TIME, 0.1 / scale, 2 * scale, cell)) - expected))
    assert errors[0] < 0.3 * expected
    assert errors[1] < 0.5 * errors[0]
    assert errors[2] < 0.6 * errors[1]


def test_the_standard_cell_has_the_duration_that_the_module_states():
    assert duration_ms(cell_potential(TIME)) == pytest.approx(285, abs=1)


def test_the_solution_converges_with_the_steps():
    best = cell_potential(TIME, tolerance=1e-11)
    errors = [np.abs(cell_potential(TIME, tolerance=t) - best).max() for t in (1e-4, 1e-6, 1e-8)]
    assert errors[2] < 1e-5
    assert errors[0] > errors[1] > errors[2]


def test_it_solves_the_equations_of_the_model_as_plain_euler_steps_do():
    cell, step = STANDARD, 0.002
    v, h, found = 0.0, 1.0, []
    for n in range(150_000):
        if n % 50 == 0:
            found.append(v)
        current = 0.1 if n * step < 2 else 0.0
        rate = h * v * v * (1 - v) / cell.tau_in - v / cell.tau_out + current
        h += step * ((1 - h) / cell.tau_open if v < cell.v_gate else -h / cell.tau_close)
        v += step * rate
    assert_allclose(cell_potential(TIME[: len(found)]), found, atol=4e-3)


def test_the_steepest_upstroke_is_at_the_activation_time():
    times = np.array([[0.0, 31.7], [80.2, np.nan]])
    samples = np.arange(-20.0, 600.0, 0.25)
    potential = action_potentials(times, samples)
    assert potential.shape == (2, 2, len(samples))
    assert potential.dtype == np.float32
    found = activation_time(potential.reshape(4, -1).T[None], samples)[0]
    assert_allclose(found[:3], times.ravel()[:3], atol=0.3)
    assert_array_equal(potential[1, 1], 0)
    assert 0.9 < potential[0, 0].max() < 1
    assert_array_equal(potential[..., :40][:1], 0)
    assert potential[0, 0, -1] == pytest.approx(0, abs=1e-6)


def test_the_mean_over_a_cell_is_that_of_waves_through_its_points():
    activation, crossing, samples = np.array([50.0, np.nan]), np.array([8.0, np.nan]), np.arange(0.0, 500.0)
    across = 50 + 8 * ((np.arange(4000) + 0.5) / 4000 - 0.5)
    mean = action_potentials(across, samples).astype(float).mean(axis=0)
    found = action_potentials(activation, samples, crossing)
    assert_allclose(found[0], mean, atol=1e-4)
    assert_array_equal(found[1], 0)
    thin = action_potentials(activation, samples, np.array([1e-3, 1.0]))
    assert_allclose(thin, action_potentials(activation, samples), atol=1e-3)
