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
        runtime=60,
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
        **{f"truth_{name}": shard_paths(name) for name in SETTINGS},
        **{name: RECONSTRUCTION.replace("{setting}", name) for name in RECONSTRUCTED},
        anatomy=rules.anatomy.output[0],
        truth_validation=shard_paths("validation"),
    output:
        scores=results("scores/parts/generative_em/{subject}/{cohort}/{method}.csv"),
        threshold=results("scores/parts/generative_em/{subject}/{cohort}/{method}.json"),
        calibration=results(
            "scores/parts/generative_em/{subject}/{cohort}/{method}_calibration.csv"
        ),
    log:
        logs("scores/generative_em/{subject}/{cohort}/{method}"),
    benchmark:
        benchmarks("scores/generative_em/{subject}/{cohort}/{method}")
    priority: 15
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
    params:
        settings=SETTINGS,
        library=lambda wildcards: digest("score.py", method_module(wildcards.method)),
    message:
        "Scoring {wildcards.method} on {wildcards.subject}, training cohort {wildcards.cohort}"
    script:
        "../scripts/score.py"


rule scores:
    input:
        by_method(rules.score.output.scores, subject=SUBJECTS),
    output:
        results("scores/generative_em.csv"),
    log:
        logs("scores/generative_em"),
    benchmark:
        benchmarks("scores/generative_em")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
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
        results("scores/generative_em_novelty.csv"),
    log:
        logs("novelty/generative_em"),
    benchmark:
        benchmarks("novelty/generative_em")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=5,
    params:
        subjects=SUBJECTS,
        training=TRAININGS,
        settings=SETTINGS,
        library=digest("novelty.py"),
    message:
        "Measuring how new the test cases of generative_em are"
    script:
        "../scripts/novelty.py"
