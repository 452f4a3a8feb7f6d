"""The smoke study through the profile on a real SLURM: what was asked for, and the same tables as without it."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from cluster.test_profiles import PROFILE as AS_SHIPPED
from workflow.conftest import SHARED, Checkout, checkout, share  # noqa: F401 (a fixture)
from workflow.test_smoke import digests, untimed_scores

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

NODE = Path(__file__).with_name("one_node.sh")
PARTITIONS = {"cpu", "gpu"}
# Jobs of the smoke scale are so short that their time is in starting; two studies have a cluster job for each training.
TOGETHER = {"hearts": 8, "reconstructions": 16, "image_trainings": 6, "sequence_trainings": 4, "surface_fits": 8}
STUDIES = ("generative_em", "conditional_vae", "sequence_models", "physics_informed", "forward_surrogate")
# The profile, for a SLURM without accounting.
PROFILE = ["--workflow-profile", "workflow/profiles/slurm", "--retries", "0", "--latency-wait", "10"]
PROFILE += ["--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
PROFILE += ["--seconds-between-status-checks", "3"]


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
def cluster(tmp_path_factory, slurm):
    """Results of a smoke run through SLURM, and SLURM's record of each job."""
    run = Checkout(Path(SHARED) if SHARED else tmp_path_factory.mktemp("cluster") / "checkout")
    components = [f"{group}={count}" for group, count in {**AS_SHIPPED["group-components"], **TOGETHER}.items()]
    status, output = run.run(*PROFILE, "--group-components", *components, environment=slurm)
    assert status == 0, output
    if SHARED:
        share(run)
    return run.results(), records(output, slurm)


def records(output, environment):
    """SLURM's record of each job that Snakemake says it submitted."""
    numbers = re.findall(r"submitted with SLURM jobid (\d+)", output)
    asked = ["scontrol", "-o", "show", "job"]
    answers = [subprocess.check_output([*asked, number], env=environment, text=True) for number in numbers]
    return [dict(re.findall(r"(\S+?)=(\S*)", answer)) for answer in answers]


def only(jobs, beginning):
    """The one job of which SLURM knows such a rule or group."""
    (found,) = [job for job in jobs if job["Comment"].startswith(f"rule_{beginning}")]
    return found


def test_trainings_alone_got_a_gpu(cluster):
    _, jobs = cluster
    trainings = set()
    for job in jobs:
        training = re.match(r"rule_((?:\w+_)?trainings)_train", job["Comment"])
        trainings |= {training[1]} if training else set()
        assert ("gpu:1" in job.get("TresPerJob", "")) == bool(training)
        assert job["Partition"] == ("gpu" if training else "cpu")
    assert trainings == {"trainings", "image_trainings", "sequence_trainings", "surrogate_trainings"}


def test_memory_and_time_are_those_of_the_rules(cluster):
    _, jobs = cluster
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    trainings = [job for job in jobs if job["Comment"].startswith("rule_surrogate_trainings")]
    assert [(job["MinMemoryNode"], job["TimeLimit"]) for job in trainings] == [("6000M", "1-00:00:00")] * 3
    audit = only(jobs, "audit")
    assert (audit["MinMemoryNode"], audit["TimeLimit"]) == ("8000M", "04:00:00")


def test_short_jobs_share_a_job_one_after_the_other(cluster):
    _, jobs = cluster
    sheets = only(jobs, "sheets")
    assert (sheets["NumCPUs"], sheets["MinMemoryNode"], sheets["TimeLimit"]) == ("1", "2000M", "03:00:00")
    surrogate = only(jobs, "surrogate_results")
    assert (surrogate["NumCPUs"], surrogate["MinMemoryNode"], surrogate["TimeLimit"]) == ("1", "6000M", "01:15:00")
    assert len(jobs) < 45


def test_the_results_are_the_same_bit_for_bit(cluster, checkout):  # noqa: F811
    """Of every study; of one where the tests of the smoke run go on with this run, and compare another."""
    results, _ = cluster
    studies = ["forward_surrogate"] if SHARED else STUDIES
    status, output = checkout.run("--config", f"studies=[{', '.join(studies)}]")
    assert status == 0, output
    for pattern in ("tables/*", "figures/*", "networks/**/weights.safetensors"):
        local, found = digests(checkout.results(), pattern), digests(results, pattern)
        assert local == {name: found[name] for name in local}
        assert SHARED or local.keys() == found.keys()
    for study in studies:
        local, found = (untimed_scores(run, study) for run in (checkout.results(), results))
        assert len(local) > 0
        assert local.equals(found)
