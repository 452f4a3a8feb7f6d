"""Where everything stands: files of users, stores, tables and figures."""

SUBJECTS = study.generative_em.subjects
SETTINGS = study.generative_em.settings
TRAININGS = study.generative_em.cohorts


def results(path):
    """Path below this run's folder."""
    return f"results/{study.run}/{path}"


def score_file(name):
    """Scores of a study."""
    return results(f"scores/{name}.csv")


def checked(**files):
    """Files that rules write or read with the checksum beside each of them."""
    beside = {
        f"{name}_checksum": [
            f"{path}.crc32" for path in ([paths] if isinstance(paths, str) else paths)
        ]
        for name, paths in files.items()
    }
    return files | beside


# Patterns that other rules expand. Outputs of rules can't be: in remote storage they are more than their path.
ANATOMY = results("anatomy/{subject}")
TRANSFER = results("transfer/{subject}")
TRAINED = results("networks/generative_em/{subject}/{cohort}/{network}")
RECONSTRUCTION = results(
    "reconstructions/generative_em/{subject}/{cohort}/{setting}/{method}"
)
VARIED = results("varied_beats/generative_em/{subject}/{section}")
ROBUSTNESS_PART = results("scores/parts/robustness/{subject}/{cohort}/{method}.csv")
AUDIT_PART = results("scores/parts/audit/{subject}.csv")
SURROGATE = results("networks/forward_surrogate/{form}")
SEQUENCE_MODEL = results("networks/sequence_models/{split}/{model}")


def logs(path):
    """Log file of a job."""
    return results(f"logs/{path}.log")


def benchmarks(path):
    """Benchmark file of a job."""
    return results(f"benchmarks/{path}.tsv")


def source_files(wildcards):
    """Files of a subject."""
    return files_of(wildcards.subject)


def files_of(subject):
    """A user's own files, so that a change of theirs makes the subject again; public files by their registry."""
    files = study.subjects[subject].files
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


def by_method(pattern, **wildcards):
    """A path for each method and each training cohort that it learns from."""
    return [
        path
        for name in study.generative_em.methods
        for path in expand(
            pattern,
            method=name,
            cohort=methods()[name].learns_from(TRAININGS),
            **wildcards,
        )
    ]


def methods_under(cohort):
    """Methods of the run that learn from a training cohort; those that don't learn under «none»."""
    return [
        name
        for name in study.generative_em.methods
        if cohort in methods()[name].learns_from(TRAININGS)
    ]


# Training cohorts, «none» among them, under which there is a method to score.
SCORED = [name for name in [NO_TRAINING, *TRAININGS] if methods_under(name)]


def score_part(file):
    """A file of the scores of all methods under one training cohort."""
    return results(f"scores/parts/generative_em/{{subject}}/{{cohort}}/{file}")


def trained_network(wildcards):
    """Folder of the network that a method infers with, if any."""
    name = methods()[wildcards.method].network
    return [] if name is None else expand(TRAINED, **wildcards, network=name)


def shown_network(name):
    """Folder of a network of the first heart, under the cohort that is drawn; none if no method has it."""
    known = {"subject": SUBJECTS[0], "cohort": SHOWN, "network": name}
    return expand(TRAINED, **known) if name in NETWORKS else []


def audit_network(form):
    """Folder of the network of a form of the audit: that of the methods, or one that is trained otherwise."""
    name = f"{NETWORK}_{form}" if form in VARIANTS else NETWORK
    return TRAINED.replace("{cohort}", AUDIT_COHORT).replace("{network}", name)


def training_cohort(wildcards):
    """Shards of a training cohort."""
    return expand(shard_paths(wildcards.cohort), subject=wildcards.subject)


def reconstruction_memory_mb(wildcards, attempt):
    """Memory of a reconstruction: the training beats that it reads, and what methods need besides."""
    if not training_beats(wildcards):
        return 6000 * attempt
    cases = case_count(study.generative_em, wildcards.cohort)
    beats = cases * study.generative_em.frames * study.anatomy.nodes * 4 / 1e6
    return int(6000 + 1.5 * beats) * attempt


def training_beats(wildcards):
    """Shards of the training cohort that a method learns from directly, if it does."""
    learns = "training" in methods()[wildcards.method].needs
    return training_cohort(wildcards) if learns else []


def drawn_inputs():
    """All that the pictures of single cases may need; which of it they do need follows from the scores."""
    return {
        **checked(scores=score_file("generative_em")),
        "anatomies": expand(ANATOMY, subject=SUBJECTS),
        "beats": [
            path
            for setting in SETTINGS
            for path in expand(shard_paths(setting), subject=SUBJECTS)
        ],
        "reconstructions": by_method(
            RECONSTRUCTION, subject=SUBJECTS, setting=SETTINGS
        ),
        **checked(
            thresholds=expand(
                score_part("thresholds.json"), subject=SUBJECTS, cohort=SCORED
            )
        ),
    }


def sheet_paths(cohort):
    """Shards of a cohort of sheets."""
    count = len(
        shards(
            len(classes_of(study.forward_surrogate, cohort)),
            study.forward_surrogate.shard_sheets,
        )
    )
    return [results(f"beats/forward_surrogate/{cohort}/{i:04d}") for i in range(count)]


def hearts_of(design):
    """Hearts of a study with volunteers, and the place of each among them; subjects of the catalogue come last."""
    names = [*map(volunteer_name, range(design.hearts)), *design.subjects]
    return {name: number for number, name in enumerate(names)}


def heart_section(design):
    """How a heart's section in the catalogue is found; there is none for a volunteer, who is drawn."""

    def found(wildcards):
        named = wildcards.heart in design.subjects
        return (
            study.subjects[wildcards.heart].model_dump(mode="json") if named else None
        )

    return found


def heart_files(design):
    """How a user's own files of a heart of the catalogue are found."""

    def found(wildcards):
        return files_of(wildcards.heart) if wildcards.heart in design.subjects else []

    return found


def recording_paths():
    """Recordings of study 3: shards of every heart, or the published archive."""
    design = study.sequence_models
    if design.archive is not None:
        return [results("archive/sequence_models")]
    count = len(shards(design.recordings, design.shard_recordings))
    return [
        results(f"beats/sequence_models/{heart}/{i:04d}")
        for heart in HEARTS
        for i in range(count)
    ]


def image_paths(cohort):
    """Shards of activation maps of study 2, all hearts: slices or volumes."""
    design = getattr(study.conditional_vae, cohort)
    count = len(shards(design.maps, design.shard_maps))
    return [
        results(f"beats/conditional_vae/{cohort}/{heart}/{i:04d}")
        for heart in hearts_of(study.conditional_vae)
        for i in range(count)
    ]


def image_training(wildcards):
    """The network of study 2 that a job trains."""
    return ImageTraining(wildcards.cohort, wildcards.split, wildcards.form)


def image_network(training):
    """Folder of a network of study 2."""
    return results("networks/conditional_vae/" + "/".join(training))


def surface_path(surface):
    """Pattern of a surface of a heart of study 4."""
    return results(f"surfaces/physics_informed/{{subject}}/{surface}")


def surface_beats_path(subject, protocol):
    """Beats of a heart under a protocol of study 4."""
    return results(f"beats/physics_informed/{subject}/{protocol}")


def surface_beat_pairs():
    """Hearts and protocols of study 4."""
    design = study.physics_informed
    return [
        (subject, protocol)
        for subject in design.subjects
        for protocol in design.protocols
    ]


def surface_fits():
    """Reconstructions of study 4: setting, heart and protocol of the beats, and path of every shard."""
    design = study.physics_informed
    count = len(shards(design.cases, design.shard_cases))
    pattern = results("reconstructions/physics_informed/{}/{}/{:04d}")
    return [
        (name, f"{subject}/{setting.protocol}", pattern.format(subject, name, shard))
        for subject in design.subjects
        for name, setting in design.settings.items()
        for shard in range(count)
    ]


def amortised_networks(wildcards):
    """Folders of the networks with which methods of generative_em reconstruct beats of study 4, by method."""
    given = study.physics_informed.amortised
    networks = {name: methods()[name].network for name in given.methods}
    return {
        name: TRAINED.format(
            subject=wildcards.subject, cohort=given.cohort, network=network
        )
        for name, network in networks.items()
        if network is not None
    }


def amortised_training(wildcards):
    """Shards of the training cohort, if one of these methods learns from them directly."""
    given = study.physics_informed.amortised
    if not any("training" in methods()[name].needs for name in given.methods):
        return []
    return expand(shard_paths(given.cohort), subject=wildcards.subject)


def generative_em_inputs():
    """What the report needs of generative_em, if it is run."""
    if "generative_em" not in study.studies:
        return {}
    return {
        **drawn_inputs(),
        "transfers": expand(TRANSFER, subject=SUBJECTS),
        "tables": table_files(TABLES),
        "figures": figure_files([*FIGURES, *LEARNING_FIGURES]),
        **checked(
            audit=[score_file("audit")] if AUDITED else [],
            robustness=[score_file("robustness")] if ROBUST else [],
        ),
        "subject_figures": figure_files(
            [f"{name}_{subject}" for subject in SUBJECTS for name in SUBJECT_FIGURES]
        ),
    }


def forward_surrogate_inputs():
    """What the report needs of forward_surrogate, if it is run."""
    if "forward_surrogate" not in study.studies:
        return {}
    return {
        **checked(surrogate_scores=score_file("forward_surrogate")),
        "surrogate_results": rules.surrogate_results.output,
    }


def sequence_models_inputs():
    """What the report needs of sequence_models, if it is run."""
    if "sequence_models" not in study.studies:
        return {}
    return {
        **checked(
            sequence_scores=score_file("sequence_models"),
            sequence_intervals=score_file("sequence_models_intervals"),
        ),
        "sequence_results": rules.sequence_results.output,
    }


def conditional_vae_inputs():
    """What the report needs of conditional_vae, if it is run."""
    if "conditional_vae" not in study.studies:
        return {}
    return {
        **checked(image_scores=score_file("conditional_vae")),
        "image_results": rules.image_results.output,
    }


def physics_informed_inputs():
    """What the report needs of physics_informed, if it is run."""
    if "physics_informed" not in study.studies:
        return {}
    return {
        **checked(surface_scores=score_file("physics_informed")),
        "surface_results": rules.surface_results.output,
    }


def of_studies(**files):
    """Those files whose study is run."""
    return [files[name] for name in study.studies if name in files]
