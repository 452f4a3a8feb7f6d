"""A checkout of its own for every Snakemake run, and one finished smoke run for all tests."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Checkout:
    """A copy of the workflow with its own results: code that changes meanwhile doesn't change the run."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "Snakefile", folder)
        for name in ("config", "envs", "profiles", "src", "workflow"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))

    def start(self, *arguments, cores=2, config="config/smoke.yaml", environment=None, prefix=()):
        """Start Snakemake in a process group of its own; ``prefix`` are a command that runs another, and its options."""
        command = [*prefix, sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]
        if config:
            command += ["--configfile", config]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ | (environment or {}),
        )

    def run(self, *arguments, **options):
        """Run Snakemake to its end; returns exit status and output."""
        process = self.start(*arguments, **options)
        output = process.communicate(timeout=1800)[0]
        return process.returncode, output

    def kill(self, process):
        """kill -9 of Snakemake and all its jobs, then what a user does: unlock."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        status, output = self.run("--unlock")
        assert status == 0, output

    def results(self, run="smoke"):
        return self.folder / "results" / run


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "checkout")


SHARED = os.environ.get("SMOKE_RESULTS")
"""Folder in which test runs side by side share the results of one smoke run (`.ci/run`)."""


@contextlib.contextmanager
def alone():
    """No other test run makes the shared results meanwhile."""
    if not SHARED:
        yield
        return
    with Path(f"{SHARED}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def smoke_run(folder):
    """A checkout with a finished smoke run on two cores."""
    finished = Checkout(folder)
    with alone():
        status, output = finished.run(cores=2)
        assert status == 0, output
        if SHARED and not Path(SHARED).exists():
            shutil.copytree(finished.results(), f"{SHARED}.part")
            Path(f"{SHARED}.part").rename(SHARED)
    return finished


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A finished smoke run, with which tests may go on."""
    return smoke_run(tmp_path_factory.mktemp("smoke") / "checkout")


def smoke_results(folder):
    """Results of a smoke run, to be read only: the shared ones, or its own, made in ``folder``."""
    if SHARED:
        with alone():
            if Path(SHARED).exists():
                return Path(SHARED)
    return smoke_run(folder).results()
