"""Damage to what lies on the disk: each kind of store and file, each kind of damage, told by what reads it next."""

import re
import shutil

import pytest
from study import alter, emptied, flipped, garbled, truncated

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SHEETS = "beats/forward_surrogate/published/0000"
MOVED = "beats/forward_surrogate/moved/0000"
NETWORK = "networks/forward_surrogate/surrogate"
PREDICTIONS = "predictions/forward_surrogate"
BEATS = "beats/generative_em/slender/unseen_scar/0000"
COHORT = "cohorts/generative_em/slender/unseen_scar"
SCORES = "scores/forward_surrogate.csv"
PART = "scores/parts/generative_em/slender/none/scores.csv"
RECONSTRUCTION = "reconstructions/generative_em/slender/none/unseen_scar/greensite"


def chunk(store, variable):
    """A chunk of a variable of a store."""
    return next(path for path in sorted((store / "data.zarr" / variable / "c").rglob("*")) if path.is_file())


def changed(old, new):
    """Other text in the place of a first one."""
    return lambda content: content.replace(old, new, 1)


# Damage, the result that suffers it, one that is made from it, how it comes about, and a word of what is said.
DAMAGE = {
    "a truncated chunk": (SHEETS, NETWORK, lambda s: alter(chunk(s, "tmp"), truncated), "truncated"),
    "an emptied chunk": (BEATS, "scores/parts", lambda s: alter(chunk(s, "ecg"), emptied), "truncated"),
    "a flipped bit": (COHORT, BEATS, lambda s: alter(chunk(s, "excitability"), flipped), "content differs"),
    "a flipped bit in predictions": (
        PREDICTIONS,
        "tables",
        lambda s: alter(chunk(s, "predicted"), flipped),
        "content differs",
    ),
    "a lost chunk": (RECONSTRUCTION, "scores/parts", lambda s: chunk(s, "tmp").unlink(), "missing"),
    "an altered shape": (
        "transfer/slender",
        "reconstructions",
        lambda s: alter(s / "data.zarr/transfer/zarr.json", changed(b"300", b"299")),
        "content differs",
    ),
    "an altered provenance": (
        "anatomy/slender",
        "transfer/slender",
        lambda s: alter(s / "data.zarr/zarr.json", changed(b"voxel_mm", b"voxel_cm")),
        "content differs",
    ),
    "no manifest": (MOVED, PREDICTIONS, lambda s: (s / "manifest.json").unlink(), "no manifest.json"),
    "a truncated manifest": (BEATS, "reconstructions", lambda s: alter(s / "manifest.json", truncated), "unreadable"),
    "an emptied manifest": (SHEETS, NETWORK, lambda s: alter(s / "manifest.json", emptied), "unreadable"),
    "a manifest that isn't text": (
        PREDICTIONS,
        "tables",
        lambda s: (s / "manifest.json").write_bytes(b"\xff\xfe\x00"),
        "unreadable",
    ),
    "a manifest that lists nothing": (
        RECONSTRUCTION,
        "scores/parts",
        lambda s: (s / "manifest.json").write_text("{}"),
        "delete",
    ),
    "no content": (MOVED, PREDICTIONS, lambda s: shutil.rmtree(s / "data.zarr"), "missing"),
    "truncated weights": (
        NETWORK,
        PREDICTIONS,
        lambda s: alter(s / "weights.safetensors", truncated),
        "content differs",
    ),
    "weights with a flipped bit": (
        NETWORK,
        PREDICTIONS,
        lambda s: alter(s / "weights.safetensors", flipped),
        "content differs",
    ),
    "no weights": (NETWORK, PREDICTIONS, lambda s: (s / "weights.safetensors").unlink(), "missing"),
    "a truncated description of a network": (
        NETWORK,
        "tables",
        lambda s: alter(s / "network.json", truncated),
        "unreadable",
    ),
    "a flipped bit in a description of a network": (
        NETWORK,
        "tables",
        lambda s: alter(s / "network.json", flipped),
        "delete",
    ),
    "truncated scores": (SCORES, "tables", lambda s: alter(s, truncated), "content differs"),
    "emptied scores": (SCORES, "tables", lambda s: alter(s, emptied), "content differs"),
    "a flipped bit in scores": (PART, "scores/generative_em.csv", lambda s: alter(s, flipped), "content differs"),
    "a garbled description of a network": (
        NETWORK,
        PREDICTIONS,
        lambda s: alter(s / "network.json", garbled),
        "unreadable",
    ),
}


@pytest.mark.fault("an error that names it and says to delete it; then it is made again")
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage(study, damage):
    name, reader, harm, word = DAMAGE[damage]
    study.undo(reader)
    harm(study.results / name)
    study.refused(name, word, "delete")
    study.remove(name)
    planned = study.made("--dry-run")
    assert re.search(rf"Missing output files: .*{name}", planned), planned


@pytest.mark.fault("they are made again: the same tables")
def test_scores_without_their_checksum(study):
    study.undo("scores/generative_em.csv")
    study.remove(f"{PART}.crc32")
    output = study.made()
    assert re.search(rf"Missing output files: .*{PART}[.]crc32", output), output
    study.is_same()


@pytest.mark.fault("an error that names it and says to delete it; then the same tables")
@pytest.mark.parametrize("damage", ["a truncated chunk", "weights with a flipped bit", "a lost chunk"])
def test_damage_and_recovery(study, damage):
    test_damage(study, damage)
    study.made()
    study.is_same()
