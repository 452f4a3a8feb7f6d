"""Score the reconstructions of one method; its scar threshold comes from the validation beats."""

import json

import pandas as pd

from step import step
from transmural.cohorts.design import TRAINING, VALIDATION
from transmural.evaluation.scores import scar_threshold, score
from transmural.stores.contracts import ANATOMY, BEATS, RECONSTRUCTION
from transmural.stores.files import write_whole
from transmural.stores.store import open_shards, open_store


def score_method(subject, method, anatomy_path, truth_paths, reconstruction_paths, scores_path, threshold_path):
    anatomy = open_store(anatomy_path, ANATOMY)

    def pair(cohort):
        return open_shards(truth_paths[cohort], BEATS), open_store(reconstruction_paths[cohort], RECONSTRUCTION)

    threshold = scar_threshold(*pair(VALIDATION))
    parts = [
        score(*pair(setting), anatomy, threshold, subject=subject, cohort=TRAINING, setting=setting, method=method)
        for setting in reconstruction_paths
        if setting != VALIDATION
    ]
    write_whole(threshold_path, json.dumps({"subject": subject, "method": method, "scar_threshold": threshold}))
    write_whole(scores_path, pd.concat(parts).to_csv(index=False))


if __name__ == "__main__":
    with step(snakemake):
        cohorts = [VALIDATION, *snakemake.params.settings]
        score_method(
            snakemake.wildcards.subject,
            snakemake.wildcards.method,
            snakemake.input.anatomy,
            {cohort: list(snakemake.input[f"truth_{cohort}"]) for cohort in cohorts},
            {cohort: snakemake.input[cohort] for cohort in cohorts},
            snakemake.output.scores,
            snakemake.output.threshold,
        )
