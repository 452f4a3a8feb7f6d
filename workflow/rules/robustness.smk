"""Robustness: ECGs made otherwise than the methods believe, and what the methods make of them."""

from transmural.report.generative_em_names import (
    ROBUSTNESS_FIGURES,
    ROBUSTNESS_TABLE,
)
from transmural.stores.config import VariedCases

ROBUSTNESS = study.generative_em.robustness
ROBUST_SUBJECTS = SUBJECTS[: ROBUSTNESS.hearts]
ROBUST_METHODS = [
    name for name in ROBUSTNESS.methods if name in study.generative_em.methods
]
ROBUST_CASES = min(ROBUSTNESS.cases, study.generative_em.test_cases)
# Whether there is anything to show.
ROBUST = bool(ROBUST_SUBJECTS and ROBUST_METHODS)
VARIED_BODIES = ["electrodes", "pose", "conductivity", "tissue"]


rule varied_beats:
    input:
        anatomy=rules.anatomy.output[0],
        transfer=rules.transfer.output[0],
        cohort=results(f"cohorts/generative_em/{{subject}}/{ROBUSTNESS.setting}"),
    output:
        directory(VARIED),
    log:
        logs("varied_beats/generative_em/{subject}/{section}"),
    benchmark:
        benchmarks("varied_beats/generative_em/{subject}/{section}")
    wildcard_constraints:
        section="|".join(VARIED_BODIES),
    priority: 12
    conda:
        "../../envs/gpu.yaml" if ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=int(ON_GPU),
    params:
        cases=ROBUST_CASES,
        settings=lambda wildcards: robustness_part(VariedCases)[wildcards.section],
        study=part("generative_em", BeatSampling),
        simulation=section("simulation"),
        torso=section("torso"),
        library=digest("varied_beats.py"),
    message:
        "Simulating beats of {wildcards.subject} with other {wildcards.section}"
    script:
        "../scripts/varied_beats.py"


rule score_robustness:
    input:
        **checked(
            scores=score_part("scores.csv"), thresholds=score_part("thresholds.json")
        ),
        anatomy=rules.anatomy.output[0],
        transfer=rules.transfer.output[0],
        training=training_beats,
        network=trained_network,
        beats=shard_paths(ROBUSTNESS.setting),
        varied=[
            VARIED.replace("{section}", name)
            for name in VARIED_BODIES
            if getattr(ROBUSTNESS, name).of(name)
        ],
    output:
        **checked(scores=ROBUSTNESS_PART),
    log:
        logs("robustness/{subject}/{cohort}/{method}"),
    benchmark:
        benchmarks("robustness/{subject}/{cohort}/{method}")
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=reconstruction_memory_mb,
        runtime=growing(60),
    params:
        seed=study.seed,
        cases=ROBUST_CASES,
        settings=robustness_part(VariedCases),
        study=part("generative_em", Measurement),
        amplitude_mv=study.simulation.amplitude_mv,
        inference=inference_settings,
        library=lambda wildcards: digest(
            "score_robustness.py", method_module(wildcards.method)
        ),
    message:
        "Reconstructing varied beats of {wildcards.subject} with {wildcards.method}, training cohort {wildcards.cohort}"
    script:
        "../scripts/score_robustness.py"


rule robustness:
    input:
        **checked(
            parts=[
                path
                for name in ROBUST_METHODS
                for path in expand(
                    ROBUSTNESS_PART,
                    subject=ROBUST_SUBJECTS,
                    cohort=methods()[name].learns_from([shown_cohort(TRAININGS)]),
                    method=name,
                )
            ]
        ),
    output:
        table_files([ROBUSTNESS_TABLE]),
        figure_files(ROBUSTNESS_FIGURES),
        **checked(scores=score_file("robustness")),
    log:
        logs("robustness"),
    benchmark:
        benchmarks("robustness")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        settings=robustness_part(type(ROBUSTNESS)),
        library=digest("robustness.py", *METHOD_MODULES),
    message:
        "Writing table and figures of robustness"
    script:
        "../scripts/robustness.py"
