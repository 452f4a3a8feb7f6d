"""Print the tables of a finished run and where the rest is: the last step of ``make study``.

Usage: ``python workflow/scripts/show.py [overlay.yaml …]``, with the overlays that the run was given.
"""

import sys
from pathlib import Path

import yaml
from snakemake.utils import update_config

from transmural.cohorts.plan import STUDY
from transmural.inverse.registry import labels
from transmural.report.generative_em import tables
from transmural.report.generative_em_names import shown_cohort
from transmural.report.image_section import image_conditions
from transmural.report.image_tables import tables as image_tables
from transmural.report.sequence_section import sequence_conditions
from transmural.report.sequence_tables import tables as sequence_tables
from transmural.report.surface_section import surface_conditions
from transmural.report.surface_tables import tables as surface_tables
from transmural.report.surrogate_section import surrogate_conditions
from transmural.report.surrogate_tables import tables as surrogate_tables
from transmural.report.table_forms import to_text
from transmural.stores.config import load
from transmural.stores.rows import read_rows


def show(overlays):
    config = yaml.safe_load(Path("config/config.yaml").read_text("utf-8"))
    for overlay in overlays:
        update_config(config, yaml.safe_load(Path(overlay).read_text("utf-8")))
    study = load(config)
    run = Path("results") / study.run
    shown = {
        "generative_em": generative_em_tables,
        "forward_surrogate": surrogate_tables_of,
        "sequence_models": sequence_tables_of,
        "conditional_vae": image_tables_of,
        "physics_informed": surface_tables_of,
    }
    for name in study.studies:
        for table in shown[name](study, run):
            print("\n" + to_text(table))
    print("* best of this run; (published elsewhere, on other hearts)")
    print(f"Paired tests, each heart and all tables as Markdown, LaTeX and CSV: {run / 'tables'}")
    print(f"Report: {(run / 'report.html').resolve()}")


def generative_em_tables(study, run):
    """Accuracy under each training cohort, and costs."""
    cohorts = study.generative_em.cohorts
    shown = [f"{table}_{cohort}" for cohort in cohorts for table in ("table1", "table2")]
    made = tables(read_rows(run / "scores" / f"{STUDY}.csv"), study.generative_em, labels())
    return [table for table in made if table.name in [*shown, f"costs_{shown_cohort(cohorts)}"]]


def surrogate_tables_of(study, run):
    """Accuracy of surrogates and baselines, and costs."""
    scores = read_rows(run / "scores" / "forward_surrogate.csv")
    made = surrogate_tables(scores, [surrogate_conditions(study.forward_surrogate)])
    return [table for table in made if table.name != "surrogate_tests"]


def sequence_tables_of(study, run):
    """Experiments I and II, and what true potentials at test time are worth."""
    scores = read_rows(run / "scores" / "sequence_models.csv")
    intervals = read_rows(run / "scores" / "sequence_models_intervals.csv")
    made = sequence_tables(scores, intervals, [sequence_conditions(study.sequence_models)])
    return [table for table in made if table.name in ("sequence_full", "sequence_limited", "sequence_leak")]


def image_tables_of(study, run):
    """Reconstructed and predicted activation maps, in slices and whole hearts."""
    scores, section = read_rows(run / "scores" / "conditional_vae.csv"), study.conditional_vae
    made = image_tables(scores, section, [image_conditions(section)])
    return [table for table in made if table.name in ("image_map_vae", "image_cvae_2d", "image_cvae_3d")]


def surface_tables_of(study, run):
    """Reconstructed potentials on hearts' surfaces, and the ablation."""
    scores, section = read_rows(run / "scores" / "physics_informed.csv"), study.physics_informed
    made = surface_tables(scores, section, [surface_conditions(section)])
    return [table for table in made if table.name in ("surface_accuracy", "surface_ablation")]


if __name__ == "__main__":
    show(sys.argv[1:])
