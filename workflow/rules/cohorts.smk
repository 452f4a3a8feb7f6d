"""Who is simulated, and the simulated beats."""

ON_GPU = study.simulation.device == "gpu"
COHORTS = cohort_names(study.generative_em)


rule cohorts:
    input:
        anatomy=rules.anatomy.output[0],
    output:
        **{
            name: directory(results(f"cohorts/generative_em/{{subject}}/{name}"))
            for name in COHORTS
        },
    log:
        logs("cohorts/generative_em/{subject}"),
    benchmark:
        benchmarks("cohorts/generative_em/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        seed=study.seed,
        study=part("generative_em", CohortDesign),
        simulation=section("simulation"),
        library=digest("cohorts.py"),
    message:
        "Choosing origins and scars of {wildcards.subject}"
    script:
        "../scripts/cohorts.py"


rule beats:
    input:
        anatomy=rules.anatomy.output[0],
        transfer=rules.transfer.output[0],
        cohort=results("cohorts/generative_em/{subject}/{cohort}"),
    output:
        directory(results("beats/generative_em/{subject}/{cohort}/{shard}")),
    log:
        logs("beats/generative_em/{subject}/{cohort}/{shard}"),
    benchmark:
        benchmarks("beats/generative_em/{subject}/{cohort}/{shard}")
    conda:
        "../../envs/gpu.yaml" if ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=30,
        gpu=int(ON_GPU),
    params:
        study=part("generative_em", BeatSampling),
        simulation=section("simulation"),
        library=digest("beats.py"),
    message:
        "Simulating beats of {wildcards.subject}, {wildcards.cohort}, shard {wildcards.shard}"
    script:
        "../scripts/beats.py"
