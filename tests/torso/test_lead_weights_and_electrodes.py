"""Weights of the leads, and electrodes on the skin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from spheres import fibonacci

from transmural.anatomy.image import LIMB_ELECTRODES, Label, LabelImage
from transmural.torso.electrodes import attach_to_skin
from transmural.torso.leads import leads


def ball(radius_mm=40.0, voxel_mm=2.0):
    axis = voxel_mm * np.arange(-23, 24)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    labels = np.where(x**2 + y**2 + z**2 < radius_mm**2, Label.TORSO, Label.AIR).astype(np.uint8)
    return LabelImage(labels, voxel_mm, np.full(3, axis[0]))


BALL = ball()


def test_no_lead_sees_a_constant_potential():
    weights = leads(("A", "B", "C")).weights
    assert weights.sum(axis=1) == pytest.approx(np.zeros(15), abs=1e-15)


def test_leads_of_known_electrode_potentials():
    potential = dict(zip(LIMB_ELECTRODES, [-1.0, 2.0, 5.0, 100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], strict=True))
    montage = leads(("A",))
    values = dict(zip(montage.names, montage.weights @ np.array([7.0, *potential.values()]), strict=True))
    assert values["A"] == pytest.approx(7.0 - 2.0)
    assert (values["I"], values["II"], values["III"]) == pytest.approx((3.0, 6.0, 3.0))
    assert (values["aVR"], values["aVL"], values["aVF"]) == pytest.approx((-4.5, 0.0, 4.5))
    assert [values[f"V{n}"] for n in range(1, 7)] == pytest.approx([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0])


def test_right_leg_is_ground_and_enters_no_lead():
    montage = leads(("A", "B"))
    assert not montage.weights[:, 2 + LIMB_ELECTRODES.index("RL")].any()


@given(st.integers(0, 199), st.floats(1.06, 1.3))
@hypothesis_settings(max_examples=30, deadline=None)
def test_electrodes_go_to_the_nearest_point_of_the_skin(number, distance):
    position = 40.0 * distance * fibonacci(200)[number]
    point = attach_to_skin(BALL, position[None])[0]
    index = np.round((point - BALL.origin_mm) / BALL.spacing_mm).astype(int)
    assert BALL.labels[tuple(index)] == Label.TORSO
    body = BALL.position(np.argwhere(BALL.labels != Label.AIR))
    nearest = np.clip(position, body - BALL.spacing_mm / 2, body + BALL.spacing_mm / 2)
    shortest = np.linalg.norm(nearest - position, axis=1).min()
    assert np.linalg.norm(point - position) == pytest.approx(shortest, abs=1e-4)


def test_electrodes_below_the_skin_come_up_to_it():
    point = attach_to_skin(BALL, 36.0 * fibonacci(50))
    assert np.abs(np.linalg.norm(point, axis=1) - 40.0).max() < 2.0


def test_attached_electrodes_stay():
    once = attach_to_skin(BALL, 45.0 * fibonacci(50))
    assert attach_to_skin(BALL, once) == pytest.approx(once, abs=1e-5)


def test_body_that_fills_its_image_has_its_skin_at_the_border():
    full = LabelImage(np.full((5, 5, 5), Label.TORSO, dtype=np.uint8), 2.0, np.zeros(3))
    assert attach_to_skin(full, np.array([[20.0, 4.2, 3.1]]))[0] == pytest.approx([9.0, 4.2, 3.1], abs=1e-5)
