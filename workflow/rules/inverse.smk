"""Reconstructions by every method, and their scores."""

RECONSTRUCTED = ["validation", *SETTINGS]


rule reconstruct:
    input:
        **{name: shard_paths(name) for name in RECONSTRUCTED},
        anatomy=rules.anatomy.output[0],
        transfer=rules.transfer.output[0],
        training=shard_paths("published"),
    output:
        **{
            name: directory(
                results(f"reconstructions/generative_em/{{subject}}/{name}/{{method}}")
            )
            for name in RECONSTRUCTED
        },
    log:
        logs("reconstructions/generative_em/{subject}/{method}"),
    benchmark:
        benchmarks("reconstructions/generative_em/{subject}/{method}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=6000,
        runtime=60,
    params:
        seed=study.seed,
        study=part("generative_em", Measurement),
        amplitude_mv=study.simulation.amplitude_mv,
        library=lambda wildcards: digest(
            "reconstruct.py", method_module(wildcards.method)
        ),
    message:
        "Reconstructing {wildcards.subject} with {wildcards.method}"
    script:
        "../scripts/reconstruct.py"


rule score:
    input:
        **{f"truth_{name}": shard_paths(name) for name in SETTINGS},
        **{
            name: results(
                f"reconstructions/generative_em/{{subject}}/{name}/{{method}}"
            )
            for name in RECONSTRUCTED
        },
        anatomy=rules.anatomy.output[0],
        truth_validation=shard_paths("validation"),
    output:
        scores=results("scores/parts/generative_em/{subject}/{method}.csv"),
        threshold=results("scores/parts/generative_em/{subject}/{method}.json"),
    log:
        logs("scores/generative_em/{subject}/{method}"),
    benchmark:
        benchmarks("scores/generative_em/{subject}/{method}")
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
        "Scoring {wildcards.method} on {wildcards.subject}"
    script:
        "../scripts/score.py"


rule scores:
    input:
        expand(
            rules.score.output.scores,
            subject=study.generative_em.subjects,
            method=study.generative_em.methods,
        ),
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
