"""Networks, each trained on one training cohort of a subject."""

from transmural.networks.registry import get as network_of
from transmural.stores.config.networks import Networks

TRAINED_ON_GPU = study.training.device == "gpu"
# Networks that the study's methods infer with.
NETWORKS = [
    name
    for name in Networks.model_fields
    if name in {methods()[method].network for method in study.generative_em.methods}
]


# Priorities, here and in other rules: what the longest chain of jobs waits for goes first.
rule train:
    input:
        anatomy=rules.anatomy.output[0],
        training=training_cohort,
        validation=shard_paths(VALIDATION),
    output:
        directory(TRAINED),
    log:
        logs("networks/generative_em/{subject}/{cohort}/{network}"),
    benchmark:
        benchmarks("networks/generative_em/{subject}/{cohort}/{network}")
    wildcard_constraints:
        network="|".join(Networks.model_fields),
    priority: 20
    conda:
        "../../envs/gpu.yaml" if TRAINED_ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=training_memory_mb,
        runtime=24 * 60,
        gpu=int(TRAINED_ON_GPU),
    params:
        seed=study.seed,
        training=section("training"),
        settings=lambda wildcards: section("generative_em")["networks"][
            wildcards.network
        ],
        library=lambda wildcards: digest(
            "train.py", network_of(wildcards.network).module
        ),
    message:
        "Training {wildcards.network} on {wildcards.subject}, training cohort {wildcards.cohort}"
    script:
        "../scripts/train.py"


rule training_figure:
    input:
        expand(TRAINED, subject=SUBJECTS, cohort=TRAININGS, network=NETWORKS),
    output:
        figure_files(["training"]),
    log:
        logs("figures/training"),
    benchmark:
        benchmarks("figures/training")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        library=digest("training_figure.py"),
    message:
        "Drawing how the networks were trained"
    script:
        "../scripts/training_figure.py"
