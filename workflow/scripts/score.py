"""Score the reconstructions of all methods that learn from one training cohort (or don't learn) on a subject.

The scar threshold of each method comes from the validation beats.
"""

import json
from pathlib import Path

import pandas as pd

from step import step
from transmural.cohorts.plan import VALIDATION
from transmural.evaluation.calibration import calibration, gathered
from transmural.evaluation.scores import scar_threshold, score
from transmural.stores.contracts import ANATOMY, BEATS, RECONSTRUCTION
from transmural.stores.files import write_checked
from transmural.stores.rows import write_rows
from transmural.stores.store import open_shards, open_store


def score_methods(subject, cohort, methods, anatomy_path, truth_paths, folder, output):
    anatomy = open_store(anatomy_path, ANATOMY)
    truth = {setting: open_shards(paths, BEATS) for setting, paths in truth_paths.items()}
    tests = [setting for setting in truth if setting != VALIDATION]
    scores, covered, thresholds = [], [], {}
    for method in methods:
        found = {setting: open_store(folder / setting / method, RECONSTRUCTION) for setting in truth}
        thresholds[method] = scar_threshold(truth[VALIDATION], found[VALIDATION])
        names = {"subject": subject, "cohort": cohort, "method": method}
        for setting in tests:
            pair = truth[setting], found[setting]
            scores.append(score(*pair, anatomy, thresholds[method], setting=setting, **names))
            covered.append(calibration(*pair, setting=setting, **names))
    write_checked(output.thresholds, json.dumps(thresholds))
    write_rows(output.calibration, gathered(covered))
    write_rows(output.scores, pd.concat(scores))


if __name__ == "__main__":
    with step(snakemake):
        score_methods(
            snakemake.wildcards.subject,
            snakemake.wildcards.cohort,
            snakemake.params.methods,
            snakemake.input.anatomy,
            {setting: list(snakemake.input[setting]) for setting in snakemake.params.settings},
            Path(snakemake.input.reconstructions[0]).parents[1],
            snakemake.output,
        )
