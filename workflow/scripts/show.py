"""Print the tables of a finished run and where the rest is: the last step of ``make study``.

Usage: ``python workflow/scripts/show.py [overlay.yaml …]``, with the overlays that the run was given.
"""

import sys
from pathlib import Path

import pandas as pd
import yaml
from snakemake.utils import update_config

from transmural.cohorts.design import STUDY
from transmural.inverse.registry import labels
from transmural.report.generative_em import shown_cohort, tables
from transmural.report.table_forms import to_text
from transmural.stores.config import load


def show(overlays):
    config = yaml.safe_load(Path("config/config.yaml").read_text())
    for overlay in overlays:
        update_config(config, yaml.safe_load(Path(overlay).read_text()))
    study = load(config)
    run = Path("results") / study.run
    cohorts = study.generative_em.cohorts
    shown = [f"{table}_{cohort}" for cohort in cohorts for table in ("table1", "table2")]
    made = tables(pd.read_csv(run / "scores" / f"{STUDY}.csv"), study.generative_em, labels())
    for table in made:
        if table.name in [*shown, f"costs_{shown_cohort(cohorts)}"]:
            print("\n" + to_text(table))
    print("* best of this run; (published elsewhere, on other hearts)")
    print(f"Paired tests, each heart and all tables as Markdown, LaTeX and CSV: {run / 'tables'}")
    print(f"Report: {(run / 'report.html').resolve()}")


if __name__ == "__main__":
    show(sys.argv[1:])
