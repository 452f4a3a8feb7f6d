import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transmural.inverse.noise import add_noise, noise_level
from transmural.stores.errors import InferenceError
from transmural.stores.random_streams import case_generators


def signal(cases=3, leads=40, frames=120):
    time = np.linspace(0, 6, frames)
    return np.stack([(c + 1) * np.sin(time[None] + np.arange(leads)[:, None]) for c in range(cases)])


@settings(max_examples=15, deadline=None)
@given(st.floats(-10, 60))
def test_the_stated_ratio_is_realised(snr_db):
    clean = signal().astype(np.float64)
    noisy, level = add_noise(clean, snr_db, case_generators(1, cases=range(3)))
    noise = noisy - clean
    realised = 10 * np.log10(np.mean(clean**2, axis=(1, 2)) / np.mean(noise**2, axis=(1, 2)))
    np.testing.assert_allclose(realised, snr_db, atol=0.4)
    np.testing.assert_allclose(level, noise.std(axis=(1, 2)), rtol=0.04)


def test_noise_is_white():
    clean = signal(cases=1, leads=60, frames=400)
    noisy, level = add_noise(clean, 20, case_generators(2, cases=[0]))
    noise = (noisy - clean)[0] / level[0]
    assert abs(noise.mean()) < 0.03
    assert abs(np.mean(noise[:, 1:] * noise[:, :-1])) < 0.03
    assert abs(np.mean(noise[1:] * noise[:-1])) < 0.03


def test_noise_of_a_case_does_not_depend_on_the_other_cases():
    clean = signal()
    together, level = add_noise(clean, 30, case_generators(1, "noise", cases=[0, 1, 2]))
    alone, level_alone = add_noise(clean[2:], 30, case_generators(1, "noise", cases=[2]))
    np.testing.assert_array_equal(together[2], alone[0])
    assert level[2] == level_alone[0]


def test_a_silent_ecg_has_no_ratio():
    clean = signal()
    clean[1] = 0
    with pytest.raises(InferenceError, match="case 1 is zero or not finite"):
        noise_level(clean, 30)


def test_every_case_needs_its_own_stream():
    with pytest.raises(InferenceError, match="2 random streams for 3 cases"):
        add_noise(signal(), 30, case_generators(1, cases=range(2)))
