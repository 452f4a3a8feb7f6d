"""The plugin without which Snakemake can't read the profile for SLURM."""

from importlib.util import find_spec

import pytest


@pytest.fixture(scope="session")
def plugin():
    if find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("Snakemake's plugin for SLURM isn't installed here: make cluster-test")
