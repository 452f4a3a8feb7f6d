"""How new the cases of a setting are to a training cohort: how far their origins and their scars are from any it has.

Errors of a method that learns grow with both; a method that looks beats up can't do better than these allow.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from scipy.spatial import cKDTree

from transmural.cohorts.scar_configurations import overlaps

COLUMNS = ["subject", "cohort", "setting", "case", "training_origin_mm", "training_scar_overlap"]


def novelty(training: Mapping[str, xr.Dataset], settings: Mapping[str, xr.Dataset], subject: str) -> pd.DataFrame:
    """Distance of every case from each training cohort.

    Parameters
    ----------
    training, settings
        Training cohorts, and those of the test settings, by name (contract COHORT).
    subject
        Name of the subject.

    Returns
    -------
    One row a training cohort, setting and case, columns ``COLUMNS``: Euclidean distance in mm to the nearest training
    origin, and the largest Dice overlap, on the voxels, with a training scar (NaN in healthy tissue). Subject, cohort,
    setting and case are those of the scores.
    """
    parts = [
        _rows(beats, cases).assign(subject=subject, cohort=cohort, setting=setting)
        for cohort, beats in training.items()
        for setting, cases in settings.items()
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _rows(training: xr.Dataset, cases: xr.Dataset) -> pd.DataFrame:
    origins = np.unique(training["origin"].values, axis=0)
    distance = np.asarray(cKDTree(origins).query(cases["origin"].values)[0])
    # The published design repeats each scar with every origin.
    _, first = np.unique(training["tissue_id"].values, return_index=True)
    seen, scars = training["scar_voxel"].values[first], cases["scar_voxel"].values
    overlap = np.where(scars.any(axis=1), overlaps(scars, seen).max(axis=1), np.nan)
    return pd.DataFrame(
        {"case": cases["case"].values, "training_origin_mm": distance, "training_scar_overlap": overlap}
    )
