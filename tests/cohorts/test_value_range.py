"""Ranges of the training are shares from 0 to 1, and back."""

import numpy as np
import pytest

from transmural.cohorts.value_range import ValueRange
from transmural.stores.errors import TrainingError


def test_the_range_of_the_training_becomes_zero_to_one():
    times = np.array([[np.nan, 20.0], [70.0, 120.0]])
    scale = ValueRange.of(times)
    assert np.array_equal(scale.scaled(times), np.array([[0, 0], [0.5, 1]], np.float32))
    np.testing.assert_allclose(scale.unscaled(scale.scaled(times[1])), times[1])
    assert scale.scaled(np.array([220.0])) == 2
    with pytest.raises(TrainingError, match="all the same"):
        ValueRange.of(np.full(3, 2.0))
