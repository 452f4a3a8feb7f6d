"""Hearts and torsos: anatomies and transfer matrices."""


def source_files(wildcards):
    """A user's own files, so that a change of theirs makes the subject again; public files have fixed digests."""
    values = study.subjects[wildcards.subject].model_dump(mode="json")
    names = (
        "image",
        "heart",
        "torso",
        "lv_endocardium",
        "rv_endocardium",
        "lungs",
        "electrodes",
        "limb_electrodes",
    )
    given = [values.get(name) or [] for name in names]
    paths = [
        path
        for value in given
        for path in ([value] if isinstance(value, str) else value)
    ]
    return [path for path in paths if not path.startswith("public:")]


rule anatomy:
    input:
        source_files,
    output:
        directory(results("anatomy/{subject}")),
    log:
        logs("anatomy/{subject}"),
    benchmark:
        benchmarks("anatomy/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        subject=lambda wildcards: study.subjects[wildcards.subject].model_dump(
            mode="json"
        ),
        anatomy=section("anatomy"),
        library=digest("anatomy.py"),
    message:
        "Building heart and torso {wildcards.subject}"
    script:
        "../scripts/anatomy.py"


rule transfer:
    input:
        anatomy=rules.anatomy.output[0],
    output:
        directory(results("transfer/{subject}")),
    log:
        logs("transfer/{subject}"),
    benchmark:
        benchmarks("transfer/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        torso=section("torso"),
        library=digest("transfer.py"),
    message:
        "Solving the lead fields of {wildcards.subject}"
    script:
        "../scripts/transfer.py"
