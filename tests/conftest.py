"""Fixtures that every floor's tests may use: the smoke-scale study and its heart, built once a session."""

import os
from pathlib import Path

# Before torch is loaded: threads of several test processes wait for each other by turning, which takes twenty times
# as long on a busy machine. The project's own jobs compute on one thread, too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
import yaml

from transmural.stores.config import load

# The same examples everywhere, and no limit of time an example: a busy machine is no failure.
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.register_profile("fuzz", deadline=None)  # see mutations.few
hypothesis.settings.load_profile("project")

CONFIG = Path(__file__).parents[1] / "config"


def overlaid(base, overlay):
    """``base`` with the values of ``overlay``, section by section, as Snakemake combines configuration files."""
    combined = dict(base)
    for key, value in overlay.items():
        below = combined.get(key)
        combined[key] = overlaid(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return combined


def read_config(*overlays):
    combined = yaml.safe_load((CONFIG / "config.yaml").read_text())
    for name in overlays:
        combined = overlaid(combined, yaml.safe_load((CONFIG / f"{name}.yaml").read_text()))
    return combined


@pytest.fixture
def raw_config():
    """The smoke-scale configuration as plain values, to be changed by the test."""
    return read_config("smoke")


@pytest.fixture(scope="session")
def study_config():
    """The validated smoke-scale configuration."""
    return load(read_config("smoke"))


@pytest.fixture(scope="session")
def smoke_subject(study_config):
    """Name of the subject of the smoke-scale study."""
    return study_config.generative_em.subjects[0]


@pytest.fixture(scope="session")
def smoke_image(study_config, smoke_subject):
    """Label image and electrodes of the smoke-scale phantom."""
    from transmural.anatomy.phantom import phantom

    config = study_config.anatomy
    return phantom(study_config.subjects[smoke_subject], config.voxel_mm, config.electrodes)


@pytest.fixture(scope="session")
def smoke_anatomy(study_config, smoke_subject, smoke_image):
    """Anatomy of the smoke-scale phantom (`contracts.ANATOMY`); do not change it."""
    from transmural.anatomy.build import build_anatomy

    return build_anatomy(*smoke_image, study_config.anatomy, smoke_subject)


@pytest.fixture(scope="session")
def smoke_transfer(study_config, smoke_anatomy):
    """Transfer matrices of the smoke-scale phantom (`contracts.TRANSFER`); do not change them."""
    from transmural.torso.transfer import transfer

    return transfer(smoke_anatomy, study_config.torso)


@pytest.fixture(scope="session")
def smoke_cohorts(study_config, smoke_anatomy, smoke_subject):
    """All cohorts of the smoke-scale study (`contracts.COHORT`); do not change them."""
    from transmural.cohorts.design import design

    study = study_config
    return design(smoke_anatomy, study.generative_em, study.simulation, study.seed, smoke_subject)


def pytest_collection_modifyitems(items):
    """Runs of the whole workflow first: they take longest, and one worker does them while the other does the rest."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)
