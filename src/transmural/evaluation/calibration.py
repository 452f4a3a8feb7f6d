"""Whether standard deviations are to be believed: the observed coverage of intervals of many nominal levels."""

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from transmural.evaluation.metrics import coverage

LEVELS = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))
COLUMNS = ["subject", "cohort", "setting", "case", "method", "level", "coverage"]


def calibration(
    truth: xr.Dataset, reconstruction: xr.Dataset, *, subject: str, cohort: str, setting: str, method: str
) -> pd.DataFrame:
    """Coverage of the central intervals of `LEVELS` in every case of a setting.

    Parameters
    ----------
    truth
        Test beats (contract BEATS).
    reconstruction
        Their reconstructions (contract RECONSTRUCTION).
    subject, cohort, setting, method
        Names for the rows, as in the scores.

    Returns
    -------
    Columns ``COLUMNS``, one row a case and level; none where the method gives no standard deviation. A failed case
    covers nothing.
    """
    if "std" not in reconstruction:
        return pd.DataFrame(columns=COLUMNS)
    numbers = truth["case"].values if "case" in truth.coords else range(truth.sizes["case"])
    tmp, std = reconstruction["tmp"].values, reconstruction["std"].values
    parts = [
        pd.DataFrame({"case": numbers, "level": level, "coverage": coverage(truth["tmp"].values, tmp, std, level)})
        for level in LEVELS
    ]
    named = pd.concat(parts, ignore_index=True).assign(subject=subject, cohort=cohort, setting=setting, method=method)
    return named[COLUMNS]


def gathered(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all parts, of which some may be empty (and then, when read, without types)."""
    return pd.concat(parts, ignore_index=True).astype({"case": int, "level": float, "coverage": float})[COLUMNS]
