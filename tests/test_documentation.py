"""What the pages say is so: links lead somewhere, commands name real targets."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from transmural.inverse.registry import labels
from transmural.report.front_page import gap_table, short_table

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "config" / "README.md",
]
PAGES += [ROOT / "benchmarks" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_to_files_that_exist(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_paths_in_code_marks_exist(page):
    names = re.findall(r"`((?:src|tests|workflow|config|docs|envs|benchmarks)/[\w./-]+)`", page.read_text())
    # A file of the reader's own is called mine.
    missing = [name for name in names if not (ROOT / name).exists() and Path(name).stem != "mine"]
    assert not missing


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_workflow_targets_of_the_readme_exist():
    rules = (
        "".join(p.read_text() for p in (ROOT / "workflow" / "rules").glob("*.smk")) + (ROOT / "Snakefile").read_text()
    )
    for target in ("all", "tables", "figures", "report"):
        assert f"rule {target}:" in rules


@pytest.mark.parametrize("table", [short_table, gap_table])
def test_the_tables_of_the_readme_are_made_from_the_committed_scores(table):
    scores = pd.read_csv(ROOT / "results" / "reference" / "quick" / "scores" / "generative_em.csv")
    assert table(scores, labels()) in (ROOT / "README.md").read_text(), "run `make reference RUN=quick`"


def test_the_committed_results_say_where_they_come_from():
    for folder in (ROOT / "results" / "reference").iterdir():
        facts = json.loads((folder / "provenance.json").read_text())
        assert {"commit", "config", "versions", "machine", "wall_seconds"} <= set(facts)
        assert facts["config"]["run"] == folder.name
        assert "unknown" not in facts["commit"]
        assert "+changes" not in facts["commit"]
