"""Figures printed in the papers, from the one file that holds them (``published.yaml``), checked against a schema."""

from functools import cache
from importlib import resources
from typing import Self

import pandas as pd
import yaml
from pydantic import Field, ValidationError, model_validator

from transmural.evaluation.metrics import metrics_of
from transmural.stores.config.model import Section
from transmural.stores.errors import StoreError

COLUMNS = [
    "study", "paper", "short", "citation", "table", "setting", "method", "method_label", "metric", "mean", "sd", "unit",
    "cases", "note",
]  # fmt: skip


class Value(Section):
    """One printed cell; ``sd`` is absent where the paper prints no spread."""

    setting: str
    metric: str
    unit: str
    method: str
    mean: float
    sd: float | None = Field(default=None, ge=0)


class Table(Section):
    """One printed table."""

    note: str
    cases: int | None = Field(default=None, ge=1, description="Cases behind each cell")
    values: list[Value] = Field(min_length=1)


class Paper(Section):
    """One paper: the study it belongs to, how to cite it, its methods and its tables."""

    study: str
    citation: str
    short: str
    methods: dict[str, str]
    tables: dict[str, Table]

    @model_validator(mode="after")
    def _cells_are_unique_and_named(self) -> Self:
        for name, table in self.tables.items():
            cells = [(value.setting, value.metric, value.method) for value in table.values]
            if len(set(cells)) != len(cells):
                raise ValueError(f"{name} has a cell twice")
            unknown = sorted({value.method for value in table.values} - set(self.methods))
            if unknown:
                raise ValueError(f"{name} has values of methods {unknown} that 'methods' doesn't name")
        return self

    @model_validator(mode="after")
    def _metrics_are_known(self) -> Self:
        known = metrics_of(self.study)
        for name, table in self.tables.items():
            for value in table.values:
                if value.metric not in known:
                    raise ValueError(f"{name}: metric '{value.metric}' is unknown; known are {sorted(known)}")
                unit = known[value.metric].unit
                if value.unit != unit:
                    raise ValueError(f"{name}: unit of {value.metric} is '{unit}', got '{value.unit}'")
        return self


class Published(Section):
    """The whole file."""

    papers: dict[str, Paper]


def parse(text: str, where: str) -> Published:
    """Check the text of a file of published figures.

    Raises
    ------
    StoreError
        Naming the file and the first entry that is wrong.
    """
    try:
        return Published.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise StoreError(f"{where}: isn't YAML ({error})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{where}: {path}: {first['msg']}") from None


@cache
def papers() -> Published:
    """The project's own file of published figures."""
    text = resources.files("transmural.evaluation").joinpath("published.yaml").read_text(encoding="utf-8")
    return parse(text, "published.yaml")


def published(study: str) -> pd.DataFrame:
    """Printed figures of a study's papers, one row a cell.

    Parameters
    ----------
    study
        Name of the study.

    Returns
    -------
    Columns ``COLUMNS``; ``sd`` and ``cases`` are NaN where the paper gives none. Empty for a study without figures.
    """
    rows = [
        [
            study, name, paper.short, paper.citation, table_name, value.setting, value.method,
            paper.methods[value.method], value.metric, value.mean, value.sd, value.unit, table.cases, table.note,
        ]
        for name, paper in papers().papers.items()
        if paper.study == study
        for table_name, table in paper.tables.items()
        for value in table.values
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS).astype({"mean": float, "sd": float, "cases": float})
