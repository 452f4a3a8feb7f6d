"""Sheets of Fenton–Karma tissue: the cell, the diffusion, waves against known velocities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from transmural.stores.errors import SimulationError
from transmural.tissue.events import action_potential_duration
from transmural.tissue.fenton_karma import ATRIAL_CELLS, inward_current
from transmural.tissue.sheet_kernel import _switch
from transmural.tissue.sheets import Sheet, cell_means, simulate_sheet, stable_step_ms

CELL = ATRIAL_CELLS["remodelled"]


def frames(duration, every=5):
    return np.arange(0, duration + 1, every, dtype=np.float64)


def beat(sheet, stimulus, time_ms, step_ms=0.05, cell=CELL, cell_nodes=1, leads=None, **options):
    leads = np.zeros((1, *sheet.diffusivity.shape)) if leads is None else leads
    return simulate_sheet(sheet, stimulus, cell, time_ms, step_ms, leads, cell_nodes, **options)


def uniform(shape, diffusivity, spacing):
    return Sheet(np.full(shape, diffusivity), spacing)


def left_edge(sheet, width_mm=3.0):
    stimulus = np.zeros(sheet.diffusivity.shape, dtype=bool)
    stimulus[:, : max(2, round(width_mm / sheet.spacing_mm))] = True
    return stimulus


def published(_, state, c):
    """Equations of Fenton & Karma (1998) as printed."""
    u, v, w = state
    p, q = float(u >= c.u_c), float(u >= c.u_v)
    fast = -v * p * (1 - u) * (u - c.u_c) / c.tau_d
    out = u * (1 - p) / c.tau_o + p / c.tau_r
    slow = -w * (1 + np.tanh(c.k * (u - c.u_csi))) / (2 * c.tau_si)
    tau_v = (1 - q) * c.tau_v1_minus + q * c.tau_v2_minus
    return [
        -(fast + out + slow),
        (1 - p) * (1 - v) / tau_v - p * v / c.tau_v_plus,
        (1 - p) * (1 - w) / c.tau_w_minus - p * w / c.tau_w_plus,
    ]


@given(st.floats(-0.1, 1.2), st.floats(0, 1), st.floats(0, 1))
def test_the_current_is_the_published_one(u, v, w):
    switch = 1 + np.tanh(CELL.k * (u - CELL.u_csi))
    assert inward_current(u, v, w, switch, CELL, 1) == pytest.approx(published(0, (u, v, w), CELL)[0], abs=1e-12)


def test_the_rational_tanh_is_close_and_zero_at_rest():
    x = np.linspace(-12, 12, 2001, dtype=np.float32)
    found = np.array([_switch(value) for value in x])
    assert np.abs(found - (1 + np.tanh(x.astype(np.float64)))).max() < 2e-4
    assert (found[x < -5] == 0).all()


def test_a_cell_follows_a_stiff_integrator():
    sheet = uniform((4, 4), 0.1, 0.3)
    time = frames(300, 1)
    found = beat(sheet, np.ones((4, 4), bool), time, 0.01, until_rest=False).tmp[:, 2, 2]
    exact = solve_ivp(published, (0, 300), [1, 1, 1], "LSODA", time, args=(CELL,), rtol=1e-8, atol=1e-9, max_step=0.5)
    assert np.abs(found - exact.y[0]).max() < 0.01


@pytest.mark.parametrize(("name", "duration"), [("remodelled", 107), ("control", 256)])
def test_action_potentials_last_as_long_as_is_known(name, duration):
    time = frames(450, 1)
    tmp = beat(uniform((4, 4), 0.1, 0.3), np.ones((4, 4), bool), time, 0.02, ATRIAL_CELLS[name]).tmp[:, 1, 1]
    assert action_potential_duration(tmp[:, None], time)[0] == pytest.approx(duration, abs=12)


# Velocities in mm/s that were measured with another code (D in mm²/ms, spacing in mm).
@pytest.mark.parametrize(("diffusivity", "spacing", "known"), [(0.1, 0.3, 595), (0.1, 1.0, 394), (0.01, 0.3, 129)])
def test_plane_waves_have_the_known_velocity(diffusivity, spacing, known):
    columns = round(40 / spacing)
    sheet = uniform((4, columns), diffusivity, spacing)
    duration = round(40 / known * 1000 * 1.2)
    activation = beat(sheet, left_edge(sheet, max(3.0, 2 * spacing)), frames(duration), 0.02).activation_time[1]
    first, last = round(0.4 * columns), round(0.9 * columns)
    velocity = 1000 * (last - first) * spacing / (activation[last] - activation[first])
    assert velocity == pytest.approx(known, rel=0.04)


def test_the_unit_that_the_paper_prints_cannot_be_meant():
    """D = 0.1 mm²/s is 1e-4 mm²/ms. Velocities go with the root of D, so waves would take five seconds to cross."""
    sheet = uniform((3, 400), 1e-4, 0.3 * np.sqrt(1e-3))
    activation = beat(sheet, left_edge(sheet, 0.1), frames(220), 0.02).activation_time[1]
    velocity = 1000 * 150 * sheet.spacing_mm / (activation[300] - activation[150])
    assert velocity == pytest.approx(595 * np.sqrt(1e-3), rel=0.04)
    assert 100 / velocity > 5


def test_a_wave_is_the_same_along_rows_and_columns_and_on_a_turned_sheet():
    draw = np.random.default_rng(0)
    diffusivity = np.where(draw.random((60, 60)) < 0.1, 0, draw.uniform(0.05, 0.1, (60, 60)))
    stimulus = left_edge(uniform((60, 60), 0.1, 0.3))
    one = beat(Sheet(diffusivity, 0.3), stimulus, frames(60))
    other = beat(Sheet(np.ascontiguousarray(diffusivity.T), 0.3), np.ascontiguousarray(stimulus.T), frames(60))
    np.testing.assert_allclose(other.tmp.transpose(0, 2, 1), one.tmp, atol=2e-3)


def test_rows_left_out_until_the_wave_comes_change_nothing():
    sheet = uniform((90, 20), 0.1, 0.3)
    stimulus = left_edge(sheet).copy()
    stimulus[3:] = False
    narrow = beat(sheet, stimulus, frames(40))
    # A second stimulus in the last row makes every row take part.
    wide = stimulus.copy()
    wide[-1, -1] = True
    everywhere = beat(sheet, wide, frames(40))
    before = np.nan_to_num(narrow.activation_time, nan=1e9) < 15
    np.testing.assert_array_equal(narrow.activation_time[before], everywhere.activation_time[before])


def test_nothing_flows_into_patches_and_the_operator_is_symmetric():
    draw = np.random.default_rng(1)
    diffusivity = np.where(draw.random((12, 15)) < 0.3, 0, draw.uniform(0.01, 0.1, (12, 15)))
    sheet = Sheet(diffusivity, 0.3)
    f, g = draw.normal(size=(2, 12, 15))
    assert (g * sheet.divergence(f)).sum() == pytest.approx((f * sheet.divergence(g)).sum())
    assert sheet.divergence(f).sum() == pytest.approx(0, abs=1e-12)
    assert np.abs(sheet.divergence(np.ones((12, 15)))).max() == 0
    assert (sheet.divergence(f)[~sheet.conducting] == 0).all()
    moved = f + 5.0 * ~sheet.conducting
    np.testing.assert_allclose(sheet.divergence(moved), sheet.divergence(f), atol=1e-12)


def test_diffusion_of_a_cosine_decays_as_it_must():
    sheet = uniform((4, 64), 0.1, 0.25)
    x = (np.arange(64) + 0.5) / 64
    f = np.cos(np.pi * x)[None].repeat(4, axis=0)
    rate = 0.1 * (np.pi / 16.0) ** 2
    np.testing.assert_allclose(sheet.divergence(f), -rate * f, rtol=1e-3)


def test_patches_stay_at_rest_and_waves_go_around_them():
    diffusivity = np.full((60, 60), 0.1)
    diffusivity[10:50, 30:34] = 0
    sheet = Sheet(diffusivity, 0.3)
    found = beat(sheet, left_edge(sheet), frames(80))
    assert (found.tmp[:, 10:50, 30:34] == 0).all()
    assert np.isnan(found.activation_time[10:50, 30:34]).all()
    free = beat(uniform((60, 60), 0.1, 0.3), left_edge(sheet), frames(80)).activation_time
    assert found.activation_time[30, 40] > free[30, 40] + 5
    assert found.activation_time[2, 20] == pytest.approx(free[2, 20], abs=0.5)


def test_the_end_of_a_beat_may_be_left_out():
    sheet = uniform((20, 40), 0.1, 0.3)
    leads = np.random.default_rng(3).normal(size=(2, 20, 40))
    leads -= leads.mean(axis=(1, 2), keepdims=True)
    short, whole = (beat(sheet, left_edge(sheet), frames(900), leads=leads, until_rest=rest) for rest in (True, False))
    assert (short.tmp[-1] == 0).all()
    assert np.abs(short.tmp - whole.tmp).max() < 1e-3
    assert np.abs(short.ecg - whole.ecg).max() < 1e-3 * np.abs(whole.ecg).max()


def test_the_ecg_is_the_sum_over_all_nodes_and_the_frames_are_means_of_cells():
    sheet = uniform((24, 36), 0.1, 0.3)
    leads = np.random.default_rng(4).normal(size=(2, 24, 36))
    fine = beat(sheet, left_edge(sheet), frames(60), leads=leads)
    coarse = beat(sheet, left_edge(sheet), frames(60), leads=leads, cell_nodes=6)
    np.testing.assert_allclose(coarse.tmp, cell_means(fine.tmp, 6), atol=1e-6)
    np.testing.assert_allclose(fine.ecg, np.einsum("lrc,trc->lt", leads, fine.tmp), atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 0.2), st.floats(0.2, 1.0))
def test_the_stable_step_is_below_the_bound_of_the_operator(diffusivity, spacing):
    assert stable_step_ms(uniform((6, 6), diffusivity, spacing)) < spacing**2 / (4 * diffusivity)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step_ms": 0.5}, "unstable"),
        ({"stimulus": np.zeros((8, 8), bool)}, "non-conductive tissue only"),
        ({"stimulus": np.ones((8, 9), bool)}, "stimulus has nodes of shape"),
        ({"time_ms": np.array([0, 2.5, 5])}, "whole milliseconds"),
        ({"time_ms": np.array([1.0, 2, 3])}, "start at 0"),
        ({"cell_nodes": 3}, "don't divide"),
        ({"sheet": Sheet(np.full((8, 8), -0.1), 0.3)}, "not negative"),
        ({"sheet": Sheet(np.full((8, 8), np.nan), 0.3)}, "finite"),
    ],
)
def test_bad_input_is_named(change, message):
    given = {"sheet": uniform((8, 8), 0.1, 0.3), "stimulus": np.ones((8, 8), bool), "time_ms": frames(10)} | change
    with pytest.raises(SimulationError, match=message):
        beat(**given)
