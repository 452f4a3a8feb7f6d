"""Read what the pictures of single cases need from a run's folder."""

import json
from pathlib import Path

from transmural.report.drawn_case import drawn_case
from transmural.report.generative_em import STUDY, choices
from transmural.stores.contracts import ANATOMY, BEATS, RECONSTRUCTION
from transmural.stores.store import open_shards, open_store


def drawn_cases(run, scores, study, shard_paths):
    """The cases that each figure draws, with truth and reconstructions, by the figure's name.

    ``shard_paths`` are all shards of this configuration; the folder may hold others from an earlier one.
    """
    return {
        figure: [_load(Path(run), choice, study.methods, shard_paths) for choice in chosen]
        for figure, chosen in choices(scores, study).items()
    }


def _load(run, choice, methods, shard_paths):
    cohort = run / "beats" / STUDY / choice.subject / choice.setting
    shards = [path for path in shard_paths if Path(path).parent == cohort]
    found = run / "reconstructions" / STUDY / choice.subject / choice.setting
    parts = run / "scores" / "parts" / STUDY / choice.subject
    return drawn_case(
        choice,
        open_store(run / "anatomy" / choice.subject, ANATOMY),
        open_shards(shards, BEATS),
        {method: open_store(found / method, RECONSTRUCTION) for method in methods},
        {method: json.loads((parts / f"{method}.json").read_text())["scar_threshold"] for method in methods},
    )
