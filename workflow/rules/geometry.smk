"""Hearts and torsos: anatomies and transfer matrices."""


rule anatomy:
    input:
        source_files,
    output:
        directory(ANATOMY),
    log:
        logs("anatomy/{subject}"),
    benchmark:
        benchmarks("anatomy/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
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
        directory(TRANSFER),
    log:
        logs("transfer/{subject}"),
    benchmark:
        benchmarks("transfer/{subject}")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        torso=section("torso"),
        library=digest("transfer.py"),
    message:
        "Solving the lead fields of {wildcards.subject}"
    script:
        "../scripts/transfer.py"
