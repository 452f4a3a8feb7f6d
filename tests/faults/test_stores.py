"""Damage to what lies on the disk: each kind of store and file, each kind of damage, told by what reads it next."""

import shutil

import pytest
from study import alter, emptied, flipped, garbled, truncated

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SHEETS = "beats/forward_surrogate/published/0000"
MOVED = "beats/forward_surrogate/moved/0000"
NETWORK = "networks/forward_surrogate/surrogate"
PREDICTIONS = "predictions/forward_surrogate"
BEATS = "beats/generative_em/slender/unseen_scar/0000"
COHORT = "cohorts/generative_em/slender/rich"
SCORES = "scores/forward_surrogate.csv"
PART = "scores/parts/generative_em/slender/none/scores.csv"
RECONSTRUCTION = "reconstructions/generative_em/slender/none/unseen_scar/greensite"


def chunk(store, variable):
    """A chunk of a variable of a store."""
    return next(path for path in sorted((store / "data.zarr" / variable / "c").rglob("*")) if path.is_file())


def changed(old, new):
    """Other text in the place of a first one."""
    return lambda content: content.replace(old, new, 1)


# Damage, the store that suffers it, the rule that reads it next, and a word of what is said.
DAMAGE = {
    "a truncated chunk": (SHEETS, "train_surrogate", lambda s: alter(chunk(s, "tmp"), truncated), "truncated"),
    "an emptied chunk": (BEATS, "score", lambda s: alter(chunk(s, "ecg"), emptied), "truncated"),
    "a flipped bit": (COHORT, "beats", lambda s: alter(chunk(s, "excitability"), flipped), "content differs"),
    "a flipped bit in predictions": (
        PREDICTIONS,
        "surrogate_results",
        lambda s: alter(chunk(s, "predicted"), flipped),
        "content differs",
    ),
    "a lost chunk": (RECONSTRUCTION, "score", lambda s: chunk(s, "tmp").unlink(), "missing"),
    "an altered shape": (
        "transfer/slender",
        "reconstruct",
        lambda s: alter(s / "data.zarr/transfer/zarr.json", changed(b"300", b"299")),
        "content differs",
    ),
    "an altered provenance": (
        "anatomy/slender",
        "transfer",
        lambda s: alter(s / "data.zarr/zarr.json", changed(b"voxel_mm", b"voxel_cm")),
        "content differs",
    ),
    "no manifest": (MOVED, "surrogate_scores", lambda s: (s / "manifest.json").unlink(), "no manifest.json"),
    "a truncated manifest": (BEATS, "reconstruct", lambda s: alter(s / "manifest.json", truncated), "unreadable"),
    "an emptied manifest": (SHEETS, "train_surrogate", lambda s: alter(s / "manifest.json", emptied), "unreadable"),
    "a manifest that isn't text": (
        PREDICTIONS,
        "surrogate_results",
        lambda s: (s / "manifest.json").write_bytes(b"\xff\xfe\x00"),
        "unreadable",
    ),
    "a manifest that lists nothing": (
        RECONSTRUCTION,
        "score",
        lambda s: (s / "manifest.json").write_text("{}"),
        "delete",
    ),
    "no content": (MOVED, "surrogate_scores", lambda s: shutil.rmtree(s / "data.zarr"), "missing"),
    "truncated weights": (
        NETWORK,
        "surrogate_scores",
        lambda s: alter(s / "weights.safetensors", truncated),
        "content differs",
    ),
    "weights with a flipped bit": (
        NETWORK,
        "surrogate_scores",
        lambda s: alter(s / "weights.safetensors", flipped),
        "content differs",
    ),
    "no weights": (NETWORK, "surrogate_scores", lambda s: (s / "weights.safetensors").unlink(), "missing"),
    "a truncated description of a network": (
        NETWORK,
        "surrogate_results",
        lambda s: alter(s / "network.json", truncated),
        "unreadable",
    ),
    "a flipped bit in a description of a network": (
        NETWORK,
        "surrogate_results",
        lambda s: alter(s / "network.json", flipped),
        "delete",
    ),
    "truncated scores": (SCORES, "surrogate_results", lambda s: alter(s, truncated), "content differs"),
    "emptied scores": (SCORES, "surrogate_results", lambda s: alter(s, emptied), "content differs"),
    "a flipped bit in scores": (PART, "scores", lambda s: alter(s, flipped), "content differs"),
    "scores without their checksum": (
        PART,
        "scores",
        lambda s: s.with_name(f"{s.name}.crc32").unlink(),
        "missing",
    ),
    "a garbled description of a network": (
        NETWORK,
        "surrogate_scores",
        lambda s: alter(s / "network.json", garbled),
        "unreadable",
    ),
}


@pytest.mark.fault("an error that names it and says to delete it; then the same tables")
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage(study, damage):
    name, reader, harm, word = DAMAGE[damage]
    harm(study.results / name)
    study.refused(name, word, "delete", arguments=["--forcerun", reader])
    study.remove(name)
    study.made()
    study.is_same()
