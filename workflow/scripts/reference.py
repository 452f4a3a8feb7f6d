"""Copy the scores, tables, figures and provenance of a finished run to results/reference/{run}/, for committing.

Called by ``make reference RUN=quick`` (other runs with their overlays in ``CONFIG``); not a step of the workflow. Only
what the run's configuration implies is copied, and only if one set of package versions made all of it.
"""

import json
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import yaml

from transmural.evaluation.sequence_scores import pooled_scores
from transmural.inverse.registry import labels
from transmural.report import (
    generative_em_names,
    image_names,
    sequence_names,
    surface_labels,
    surrogate_names,
)
from transmural.report.front_page import gap_table, short_table
from transmural.report.run_tables import read_benchmarks
from transmural.stores.config import ConditionalVAEStudy, PhysicsInformedStudy, SequenceModelsStudy
from transmural.stores.files import write_whole
from transmural.stores.provenance import commit, machine

ROOT = Path(__file__).resolve().parents[2]
# Between two jobs of one run lie seconds of scheduling and imports.
PAUSE = timedelta(minutes=1)
RECORDINGS = "scores/sequence_models.csv"


def keep(run, overlays):
    source, target = ROOT / "results" / run, ROOT / "results" / "reference" / run
    if not (source / "report.html").is_file():
        sys.exit(f"results/{run}/report.html is missing: give the run's name and overlays (RUN, CONFIG)")
    config = yaml.safe_load((source / "config.yaml").read_text())
    facts = {
        "run": run,
        "commit": commit(ROOT),
        "command": f"make reference RUN={run}" + (f' CONFIG="{" ".join(overlays)}"' if overlays else ""),
        "versions": versions_of_stores(source),
        "machine": machine(),
        "wall_seconds": wall_seconds(source / "logs"),
        "job_seconds": seconds_by_step(source / "benchmarks"),
        **room(source),
        "config": config,
    }
    shutil.rmtree(target, ignore_errors=True)
    for path in kept_files(config):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)
    if (scores := target / RECORDINGS).is_file():
        # Of each recording there are megabytes; their means and intervals stand beside what is pooled over them.
        write_whole(scores, pooled_scores(pd.read_csv(scores)).to_csv(index=False))
    write_whole(target / "provenance.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    if run == "quick":
        write_whole(ROOT / "README.md", with_tables(ROOT / "README.md", target / "scores" / "generative_em.csv"))


def kept_files(config):
    """Scores, tables and figures that a run of this configuration makes, relative to its folder."""
    of_study = {
        "generative_em": generative_em_files,
        "forward_surrogate": lambda _: forward_surrogate_files(),
        "sequence_models": lambda section: sequence_models_files(SequenceModelsStudy(**section)),
        "conditional_vae": lambda section: conditional_vae_files(ConditionalVAEStudy(**section)),
        "physics_informed": lambda section: physics_informed_files(PhysicsInformedStudy(**section)),
    }
    return [path for name in config["studies"] for path in of_study[name](config[name])]


def forward_surrogate_files():
    figures = [*surrogate_names.FIGURES, surrogate_names.TRAINING_FIGURE]
    return [
        "scores/forward_surrogate.csv",
        *(f"tables/{table}.{form}" for table in surrogate_names.TABLES for form in ("csv", "md", "tex")),
        *(f"figures/{figure}.png" for figure in figures),
    ]


def sequence_models_files(study):
    figures = [*sequence_names.figure_titles(study), sequence_names.TRAINING_FIGURE]
    return [
        RECORDINGS,
        "scores/sequence_models_intervals.csv",
        *(f"tables/{table}.{form}" for table in sequence_names.table_names(study) for form in ("csv", "md", "tex")),
        *(f"figures/{figure}.png" for figure in figures),
    ]


def conditional_vae_files(study):
    figures = [*image_names.figure_titles(study), image_names.TRAINING_FIGURE]
    return [
        "scores/conditional_vae.csv",
        *(f"tables/{table}.{form}" for table in image_names.table_names(study) for form in ("csv", "md", "tex")),
        *(f"figures/{figure}.png" for figure in figures),
    ]


def physics_informed_files(study):
    return [
        "scores/physics_informed.csv",
        *(f"tables/{table}.{form}" for table in surface_labels.table_names(study) for form in ("csv", "md", "tex")),
        *(f"figures/{figure}.png" for figure in surface_labels.figure_titles(study)),
    ]


def generative_em_files(study):
    names, audited, robust = study["subjects"], study["audit"]["hearts"] > 0, study["robustness"]["hearts"] > 0
    tables = [
        *generative_em_names.table_names(names, study["cohorts"]),
        "subjects",
        *(["audit"] if audited else []),
        *([generative_em_names.ROBUSTNESS_TABLE] if robust else []),
    ]
    figures = [
        *generative_em_names.FIGURES,
        *generative_em_names.LEARNING_FIGURES,
        *(generative_em_names.ROBUSTNESS_FIGURES if robust else []),
        *(f"{figure}_{name}" for figure in generative_em_names.SUBJECT_FIGURES for name in names),
    ]
    return [
        "scores/generative_em.csv",
        "scores/generative_em_novelty.csv",
        "scores/convergence.csv",
        "scores/generative_em_calibration.csv",
        *(["scores/audit.csv"] if audited else []),
        *(["scores/robustness.csv"] if robust else []),
        *(f"tables/{table}.{form}" for table in tables for form in ("csv", "md", "tex")),
        *(f"figures/{figure}.png" for figure in figures),
    ]


def with_tables(page, scores_path):
    """The page with the tables between their marks made from the scores."""
    scores, text = pd.read_csv(scores_path), page.read_text()
    for name, table in {"table": short_table, "gaps": gap_table}.items():
        before, mark, rest = text.partition(f"<!-- {name}: from results/reference/quick/scores -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not end:
            sys.exit(f"{page}: the marks of «{name}» are missing")
        text = before + mark + "\n" + table(scores, labels()) + "\n\n" + end + after
    return text


def versions_of_stores(source):
    """Package versions that made the run's stores."""
    attributes = [json.loads(path.read_text())["attributes"] for path in source.rglob("data.zarr/zarr.json")]
    found = {json.dumps(json.loads(a["provenance"])["versions"]) for a in attributes}
    if len(found) != 1:
        sys.exit(f"{source}: its stores were made by different package versions; delete the folder and run again")
    return json.loads(found.pop())


def seconds_by_step(folder):
    steps = read_benchmarks(folder).groupby("step")["seconds"].sum()
    return {str(step): round(float(seconds), 1) for step, seconds in steps.items()}


def room(source):
    """Memory of the largest job, and what the run's folder takes on the disk."""
    return {
        "largest_job_mb": round(float(read_benchmarks(source / "benchmarks")["memory_mb"].max())),
        "disk_mb": round(sum(path.stat().st_size for path in source.rglob("*") if path.is_file()) / 1e6),
    }


def wall_seconds(folder):
    """Time from the first job's start to the last one's end, pauses of more than a minute left out."""
    total, until = timedelta(), None
    for start, end in sorted(filter(None, map(interval, folder.rglob("*.log")))):
        begin = start if until is None or start - until > PAUSE else until
        total += max(end - begin, timedelta())
        until = end if until is None else max(until, end)
    return round(total.total_seconds(), 1)


def interval(log):
    """Start and end of a finished job."""
    text = log.read_text()
    times = [re.search(rf"^{word} (\S+)", text, re.MULTILINE) for word in ("started", "finished")]
    return tuple(datetime.fromisoformat(time[1]) for time in times) if all(times) else None


if __name__ == "__main__":
    keep(sys.argv[1], sys.argv[2:])
