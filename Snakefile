# From a heart and torso to the papers' tables and figures. Rules by stage stand in workflow/rules/.
from snakemake.utils import min_version

min_version("9.13")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/paths.smk"
include: "workflow/rules/geometry.smk"
include: "workflow/rules/cohorts.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/inverse.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/robustness.smk"
include: "workflow/rules/conditional_vae.smk"
include: "workflow/rules/physics_informed.smk"
include: "workflow/rules/forward_surrogate.smk"
include: "workflow/rules/sequence_models.smk"
include: "workflow/rules/report.smk"


localrules:
    all,
    tables,
    figures,
    report,


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        rules.report.input,


onsuccess:
    print(f"Done. Tables, figures and report: {results('')}", file=sys.stderr)
