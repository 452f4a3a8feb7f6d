import numpy as np
import xarray as xr
from numpy.testing import assert_array_equal

from transmural.evaluation.examples import examples, together


def test_cases_without_an_error_are_no_examples():
    assert examples(np.array([3.0, np.nan, 1.0, 2.0, np.nan])) == {"best": 2, "median": 3, "worst": 0}
    assert examples(np.array([np.nan])) == {"best": 0, "median": 0, "worst": 0}
    assert examples(np.array([1.0, 0.0])) == {"best": 1, "median": 0, "worst": 0}


def test_together_a_method_without_part_in_a_setting_has_no_numbers():
    one, other = (
        xr.Dataset({"predicted": (("method", "case"), value * np.ones((2, 3)))}, {"method": names})
        for value, names in ((1, ["a", "b"]), (2, ["b", "c"]))
    )
    found = together([one, other])["predicted"]
    assert_array_equal(found.sel({"method": "a"}), [1, 1, 1, np.nan, np.nan, np.nan])
    assert_array_equal(found.sel({"method": "b"}), [1, 1, 1, 2, 2, 2])
