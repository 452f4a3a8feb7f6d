"""A study through the profile on a real SLURM: what was asked for, and the same tables as without it."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from workflow.conftest import Checkout
from workflow.test_smoke import digests, untimed_scores

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

NODE = Path(__file__).with_name("one_node.sh")
PARTITIONS = {"cpu", "gpu"}
FEW = "forward_surrogate={forms: [], held_out: []}"
# The profile, for a SLURM without accounting.
PROFILE = ["--workflow-profile", "workflow/profiles/slurm", "--retries", "0", "--latency-wait", "10"]
PROFILE += ["--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]


def partitions():
    """Partitions of the SLURM that answers, if any."""
    try:
        answer = subprocess.run(["sinfo", "-h", "-o", "%R"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return set()
    return set(answer.stdout.split())


def one_node(action, environment, seconds):
    done = subprocess.run([NODE, action], env=environment, capture_output=True, text=True, timeout=seconds, check=False)
    return "" if done.returncode == 0 else f"one_node.sh {action}: {done.stderr.strip()[-300:]}"


def obstacle():
    """Why SLURM can't be started here."""
    if os.geteuid() != 0:
        return "starting SLURM needs root"
    if shutil.which("sbatch") and shutil.which("slurmctld", path="/usr/sbin"):
        return ""
    # Installed on a machine with systemd, the packages would start services of their own.
    if not shutil.which("apt-get") or Path("/run/systemd/system").exists():
        return "SLURM isn't installed; Debian's packages slurm-wlm and munge will do"
    return one_node("install", os.environ | {"SLURM_NODE": "."}, 120)


@pytest.fixture(scope="module")
def slurm(plugin):
    """Environment in which a SLURM with the profile's partitions answers: one that runs, or one node of our own."""
    with (Path(tempfile.gettempdir()) / "transmural-slurm.lock").open("w") as lock:
        # Two tests at a time would take and stop each other's node.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from answering()


def answering():
    if found := partitions():
        if not found >= PARTITIONS:
            pytest.skip(f"the SLURM that runs here has no partitions {' and '.join(sorted(PARTITIONS))}")
        yield dict(os.environ)
        return
    # munged wants its socket in a folder that all may enter, which pytest's own isn't.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    environment = os.environ | {"SLURM_NODE": str(folder), "SLURM_CONF": str(folder / "slurm.conf")}
    try:
        if reason := obstacle() or one_node("start", environment, 90):
            pytest.skip(reason)
        yield environment
    finally:
        one_node("stop", environment, 90)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, slurm):
    """Results without and with SLURM, and SLURM's record of each job by its comment."""
    checkout = Checkout(tmp_path_factory.mktemp("runs") / "checkout")
    for run, arguments in {"local": [], "cluster": PROFILE}.items():
        options = ["forward_surrogate", *arguments, "--config", f"run={run}", FEW]
        # One core: the second sheets find the kernels that the first have compiled.
        status, output = checkout.run(*options, cores=1, environment=slurm)
        assert status == 0, output
    numbers = re.findall(r"submitted with SLURM jobid (\d+)", output)
    asked = ["scontrol", "-o", "show", "job"]
    records = [subprocess.check_output([*asked, number], env=slurm, text=True) for number in numbers]
    jobs = [dict(re.findall(r"(\S+?)=(\S*)", record)) for record in records]
    return checkout.results("local"), checkout.results("cluster"), {job["Comment"]: job for job in jobs}


TRAINING = "rule_train_surrogate_wildcards_surrogate"


def test_only_the_training_got_a_gpu(runs):
    *_, jobs = runs
    assert TRAINING in jobs
    for name, job in jobs.items():
        assert ("gpu:1" in job.get("TresPerJob", "")) == (name == TRAINING)
        assert job["Partition"] == ("gpu" if name == TRAINING else "cpu")


def test_memory_and_time_are_those_of_the_rules(runs):
    *_, jobs = runs
    assert {job["JobState"] for job in jobs.values()} == {"COMPLETED"}
    assert (jobs[TRAINING]["MinMemoryNode"], jobs[TRAINING]["TimeLimit"]) == ("6000M", "1-00:00:00")
    scores = jobs["rule_surrogate_scores"]
    assert (scores["MinMemoryNode"], scores["TimeLimit"]) == ("6000M", "01:00:00")


def test_shards_share_a_job_one_after_the_other(runs):
    *_, jobs = runs
    (sheets,) = [job for name, job in jobs.items() if "sheets" in name]
    assert (sheets["NumCPUs"], sheets["MinMemoryNode"], sheets["TimeLimit"]) == ("1", "2000M", "03:00:00")
    assert len(jobs) == 4


def test_the_results_are_the_same_bit_for_bit(runs):
    local, cluster, _ = runs
    for pattern in ("tables/*", "figures/*", "networks/*/*/weights.safetensors"):
        assert digests(local, pattern) == digests(cluster, pattern)
    ours, theirs = (untimed_scores(results, "forward_surrogate") for results in (local, cluster))
    assert ours.equals(theirs)
