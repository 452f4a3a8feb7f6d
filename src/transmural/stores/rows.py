"""Tables of rows (scores, novelty, coverage) that later steps read: CSV files whose damage is told."""

import io
from pathlib import Path

import pandas as pd

from transmural.stores.files import read_checked, write_checked


def write_rows(path: str | Path, rows: pd.DataFrame, digits: int | None = None) -> None:
    """Write rows whole, with what tells damage beside; numbers with so many digits, by default all."""
    write_checked(path, rows.to_csv(index=False, float_format=None if digits is None else f"%.{digits}g"))


def read_rows(path: str | Path) -> pd.DataFrame:
    """Rows that `write_rows` wrote.

    Raises
    ------
    StoreError
        If they are absent, truncated or altered; the message names the file.
    """
    return pd.read_csv(io.StringIO(read_checked(path)))
