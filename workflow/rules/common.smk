"""Validated configuration, paths and digests, shared by all rules."""

import os
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(workflow.basedir) / "src"))
# Scripts that run in an environment of their own (--sdm conda) find the library of this checkout.
os.environ |= {"PYTHONPATH": str(Path(workflow.basedir) / "src")}

from snakemake.exceptions import WorkflowError

from transmural.anatomy.downloads import PREFIX, check_public_files
from transmural.cohorts.plan import (
    NO_TRAINING,
    SHEET_COHORTS,
    VALIDATION,
    case_count,
    classes_of,
    cohort_names,
    shards,
    volunteer_name,
)
from transmural.inverse.registry import methods
from transmural.report.generative_em_names import (
    FIGURES,
    SUBJECT_FIGURES,
    shown_cohort,
    table_names,
)
from transmural.stores.config import (
    BeatSampling,
    CohortDesign,
    Measurement,
    RichDesign,
    load,
)
from transmural.stores.config.images import ImageParts, ImageTraining
from transmural.stores.code_digest import CodeDigests
from transmural.stores.config.physics_informed import (
    CLASSICAL,
    FINER_PROTOCOLS,
    PROTOCOLS,
    WALL_PROTOCOLS,
    SurfaceMethods,
)
from transmural.stores.errors import ConfigurationError

try:
    study = load(config, methods())
    check_public_files(study.subjects)
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None


def see_new_folders(plugin):
    """Let Snakemake's plugin for S3 (0.3.6) look again for a folder that wasn't there: a job elsewhere writes it."""
    remembered = plugin.StorageObject.is_dir

    def is_dir(self):
        self._is_dir = self._is_dir or None
        return remembered(self)

    plugin.StorageObject.is_dir = is_dir


if "snakemake_storage_plugin_s3" in sys.modules:
    see_new_folders(sys.modules["snakemake_storage_plugin_s3"])

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
# What makes a target of this run again. The run's own folder holds its whole configuration.
CHANGED = config != yaml.safe_load(
    (Path(workflow.basedir) / "config" / "config.yaml").read_text("utf-8")
)
COMMAND = "snakemake {target} --cores all" + (
    f" --configfile results/{study.run}/config.yaml" if CHANGED else ""
)
ENVIRONMENT = "../../envs/cpu.yaml"
CODE = CodeDigests(kept=".snakemake/code.json")
# Jobs share compiled kernels, in a folder that changes with their code.
KERNELS = Path(
    ".snakemake", "numba", CODE.digest("transmural.tissue.kernels")
).resolve()
os.environ |= {"NUMBA_CACHE_DIR": str(KERNELS)}
# Networks allocate and free large arrays all the time; kept by the process instead of given back, they cost half.
os.environ |= {
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
}
LIBRARY = Path(workflow.basedir) / "src" / "transmural"
# Parts of the checkout, which are at hand wherever a job runs.
REGISTRY = local(str(LIBRARY / "anatomy" / "registry.json"))
PUBLISHED = local(str(LIBRARY / "evaluation" / "published.yaml"))
TEMPLATES = [
    local(path)
    for path in sorted(map(str, (LIBRARY / "report" / "templates").iterdir()))
]

# Wildcards are single names: none has a separator, begins with a dot or a dash, or means anything to a shell.
NAME = "[A-Za-z0-9][A-Za-z0-9_.+-]*"


wildcard_constraints:
    cohort=NAME,
    form=NAME,
    heart=NAME,
    method=NAME,
    model=NAME,
    network=NAME,
    protocol=NAME,
    section=NAME,
    setting=NAME,
    shard=NAME,
    split=NAME,
    subject=NAME,
    surface=NAME,


def section(name):
    """One section of the configuration, as a parameter: only its changes rerun the rule."""
    return getattr(study, name).model_dump(mode="json")


def part(name, model):
    """Those keys of a section that one model has, as a parameter."""
    whole = section(name)
    return {key: whole[key] for key in model.model_fields}


def heart_anatomy(design):
    """How hearts of a study with volunteers are built, as a parameter; electrodes and nodes aren't used there."""
    return section("anatomy") | {
        "voxel_mm": design.voxel_mm,
        "electrodes": 16,
        "nodes": 50,
    }


def surface_vertices(surface):
    """Vertices of a surface of study 4, as a parameter."""
    design = study.physics_informed
    factor = design.finer.vertices if surface == "finer" else 1
    return round(factor * design.vertices)


def surface_simulation(protocol):
    """Tissue of the beats of study 4, as a parameter: that of all simulations, or the finer surface's."""
    found = section("simulation")
    if protocol in FINER_PROTOCOLS:
        other = study.physics_informed.finer
        found["conduction_velocity_m_per_s"] *= other.velocity
        found["a"] = other.a
    return found


def fits_of(name, shard):
    """Reconstructions of a shard of study 4, as a parameter: case, method and seed of each."""
    design = study.physics_informed
    part = shards(design.cases, design.shard_cases)[shard]
    fits = []
    for case in range(design.first_case + part.start, design.first_case + part.stop):
        fits += [[case, method, 0] for method in CLASSICAL]
        for network in design.networks(design.settings[name], case):
            fits += [[case, network, seed] for seed in range(design.seeds)]
    return fits


def robustness_part(model):
    """Those keys of the section on robustness that one model has, as a parameter."""
    return study.generative_em.robustness.model_dump(
        mode="json", include=set(model.model_fields)
    )


def inference_settings(wildcards):
    """Settings of the method that reconstructs, as a parameter: those of others don't rerun it."""
    return section("generative_em")["inference"].get(wildcards.method)


def method_module(name):
    """Module that defines an inverse method."""
    return methods()[name].module


def growing(amount):
    """A resource of which a job that is tried again gets as much more."""
    return lambda wildcards, attempt: amount * attempt


METHOD_MODULES = [method_module(name) for name in study.generative_em.methods]


def training_memory_mb(wildcards, attempt):
    """Memory of a training: beats as read and as a copy in another form, and the network."""
    cases = case_count(study.generative_em, wildcards.cohort)
    beats = cases * study.generative_em.frames * study.anatomy.nodes * 4 / 1e6
    return int(2000 + 2.5 * beats) * attempt


def image_memory_mb(cohort, attempt):
    """Memory of a job that reads all maps of a cohort: images as read, and scaled copies for a network."""
    design = getattr(study.conditional_vae, cohort)
    hearts = study.conditional_vae.hearts + len(study.conditional_vae.subjects)
    pixels = design.edge_cells**design.dimensions + 100 * design.samples
    # 6.7 GB were measured with 6,000 volumes of 32³ cells, which are 0.9 GB in this unit.
    return int(2000 + 8 * hearts * design.maps * pixels * 4 / 1e6) * attempt


def digest(script, *modules):
    """Digest of a script and the library code behind it: the rule reruns when either changes."""
    return CODE.digest(SCRIPTS / script, *modules)
