"""The floors: imports run downwards only, and the page that describes them is true."""

import ast
from pathlib import Path

import pytest

import transmural

PACKAGE = Path(transmural.__file__).parent
ROOT = Path(__file__).parents[1]
FLOORS = ["stores", "anatomy", "tissue", "torso", "cohorts", "networks", "inverse", "evaluation", "report"]
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported_floors(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            if name.startswith("transmural."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_downwards(path):
    parts = path.relative_to(PACKAGE).parts
    if len(parts) > 1:
        height = FLOORS.index(parts[0])
        above = [floor for floor in imported_floors(path) if FLOORS.index(floor) > height]
        assert not above, f"{parts[0]} imports {above}"


def test_every_folder_is_a_floor():
    assert {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"} == set(FLOORS)


def test_the_library_knows_nothing_of_snakemake():
    offenders = [
        path
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(a.name.startswith("snakemake") for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("snakemake"))
    ]
    assert not offenders


def test_no_module_is_a_grab_bag():
    assert not [p for p in MODULES if p.stem in {"utils", "helpers", "misc", "common", "tools"}]


def test_the_architecture_page_lists_the_floors_in_order():
    text = (ROOT / "docs" / "architecture.md").read_text()
    positions = [text.index(f"| `{floor}` |") for floor in reversed(FLOORS)]
    assert positions == sorted(positions)
