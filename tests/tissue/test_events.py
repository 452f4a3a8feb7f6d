"""Activation and repolarisation times of potentials whose times are known."""

import numpy as np
import pytest

from transmural.tissue.events import action_potential_duration, activation_time, repolarisation_time

TIME = np.arange(0.0, 551.0, 5.5)


def action_potential(activation, duration, upstroke=4.0, decay=25.0, time=TIME):
    """Sigmoid upstroke and exponential repolarisation, shape (time, node)."""
    since = time[:, None] - np.asarray(activation, float)
    fall = np.exp(-np.maximum(since - duration, 0) / decay)
    return fall / (1 + np.exp(-since / upstroke))


def test_activation_is_found_between_the_frames():
    exact = np.linspace(40, 200, 97)
    found = activation_time(action_potential(exact, 250.0), TIME)
    assert np.abs(found - exact).max() < 0.1 * (TIME[1] - TIME[0])


def test_repolarisation_is_where_ninety_percent_of_the_peak_is_lost():
    exact = np.linspace(40, 150, 31)
    potential = 0.8 * action_potential(exact, 220.0)
    expected = exact + 220.0 + 25.0 * np.log(10)
    assert np.abs(repolarisation_time(potential, TIME) - expected).max() < 0.5
    assert np.abs(action_potential_duration(potential, TIME) - (expected - exact)).max() < 1.0


def test_nodes_that_stay_below_the_level_have_no_times():
    potential = np.hstack([0.4 * action_potential([100.0], 200.0), action_potential([100.0], 200.0)])
    assert np.isnan(activation_time(potential, TIME)).tolist() == [True, False]
    assert np.isnan(repolarisation_time(potential, TIME)).tolist() == [True, False]


def test_without_a_level_scale_and_offset_of_the_potential_do_not_matter():
    potential = action_potential([90.0, 130.0], 200.0)
    scaled = activation_time(0.01 * potential - 3.0, TIME, level=None)
    assert scaled == pytest.approx(activation_time(potential, TIME), abs=1e-6)


def test_nodes_depolarised_at_once_are_activated_at_the_first_frame():
    assert activation_time(action_potential([-20.0], 200.0), TIME)[0] == 0.0


def test_a_beat_that_outlasts_the_record_has_no_repolarisation():
    assert np.isnan(repolarisation_time(action_potential([100.0], 500.0), TIME))[0]


def test_leading_dimensions_are_kept_and_cases_independent():
    potential = np.stack([action_potential([90.0, 130.0, 60.0], d) for d in (180.0, 200.0, 220.0, 240.0)])
    together = repolarisation_time(potential.reshape(2, 2, len(TIME), 3), TIME)
    assert together.shape == (2, 2, 3)
    assert (together.reshape(4, 3)[2] == repolarisation_time(potential[2], TIME)).all()


def test_unequal_frames_are_refused():
    with pytest.raises(ValueError, match="equally spaced"):
        activation_time(np.zeros((3, 1)), np.array([0.0, 1.0, 3.0]))
