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

from transmural.stores.files import write_whole

REPORT = Path(__file__).parents[2] / "results" / "faults.md"
_PAGE = pytest.StashKey[Page]()


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
    config.stash[_PAGE] = Page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    marker = item.get_closest_marker("fault")
    if marker and (report.when == "call" or (report.when == "setup" and not report.passed)):
        item.config.stash[_PAGE].add(item.name, marker.args[0], report)
    return report


def pytest_terminal_summary(terminalreporter):
    page = terminalreporter.config.stash[_PAGE]
    if page.rows:
        text = page.text()
        write_whole(REPORT, text)
        terminalreporter.write_line(f"\n{text}\nThis is also in {REPORT}.")
