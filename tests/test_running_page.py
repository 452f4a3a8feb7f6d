"""The page on where to run it: its costs are those of the committed runs, its targets exist."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "running.md").read_text()
COSTS = {
    run: (overlays, studies, wall, core, memory, disk)
    for run, overlays, studies, wall, core, memory, disk in re.findall(
        r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \| (.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE
    )
}
MEASURED = [run for run, (_, _, wall, *_) in COSTS.items() if wall != "–"]


@pytest.mark.parametrize("run", MEASURED)
def test_costs_are_those_of_the_committed_run(run):
    facts = json.loads((ROOT / "results" / "reference" / run / "provenance.json").read_text())
    wall, hours = facts["wall_seconds"] / 60, sum(facts["job_seconds"].values()) / 3600
    assert COSTS[run][2:4] == (f"{wall:.0f} min", f"{hours:.2f}")
    room = [f"{facts[name] / 1000:.2g} GB" if name in facts else "–" for name in ("largest_job_mb", "disk_mb")]
    assert [*COSTS[run][4:]] == room


def test_every_scale_has_its_row():
    overlays = {name for row in COSTS.values() for name in row[0].split(", ")} - {"none"}
    assert overlays == {path.stem for path in (ROOT / "config").glob("*.yaml")} - {"config"}


def test_make_targets_of_the_page_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"(?:^|`)make ([\w-]+)", PAGE, re.MULTILINE)
    assert "cluster-test" in targets
    assert all(re.search(rf"^{target}\b.*:", makefile, re.MULTILINE) for target in targets)
