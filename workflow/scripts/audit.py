"""Score the published inference with one defect of the authors' release at a time, on test cases of a heart."""

import json
from pathlib import Path

from step import step, use_one_thread
from transmural.evaluation.audit import METHOD, audit
from transmural.inverse.preparation import prepare
from transmural.stores.config import Inference, Measurement
from transmural.stores.contracts import ANATOMY, BEATS, TRANSFER
from transmural.stores.files import read_checked
from transmural.stores.rows import write_rows
from transmural.stores.store import open_shards, open_store


def audit_heart(names, paths, networks, study, inference, cases, amplitude_mv, seed, output_path):
    use_one_thread()
    anatomy, transfer = open_store(paths["anatomy"], ANATOMY), open_store(paths["transfer"], TRANSFER)
    beats = open_shards(paths["beats"], BEATS).isel(case=slice(cases))
    problem = prepare(
        beats,
        anatomy,
        transfer,
        Measurement(**study),
        amplitude_mv,
        (seed, "generative_em", names["subject"], names["setting"]),
        training=open_shards(paths["training"], BEATS),
        inference=Inference.of(METHOD, inference),
    )
    threshold = json.loads(read_checked(paths["thresholds"]))[METHOD]
    write_rows(output_path, audit(problem, networks, beats, anatomy, threshold, **names))


if __name__ == "__main__":
    with step(snakemake):
        params, read = snakemake.params, snakemake.input
        audit_heart(
            {
                "subject": snakemake.wildcards.subject,
                "cohort": params.cohort,
                "setting": params.setting,
            },
            {
                "anatomy": read.anatomy,
                "transfer": read.transfer,
                "thresholds": read.thresholds,
                "beats": list(read.beats),
                "training": list(read.training),
            },
            dict(zip(params.forms, map(Path, read.networks), strict=True)),
            params.study,
            params.inference,
            params.cases,
            params.amplitude_mv,
            params.seed,
            snakemake.output[0],
        )
