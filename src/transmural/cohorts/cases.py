"""A case of a cohort, and cases as the dataset that every cohort is stored as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from transmural.cohorts.heart import Heart
from transmural.cohorts.scar_configurations import Tissue

_SCAR_CENTRE = {"units": "mm", "long_name": "centre of the scar; NaN in healthy tissue"}


@dataclass(frozen=True, eq=False)
class Case:
    """One beat: the voxel where it starts and its tissue; the numbers are of the training design, None for new ones."""

    origin: int
    tissue: Tissue
    origin_id: int | None = None
    tissue_id: int | None = None


def as_dataset(cases: Sequence[Case], heart: Heart, first_new: int, reached: Mapping[str, float | int]) -> xr.Dataset:
    """Cases as a dataset that fulfils `contracts.COHORT`, with ``scar_centre`` (case, xyz) besides.

    Parameters
    ----------
    cases
        In order.
    heart
        The heart that they are of.
    first_new
        New origins and scars are numbered from here by their cases.
    reached
        Attributes: what the design reached.
    """
    origin = np.array([case.origin for case in cases])
    origin_id = [first_new + i if case.origin_id is None else case.origin_id for i, case in enumerate(cases)]
    tissue_id = [first_new + i if case.tissue_id is None else case.tissue_id for i, case in enumerate(cases)]
    return xr.Dataset(
        {
            "origin": (("case", "xyz"), heart.position_mm[origin]),
            "origin_id": ("case", np.array(origin_id, dtype=np.int32)),
            "tissue_id": ("case", np.array(tissue_id, dtype=np.int32)),
            "excitability": (("case", "voxel"), np.stack([case.tissue.excitability for case in cases])),
            "scar_voxel": (("case", "voxel"), np.stack([case.tissue.scar for case in cases])),
            "scar_centre": (("case", "xyz"), np.stack([case.tissue.centre_mm for case in cases]), _SCAR_CENTRE),
        },
        coords={"case": np.arange(len(cases), dtype=np.int32)},
        attrs=dict(reached),
    )
