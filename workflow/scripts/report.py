"""Write the report: one page with every table and figure, a heart to turn, and how to make each again."""

from pathlib import Path

import yaml

from run_folder import drawn_cases
from step import step
from transmural.inverse.registry import get, labels
from transmural.report.generative_em import study_section
from transmural.report.html import render_report
from transmural.report.image_section import image_section
from transmural.report.learned_methods import learned_items
from transmural.report.robustness import robustness_items
from transmural.report.run_section import run_section
from transmural.report.run_tables import read_benchmarks, subjects_table
from transmural.report.sequence_section import sequence_section
from transmural.report.subjects import subjects_section
from transmural.report.surface_section import surface_section
from transmural.report.surrogate_section import surrogate_section
from transmural.report.turnable import turnable_heart
from transmural.stores.config import load
from transmural.stores.contracts import ANATOMY, TRANSFER
from transmural.stores.files import write_whole
from transmural.stores.provenance import commit, machine, versions
from transmural.stores.rows import read_rows
from transmural.stores.store import open_store


def generative_em_sections(scores_path, audit_path, robustness_path, study, run, shard_paths, command):
    scores, subjects = read_rows(scores_path), study.subjects
    anatomies = {name: open_store(run / "anatomy" / name, ANATOMY) for name in subjects}
    transfers = {name: open_store(run / "transfer" / name, TRANSFER) for name in subjects}
    cases = drawn_cases(run, scores, study, shard_paths)
    turned = turnable_heart([case for figure in ("early_activation", "scars") for case in cases[figure]], labels())
    methods = {name: get(name) for name in study.methods}
    audit = read_rows(audit_path) if audit_path else None
    further = learned_items(study, methods, audit, run / "figures", command)
    if robustness_path:
        rows = read_rows(robustness_path)
        further += robustness_items(rows, study.robustness, labels(), run / "figures", command)
    return [
        study_section(scores, study, labels(), run / "figures", turned, command, further),
        subjects_section(subjects_table(anatomies, transfers), subjects, run / "figures", command),
    ]


def closing_section(config, study, run, command):
    configuration = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    seeds, timings = {"run": str(study.seed)}, read_benchmarks(run / "benchmarks")
    return run_section(configuration, versions(), machine(), seeds, timings, command.format(target="all"))


def write(sections, config, study, report_path, config_path):
    facts = [("run", study.run), ("commit", commit(Path(__file__).parent)[:20]), ("seed", str(study.seed))]
    write_whole(config_path, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    write_whole(report_path, render_report("Transmural", f"Run «{study.run}»", sections, facts))


if __name__ == "__main__":
    with step(snakemake):
        given, config, run = snakemake.input, snakemake.params.config, Path(snakemake.params.run)
        study, command = load(config), snakemake.params.command
        sections = []
        if "generative_em" in study.studies:
            sections += generative_em_sections(
                given.scores,
                next(iter(given.audit), None),
                next(iter(given.robustness), None),
                study.generative_em,
                run,
                list(given.beats),
                command,
            )
        if "forward_surrogate" in study.studies:
            rows = read_rows(given.surrogate_scores)
            sections.append(surrogate_section(rows, study.forward_surrogate, run / "figures", command))
        if "sequence_models" in study.studies:
            rows, intervals = read_rows(given.sequence_scores), read_rows(given.sequence_intervals)
            sections.append(sequence_section(rows, intervals, study.sequence_models, run / "figures", command))
        if "conditional_vae" in study.studies:
            rows = read_rows(given.image_scores)
            sections.append(image_section(rows, study.conditional_vae, run / "figures", command))
        if "physics_informed" in study.studies:
            rows = read_rows(given.surface_scores)
            sections.append(surface_section(rows, study.physics_informed, run / "figures", command))
        sections.append(closing_section(config, study, run, command))
        write(sections, config, study, snakemake.output.report, snakemake.output.config)
