"""Write the report: one page with every table and figure, a heart to turn, and how to make each again."""

from pathlib import Path

import pandas as pd
import yaml

from run_folder import drawn_cases
from step import step
from transmural.inverse.registry import get, labels
from transmural.report.generative_em import study_section
from transmural.report.html import render_report
from transmural.report.learned_methods import learned_items
from transmural.report.robustness import robustness_items
from transmural.report.run_section import run_section
from transmural.report.run_tables import read_benchmarks, subjects_table
from transmural.report.subjects import subjects_section
from transmural.report.turnable import turnable_heart
from transmural.stores.config import load
from transmural.stores.contracts import ANATOMY, TRANSFER
from transmural.stores.files import write_whole
from transmural.stores.provenance import commit, machine, versions
from transmural.stores.store import open_store


def write(scores_path, audit_path, robustness_path, config, run, shard_paths, report_path, config_path, command):
    study, run, scores = load(config), Path(run), pd.read_csv(scores_path)
    subjects = study.generative_em.subjects
    anatomies = {name: open_store(run / "anatomy" / name, ANATOMY) for name in subjects}
    transfers = {name: open_store(run / "transfer" / name, TRANSFER) for name in subjects}
    cases = drawn_cases(run, scores, study.generative_em, shard_paths)
    turned = turnable_heart([case for figure in ("early_activation", "scars") for case in cases[figure]], labels())
    methods = {name: get(name) for name in study.generative_em.methods}
    audit = pd.read_csv(audit_path) if audit_path else None
    further = learned_items(study.generative_em, methods, audit, run / "figures", command)
    if robustness_path:
        rows, settings = pd.read_csv(robustness_path), study.generative_em.robustness
        further += robustness_items(rows, settings, labels(), run / "figures", command)
    configuration = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    sections = [
        study_section(scores, study.generative_em, labels(), run / "figures", turned, command, further),
        subjects_section(subjects_table(anatomies, transfers), subjects, run / "figures", command),
        run_section(
            configuration,
            versions(),
            machine(),
            {"run": str(study.seed)},
            read_benchmarks(run / "benchmarks"),
            command.format(target="all"),
        ),
    ]
    facts = [("run", study.run), ("commit", commit(Path(__file__).parent)[:20]), ("seed", str(study.seed))]
    write_whole(config_path, configuration)
    write_whole(report_path, render_report("Transmural", f"Run «{study.run}»", sections, facts))


if __name__ == "__main__":
    with step(snakemake):
        write(
            snakemake.input.scores,
            next(iter(snakemake.input.audit), None),
            next(iter(snakemake.input.robustness), None),
            snakemake.params.config,
            snakemake.params.run,
            list(snakemake.input.beats),
            snakemake.output.report,
            snakemake.output.config,
            snakemake.params.command,
        )
