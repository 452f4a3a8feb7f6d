"""Processes that are killed, stopped or ended: Snakemake, jobs, a training between two epochs, a writer at work."""

import os
import signal
import time

import pytest
from study import jobs_of

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

# Of each stage the log of a job, and a result without which the job has to be done again.
STAGES = {
    "sheets": ("beats/forward_surrogate/moved/0000", "beats/forward_surrogate/moved/0000"),
    "a training": ("networks/forward_surrogate/surrogate", "networks/forward_surrogate/surrogate"),
    "scores": ("scores/forward_surrogate", "predictions/forward_surrogate"),
    "tables and figures": ("surrogate_results", "tables"),
    "beats": ("beats/generative_em/slender/unseen_scar/0000", "beats/generative_em/slender/unseen_scar/0000"),
    "reconstructions": ("reconstructions/generative_em/slender/none/greensite", "reconstructions"),
}
SHEETS, SHEETS_LOG = STAGES["sheets"]
TRAINING, TRAINING_LOG = STAGES["a training"]


@pytest.mark.fault("--unlock and the same command: the same tables")
@pytest.mark.parametrize("stage", STAGES)
def test_kill_of_snakemake_and_its_jobs_during(study, stage):
    log, result = STAGES[stage]
    study.undo(result)
    process = study.start()
    study.started(process, log)
    study.kill(process)
    study.is_whole()
    study.unlock()
    study.made()
    study.is_same()


@pytest.mark.fault("nothing half-written in the place of the store, what was begun is removed; the same tables")
def test_kill_of_the_writer_of_a_store_in_the_middle(study):
    study.undo(SHEETS)
    folder = (study.results / SHEETS).parent
    process = study.start()
    study.until(lambda: any(folder.glob(".0000.*/data.zarr/tmp")), process)
    study.kill(process)
    study.is_whole()
    study.unlock()
    study.made()
    study.is_same()
    assert not list(folder.glob(".*"))


@pytest.mark.fault("its jobs, now nobody's, and those of a new run don't harm each other; the same tables")
def test_kill_of_snakemake_alone(study):
    study.undo(SHEETS)
    process = study.start()
    study.started(process, SHEETS_LOG)
    process.kill()
    process.wait()
    study.unlock()
    study.made()
    study.is_same()
    study.is_whole()


@pytest.mark.fault("Snakemake names the rule that failed; the same command: the same tables")
@pytest.mark.parametrize("stage", ["sheets", "a training"])
def test_kill_of_a_job_alone_during(study, stage):
    log, result = STAGES[stage]
    study.undo(result)
    process = study.start()
    study.started(process, log)
    for job in jobs_of(process):
        job.kill()
    output = process.communicate()[0]
    assert process.returncode != 0
    study.told(output, "Error in rule")
    study.made()
    study.is_same()


@pytest.mark.fault("the same command, after --unlock where it asks for it: the same tables")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_end_of_the_terminal_or_the_allocation_by(study, name):
    study.undo(TRAINING)
    process = study.start()
    study.started(process, TRAINING_LOG)
    os.killpg(process.pid, getattr(signal, name))
    process.communicate(timeout=120)
    study.is_whole()
    study.unlock()
    study.made()
    study.is_same()


@pytest.mark.fault("the same tables")
def test_a_machine_that_sleeps(study):
    study.undo(TRAINING)
    process = study.start()
    study.started(process, TRAINING_LOG)
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(3)
    os.killpg(process.pid, signal.SIGCONT)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    study.is_same()


@pytest.mark.fault("every time --unlock and the same command, in the end the same tables")
def test_kill_again_and_again(study):
    study.undo("beats/forward_surrogate/published")
    process = study.start(cores=1)
    for seconds in (4, 6, 8):
        time.sleep(seconds)
        study.kill(process)
        study.is_whole()
        study.unlock()
        process = study.start(cores=1)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    study.is_same()
