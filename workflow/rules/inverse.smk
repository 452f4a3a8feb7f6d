"""Reconstructions by every method, and their scores."""

RECONSTRUCTED = [VALIDATION, *SETTINGS]


rule reconstruct:
    input:
        **{name: shard_paths(name) for name in RECONSTRUCTED},
        anatomy=rules.anatomy.output[0],
        transfer=rules.transfer.output[0],
        training=training_beats,
        network=trained_network,
    output:
        **{
            name: directory(RECONSTRUCTION.replace("{setting}", name))
            for name in RECONSTRUCTED
        },
    log:
        logs("reconstructions/generative_em/{subject}/{cohort}/{method}"),
    benchmark:
        benchmarks("reconstructions/generative_em/{subject}/{cohort}/{method}")
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=reconstruction_memory_mb,
        runtime=growing(60),
    params:
        seed=study.seed,
        study=part("generative_em", Measurement),
        amplitude_mv=study.simulation.amplitude_mv,
        inference=inference_settings,
        library=lambda wildcards: digest(
            "reconstruct.py", method_module(wildcards.method)
        ),
    message:
        "Reconstructing {wildcards.subject} with {wildcards.method}, training cohort {wildcards.cohort}"
    script:
        "../scripts/reconstruct.py"


rule score:
    input:
        **{name: shard_paths(name) for name in RECONSTRUCTED},
        reconstructions=lambda wildcards: expand(
            RECONSTRUCTION,
            subject=wildcards.subject,
            cohort=wildcards.cohort,
            setting=RECONSTRUCTED,
            method=methods_under(wildcards.cohort),
        ),
        anatomy=rules.anatomy.output[0],
    output:
        **checked(
            scores=score_part("scores.csv"),
            thresholds=score_part("thresholds.json"),
            calibration=score_part("calibration.csv"),
        ),
    log:
        logs("scores/generative_em/{subject}/{cohort}"),
    benchmark:
        benchmarks("scores/generative_em/{subject}/{cohort}")
    wildcard_constraints:
        cohort="|".join(SCORED),
    priority: 15
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        methods=lambda wildcards: methods_under(wildcards.cohort),
        settings=RECONSTRUCTED,
        library=lambda wildcards: digest(
            "score.py", *map(method_module, methods_under(wildcards.cohort))
        ),
    message:
        "Scoring the methods of {wildcards.subject}, training cohort {wildcards.cohort}"
    script:
        "../scripts/score.py"


rule scores:
    input:
        **checked(
            parts=expand(score_part("scores.csv"), subject=SUBJECTS, cohort=SCORED)
        ),
    output:
        **checked(scores=score_file("generative_em")),
    log:
        logs("scores/generative_em"),
    benchmark:
        benchmarks("scores/generative_em")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    params:
        library=digest("gather_scores.py"),
    message:
        "Gathering the scores of generative_em"
    script:
        "../scripts/gather_scores.py"


rule novelty:
    input:
        expand(
            results("cohorts/generative_em/{subject}/{name}"),
            subject=SUBJECTS,
            name=[*TRAININGS, *SETTINGS],
        ),
    output:
        **checked(novelty=score_file("generative_em_novelty")),
    log:
        logs("novelty/generative_em"),
    benchmark:
        benchmarks("novelty/generative_em")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(5),
    params:
        subjects=SUBJECTS,
        training=TRAININGS,
        settings=SETTINGS,
        library=digest("novelty.py"),
    message:
        "Measuring how new the test cases of generative_em are"
    script:
        "../scripts/novelty.py"
