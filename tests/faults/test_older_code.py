"""Stores written by other code than today's: from a backup, or by a job that outlived an update."""

import json
import shutil
import time

import pytest
from study import alter, dated

from transmural.stores.files import crc32

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SHARDS = "beats/forward_surrogate/published"
BEATS = "beats/generative_em/slender/unseen_scar/0000"
NETWORK = "networks/forward_surrogate/surrogate"
SCORING = "Scoring surrogates and baselines"
MOVED = "beats/forward_surrogate/moved/0000"


def rewritten(store, change):
    """Change the attributes of a store, which stays whole: its manifest is that of the changed files."""
    path = store / "data.zarr" / "zarr.json"

    def changed(content):
        about = json.loads(content)
        change(about["attributes"])
        return json.dumps(about).encode()

    alter(path, changed)
    sealed(store, path)


def sealed(store, *paths):
    """Make the manifest that of the present files."""
    manifest = store / "manifest.json"
    listed = json.loads(manifest.read_text())
    for path in paths:
        listed[path.relative_to(store / "data.zarr").as_posix()] = [path.stat().st_size, crc32(path)]
    alter(manifest, lambda _: json.dumps(listed).encode())


@pytest.mark.fault("an error that names the shard; then the same tables")
def test_a_shard_by_older_code_among_those_of_today(study):
    shard = study.results / SHARDS / "0001"

    def older(attributes):
        made = json.loads(attributes["provenance"])
        made["params"]["library"] = "0123456789abcdef"
        attributes["provenance"] = json.dumps(made)

    rewritten(shard, older)
    study.undo(NETWORK)
    study.refused(f"{SHARDS}/0001", "other code", "delete")
    shutil.rmtree(shard.parent)
    study.made()
    study.is_same()


@pytest.mark.fault("an error that names store and variable; then the same tables")
def test_a_shard_that_lacks_what_stores_have_since(study):
    shard = study.results / SHARDS / "0000"
    shutil.rmtree(shard / "data.zarr" / "lead_field")
    manifest = shard / "manifest.json"
    kept = {name: found for name, found in json.loads(manifest.read_text()).items() if "lead_field" not in name}
    alter(manifest, lambda _: json.dumps(kept).encode())
    study.undo(NETWORK)
    study.refused(f"{SHARDS}/0000", "'lead_field' is missing")
    shutil.rmtree(shard)
    study.made()
    study.is_same()


@pytest.mark.fault("an error that names the store and its kind; then the same tables")
def test_a_store_of_another_kind_in_its_place(study):
    store = study.results / BEATS
    shutil.rmtree(store)
    shutil.copytree(study.results / "cohorts/generative_em/slender/unseen_scar", store)
    dated(store, time.time())  # younger than what beats are made from
    study.undo("reconstructions")
    study.refused(BEATS, "is a store of kind 'cohort', expected 'beats'")
    shutil.rmtree(store)
    study.made()
    study.is_same()


@pytest.mark.fault("what the change touches is made again: the same tables")
def test_code_changed_after_the_run(study):
    module = study.folder / "src/transmural/evaluation/surrogate_baselines.py"
    module.write_text(module.read_text() + "\n\n_CHANGED = 1\n")
    output = study.made()
    assert SCORING in output
    assert "Simulating" not in output
    study.is_same()


@pytest.mark.fault("the next run makes again what may have run with either code: the same tables")
def test_code_changed_during_the_run(study):
    study.undo(MOVED)
    process = study.start(cores=1)
    study.started(process, MOVED)
    module = study.folder / "src/transmural/evaluation/surrogate_baselines.py"
    module.write_text(module.read_text() + "\n\n_CHANGED = 1\n")
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert SCORING in study.made()
    study.is_same()
