"""The plugins without which Snakemake knows neither the profile for Kubernetes nor an object store."""

from importlib.util import find_spec

import pytest

NEEDED = ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_s3", "moto")


@pytest.fixture(scope="session")
def plugins():
    if any(find_spec(name) is None for name in NEEDED):
        pytest.skip("Snakemake's plugins for Kubernetes and S3 aren't installed here: make kubernetes-test")
