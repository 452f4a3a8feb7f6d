"""A checkout of its own for every Snakemake run, and one finished smoke run for all tests."""

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
    """A copy of the workflow, made unless it is there, with its own results: later changes of code don't change the run."""

    def __init__(self, folder):
        self.folder = folder
        if (folder / "Snakefile").exists():
            return
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
            # Compiled code is kept, as for a user; without it every job compiles all that it imports.
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""} | (environment or {}),
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


SHARED = os.environ.get("SMOKE_RUN")
"""Checkout in which another test run, beside this one, makes a smoke run for both (`.ci/run`)."""


def share(checkout):
    """Let the other test run go on with this finished smoke run."""
    (checkout.folder / "finished").touch()


def shared():
    """The other test run's smoke run once it is over; None if there is none."""
    if not SHARED:
        return None
    with Path(f"{SHARED}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Checkout(Path(SHARED)) if (Path(SHARED) / "finished").exists() else None


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A finished smoke run, with which tests may go on: on two cores, or through SLURM by another test run."""
    if finished := shared():
        return finished
    finished = Checkout(tmp_path_factory.mktemp("smoke") / "checkout")
    status, output = finished.run(cores=2)
    assert status == 0, output
    return finished
