import numpy as np
import pytest

from transmural.evaluation.activation import reconstructed_activation
from transmural.tissue.events import activation_time

TIME = np.linspace(0, 400, 161)
START = np.linspace(12, 160, 40)
BEAT = (1 / (1 + np.exp(-(TIME[:, None] - START) / 2)))[None].astype(np.float32)


def test_physiological_potentials_are_treated_as_the_truth():
    beat = BEAT.copy()
    beat[:, :, 7] = 0
    beat[:, :, 3] = 1
    found = reconstructed_activation(beat, TIME, "physiological")
    np.testing.assert_array_equal(found, activation_time(beat, TIME))
    assert np.isnan(found[0, 7])
    assert found[0, 3] == 0


@pytest.mark.parametrize("size", [1.0, 1e-3])
def test_neither_offset_nor_size_matters_where_the_shape_is_free(size):
    free = size * (BEAT - BEAT.mean(axis=2, keepdims=True))
    np.testing.assert_allclose(reconstructed_activation(free, TIME, "amplitude")[0], START, atol=2.5)


def test_a_region_that_is_up_from_the_start_is_activated_at_the_first_frame():
    beat = BEAT.copy()
    beat[:, :, :3] = 1
    free = beat - beat.mean(axis=2, keepdims=True)
    found = reconstructed_activation(free, TIME, "amplitude")[0]
    np.testing.assert_array_equal(found[:3], 0)
    np.testing.assert_allclose(found[3:], START[3:], atol=2.5)


@pytest.mark.parametrize("definition", ["physiological", "amplitude"])
def test_nothing_is_activated_in_a_case_of_zeros(definition):
    both = np.concatenate([0 * BEAT, BEAT])
    found = reconstructed_activation(both, TIME, definition)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
