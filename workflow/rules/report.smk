"""Tables, figures and the report, all from scores and stores."""

SUBJECTS = study.generative_em.subjects
TABLES = [*table_names(SUBJECTS), "subjects"]


def table_files(names):
    """The forms in which every table is written."""
    return expand(
        results("tables/{table}.{form}"), table=names, form=["md", "tex", "csv"]
    )


def figure_files(names):
    """The forms in which every figure is written."""
    return expand(results("figures/{figure}.{form}"), figure=names, form=["svg", "png"])


rule study_tables:
    input:
        scores=rules.scores.output[0],
        published=PUBLISHED,
    output:
        table_files(table_names(SUBJECTS)),
    log:
        logs("tables/generative_em"),
    benchmark:
        benchmarks("tables/generative_em")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        study=section("generative_em"),
        folder=results("tables"),
        library=digest("study_tables.py", *METHOD_MODULES),
    message:
        "Writing the tables of generative_em"
    script:
        "../scripts/study_tables.py"


rule subject_tables:
    input:
        anatomies=expand(rules.anatomy.output[0], subject=SUBJECTS),
        transfers=expand(rules.transfer.output[0], subject=SUBJECTS),
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
        mem_mb=2000,
        runtime=10,
    params:
        subjects=SUBJECTS,
        folder=results("tables"),
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
        figure_files([f"{name}_{{subject}}" for name in SUBJECT_FIGURES]),
    log:
        logs("figures/subjects/{subject}"),
    benchmark:
        benchmarks("figures/subjects/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        cohorts=COHORTS,
        folder=results("figures"),
        library=digest("subject_figures.py"),
    message:
        "Drawing heart, torso and cohorts of {wildcards.subject}"
    script:
        "../scripts/subject_figures.py"


def drawn_inputs():
    """All that the pictures of single cases may need; which of it they do need follows from the scores."""
    pattern = results("reconstructions/generative_em/{subject}/{setting}/{method}")
    return {
        "scores": rules.scores.output[0],
        "anatomies": expand(rules.anatomy.output[0], subject=SUBJECTS),
        "beats": [
            path
            for setting in SETTINGS
            for path in expand(shard_paths(setting), subject=SUBJECTS)
        ],
        "reconstructions": expand(
            pattern,
            subject=SUBJECTS,
            setting=SETTINGS,
            method=study.generative_em.methods,
        ),
        "thresholds": expand(
            rules.score.output.threshold,
            subject=SUBJECTS,
            method=study.generative_em.methods,
        ),
    }


rule study_figures:
    input:
        **drawn_inputs(),
        transfers=expand(rules.transfer.output[0], subject=SUBJECTS),
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
        mem_mb=4000,
        runtime=15,
    params:
        study=section("generative_em"),
        run=results(""),
        library=digest("study_figures.py", *METHOD_MODULES),
    message:
        "Drawing the figures of generative_em"
    script:
        "../scripts/study_figures.py"


rule write_report:
    input:
        **drawn_inputs(),
        transfers=expand(rules.transfer.output[0], subject=SUBJECTS),
        tables=table_files(TABLES),
        figures=figure_files(FIGURES),
        subject_figures=figure_files(
            [f"{name}_{subject}" for subject in SUBJECTS for name in SUBJECT_FIGURES]
        ),
        published=PUBLISHED,
        templates=TEMPLATES,
    output:
        results("report.html"),
    log:
        logs("report"),
    benchmark:
        benchmarks("report")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=15,
    params:
        config=study.model_dump(mode="json"),
        run=results(""),
        command=COMMAND,
        library=digest("report.py", *METHOD_MODULES),
    message:
        "Writing the report"
    script:
        "../scripts/report.py"


rule tables:
    input:
        rules.study_tables.output,
        rules.subject_tables.output,


rule figures:
    input:
        rules.study_figures.output,
        expand(rules.subject_figures.output, subject=SUBJECTS),


rule report:
    input:
        rules.write_report.output,
