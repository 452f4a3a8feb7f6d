"""Study 2: hearts, activation maps on their images, autoencoders, what they and the baselines score."""

from transmural.report.image_names import TRAINING_FIGURE as IMAGE_TRAINING
from transmural.report.image_names import figure_titles as image_figures
from transmural.report.image_names import table_names as image_tables

# Every heart's place among those of the study.
IMAGE_HEARTS = hearts_of(study.conditional_vae)
IMAGE_NETWORKS = [
    image_network(training) for training in study.conditional_vae.trainings
]


rule image_heart:
    input:
        heart_files(study.conditional_vae),
    output:
        directory(results("anatomy/conditional_vae/{heart}")),
    log:
        logs("anatomy/conditional_vae/{heart}"),
    benchmark:
        benchmarks("anatomy/conditional_vae/{heart}")
    wildcard_constraints:
        heart="|".join(IMAGE_HEARTS) or "none",
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        number=lambda wildcards: IMAGE_HEARTS[wildcards.heart],
        subject=heart_section(study.conditional_vae),
        anatomy=heart_anatomy(study.conditional_vae),
        seed=study.seed,
        library=digest("image_heart.py", "transmural.cohorts.volunteers"),
    message:
        "Building the heart of {wildcards.heart} for images"
    script:
        "../scripts/image_heart.py"


rule images:
    input:
        rules.image_heart.output[0],
    output:
        directory(results("beats/conditional_vae/{cohort}/{heart}/{shard}")),
    log:
        logs("beats/conditional_vae/{cohort}/{heart}/{shard}"),
    benchmark:
        benchmarks("beats/conditional_vae/{cohort}/{heart}/{shard}")
    wildcard_constraints:
        cohort="slices|volumes",
        heart="|".join(IMAGE_HEARTS) or "none",
    priority: 29
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        design=lambda wildcards: section("conditional_vae")[wildcards.cohort],
        seed=study.seed,
        library=digest("images.py"),
    message:
        "Simulating {wildcards.cohort} of {wildcards.heart}, shard {wildcards.shard}"
    script:
        "../scripts/images.py"


rule train_images:
    input:
        lambda wildcards: image_paths(wildcards.cohort),
    output:
        directory(results("networks/conditional_vae/{cohort}/{split}/{form}")),
    log:
        logs("networks/conditional_vae/{cohort}/{split}/{form}"),
    benchmark:
        benchmarks("networks/conditional_vae/{cohort}/{split}/{form}")
    wildcard_constraints:
        cohort="slices|volumes",
        split="random|heart_out",
    priority: 27
    conda:
        "../../envs/gpu.yaml" if TRAINED_ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: image_memory_mb(wildcards.cohort, attempt),
        runtime=24 * 60,
        gpu=int(TRAINED_ON_GPU),
    params:
        seed=study.seed,
        training=section("training"),
        parts=part("conditional_vae", ImageParts),
        network=lambda wildcards: study.conditional_vae.network(
            image_training(wildcards)
        ).model_dump(),
        library=digest("train_images.py"),
    message:
        "Training {wildcards.form} on {wildcards.cohort}, split {wildcards.split}"
    script:
        "../scripts/train_images.py"


rule image_scores:
    input:
        slices=image_paths("slices"),
        volumes=image_paths("volumes"),
        networks=IMAGE_NETWORKS,
    output:
        **checked(scores=score_file("conditional_vae")),
        potentials=directory(results("predictions/conditional_vae/potentials")),
        slices=directory(results("predictions/conditional_vae/slices")),
        volumes=directory(results("predictions/conditional_vae/volumes")),
    log:
        logs("scores/conditional_vae"),
    benchmark:
        benchmarks("scores/conditional_vae")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: image_memory_mb("slices", attempt)
        + image_memory_mb("volumes", attempt),
        runtime=growing(120),
    params:
        study=section("conditional_vae"),
        seed=study.seed,
        library=digest("image_scores.py"),
    message:
        "Scoring autoencoders of images and baselines"
    script:
        "../scripts/image_scores.py"


rule image_results:
    input:
        **checked(scores=score_file("conditional_vae")),
        potentials=rules.image_scores.output.potentials,
        slices=rules.image_scores.output.slices,
        volumes=rules.image_scores.output.volumes,
        networks=IMAGE_NETWORKS,
        published=PUBLISHED,
    output:
        tables=table_files(image_tables(study.conditional_vae)),
        figures=figure_files([*image_figures(study.conditional_vae), IMAGE_TRAINING]),
    log:
        logs("image_results"),
    benchmark:
        benchmarks("image_results")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        study=section("conditional_vae"),
        run=lambda wildcards, output: str(Path(output[0]).parents[1]),
        library=digest("image_results.py"),
    message:
        "Writing tables and figures of conditional_vae"
    script:
        "../scripts/image_results.py"


rule conditional_vae:
    input:
        rules.image_results.output,
