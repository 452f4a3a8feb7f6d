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
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        seed=study.seed,
        study=part("generative_em", CohortDesign),
        simulation=section("simulation"),
        library=digest("cohorts.py"),
    message:
        "Choosing origins and scars of {wildcards.subject}"
    script:
        "../scripts/cohorts.py"


rule rich_cohort:
    input:
        **{
            name: results(f"cohorts/generative_em/{{subject}}/{name}")
            for name in [VALIDATION, *SETTINGS]
        },
        anatomy=rules.anatomy.output[0],
    output:
        directory(results("cohorts/generative_em/{subject}/rich")),
    log:
        logs("rich_cohort/generative_em/{subject}"),
    benchmark:
        benchmarks("rich_cohort/generative_em/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        seed=study.seed,
        apart=[VALIDATION, *SETTINGS],
        study=part("generative_em", RichDesign),
        simulation=section("simulation"),
        library=digest("rich_cohort.py"),
    message:
        "Choosing origins and scars of the rich training cohort of {wildcards.subject}"
    script:
        "../scripts/rich_cohort.py"


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
        mem_mb=growing(2000),
        runtime=growing(15),
        gpu=int(ON_GPU),
    params:
        study=part("generative_em", BeatSampling),
        simulation=section("simulation"),
        library=digest("beats.py"),
    message:
        "Simulating beats of {wildcards.subject}, {wildcards.cohort}, shard {wildcards.shard}"
    script:
        "../scripts/beats.py"
