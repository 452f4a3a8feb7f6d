"""Print the tables of a finished run and where its report is: the last step of ``make study``.

Usage: ``python workflow/scripts/show.py [overlay.yaml …]``, with the overlays that the run was given.
"""

import sys
from pathlib import Path

import yaml
from snakemake.utils import update_config

from transmural.report.generative_em import table_names
from transmural.stores.config import load


def show(overlays):
    config = yaml.safe_load(Path("config/config.yaml").read_text())
    for overlay in overlays:
        update_config(config, yaml.safe_load(Path(overlay).read_text()))
    study = load(config)
    run = Path("results") / study.run
    for name in ["subjects", *table_names(study.generative_em.subjects)]:
        print((run / "tables" / f"{name}.md").read_text())
    print(f"Report: {(run / 'report.html').resolve()}")


if __name__ == "__main__":
    show(sys.argv[1:])
