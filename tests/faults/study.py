"""A finished run of two cheap studies, to be harmed and made again."""

import copy
import hashlib
import os
import re
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from workflow.conftest import Checkout
from workflow.test_smoke import digests, untimed_scores

from transmural.networks.saved import read_network
from transmural.stores.contracts import (
    ANATOMY,
    BEATS,
    COHORT,
    PREDICTED_ECGS,
    RECONSTRUCTION,
    SHEETS,
    TRANSFER,
)
from transmural.stores.store import open_store

STUDIES = ("forward_surrogate", "generative_em")
TARGETS = ("forward_surrogate", "results/smoke/scores/generative_em.csv")
FEW = (
    "forward_surrogate={forms: [], held_out: []}",
    "generative_em={methods: [greensite, nearest_beat], reference_method: greensite, cohorts: [rich], "
    "robustness: {hearts: 0}, audit: {hearts: 0}}",
)
STORES = {
    "anatomy/slender": ANATOMY,
    "transfer/slender": TRANSFER,
    "cohorts/generative_em/slender/*": COHORT,
    "beats/generative_em/slender/*/*": BEATS,
    "reconstructions/generative_em/slender/*/*/*": RECONSTRUCTION,
    "beats/forward_surrogate/*/*": SHEETS,
    "predictions/forward_surrogate": PREDICTED_ECGS,
}
SCORED = ("predictions/forward_surrogate", "scores/forward_surrogate.csv", "tables")
CHAINS = (
    ("beats/forward_surrogate/moved", *SCORED),
    ("beats/forward_surrogate/published", "networks/forward_surrogate", *SCORED),
    ("networks/forward_surrogate", *SCORED),
    SCORED,
    (
        "anatomy",
        "transfer",
        "cohorts",
        "beats/generative_em",
        "reconstructions",
        "scores/parts",
        "scores/generative_em.csv",
    ),
)
"""Results, each made from those before it."""
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Finished:
    """A finished run: where it was made, what came out, and a copy of it."""

    checkout: Checkout
    facts: dict[str, str]
    kept: Path

    def put_back(self):
        """Make the checkout what it was when the run had finished."""
        shutil.rmtree(self.checkout.folder, ignore_errors=True)
        shutil.copytree(self.kept, self.checkout.folder, symlinks=True)


class Study:
    """The run, in the place where it was made: compiled kernels and Snakemake's records belong to paths.

    Parameters
    ----------
    finished
        The run that nothing befell.
    happened
        Called with what happened, for the page.
    """

    def __init__(self, finished, happened):
        self.checkout, self.facts, self.happened = finished.checkout, finished.facts, happened
        self.folder, self.results = self.checkout.folder, self.checkout.results()

    def start(self, *arguments, targets=TARGETS, config=(), **options):
        """Start Snakemake; ``config`` comes after what makes the studies cheap."""
        return self.checkout.start(*targets, *arguments, "--config", *FEW, *config, **options)

    def make(self, *arguments, **options):
        """Run Snakemake to its end; returns exit status and output."""
        process = self.start(*arguments, **options)
        output = process.communicate(timeout=900)[0]
        return process.returncode, output

    def made(self, *arguments, **options):
        """Run Snakemake, which must succeed; returns its output."""
        status, output = self.make(*arguments, **options)
        assert status == 0, output
        return output

    def refused(self, *words, arguments=(), **options):
        """Run Snakemake, which must stop with one sentence that has these words, and no traceback."""
        status, output = self.make(*arguments, **options)
        assert status != 0, output
        return self.told(output, *words)

    def told(self, output, *words):
        """The sentence of an output that has these words."""
        assert "Traceback (most recent call last)" not in output, output
        told = output.partition("Building DAG of jobs")[2] or output
        lines = [line for line in told.splitlines() if not line.startswith("Reason:") and "unexpected " not in line]
        found = [line.strip() for line in lines if all(word in line for word in words)]
        assert found, output
        self.happened(found[0].replace(str(self.folder), "…"))
        return output

    def started(self, process, log):
        """Wait until the job with this log computes; its earlier log must be gone."""
        path = self.results / "logs" / f"{log}.log"
        self.until(path.is_file, process)
        time.sleep(0.1)

    def until(self, happens, process):
        """Wait, looking every few milliseconds, until this is true; the process must live so long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happens():
            assert process.poll() is None, f"ended too early: {process.communicate()[0]}"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.002)

    def undo(self, result):
        """Remove a result with all that is made from it, and logs, so that a new one tells that its job computes."""
        chain = next(chain for chain in CHAINS if result.startswith(chain))
        stage = next(number for number, name in enumerate(chain) if result.startswith(name))
        self.remove(result, "logs", *chain[stage + 1 :])

    def remove(self, *names):
        """Remove results alone."""
        for path in (self.results / name for name in names):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def move(self, folder):
        """Move the checkout, until the run is put back."""
        shutil.rmtree(folder, ignore_errors=True)
        self.folder.rename(folder)
        self.checkout = copy.copy(self.checkout)
        self.checkout.folder = self.folder = folder
        self.results = self.checkout.results()

    def kill(self, process):
        """kill -9 of Snakemake and all its jobs at the same moment."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def unlock(self):
        """What Snakemake says to do after a kill; nothing, if it left no lock."""
        locks = self.folder / ".snakemake" / "locks"
        if locks.is_dir() and any(locks.iterdir()):
            self.made("--unlock")

    def is_same(self):
        """Tables, scores and networks are those of the run that nothing befell, bit for bit."""
        found = facts(self.results)
        differing = sorted(name for name in self.facts | found if found.get(name) != self.facts.get(name))
        assert not differing, f"not the same: {', '.join(differing)}"
        self.happened("the same tables")

    def is_whole(self):
        """Whatever is there is whole: every store opens, every network loads, and all are those of the run."""
        for network in self.results.glob("networks/forward_surrogate/[!.]*"):
            if network.is_dir():
                read_network(network)
        found = facts(self.results)
        differing = sorted(name for name in found if found[name] != self.facts.get(name))
        assert not differing, f"not whole: {', '.join(differing)}"


def facts(results):
    """Digests of all that must come out the same, by what it is."""
    found = {str(store.relative_to(results)): content(store, contract) for store, contract in stores(results)}
    for pattern in ("tables/*", "networks/forward_surrogate/*/weights.safetensors"):
        if any(results.glob(pattern)):
            found |= {f"{pattern}: {name}": value for name, value in digests(results, pattern).items()}
    for study in STUDIES:
        if (results / "scores" / f"{study}.csv").is_file():
            text = untimed_scores(results, study).to_csv()
            found[f"scores: {study}"] = hashlib.sha256(text.encode()).hexdigest()
    return found


def stores(results):
    """Paths of all stores, and their contracts."""
    return [
        (store, contract)
        for pattern, contract in STORES.items()
        for store in sorted(results.glob(pattern))
        if not store.name.startswith(".")
    ]


def content(store, contract):
    """Digest of the content of a store, but for what jobs took."""
    dataset = open_store(store, contract).drop_vars(["seconds", "memory_mb"], errors="ignore")
    parts = [
        f"{name}{array.dims}".encode() + np.ascontiguousarray(array.values).tobytes()
        for name, array in sorted(dataset.variables.items())
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def jobs_of(process, script=""):
    """Processes of Snakemake's jobs that run this script."""
    children = psutil.Process(process.pid).children(recursive=True)
    pattern = re.compile(rf"\.snakemake/scripts/.*{script}")
    return [child for child in children if any(map(pattern.search, commands(child)))]


def commands(process):
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def alter(path, how):
    """Change the bytes of a file, keeping its time: damage on a disk leaves no trace in it."""
    path = Path(path)
    before = path.stat()
    path.write_bytes(how(path.read_bytes()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def dated(path, seconds):
    """Set the time of a result, and of all in it."""
    inside = path.rglob("*") if path.is_dir() else []
    for each in [path, *inside]:
        os.utime(each, (seconds, seconds))


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    """One bit in the middle is another."""
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


def emptied(_):
    return b""


def garbled(content):
    return bytes(reversed(content))
