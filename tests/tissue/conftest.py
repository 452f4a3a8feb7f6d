"""The model's constants."""

import pytest

from transmural.stores.config import Simulation

MODEL = {
    "conduction_velocity_m_per_s": 0.6,
    "velocity_anisotropy": 2.0,
    "time_unit_ms": 12.9,
    "k": 8.0,
    "a": 0.15,
    "epsilon0": 0.002,
    "mu1": 0.2,
    "mu2": 0.3,
    "scar_a": 0.5,
    "scar_threshold_a": 0.18,
    "scar_border_mm": 4.0,
    "time_step_ms": 0.25,
    "stimulus_radius_mm": 10.0,
    "capture_fraction": 0.95,
    "device": "auto",
    "rest_mv": -80.0,
    "amplitude_mv": 100.0,
}


@pytest.fixture(scope="session")
def model():
    """Make the configuration of the model, with changes."""
    return lambda **changes: Simulation(**(MODEL | changes))
