"""Reconstruct and score, with one method, what the varied beats of a subject give under the unvaried model."""

import json
from pathlib import Path

import pandas as pd

from step import step, use_one_thread
from transmural.cohorts.plan import STUDY
from transmural.evaluation.robustness import measured, score_variations, unvaried
from transmural.inverse.preparation import prepare
from transmural.stores.config import Inference, Measurement, VariedCases
from transmural.stores.contracts import ANATOMY, BEATS, TRANSFER
from transmural.stores.files import read_checked
from transmural.stores.rows import read_rows, write_rows
from transmural.stores.store import open_shards, open_store


def score_robustness(
    names, settings, cases, study, inference, amplitude_mv, seed, anatomy_path, transfer_path, training_paths,
    network_path, beat_paths, varied_paths, scores_path, thresholds_path, output_path,
):  # fmt: skip
    settings, study = VariedCases(**settings), Measurement(**study)
    anatomy, transfer = open_store(anatomy_path, ANATOMY), open_store(transfer_path, TRANSFER)
    training = open_shards(training_paths, BEATS) if training_paths else None
    inference = None if inference is None else Inference.of(names["method"], inference)
    beats = open_shards(beat_paths, BEATS).isel(case=slice(0, cases))
    varied = [open_store(path, BEATS) for path in varied_paths]
    stream = (seed, STUDY, names["subject"], settings.setting)
    if network_path is not None:
        use_one_thread()
    heart = (anatomy, transfer, study, amplitude_mv)
    model = prepare(beats, *heart, stream, training, network_path, inference)
    threshold = json.loads(read_checked(thresholds_path))[names["method"]]
    scores = read_rows(scores_path).query("method == @names['method']")
    parts = [
        unvaried(scores, settings, study.snr_db, cases),
        score_variations(
            measured(settings, beats, varied, *heart, stream),
            model,
            anatomy,
            threshold,
            setting=settings.setting,
            **names,
        ),
    ]
    write_rows(output_path, pd.concat(parts))


if __name__ == "__main__":
    with step(snakemake):
        score_robustness(
            {key: snakemake.wildcards[key] for key in ("subject", "cohort", "method")},
            snakemake.params.settings,
            snakemake.params.cases,
            snakemake.params.study,
            snakemake.params.inference,
            snakemake.params.amplitude_mv,
            snakemake.params.seed,
            snakemake.input.anatomy,
            snakemake.input.transfer,
            list(snakemake.input.training),
            next(map(Path, snakemake.input.network), None),
            list(snakemake.input.beats),
            list(snakemake.input.varied),
            snakemake.input.scores,
            snakemake.input.thresholds,
            snakemake.output[0],
        )
