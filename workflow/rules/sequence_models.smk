"""Study 3: hearts and their recordings, or the published archive; networks, scores, tables and figures."""

from transmural.report.sequence_names import TRAINING_FIGURE as SEQUENCE_TRAINING
from transmural.report.sequence_names import figure_titles
from transmural.report.sequence_names import table_names as sequence_tables
from transmural.stores.config import RecordingDesign

# Every heart's place among those of the study.
HEARTS = hearts_of(study.sequence_models)


rule volunteer:
    input:
        heart_files(study.sequence_models),
    output:
        anatomy=directory(results("volunteers/{heart}/anatomy")),
        transfer=directory(results("volunteers/{heart}/transfer")),
    log:
        logs("volunteers/{heart}"),
    benchmark:
        benchmarks("volunteers/{heart}")
    wildcard_constraints:
        heart="|".join(HEARTS) or "none",
    priority: 30
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        number=lambda wildcards: HEARTS[wildcards.heart],
        subject=heart_section(study.sequence_models),
        anatomy=heart_anatomy(study.sequence_models),
        torso=section("torso"),
        seed=study.seed,
        library=digest("volunteer.py"),
    message:
        "Building heart and torso of {wildcards.heart}"
    script:
        "../scripts/volunteer.py"


rule recordings:
    input:
        anatomy=rules.volunteer.output.anatomy,
        transfer=rules.volunteer.output.transfer,
    output:
        directory(results("beats/sequence_models/{heart}/{shard}")),
    log:
        logs("beats/sequence_models/{heart}/{shard}"),
    benchmark:
        benchmarks("beats/sequence_models/{heart}/{shard}")
    wildcard_constraints:
        heart="|".join(HEARTS) or "none",
    priority: 29
    conda:
        "../../envs/gpu.yaml" if ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
        gpu=int(ON_GPU),
    params:
        number=lambda wildcards: HEARTS[wildcards.heart],
        design=part("sequence_models", RecordingDesign),
        simulation=section("simulation"),
        seed=study.seed,
        library=digest("recordings.py"),
    message:
        "Simulating recordings of {wildcards.heart}, shard {wildcards.shard}"
    script:
        "../scripts/recordings.py"


rule archive:
    input:
        study.sequence_models.archive or [],
    output:
        directory(results("archive/sequence_models")),
    log:
        logs("archive/sequence_models"),
    benchmark:
        benchmarks("archive/sequence_models")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(12000),
        runtime=growing(60),
    params:
        sample_ms=study.sequence_models.sample_ms,
        library=digest("archive.py"),
    message:
        "Reading the published archive"
    script:
        "../scripts/archive.py"


rule train_sequences:
    input:
        recording_paths(),
    output:
        directory(SEQUENCE_MODEL),
    log:
        logs("networks/sequence_models/{split}/{model}"),
    benchmark:
        benchmarks("networks/sequence_models/{split}/{model}")
    wildcard_constraints:
        split="|".join(study.sequence_models.splits),
        model="|".join(study.sequence_models.models),
    priority: 28
    conda:
        "../../envs/gpu.yaml" if TRAINED_ON_GPU else ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=24 * 60,
        gpu=int(TRAINED_ON_GPU),
    params:
        seed=study.seed,
        training=section("training"),
        network=lambda wildcards: section("sequence_models")["networks"][
            wildcards.model
        ],
        cuts=lambda wildcards: study.sequence_models.trainings(
            wildcards.model, wildcards.split
        ),
        test_share=study.sequence_models.test_share,
        sample_ms=study.sequence_models.sample_ms,
        library=digest("train_sequences.py"),
    message:
        "Training {wildcards.model} on the split {wildcards.split}"
    script:
        "../scripts/train_sequences.py"


rule sequence_scores:
    input:
        recordings=recording_paths(),
        networks=expand(
            SEQUENCE_MODEL,
            split=study.sequence_models.splits,
            model=study.sequence_models.models,
        ),
    output:
        **checked(scores=score_file("sequence_models")),
        predictions=directory(results("predictions/sequence_models")),
    log:
        logs("scores/sequence_models"),
    benchmark:
        benchmarks("scores/sequence_models")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        study=section("sequence_models"),
        seed=study.seed,
        library=digest("sequence_scores.py"),
    message:
        "Scoring sequence models and baselines"
    script:
        "../scripts/sequence_scores.py"


rule sequence_results:
    input:
        **checked(scores=score_file("sequence_models")),
        predictions=rules.sequence_scores.output.predictions,
        networks=rules.sequence_scores.input.networks,
        published=PUBLISHED,
    output:
        **checked(intervals=score_file("sequence_models_intervals")),
        tables=table_files(sequence_tables(study.sequence_models)),
        figures=figure_files([*figure_titles(study.sequence_models), SEQUENCE_TRAINING]),
    log:
        logs("sequence_results"),
    benchmark:
        benchmarks("sequence_results")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        study=section("sequence_models"),
        seed=study.seed,
        run=lambda wildcards, output: str(Path(output.intervals).parents[1]),
        library=digest("sequence_results.py"),
    message:
        "Writing tables and figures of sequence_models"
    script:
        "../scripts/sequence_results.py"


rule sequence_models:
    input:
        rules.sequence_results.output,
