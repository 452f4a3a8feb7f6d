"""Read what the pictures of single cases need from a run's folder."""

import json
from pathlib import Path

from transmural.cohorts.plan import STUDY
from transmural.inverse.registry import get
from transmural.report.drawn_case import drawn_case
from transmural.report.generative_em import choices
from transmural.report.generative_em_names import shown_cohort
from transmural.stores.contracts import ANATOMY, BEATS, RECONSTRUCTION
from transmural.stores.files import read_checked
from transmural.stores.store import open_shards, open_store


def drawn_cases(run, scores, study, shard_paths):
    """The cases that each figure draws, with truth and reconstructions, by the figure's name.

    Methods that learn have done so from the cohort that is drawn.
    ``shard_paths`` are all shards of this configuration; the folder may hold others from an earlier one.
    """
    shown = shown_cohort(study.cohorts)
    cohorts = {method: get(method).learns_from([shown])[0] for method in study.methods}
    return {
        figure: [_load(Path(run), choice, cohorts, shard_paths) for choice in chosen]
        for figure, chosen in choices(scores, study).items()
    }


def _load(run, choice, cohorts, shard_paths):
    beats = run / "beats" / STUDY / choice.subject / choice.setting
    shards = [path for path in shard_paths if Path(path).parent == beats]
    found = run / "reconstructions" / STUDY / choice.subject
    parts = run / "scores" / "parts" / STUDY / choice.subject
    return drawn_case(
        choice,
        open_store(run / "anatomy" / choice.subject, ANATOMY),
        open_shards(shards, BEATS),
        {
            method: open_store(found / cohort / choice.setting / method, RECONSTRUCTION)
            for method, cohort in cohorts.items()
        },
        {
            method: json.loads(read_checked(parts / cohort / "thresholds.json"))[method]
            for method, cohort in cohorts.items()
        },
    )
