"""What may befall the folder of a run: two runs at a time, leftovers, and the records that Snakemake keeps."""

import shutil

import pytest
from study import alter, emptied, garbled, truncated

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

MOVED = "beats/forward_surrogate/moved/0000"
LOG = MOVED
NETWORK = "networks/forward_surrogate/surrogate"
SCORES = "scores/forward_surrogate.csv"
STATE = ".snakemake"


@pytest.mark.fault("the second says that the folder is locked, the first finishes: the same tables")
def test_two_runs_in_one_folder(study):
    study.undo(MOVED)
    first = study.start(cores=1)
    study.started(first, LOG)
    study.refused("Directory cannot be locked")
    output = first.communicate()[0]
    assert first.returncode == 0, output
    study.is_same()


@pytest.mark.fault("whatever the two runs say, the same command afterwards gives the same tables")
def test_two_runs_in_one_folder_without_a_lock(study):
    study.undo(MOVED)
    runs = [study.start("--nolock", cores=1) for _ in range(2)]
    statuses = []
    for run in runs:
        output = run.communicate()[0]
        statuses.append(run.returncode)
        if run.returncode:
            study.told(output, "Error")
    study.happened(f"exit statuses {sorted(statuses)}")
    study.is_whole()
    study.made()
    study.is_same()


@pytest.mark.fault("Snakemake says how to unlock; then the same tables")
def test_a_lock_that_a_power_cut_left(study):
    study.undo(MOVED)
    process = study.start()
    study.started(process, LOG)
    study.kill(process)
    study.refused("cannot be locked")
    study.unlock()
    study.made()
    study.is_same()


@pytest.mark.fault("nothing is made again, or the same tables")
def test_records_of_snakemake_deleted(study):
    shutil.rmtree(study.folder / STATE)
    study.made()
    study.is_same()


@pytest.mark.fault("the same tables")
@pytest.mark.parametrize("how", [truncated, emptied], ids=lambda how: how.__name__)
def test_records_of_snakemake(study, how):
    for record in (study.folder / STATE / "metadata").rglob("*"):
        if record.is_file():
            alter(record, how)
    study.undo("tables")
    study.made()
    study.is_same()


@pytest.mark.fault("they are found again: nothing is to be done")
@pytest.mark.parametrize("how", [truncated, emptied, garbled], ids=lambda how: how.__name__)
def test_kept_code_digests(study, how):
    alter(study.folder / STATE / "code.json", how)
    assert "Nothing to be done" in study.made()
    study.happened("nothing to be done")


@pytest.mark.fault("an error that names their folder and says to delete it; compiled again: the same tables")
@pytest.mark.parametrize("how", [truncated, garbled], ids=lambda how: how.__name__)
def test_compiled_kernels(study, how):
    folder = study.folder / STATE / "numba"
    for kernel in folder.rglob("*.nb?"):
        alter(kernel, how)
    study.undo(MOVED)
    study.refused(str(folder), "delete the folder")
    shutil.rmtree(folder)
    study.made()
    study.is_same()


@pytest.mark.fault("they are removed: the same tables")
def test_leftovers_of_killed_writers(study):
    store = study.results / MOVED
    left = [store.with_name(f".{store.name}.abc"), store.with_name(f".{store.name}.def")]
    for folder in left:
        shutil.copytree(store, folder)
        shutil.rmtree(folder / "data.zarr" / "tmp")
    csv = study.results / "scores" / "forward_surrogate.csv"
    part = csv.with_name(f".{csv.name}.abc")
    part.write_text("subject,setting")
    study.undo(MOVED)
    study.made()
    study.is_same()
    assert not any(path.exists() for path in [*left, part])


@pytest.mark.fault("the job is done again: the same tables")
def test_a_job_marked_incomplete(study):
    study.undo(MOVED)
    process = study.start()
    study.started(process, LOG)
    study.kill(process)
    study.unlock()
    # What a killed job of an earlier writer would have left: a folder in the place of a store, without its end.
    (study.results / MOVED / "data.zarr").mkdir(parents=True)
    study.made()
    study.is_same()


@pytest.mark.fault("it is made again, or what is wrong is said with its name; then the same tables")
@pytest.mark.parametrize(
    ("name", "what"),
    [(NETWORK, "a file"), (NETWORK, "a link to nowhere"), (NETWORK, "an empty folder"), (SCORES, "a folder")],
    ids=["a network by a file", "a network by a link to nowhere", "a network by an empty folder", "scores by a folder"],
)
def test_replacement_of(study, name, what):
    study.undo("tables" if name == SCORES else "predictions/forward_surrogate")
    study.remove(name)
    path = study.results / name
    if what == "a file":
        path.write_text("")
    elif what == "a link to nowhere":
        path.symlink_to("nowhere")
    else:
        path.mkdir()
        (path / ".snakemake_timestamp").touch()
    status, output = study.make()
    if status:
        study.told(output, name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        study.made()
    study.is_same()


@pytest.mark.fault("the configuration is that of the command, not of the folder: the same tables")
def test_the_configuration_kept_with_the_results_altered(study):
    (study.results / "config.yaml").write_text("run: [")
    study.undo(MOVED)
    study.made()
    study.is_same()


@pytest.mark.fault("nothing is to be done, or the same tables")
def test_the_checkout_moved(study, tmp_path):
    study.move(tmp_path / "elsewhere")
    study.undo("tables")
    study.made()
    study.is_same()
