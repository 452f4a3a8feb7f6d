"""What a run was made of and what it cost: tables of subjects, timings and versions."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from transmural.report.style import readable
from transmural.report.table import Block, Cell, Column, Row, Table
from transmural.stores.errors import StoreError

MYOCARDIAL_DENSITY_G_PER_CM3 = 1.055
_RIGHT_VENTRICLE = 18


def subjects_table(anatomies: Mapping[str, xr.Dataset], transfers: Mapping[str, xr.Dataset] | None = None) -> Table:
    """Size of each heart and of its discretisation.

    Parameters
    ----------
    anatomies, transfers
        Stores by subject.
    """
    rows = []
    for name, anatomy in anatomies.items():
        right = anatomy["segment"].values == _RIGHT_VENTRICLE
        voxel_cm3 = float(anatomy.attrs["spacing_mm"]) ** 3 / 1000
        thickness = wall_thickness_mm(anatomy)
        values: list[tuple[float, int]] = [
            (float(anatomy.attrs["spacing_mm"]), 2),
            (anatomy.sizes["voxel"], 0),
            (anatomy.sizes["node"], 0),
            (float((~right).sum()) * voxel_cm3 * MYOCARDIAL_DENSITY_G_PER_CM3, 0),
            (float(right.sum()) * voxel_cm3 * MYOCARDIAL_DENSITY_G_PER_CM3, 0),
            (float(np.median(thickness[~right])), 1),
            (float(np.median(thickness[right])) if right.any() else float("nan"), 1),
            (transfers[name].sizes["lead"] if transfers else anatomy.sizes["electrode"], 0),
        ]
        rows.append(Row(name, readable(name), tuple(_number(value, decimals) for value, decimals in values)))
    columns = (
        Column("voxel_mm", "voxel, mm"),
        Column("voxels", "myocardial voxels"),
        Column("nodes", "inference nodes"),
        Column("lv_mass_g", "LV mass, g"),
        Column("rv_mass_g", "RV mass, g"),
        Column("lv_wall_mm", "LV wall, mm"),
        Column("rv_wall_mm", "RV wall, mm"),
        Column("leads", "leads" if transfers else "electrodes"),
    )
    notes = (
        f"Mass: volume times {MYOCARDIAL_DENSITY_G_PER_CM3} g/cm³; the septum belongs to the left ventricle. Wall: "
        "median of the inverse gradient of the transmural coordinate.",
    )
    return Table("subjects", "Hearts of this run", "Heart", columns, (Block("subjects", "", tuple(rows)),), notes)


def wall_thickness_mm(anatomy: xr.Dataset) -> NDArray[np.float64]:
    """Local wall thickness in mm from the transmural coordinate (0 to 1 through the wall), shape (voxel,)."""
    index = anatomy["voxel_index"].values.astype(int)
    index = index - index.min(axis=0) + 1
    grid = np.full(index.max(axis=0) + 2, np.nan)
    grid[tuple(index.T)] = anatomy["transmural"].values
    square = np.zeros(len(index))
    for axis in range(3):
        step = np.eye(3, dtype=int)[axis]
        here = grid[tuple(index.T)]
        forward, backward = grid[tuple((index + step).T)] - here, here - grid[tuple((index - step).T)]
        both = np.stack([forward, backward])
        known = np.isfinite(both)
        slope = np.where(known, both, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        square += (slope / float(anatomy.attrs["spacing_mm"])) ** 2
    return np.asarray(1 / np.sqrt(np.maximum(square, 1e-8)))


def read_benchmarks(folder: str | Path) -> pd.DataFrame:
    """Snakemake's benchmark files below a folder; the first part of a file's path is the name of the step.

    Returns
    -------
    Columns ``step, job, seconds, memory_mb, cpu_seconds``; NaN where Snakemake measured nothing.

    Raises
    ------
    StoreError
        If a file isn't a benchmark file.
    """
    folder = Path(folder)
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        try:
            table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
            measured = table[["s", "max_rss", "cpu_time"]].astype(float)
        except (KeyError, ValueError, pd.errors.ParserError) as error:
            raise StoreError(f"{path}: isn't a benchmark file of Snakemake (columns s, max_rss, cpu_time)") from error
        job = path.relative_to(folder).with_suffix("")
        rows += [(job.parts[0], job.as_posix(), *values) for values in measured.itertuples(index=False, name=None)]
    return pd.DataFrame(rows, columns=["step", "job", "seconds", "memory_mb", "cpu_seconds"])


def timings_table(benchmarks: pd.DataFrame) -> Table:
    """Seconds and memory of each step of the workflow, longest first.

    Parameters
    ----------
    benchmarks
        As `read_benchmarks` gives them.
    """
    grouped = benchmarks.groupby("step", sort=True).agg(
        jobs=("job", "size"), total=("seconds", "sum"), longest=("seconds", "max"), memory=("memory_mb", "max")
    )
    grouped = grouped.sort_values("total", ascending=False, kind="stable")
    rows = [
        Row(
            str(step),
            readable(str(step)),
            (_number(row["jobs"], 0), _number(row["total"], 1), _number(row["longest"], 1), _number(row["memory"], 0)),
        )
        for step, row in grouped.iterrows()
    ]
    total = _number(float(grouped["total"].sum()), 1)
    rows.append(Row("all", "all", (_number(len(benchmarks), 0), total, Cell("–"), Cell("–"))))
    columns = (
        Column("jobs", "jobs"),
        Column("total_s", "seconds, sum"),
        Column("longest_s", "seconds, longest job"),
        Column("memory_mb", "memory, largest job, MB"),
    )
    notes = ("Measured by Snakemake; sums over jobs, so a parallel run takes less. Jobs too short to sample show «–».",)
    return Table("timings", "Time and memory of each step", "Step", columns, (Block("steps", "", tuple(rows)),), notes)


def facts_table(name: str, title: str, stub: str, facts: Mapping[str, str]) -> Table:
    """Names and values: versions, machine, seeds."""
    rows = tuple(Row(key, key, (Cell(str(value)),)) for key, value in facts.items())
    return Table(name, title, stub, (Column("value", "value"),), (Block(name, "", rows),))


def _number(value: float, decimals: int) -> Cell:
    if not np.isfinite(value):
        return Cell("–")
    exact = int(value) if decimals == 0 and float(value).is_integer() else float(value)
    return Cell(f"{value:,.{decimals}f}".replace("-", "−"), {"value": exact})
