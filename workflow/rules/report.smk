"""Tables, figures and the report, all from scores and stores."""

STUDY_TABLES = table_names(SUBJECTS, TRAININGS)
TABLES = [*STUDY_TABLES, "subjects"]
SUBJECT_FIGURE_FILES = figure_files([f"{name}_{{subject}}" for name in SUBJECT_FIGURES])


rule study_tables:
    input:
        **checked(scores=score_file("generative_em")),
        published=PUBLISHED,
    output:
        table_files(STUDY_TABLES),
    log:
        logs("tables/generative_em"),
    benchmark:
        benchmarks("tables/generative_em")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        study=section("generative_em"),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        library=digest("study_tables.py", *METHOD_MODULES),
    message:
        "Writing the tables of generative_em"
    script:
        "../scripts/study_tables.py"


rule subject_tables:
    input:
        anatomies=expand(ANATOMY, subject=SUBJECTS),
        transfers=expand(TRANSFER, subject=SUBJECTS),
    output:
        table_files(["subjects"]),
    log:
        logs("tables/subjects"),
    benchmark:
        benchmarks("tables/subjects")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        subjects=SUBJECTS,
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        library=digest("subject_tables.py"),
    message:
        "Writing the table of subjects"
    script:
        "../scripts/subject_tables.py"


rule subject_figures:
    input:
        **{
            name: results(f"cohorts/generative_em/{{subject}}/{name}")
            for name in COHORTS
        },
        anatomy=rules.anatomy.output[0],
    output:
        SUBJECT_FIGURE_FILES,
    log:
        logs("figures/subjects/{subject}"),
    benchmark:
        benchmarks("figures/subjects/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        cohorts=COHORTS,
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        library=digest("subject_figures.py"),
    message:
        "Drawing heart, torso and cohorts of {wildcards.subject}"
    script:
        "../scripts/subject_figures.py"


rule study_figures:
    input:
        **drawn_inputs(),
        transfers=expand(TRANSFER, subject=SUBJECTS),
        published=PUBLISHED,
    output:
        figure_files(FIGURES),
    log:
        logs("figures/generative_em"),
    benchmark:
        benchmarks("figures/generative_em")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        study=section("generative_em"),
        run=lambda wildcards, output: str(Path(output[0]).parents[1]),
        library=digest("study_figures.py", *METHOD_MODULES),
    message:
        "Drawing the figures of generative_em"
    script:
        "../scripts/study_figures.py"


rule write_report:
    input:
        **generative_em_inputs(),
        **forward_surrogate_inputs(),
        **sequence_models_inputs(),
        **conditional_vae_inputs(),
        **physics_informed_inputs(),
        published=PUBLISHED,
        templates=TEMPLATES,
    output:
        report=results("report.html"),
        config=results("config.yaml"),
    log:
        logs("report"),
    benchmark:
        benchmarks("report")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(15),
    params:
        config=study.model_dump(mode="json"),
        run=lambda wildcards, output: str(Path(output[0]).parent),
        command=lambda wildcards: COMMAND,
        library=digest("report.py", *METHOD_MODULES),
    message:
        "Writing the report"
    script:
        "../scripts/report.py"


rule tables:
    input:
        of_studies(
            generative_em=[
                rules.study_tables.output,
                rules.novelty.output,
                rules.subject_tables.output,
                rules.audit_table.output if AUDITED else [],
                rules.robustness.output if ROBUST else [],
            ],
            forward_surrogate=rules.surrogate_results.output.tables,
            sequence_models=rules.sequence_results.output.tables,
            conditional_vae=rules.image_results.output.tables,
            physics_informed=rules.surface_results.output.tables,
        ),


rule figures:
    input:
        of_studies(
            generative_em=[
                rules.study_figures.output,
                expand(SUBJECT_FIGURE_FILES, subject=SUBJECTS),
                figure_files(LEARNING_FIGURES),
                rules.robustness.output if ROBUST else [],
            ],
            forward_surrogate=rules.surrogate_results.output.figures,
            sequence_models=rules.sequence_results.output.figures,
            conditional_vae=rules.image_results.output.figures,
            physics_informed=rules.surface_results.output.figures,
        ),


rule report:
    input:
        rules.write_report.output,
