"""A table as data (blocks of rows, groups of columns, cells, notes); `table_forms` writes it.

A cell keeps its numbers beside its text, so that the CSV holds full precision and the page a rounded one. Columns that
were published elsewhere form their own group, are set in italics and carry ``published = true`` in the CSV: what this
run computed and what a paper printed can't be confused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """Text of a cell, its numbers for the CSV, and whether it is the best of its row."""

    text: str
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)
    best: bool = False


@dataclass(frozen=True)
class Column:
    """Key and label of a column, and the group (heading) that it stands under."""

    key: str
    label: str
    group: str = ""
    published: bool = False


@dataclass(frozen=True)
class Row:
    """Key, label and unit of a row, and one cell a column in the table's order."""

    key: str
    label: str
    cells: tuple[Cell, ...]
    unit: str = ""

    @property
    def heading(self) -> str:
        """The label with its unit."""
        return f"{self.label} ({self.unit})" if self.unit not in {"", "1"} else self.label


@dataclass(frozen=True)
class Block:
    """Rows under one heading; an empty label has no heading."""

    key: str
    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A titled table.

    Raises
    ------
    ValueError
        If a row has not one cell a column.
    """

    name: str
    title: str
    stub: str
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in (row for block in self.blocks for row in block.rows):
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"table {self.name}: row '{row.key}' has {len(row.cells)} cells for {len(self.columns)} columns"
                )

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Neighbouring columns of the same group: heading and number of columns."""
        runs: list[tuple[str, int]] = []
        for column in self.columns:
            if runs and runs[-1][0] == column.group:
                runs[-1] = (column.group, runs[-1][1] + 1)
            else:
                runs.append((column.group, 1))
        return runs
