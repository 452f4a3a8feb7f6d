"""Copy the scores, tables, key figures and provenance of a finished run to results/reference/{run}/, for committing.

Called by ``make reference RUN=quick``; not a step of the workflow.
"""

import json
import re
import shutil
import sys
from datetime import datetime
from pathlib import Path

import pandas as pd
import yaml

from transmural.inverse.registry import labels
from transmural.report.generative_em import short_table
from transmural.report.run_tables import read_benchmarks
from transmural.stores.files import write_whole
from transmural.stores.provenance import commit, machine, versions

ROOT = Path(__file__).resolve().parents[2]


def keep(run):
    source, target = ROOT / "results" / run, ROOT / "results" / "reference" / run
    if not (source / "report.html").is_file():
        sys.exit(f"results/{run}/report.html is missing: finish the run first (make reference RUN={run})")
    shutil.rmtree(target, ignore_errors=True)
    for folder, pattern in {"scores": "*.csv", "tables": "*", "figures": "*.png"}.items():
        (target / folder).mkdir(parents=True)
        for path in sorted((source / folder).glob(pattern)):
            if path.is_file():
                shutil.copyfile(path, target / folder / path.name)
    facts = {
        "run": run,
        "commit": commit(ROOT),
        "command": f"make reference RUN={run}",
        "versions": versions(),
        "machine": machine(),
        "wall_seconds": wall_seconds(source / "logs"),
        "job_seconds": seconds_by_step(source / "benchmarks"),
        "config": yaml.safe_load((source / "config.yaml").read_text()),
    }
    if run == "quick":
        write_whole(ROOT / "README.md", with_table(ROOT / "README.md", target / "scores" / "generative_em.csv"))
    write_whole(target / "provenance.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def with_table(page, scores_path):
    """The page with the table between its marks made from the scores."""
    before, mark, rest = page.read_text().partition("<!-- table: from results/reference/quick/scores -->\n")
    _, end, after = rest.partition("<!-- end of table -->")
    if not end:
        sys.exit(f"{page}: the marks of the table are missing")
    return before + mark + "\n" + short_table(pd.read_csv(scores_path), labels()) + "\n\n" + end + after


def seconds_by_step(folder):
    steps = read_benchmarks(folder).groupby("step")["seconds"].sum()
    return {str(step): round(float(seconds), 1) for step, seconds in steps.items()}


def wall_seconds(folder):
    """From the start of the first job to the end of the last."""
    text = "".join(path.read_text() for path in folder.rglob("*.log"))
    started, finished = (
        [datetime.fromisoformat(when) for when in re.findall(rf"^{word} (\S+)", text, re.MULTILINE)]
        for word in ("started", "finished")
    )
    return round((max(finished) - min(started)).total_seconds(), 1)


if __name__ == "__main__":
    keep(sys.argv[1])
