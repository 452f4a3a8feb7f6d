"""Score the reconstructions of one method; its scar threshold comes from the validation beats."""

import json

import pandas as pd

from step import step
from transmural.cohorts.design import VALIDATION
from transmural.evaluation.calibration import calibration
from transmural.evaluation.scores import scar_threshold, score
from transmural.stores.contracts import ANATOMY, BEATS, RECONSTRUCTION
from transmural.stores.files import write_whole
from transmural.stores.store import open_shards, open_store


def score_method(
    subject,
    cohort,
    method,
    anatomy_path,
    truth_paths,
    reconstruction_paths,
    scores_path,
    threshold_path,
    calibration_path,
):
    anatomy = open_store(anatomy_path, ANATOMY)

    def pair(setting):
        return open_shards(truth_paths[setting], BEATS), open_store(reconstruction_paths[setting], RECONSTRUCTION)

    names = {"subject": subject, "cohort": cohort, "method": method}
    threshold = scar_threshold(*pair(VALIDATION))
    tests = {setting: pair(setting) for setting in reconstruction_paths if setting != VALIDATION}
    parts = [score(*stores, anatomy, threshold, setting=setting, **names) for setting, stores in tests.items()]
    covered = [calibration(*stores, setting=setting, **names) for setting, stores in tests.items()]
    write_whole(threshold_path, json.dumps(names | {"scar_threshold": threshold}))
    write_whole(calibration_path, pd.concat(covered).to_csv(index=False))
    write_whole(scores_path, pd.concat(parts).to_csv(index=False))


if __name__ == "__main__":
    with step(snakemake):
        settings = [VALIDATION, *snakemake.params.settings]
        score_method(
            snakemake.wildcards.subject,
            snakemake.wildcards.cohort,
            snakemake.wildcards.method,
            snakemake.input.anatomy,
            {setting: list(snakemake.input[f"truth_{setting}"]) for setting in settings},
            {setting: snakemake.input[setting] for setting in settings},
            snakemake.output.scores,
            snakemake.output.threshold,
            snakemake.output.calibration,
        )
