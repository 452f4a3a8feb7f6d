"""The finished run that every fault finds as it was, and the page that says what became of each fault."""

import shutil
import tempfile
from pathlib import Path

import pytest
from cluster.conftest import plugin  # noqa: F401 (a fixture)
from cluster.test_slurm import slurm  # noqa: F401 (a fixture)
from page import Page
from study import FEW, TARGETS, Finished, Study, facts
from workflow.conftest import Checkout

REPORT = Path(__file__).parents[2] / "results" / "faults.md"


@pytest.fixture(scope="session")
def finished():
    """A finished run that nothing befell, in a folder that other users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    folder.chmod(0o755)
    try:
        checkout = Checkout(folder / "checkout")
        status, output = checkout.run(*TARGETS, "--config", *FEW)
        assert status == 0, output
        shutil.copytree(checkout.folder, folder / "kept", symlinks=True)
        yield Finished(checkout, facts(checkout.results()), folder / "kept")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def study(finished, record_property):
    """The finished run as it was before any fault."""
    finished.put_back()
    return Study(finished, lambda what: record_property("happened", what))


def pytest_configure(config):
    config.pluginmanager.register(Page(REPORT))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if marker := item.get_closest_marker("fault"):
        report.user_properties.append(("expected", marker.args[0]))
    return report
