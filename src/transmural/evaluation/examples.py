"""Cases that figures show: neither the best alone nor any that someone liked."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

PLACES = ("best", "median", "worst")


def examples(errors: NDArray[np.float64]) -> dict[str, int]:
    """Rows of the cases with the least, the median and the greatest error, by their place; NaN has none.

    Parameters
    ----------
    errors
        Shape (case,); with few cases one may have several places.
    """
    order = np.argsort(errors, kind="stable")  # NaN last
    order = order[: max(1, np.count_nonzero(np.isfinite(errors)))]
    return dict(zip(PLACES, (int(order[0]), int(order[len(order) // 2]), int(order[-1])), strict=True))


def together(kept: Sequence[xr.Dataset]) -> xr.Dataset:
    """One dataset of the cases of all settings; NaN where a method, if there are several, has no part in one."""
    if "method" in kept[0].dims:
        methods = list(dict.fromkeys(str(name) for each in kept for name in each["method"].values))
        kept = [each.reindex({"method": methods}) for each in kept]
    return xr.concat(list(kept), dim="case", join="exact", combine_attrs="override")
