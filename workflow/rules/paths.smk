"""Where everything stands: files of users, stores, tables and figures."""

SUBJECTS = study.generative_em.subjects
SETTINGS = study.generative_em.settings


def results(path):
    """Path below this run's folder."""
    return f"results/{study.run}/{path}"


def logs(path):
    """Log file of a job."""
    return results(f"logs/{path}.log")


def benchmarks(path):
    """Benchmark file of a job."""
    return results(f"benchmarks/{path}.tsv")


def source_files(wildcards):
    """A user's own files, so that a change of theirs makes the subject again; public files by their registry."""
    files = study.subjects[wildcards.subject].files
    own = [os.path.expanduser(file) for file in files if not file.startswith(PREFIX)]
    return own if len(own) == len(files) else [*own, REGISTRY]


def shard_paths(cohort):
    """Shards of a cohort, for expansion over subjects."""
    count = len(
        shards(case_count(study.generative_em, cohort), study.generative_em.shard_cases)
    )
    return [
        results(f"beats/generative_em/{{subject}}/{cohort}/{i:04d}")
        for i in range(count)
    ]


def table_files(names):
    """The forms in which every table is written."""
    return expand(
        results("tables/{table}.{form}"), table=names, form=["md", "tex", "csv"]
    )


def figure_files(names):
    """The forms in which every figure is written."""
    return expand(results("figures/{figure}.{form}"), figure=names, form=["svg", "png"])


def drawn_inputs():
    """All that the pictures of single cases may need; which of it they do need follows from the scores."""
    pattern = results("reconstructions/generative_em/{subject}/{setting}/{method}")
    return {
        "scores": results("scores/generative_em.csv"),
        "anatomies": expand(results("anatomy/{subject}"), subject=SUBJECTS),
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
            results("scores/parts/generative_em/{subject}/{method}.json"),
            subject=SUBJECTS,
            method=study.generative_em.methods,
        ),
    }
