import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from transmural.evaluation.calibration import COLUMNS, LEVELS, calibration, gathered

NAMES = {"subject": "heart", "cohort": "rich", "setting": "unseen_both", "method": "m"}
DIMENSIONS = ("case", "time", "node")


def gaussian(shape=(3, 40, 500), claimed=1.0):
    """Truth that scatters about the estimate with standard deviations of its own, of which ``claimed`` is stated."""
    rng = np.random.default_rng(5)
    sd = rng.uniform(0.05, 0.3, shape)
    estimate = rng.normal(size=shape)
    truth = xr.Dataset({"tmp": (DIMENSIONS, estimate + sd * rng.normal(size=shape))})
    return truth, xr.Dataset({"tmp": (DIMENSIONS, estimate), "std": (DIMENSIONS, claimed * sd)})


def by_level(claimed):
    return calibration(*gaussian(claimed=claimed), **NAMES).groupby("level")["coverage"].mean()


def test_coverage_of_gaussian_errors_is_nominal():
    np.testing.assert_allclose(by_level(1.0), LEVELS, atol=0.01)


def test_half_the_standard_deviation_covers_less_and_twice_covers_more():
    assert (by_level(0.5) < np.array(LEVELS) - 0.03).all()
    assert (by_level(2.0) > np.array(LEVELS) + 0.03).all()


def test_rows_name_every_case_and_level():
    truth, found = gaussian((4, 5, 6))
    rows = calibration(truth.assign_coords(case=[7, 8, 9, 11]), found, **NAMES)
    assert list(rows) == COLUMNS
    assert len(rows) == 4 * len(LEVELS)
    assert set(rows["case"]) == {7, 8, 9, 11}
    assert (rows[list(NAMES)] == pd.Series(NAMES)).all().all()


def test_a_failed_case_covers_nothing():
    truth, found = gaussian((2, 5, 6))
    found["tmp"][1] = np.nan
    rows = calibration(truth, found, **NAMES)
    assert (rows.loc[rows["case"] == 1, "coverage"] == 0).all()


def test_without_standard_deviations_there_are_no_rows():
    truth, found = gaussian((2, 5, 6))
    rows = calibration(truth, found.drop_vars("std"), **NAMES)
    assert rows.empty
    assert list(rows) == COLUMNS


@pytest.mark.parametrize("level", LEVELS)
def test_levels_are_round(level):
    assert str(level) in {f"0.{tenth}" for tenth in range(1, 10)}


def test_parts_without_rows_leave_the_numbers_numbers():
    truth, found = gaussian((2, 5, 6))
    written = [calibration(truth, store, **NAMES).to_csv(index=False) for store in (found.drop_vars("std"), found)]
    for parts in (written, written[:1]):
        table = gathered([pd.read_csv(io.StringIO(part)) for part in parts])
        assert table["coverage"].dtype == table["level"].dtype == np.float64
