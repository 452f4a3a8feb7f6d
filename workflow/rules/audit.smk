"""What the learned methods are worth beyond their scores: the audit of the release, and figures of their own."""

from transmural.evaluation import audit_forms as release
from transmural.evaluation.followed_methods import METHODS as FOLLOWED
from transmural.report.generative_em_names import (
    NETWORK,
    audited,
    hardest_setting,
    learning_figures,
)

RUN_METHODS = {name: methods()[name] for name in study.generative_em.methods}
AUDITED, AUDIT_COHORT = audited(study.generative_em)
AUDIT_SETTING = hardest_setting(study.generative_em)
SHOWN = shown_cohort(TRAININGS)
VARIANTS = {
    name: form.training for name, form in release.FORMS.items() if form.training
}
AUDIT_TABLES = ["audit"] if AUDITED else []
LEARNING_FIGURES = learning_figures(RUN_METHODS)


rule train_variant:
    input:
        anatomy=rules.anatomy.output[0],
        training=training_cohort,
        validation=shard_paths(VALIDATION),
    output:
        directory(
            results(
                f"networks/generative_em/{{subject}}/{{cohort}}/{NETWORK}_{{form}}"
            )
        ),
    log:
        logs(f"networks/generative_em/{{subject}}/{{cohort}}/{NETWORK}_{{form}}"),
    benchmark:
        benchmarks(f"networks/generative_em/{{subject}}/{{cohort}}/{NETWORK}_{{form}}")
    wildcard_constraints:
        form="|".join(VARIANTS),
    priority: 5
    conda:
        "../../envs/gpu.yaml" if TRAINED_ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=training_memory_mb,
        runtime=24 * 60,
        gpu=int(TRAINED_ON_GPU),
    params:
        seed=study.seed,
        network=NETWORK,
        training=section("training"),
        settings=lambda wildcards: {
            **section("generative_em")["networks"][NETWORK],
            **VARIANTS[wildcards.form],
        },
        library=digest("train_variant.py", network_of(NETWORK).module),
    message:
        "Training a network of the audit on {wildcards.subject}: {wildcards.form}"
    script:
        "../scripts/train_variant.py"


rule audit:
    input:
        **checked(
            thresholds=score_part("thresholds.json").replace("{cohort}", AUDIT_COHORT)
        ),
        anatomy=rules.anatomy.output[0],
        transfer=rules.transfer.output[0],
        training=shard_paths(AUDIT_COHORT),
        beats=shard_paths(AUDIT_SETTING),
        networks=[
            audit_network(form) for form in release.FORMS if form != release.ORACLE
        ],
    output:
        **checked(scores=AUDIT_PART),
    log:
        logs("audit/{subject}"),
    benchmark:
        benchmarks("audit/{subject}")
    priority: 8
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        seed=study.seed,
        study=part("generative_em", Measurement),
        inference=section("generative_em")["inference"][release.METHOD],
        amplitude_mv=study.simulation.amplitude_mv,
        cohort=AUDIT_COHORT,
        setting=AUDIT_SETTING,
        cases=study.generative_em.audit.cases,
        forms=[form for form in release.FORMS if form != release.ORACLE],
        library=digest("audit.py"),
    message:
        "Auditing the released inference on {wildcards.subject}"
    script:
        "../scripts/audit.py"


rule audit_table:
    input:
        **checked(parts=expand(AUDIT_PART, subject=AUDITED)),
    output:
        table_files(["audit"]),
        **checked(scores=score_file("audit")),
    log:
        logs("tables/audit"),
    benchmark:
        benchmarks("tables/audit")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
    params:
        study=section("generative_em"),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        library=digest("audit_table.py"),
    message:
        "Writing the audit of the released inference"
    script:
        "../scripts/audit_table.py"


rule learning_figures:
    input:
        **checked(
            scores=score_file("generative_em"),
            novelty=score_file("generative_em_novelty"),
            calibration=expand(
                score_part("calibration.csv"), subject=SUBJECTS, cohort=SCORED
            ),
        ),
    output:
        figure_files(
            [name for name in LEARNING_FIGURES if name in {"calibration", "novelty"}]
        ),
        **checked(coverage=score_file("generative_em_calibration")),
    log:
        logs("figures/learning"),
    benchmark:
        benchmarks("figures/learning")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        cohorts=TRAININGS,
        learning=[name for name, method in RUN_METHODS.items() if method.learns],
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        library=digest("learning_figures.py", *METHOD_MODULES),
    message:
        "Drawing calibration and errors against novelty"
    script:
        "../scripts/learning_figures.py"


rule generated_figure:
    input:
        anatomy=expand(ANATOMY, subject=SUBJECTS[0]),
        training=expand(shard_paths(SHOWN), subject=SUBJECTS[0]),
        new=expand(shard_paths(VALIDATION), subject=SUBJECTS[0]),
        sequential=shown_network(NETWORK),
        maps=shown_network("activation_map_vae"),
    output:
        figure_files(["generated"]),
    log:
        logs("figures/generated"),
    benchmark:
        benchmarks("figures/generated")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(15),
    params:
        seed=study.seed,
        subject=SUBJECTS[0],
        cohort=SHOWN,
        library=digest("generated_figure.py"),
    message:
        "Drawing potentials from generative models"
    script:
        "../scripts/generated_figure.py"


rule convergence_figure:
    input:
        anatomy=expand(ANATOMY, subject=SUBJECTS[0]),
        transfer=expand(TRANSFER, subject=SUBJECTS[0]),
        training=expand(shard_paths(SHOWN), subject=SUBJECTS[0]),
        beats=expand(shard_paths(VALIDATION), subject=SUBJECTS[0]),
        network=shown_network(NETWORK),
    output:
        **checked(steps=score_file("convergence")),
        svg=results("figures/convergence.svg"),
        png=results("figures/convergence.png"),
    log:
        logs("figures/convergence"),
    benchmark:
        benchmarks("figures/convergence")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        seed=study.seed,
        subject=SUBJECTS[0],
        cohort=SHOWN,
        study=part("generative_em", Measurement),
        inference={
            name: section("generative_em")["inference"][name] for name in FOLLOWED
        },
        settings=study.generative_em.convergence.model_dump(mode="json"),
        amplitude_mv=study.simulation.amplitude_mv,
        library=digest("convergence_figure.py", *METHOD_MODULES),
    message:
        "Following EM and marginal MAP step by step"
    script:
        "../scripts/convergence_figure.py"
