"""Disks that are full, read-only, lost or somebody else's."""

import os
import shutil
import subprocess

import pytest
from disk import disk, mount, read_only, unmount

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

MOVED = "beats/forward_surrogate/moved/0000"
# Of each stage a result without which the job has to be done again, and bytes that are left, too few for it.
STAGES = {
    "while sheets are written": (MOVED, 2**18),
    "while a network is written": ("networks/forward_surrogate/surrogate", 2**13),
    "while scores are written": ("predictions/forward_surrogate", 2**14),
    "while tables are written": ("tables", 2**13),
    "while reconstructions are written": ("reconstructions", 2**15),
    "before the first line of a log": (MOVED, 0),
}


@pytest.mark.fault("an error that says that the disk is full, nothing half-written; with room: the same tables")
@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk(study, stage):
    result, leaving = STAGES[stage]
    with disk(study.results) as small:
        study.undo(result)
        small.fill(leaving)
        study.refused("no space left on the disk")
        study.is_whole()
        small.free()
        study.made()
        study.is_same()


@pytest.mark.fault("an error that says that the disk is full; with room for files: the same tables")
def test_a_disk_without_room_for_more_files(study):
    with disk(study.results) as small:
        study.undo(MOVED)
        small.limit_files(14)
        study.refused("no space left on the disk")
        study.is_whole()
        small.limit_files(None)
        study.made()
        study.is_same()


@pytest.mark.fault("whatever Snakemake says, with room the same tables")
def test_a_full_disk_below_the_records_of_snakemake(study):
    with disk(study.folder / ".snakemake") as small:
        study.undo(MOVED)
        small.fill(0)
        status, output = study.make()
        assert status != 0, output
        study.happened(f"exit status {status}")
        study.is_whole()
        small.free()
        study.unlock()
        study.made()
        study.is_same()


@pytest.mark.fault("an error, or the same tables")
def test_a_full_temporary_folder(study, tmp_path):
    with disk(tmp_path) as small:
        small.fill(0)
        study.undo(MOVED)
        status, output = study.make(environment={"TMPDIR": str(tmp_path)})
        if status:
            study.told(output, "No space left")
    study.made()
    study.is_same()


@pytest.mark.fault("an error that names the folder; when it can be written: the same tables")
def test_results_that_cannot_be_written(study):
    study.undo(MOVED)
    with read_only(study.results):
        study.refused("Write-protected output files")
    study.made()
    study.is_same()


@pytest.mark.fault("nothing is to be done")
def test_finished_results_that_cannot_be_written(study):
    with read_only(study.results):
        assert "Nothing to be done" in study.made()
    study.happened("nothing to be done")


@pytest.mark.fault("the same tables")
def test_code_that_cannot_be_written(study):
    study.undo(MOVED)
    with read_only(study.folder / "src"), read_only(study.folder / "workflow"):
        study.made()
    study.is_same()


@pytest.mark.fault("an error that names what can't be written; with rights: the same tables")
def test_results_of_another_user(study):
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    study.undo(MOVED)
    subprocess.run(["chown", "-R", "65534:65534", study.folder], check=True)
    subprocess.run(["chown", "-R", "0:0", study.results], check=True)
    nobody = ["env", f"HOME={study.folder}", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    study.refused("Write-protected output files", prefix=nobody)
    study.made()
    study.is_same()


@pytest.mark.fault("an error that names the folder; when the disk is there: the same tables")
def test_results_on_a_disk_that_is_not_there(study):
    elsewhere = study.folder.with_name("disk")
    shutil.rmtree(elsewhere, ignore_errors=True)
    (study.folder / "results").rename(elsewhere)
    (study.folder / "results").symlink_to(study.folder.with_name("not there"))
    study.refused("Failed to create output directory results")
    (study.folder / "results").unlink()
    (study.folder / "results").symlink_to(elsewhere)
    study.made()
    study.is_same()


@pytest.mark.fault("an error; when the disk is back: the same tables")
def test_a_disk_lost_during_the_run(study):
    study.undo(MOVED)
    disk_folder = study.folder.with_name("disk")
    shutil.rmtree(disk_folder, ignore_errors=True)
    shutil.copytree(study.results, disk_folder, symlinks=True)
    shutil.rmtree(study.results)
    study.results.mkdir()
    mount("--bind", disk_folder, study.results)
    process = study.start(cores=1)
    try:
        study.started(process, MOVED)
    finally:
        unmount(study.results)
    output = process.communicate()[0]
    study.told(output, "Error in rule")
    mount("--bind", disk_folder, study.results)
    try:
        study.made()
        study.is_same()
    finally:
        unmount(study.results)
