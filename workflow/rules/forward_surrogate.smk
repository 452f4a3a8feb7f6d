"""Study 5: sheets of tissue, surrogates of their ECG, what they and the baselines score."""

from transmural.report.surrogate_names import FIGURES as SURROGATE_FIGURES
from transmural.report.surrogate_names import TABLES as SURROGATE_TABLES
from transmural.report.surrogate_names import TRAINING_FIGURE
from transmural.stores.config import SheetDesign

# The surrogate, its ablations, and those trained without a tissue class.
SURROGATES = study.forward_surrogate.trainings


rule sheets:
    output:
        directory(results("beats/forward_surrogate/{cohort}/{shard}")),
    log:
        logs("beats/forward_surrogate/{cohort}/{shard}"),
    benchmark:
        benchmarks("beats/forward_surrogate/{cohort}/{shard}")
    wildcard_constraints:
        cohort="|".join(SHEET_COHORTS),
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        seed=study.seed,
        design=part("forward_surrogate", SheetDesign),
        library=digest("sheets.py"),
    message:
        "Simulating sheets of tissue, {wildcards.cohort}, shard {wildcards.shard}"
    script:
        "../scripts/sheets.py"


rule train_surrogate:
    input:
        sheet_paths("published"),
    output:
        directory(SURROGATE),
    log:
        logs("networks/forward_surrogate/{form}"),
    benchmark:
        benchmarks("networks/forward_surrogate/{form}")
    wildcard_constraints:
        form="|".join(SURROGATES),
    priority: 25
    conda:
        "../../envs/gpu.yaml" if TRAINED_ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=24 * 60,
        gpu=int(TRAINED_ON_GPU),
    params:
        seed=study.seed,
        training=section("training"),
        network=section("forward_surrogate")["network"],
        test_share=study.forward_surrogate.test_share,
        ecg_scale=study.forward_surrogate.ecg_scale,
        library=digest("train_surrogate.py"),
    message:
        "Training the forward surrogate, {wildcards.form}"
    script:
        "../scripts/train_surrogate.py"


rule surrogate_scores:
    input:
        published=sheet_paths("published"),
        moved=sheet_paths("moved"),
        networks=expand(SURROGATE, form=SURROGATES),
    output:
        **checked(scores=score_file("forward_surrogate")),
        predictions=directory(results("predictions/forward_surrogate")),
    log:
        logs("scores/forward_surrogate"),
    benchmark:
        benchmarks("scores/forward_surrogate")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(60),
    params:
        study=section("forward_surrogate"),
        library=digest("surrogate_scores.py"),
    message:
        "Scoring surrogates and baselines"
    script:
        "../scripts/surrogate_scores.py"


rule surrogate_results:
    input:
        **checked(scores=score_file("forward_surrogate")),
        predictions=rules.surrogate_scores.output.predictions,
        sheets=sheet_paths("published"),
        networks=expand(SURROGATE, form=SURROGATES),
        published=PUBLISHED,
    output:
        tables=table_files(SURROGATE_TABLES),
        figures=figure_files([*SURROGATE_FIGURES, TRAINING_FIGURE]),
    log:
        logs("surrogate_results"),
    benchmark:
        benchmarks("surrogate_results")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        study=section("forward_surrogate"),
        run=lambda wildcards, output: str(Path(output[0]).parents[1]),
        library=digest("surrogate_results.py"),
    message:
        "Writing tables and figures of forward_surrogate"
    script:
        "../scripts/surrogate_results.py"


rule forward_surrogate:
    input:
        rules.surrogate_results.output,
