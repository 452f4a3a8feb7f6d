"""Starting Snakemake is cheap: every start reads all rules."""

import re

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

HEAVY = {"torch", "numba", "skimage", "matplotlib", "scipy", "pandas", "xarray"}


def test_reading_the_rules_imports_no_heavy_library(checkout):
    status, output = checkout.run("--dry-run", "--quiet", environment={"PYTHONPROFILEIMPORTTIME": "1"})
    assert status == 0, output
    imported = set(re.findall(r"^import time: .*\| +([\w.]+)$", output, re.MULTILINE))
    assert "transmural.inverse.registry" in imported
    assert not imported & HEAVY
