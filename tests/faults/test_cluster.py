"""What may befall a run on a cluster: its job is killed, SLURM's daemons are, Snakemake is while its job runs."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from cluster.test_slurm import PROFILE, records
from study import commands

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.xdist_group("cluster")]

MOVED = "beats/forward_surrogate/moved/0000"
TARGETS = (f"results/smoke/{MOVED}",)
DAEMONS = {"slurmd": "the node's daemon", "slurmctld": "the controller"}


@pytest.fixture
def submitted(study, slurm):
    """The study while a job of it computes on the node, and Snakemake."""
    study.undo(MOVED)
    process = study.start(*PROFILE, targets=TARGETS, environment=slurm)
    study.started(process, MOVED)
    return study, process


def again(study, slurm):
    """The same command, then what depends on the job, on this machine."""
    study.made(*PROFILE, targets=TARGETS, environment=slurm)
    study.is_whole()
    study.made()
    study.is_same()


def failed(study, process):
    output = process.communicate(timeout=300)[0]
    assert process.returncode != 0, output
    assert "Error in rule" in output or "Error in group" in output, output
    study.happened("Snakemake says that the job failed")


@pytest.mark.fault("Snakemake says that the job failed; the same command: the same tables")
def test_the_job_on_a_cluster_killed_by_slurm(submitted, slurm):
    study, process = submitted
    subprocess.run(["scancel", "--signal=KILL", "--full", *job_numbers(slurm)], env=slurm, check=True)
    failed(study, process)
    again(study, slurm)


@pytest.mark.fault("it is tried again with twice the memory and time: the same tables")
def test_the_job_on_a_cluster_killed_by_slurm_with_a_retry_left(study, slurm):
    study.undo(MOVED)
    process = study.start(*PROFILE, "--retries", "1", targets=TARGETS, environment=slurm)
    study.started(process, MOVED)
    subprocess.run(["scancel", "--signal=KILL", "--full", *job_numbers(slurm)], env=slurm, check=True)
    output = process.communicate(timeout=300)[0]
    study.happened(f"exit status {process.returncode}")
    assert process.returncode == 0, output
    asked = [(job["MinMemoryNode"], job["TimeLimit"]) for job in records(output, slurm)]
    assert asked == [("2000M", "01:00:00"), ("4000M", "02:00:00")]
    again(study, slurm)


@pytest.mark.fault("Snakemake says that the job failed; the same command: the same tables")
def test_the_job_on_a_cluster_killed_on_its_node(submitted, slurm):
    study, process = submitted
    script = str(study.folder / ".snakemake" / "scripts")
    for found in psutil.process_iter():
        if any(script in word for word in commands(found)):
            found.kill()
    failed(study, process)
    again(study, slurm)


@pytest.mark.fault("the job outlives it: the same tables")
@pytest.mark.parametrize("daemon", DAEMONS, ids=DAEMONS.values())
def test_kill_and_restart_of(submitted, slurm, daemon):
    study, process = submitted
    if "SLURM_NODE" not in slurm:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.skip("the SLURM that runs here isn't ours to kill")
    os.kill(int((Path(slurm["SLURM_NODE"]) / f"{daemon}.pid").read_text()), signal.SIGKILL)
    subprocess.run([daemon], env=slurm | {"PATH": f"{slurm['PATH']}:/usr/sbin"}, check=True)
    output = process.communicate(timeout=300)[0]
    study.happened(f"exit status {process.returncode}")
    assert process.returncode == 0, output
    again(study, slurm)


@pytest.mark.fault("its job, now nobody's, and that of the next run don't harm each other: the same tables")
def test_kill_of_snakemake_while_its_job_runs_on_a_cluster(submitted, slurm):
    study, process = submitted
    study.kill(process)
    study.unlock()
    again(study, slurm)


def job_numbers(environment):
    """Numbers of SLURM's jobs that are running."""
    return subprocess.check_output(["squeue", "-h", "-o", "%A"], env=environment, text=True).split()
