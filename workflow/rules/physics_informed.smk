"""Study 4: hearts' surfaces, beats on them, fields and rivals fitted to each beat, and what they score."""

from transmural.report.surface_labels import figure_titles as surface_figures
from transmural.report.surface_labels import table_names as surface_tables

SURFACE_FITS = surface_fits()
AMORTISED = study.physics_informed.amortised
AMORTISED_SUBJECTS = study.physics_informed.subjects if AMORTISED.methods else []
AMORTISED_FITS = [
    results(f"reconstructions/physics_informed/{subject}/mismatch/amortised")
    for subject in AMORTISED_SUBJECTS
]


rule surface:
    input:
        anatomy=rules.anatomy.output[0],
    output:
        directory(results("surfaces/physics_informed/{subject}/{surface}")),
    log:
        logs("surfaces/physics_informed/{subject}/{surface}"),
    benchmark:
        benchmarks("surfaces/physics_informed/{subject}/{surface}")
    wildcard_constraints:
        surface="outer|finer|wall",
    priority: 26
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        vertices=lambda wildcards: surface_vertices(wildcards.surface),
        electrodes=study.physics_informed.electrodes,
        torso=section("torso"),
        library=digest("heart_surface.py"),
    message:
        "Making the {wildcards.surface} surface of {wildcards.subject}"
    script:
        "../scripts/heart_surface.py"


rule surface_beats:
    input:
        anatomy=rules.anatomy.output[0],
        surface=lambda wildcards: surface_path(
            "wall" if wildcards.protocol in WALL_PROTOCOLS else "outer"
        ),
        finer=lambda wildcards: (
            [surface_path("finer")] if wildcards.protocol in FINER_PROTOCOLS else []
        ),
    output:
        directory(results("beats/physics_informed/{subject}/{protocol}")),
    log:
        logs("beats/physics_informed/{subject}/{protocol}"),
    benchmark:
        benchmarks("beats/physics_informed/{subject}/{protocol}")
    wildcard_constraints:
        protocol="|".join(PROTOCOLS),
    priority: 26
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        seed=study.seed,
        cases=study.physics_informed.cases,
        first_case=study.physics_informed.first_case,
        duration_ms=study.physics_informed.duration_ms,
        frame_ms=study.physics_informed.frame_ms,
        simulation=lambda wildcards: surface_simulation(wildcards.protocol),
        library=digest("surface_beats.py"),
    message:
        "Simulating beats on the surface of {wildcards.subject}, protocol {wildcards.protocol}"
    script:
        "../scripts/surface_beats.py"


rule surface_fits:
    input:
        lambda wildcards: surface_beats_path(
            wildcards.subject,
            study.physics_informed.settings[wildcards.setting].protocol,
        ),
    output:
        directory(
            results("reconstructions/physics_informed/{subject}/{setting}/{shard}")
        ),
    log:
        logs("reconstructions/physics_informed/{subject}/{setting}/{shard}"),
    benchmark:
        benchmarks("reconstructions/physics_informed/{subject}/{setting}/{shard}")
    wildcard_constraints:
        setting="|".join(study.physics_informed.settings).replace(".", "[.]"),
    priority: 25
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=24 * 60,
    params:
        setting=lambda wildcards: list(
            study.physics_informed.settings[wildcards.setting]
        ),
        fits=lambda wildcards: fits_of(wildcards.setting, int(wildcards.shard)),
        methods=part("physics_informed", SurfaceMethods),
        simulation=section("simulation"),
        training=section("training"),
        seed=study.seed,
        library=digest("surface_fits.py"),
    message:
        "Reconstructing beats of {wildcards.subject}, setting {wildcards.setting}, shard {wildcards.shard}"
    script:
        "../scripts/surface_fits.py"


rule surface_amortised:
    input:
        unpack(amortised_networks),
        anatomy=rules.anatomy.output[0],
        transfer=rules.transfer.output[0],
        beats=surface_beats_path("{subject}", "mismatch"),
        training=amortised_training,
    output:
        directory(
            results("reconstructions/physics_informed/{subject}/mismatch/amortised")
        ),
    log:
        logs("reconstructions/physics_informed/{subject}/mismatch/amortised"),
    benchmark:
        benchmarks("reconstructions/physics_informed/{subject}/mismatch/amortised")
    priority: 10
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(240),
    params:
        seed=study.seed,
        sigma=study.physics_informed.noise_elsewhere,
        methods={
            name: section("generative_em")["inference"].get(name)
            for name in AMORTISED.methods
        },
        sampling=part("generative_em", BeatSampling),
        measurement=part("generative_em", Measurement),
        simulation=section("simulation"),
        library=digest("surface_amortised.py", *map(method_module, AMORTISED.methods)),
    message:
        "Reconstructing beats of {wildcards.subject} by methods of generative_em"
    script:
        "../scripts/surface_amortised.py"


rule surface_scores:
    input:
        beats=[surface_beats_path(*pair) for pair in surface_beat_pairs()],
        fits=[path for *_, path in SURFACE_FITS],
        amortised=AMORTISED_FITS,
    output:
        **checked(scores=score_file("physics_informed")),
    log:
        logs("scores/physics_informed"),
    benchmark:
        benchmarks("scores/physics_informed")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        beats=["/".join(pair) for pair in surface_beat_pairs()],
        parts=[[setting, beats] for setting, beats, _ in SURFACE_FITS],
        amortised=[
            [study.physics_informed.amortised_setting, f"{subject}/mismatch"]
            for subject in AMORTISED_SUBJECTS
        ],
        library=digest("surface_scores.py"),
    message:
        "Scoring reconstructions on hearts' surfaces"
    script:
        "../scripts/surface_scores.py"


rule surface_results:
    input:
        **checked(scores=score_file("physics_informed")),
        beats=rules.surface_scores.input.beats,
        fits=rules.surface_scores.input.fits,
        amortised=AMORTISED_FITS,
    output:
        tables=table_files(surface_tables(study.physics_informed)),
        figures=figure_files(surface_figures(study.physics_informed)),
    log:
        logs("surface_results"),
    benchmark:
        benchmarks("surface_results")
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        study=section("physics_informed"),
        beats=rules.surface_scores.params.beats,
        parts=rules.surface_scores.params.parts,
        amortised=rules.surface_scores.params.amortised,
        run=lambda wildcards, output: str(Path(output[0]).parents[1]),
        library=digest("surface_results.py"),
    message:
        "Writing tables and figures of physics_informed"
    script:
        "../scripts/surface_results.py"


rule physics_informed:
    input:
        rules.surface_results.output,
