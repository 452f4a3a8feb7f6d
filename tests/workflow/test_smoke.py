"""The whole study at smoke scale, through Snakemake as a user runs it."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml

from transmural.stores.contracts import (
    ACTIVATION_IMAGES,
    ACTIVATION_VOLUMES,
    ANATOMY,
    BEATS,
    COHORT,
    PREDICTED_BSPS,
    PREDICTED_ECGS,
    PREDICTED_MAPS,
    PREDICTED_VOLUMES,
    RECONSTRUCTION,
    SHEETS,
    SURFACE_BEATS,
    SURFACE_RECONSTRUCTIONS,
    SURFACE_TRANSFER,
    TRANSFER,
)
from transmural.stores.store import open_store, provenance_of

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


TIMED = re.compile(rb"Time a map|^[^,]*,seconds,")
"""A table's row of wall times, in each of its forms."""


def digests(results, pattern):
    """Of files, without the tables of costs and without rows of wall times."""
    files = [p for p in sorted(results.glob(pattern)) if p.is_file() and "costs" not in p.name]
    assert files
    untimed = {p: [line for line in p.read_bytes().splitlines() if not TIMED.search(line)] for p in files}
    return {str(p.relative_to(results)): hashlib.sha256(b"\n".join(lines)).hexdigest() for p, lines in untimed.items()}


def planned(output):
    """Jobs by rule that a dry run lists."""
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE)}


def untimed_scores(results, study):
    scores = pd.read_csv(results / "scores" / f"{study}.csv")
    return scores[~scores["metric"].isin(["seconds", "memory"])].reset_index(drop=True)


def test_every_stage_left_a_whole_store(smoke):
    results = smoke.results()
    for pattern, contract in {
        "anatomy/slender": ANATOMY,
        "transfer/*": TRANSFER,
        "cohorts/generative_em/*/*": COHORT,
        "beats/generative_em/*/*/*": BEATS,
        "varied_beats/generative_em/*/*": BEATS,
        "reconstructions/generative_em/*/*/*/*": RECONSTRUCTION,
        "beats/forward_surrogate/*/*": SHEETS,
        "predictions/forward_surrogate": PREDICTED_ECGS,
        "anatomy/conditional_vae/*": ANATOMY,
        "beats/conditional_vae/slices/*/*": ACTIVATION_IMAGES,
        "beats/conditional_vae/volumes/*/*": ACTIVATION_VOLUMES,
        "predictions/conditional_vae/potentials": PREDICTED_BSPS,
        "predictions/conditional_vae/slices": PREDICTED_MAPS,
        "predictions/conditional_vae/volumes": PREDICTED_VOLUMES,
        "surfaces/physics_informed/*/*": SURFACE_TRANSFER,
        "beats/physics_informed/*/*": SURFACE_BEATS,
        "reconstructions/physics_informed/*/*/*": SURFACE_RECONSTRUCTIONS,
    }.items():
        stores = sorted(results.glob(pattern))
        assert stores, pattern
        for store in stores:
            made = provenance_of(open_store(store, contract))
            assert made["versions"]["transmural"]
            assert made["params"]["library"]


def test_scores_are_tidy_and_complete(smoke):
    config = yaml.safe_load((smoke.results() / "config.yaml").read_text())["generative_em"]
    scores = pd.read_csv(smoke.results() / "scores" / "generative_em.csv")
    assert list(scores) == ["subject", "cohort", "setting", "case", "method", "metric", "value", "unit"]
    assert set(scores["method"]) == set(config["methods"])
    assert set(scores["setting"]) == set(config["settings"])
    assert set(scores["cohort"]) == {"none", *config["cohorts"]}
    runs = scores.groupby("method")["cohort"].agg(lambda column: sorted(set(column)))
    assert runs["greensite"] == ["none"]
    assert runs["nearest_beat"] == ["published", "rich"]
    counts = scores[scores["metric"] == "nrmse"].groupby(["setting", "method", "cohort"]).size()
    assert (counts == 3).all()
    assert not scores.duplicated(["subject", "cohort", "setting", "case", "method", "metric"]).any()


def test_every_test_case_has_its_novelty_under_each_training_cohort(smoke):
    scores = pd.read_csv(smoke.results() / "scores" / "generative_em.csv")
    novelty = pd.read_csv(smoke.results() / "scores" / "generative_em_novelty.csv")
    key = ["subject", "setting", "case"]
    cases = scores[key].drop_duplicates()
    for cohort in ("published", "rich"):
        assert len(cases.merge(novelty[novelty["cohort"] == cohort], on=key, validate="1:1")) == len(cases)
    rich = novelty[novelty["cohort"] == "rich"]
    assert rich["training_origin_mm"].min() >= 4 - 1e-3
    assert rich["training_scar_overlap"].max() <= 0.7


def test_surrogates_are_scored_in_every_setting_beside_their_baselines(smoke):
    config = yaml.safe_load((smoke.results() / "config.yaml").read_text())["forward_surrogate"]
    scores = pd.read_csv(smoke.results() / "scores" / "forward_surrogate.csv")
    assert list(scores) == ["subject", "setting", "case", "method", "metric", "value", "unit"]
    assert not scores.duplicated(["setting", "case", "method", "metric"]).any()
    held_out = {f"held_out_{name}" for name in config["held_out"]}
    moved = {name for name in scores["setting"] if name.startswith("electrode_moved")}
    assert len(moved) == len(config["moved_electrodes_mm"])
    assert set(scores["setting"]) == {"test", "stimulus_moved", "frames_every_2", *held_out, *moved}
    tested = scores[(scores["setting"] == "test") & (scores["metric"] == "r2")]
    baselines = {"closed_form", "frame_currents", "ridge_frames", "ridge_mean_voltage", "class_mean"}
    assert set(tested["method"]) == {"surrogate", *config["forms"], *baselines}
    assert set(tested["subject"]) == {"healthy", "gap_junction", "fibrotic", "combined"}
    assert tested[tested["method"] == "closed_form"]["value"].min() > 0.9
    assert set(scores[scores["metric"] == "seconds"]["method"]) == {
        "solver",
        "closed_form",
        "frame_currents",
        "surrogate",
    }
    assert set(scores[scores["setting"].isin(held_out)]["subject"]) == set(config["held_out"])


def test_sequence_models_are_scored_on_every_split_and_input(smoke):
    config = yaml.safe_load((smoke.results() / "config.yaml").read_text())["sequence_models"]
    scores = pd.read_csv(smoke.results() / "scores" / "sequence_models.csv")
    assert list(scores) == ["subject", "pattern", "setting", "case", "method", "metric", "value", "unit"]
    assert not scores.duplicated(["subject", "setting", "case", "method", "metric"]).any()
    kinds = ["full", "limited", "length_10", "length_100", "jitter_20", "noise_20"]
    assert set(scores["setting"]) == {f"{kind}_{split}" for kind in kinds for split in config["splits"]}
    told = {"transformer_teacher_forced", "hold_last_segment"}
    baselines = {"ridge", "nearest", "mean_trace"}
    full, limited = (set(scores[scores["setting"] == f"{kind}_random"]["method"]) for kind in ("full", "limited"))
    assert full == {*config["models"], *told, *baselines}
    assert limited == full
    hearts = scores[scores["setting"] == "full_heart_out"]["subject"].unique()
    stated = pd.read_csv(smoke.results() / "scores" / "sequence_models_intervals.csv")
    assert set(stated["setting"]) == set(scores["setting"])
    assert set(hearts) - {"all"} < {f"volunteer_{number:02d}" for number in range(1, config["hearts"] + 1)}


def test_maps_are_predicted_in_every_setting_beside_their_baselines(smoke):
    config = yaml.safe_load((smoke.results() / "config.yaml").read_text())["conditional_vae"]
    scores = pd.read_csv(smoke.results() / "scores" / "conditional_vae.csv")
    assert list(scores) == ["subject", "setting", "case", "method", "metric", "value", "unit"]
    assert not scores.duplicated(["setting", "case", "method", "metric"]).any()
    methods = scores.groupby("setting")["method"].agg(set).to_dict()
    predicted = {"cvae", "cvae_conditioned", "mean_map", "nearest_map", "ridge", "cvae_shown"}
    swept = {*(f"cvae_beta_{beta:g}" for beta in config["betas"]), *(f"cvae_latent_{n}" for n in config["latents"])}
    assert methods == {
        "bsp_vae": {"vae", "pca", "mean_bsp"},
        "bsp_vae_heart_out": {"vae", "pca", "mean_bsp"},
        "map_vae": {"vae", "pca", "mean_map"},
        "map_vae_heart_out": {"vae", "pca", "mean_map"},
        "cvae_2d": predicted | swept,
        "cvae_2d_heart_out": predicted,
        "cvae_3d": predicted,
    }
    assert swept
    hearts = [f"volunteer_{number:02d}" for number in range(1, config["hearts"] + 1)]
    held_out = scores[
        scores["setting"].isin(["bsp_vae_heart_out", "map_vae_heart_out", "cvae_2d_heart_out", "cvae_3d"])
    ]
    assert set(held_out["subject"]) == set(hearts[-config["test_hearts"] :])
    assert set(scores["subject"]) <= set(hearts)
    counts = scores[scores["metric"] == "mse"].groupby(["setting", "method"])["case"].nunique()
    per_heart = {name: min(config[name]["maps"], config["test_maps"]) for name in ("slices", "volumes")}
    assert (counts["cvae_3d"] == config["test_hearts"] * per_heart["volumes"]).all()
    assert (counts["cvae_2d_heart_out"] == config["test_hearts"] * per_heart["slices"]).all()
    assert (counts["cvae_2d"] == round(config["test_share"] * config["hearts"] * config["slices"]["maps"])).all()
    drawn = scores[scores["metric"].isin(["mse_samples", "deviation_ms", "coverage_90"])]
    assert set(drawn["method"]) == {"cvae", "cvae_conditioned", *swept}


def test_recordings_of_an_archive_take_the_place_of_simulations(smoke, tmp_path):
    (tmp_path / "archive").mkdir()
    named = f"sequence_models={{archive: {tmp_path / 'archive'}}}"
    status, output = smoke.run("--dry-run", "--config", "run=archived", 'studies=["sequence_models"]', named)
    assert status == 0, output
    assert {"archive", "train_sequences"} <= planned(output).keys()
    assert "recordings" not in planned(output)
    status, output = smoke.run("results/archived/archive/sequence_models", "--config", "run=archived", named)
    assert status != 0
    assert "pECGData_" in output


def test_beats_on_surfaces_are_reconstructed_by_every_method_under_every_protocol(smoke):
    config = yaml.safe_load((smoke.results() / "config.yaml").read_text())["physics_informed"]
    scores = pd.read_csv(smoke.results() / "scores" / "physics_informed.csv")
    assert list(scores) == ["subject", "setting", "case", "method", "seed", "metric", "value", "unit"]
    assert not scores.duplicated(["subject", "setting", "case", "method", "seed", "metric"]).any()
    methods = scores.groupby("setting")["method"].agg(set).to_dict()
    classical = {"tikhonov0", "tikhonov1", "tikhonov2", "stre"}
    compared = {*classical, "data_network", "pinn_ad", "eand_arn"}
    assert methods == {
        "sigma_0.01": {*compared, "ad_resnet", "ad_adaptive", "nd_mlp", "nd_resnet"},
        **{f"sigma_0.01_{protocol}": compared for protocol in ("finer", "cells", "wall")},
        "sigma_0.01_mismatch": compared | {"em", "activation_map", "truth_at_nodes"},
    }
    assert set(scores["case"]) == {config["first_case"]}
    error = scores[scores["metric"] == "re"].set_index(["setting", "method"])["value"]
    # What is reconstructed without the mesh and tissue that made it is harder.
    assert error["sigma_0.01", "stre"] < error["sigma_0.01_finer", "stre"] < error["sigma_0.01_mismatch", "stre"] < 1


def test_one_study_can_be_run_alone(smoke):
    for study, other in (
        ("generative_em", "sheets"),
        ("forward_surrogate", "recordings"),
        ("sequence_models", "images"),
        ("conditional_vae", "beats"),
        ("physics_informed", "images"),
    ):
        status, output = smoke.run("--dry-run", "--forceall", "--config", f"studies=[{study}]")
        assert status == 0, output
        assert other not in planned(output)
        assert "Exception" not in output


def test_robustness_is_scored_on_the_same_cases_at_every_level(smoke):
    rows = pd.read_csv(smoke.results() / "scores" / "robustness.csv")
    scores = pd.read_csv(smoke.results() / "scores" / "generative_em.csv")
    compared = rows[rows["metric"] == "nrmse"]
    assert {"unvaried", "noise.snr_db", "electrodes.shift_mm", "pose.shift_mm"} <= set(compared["variation"])
    cases = compared.groupby(["method", "variation", "level"])["case"].agg(lambda column: tuple(sorted(column)))
    assert set(cases) == {(0, 1)}
    key = ["subject", "cohort", "setting", "case", "method", "metric", "value"]
    assert len(rows[rows["variation"] == "unvaried"].merge(scores, on=key)) == (rows["variation"] == "unvaried").sum()


def test_a_finished_run_has_nothing_left_to_do(smoke):
    status, output = smoke.run("--dry-run")
    assert status == 0
    assert "Nothing to be done" in output


@pytest.mark.parametrize(
    ("module", "rerun", "kept"),
    [
        ("report/style.py", ["study_figures", "write_report"], ["beats", "reconstruct", "score"]),
        ("inverse/greensite.py", ["reconstruct", "score", "study_tables"], ["beats", "transfer"]),
        ("torso/solver.py", ["transfer", "beats", "reconstruct"], ["anatomy", "cohorts"]),
    ],
)
def test_results_follow_the_code_and_nothing_else_reruns(smoke, module, rerun, kept):
    path = smoke.folder / "src" / "transmural" / module
    before = path.read_text()
    path.write_text(before + "\n\n_CHANGED = 1\n")
    try:
        status, output = smoke.run("--dry-run")
    finally:
        path.write_text(before)
    assert status == 0, output
    jobs = planned(output)
    assert set(rerun) <= set(jobs)
    assert not set(kept) & set(jobs)


def test_a_method_is_added_without_rerunning_anything_else(smoke):
    known = yaml.safe_load((smoke.folder / "config" / "smoke.yaml").read_text())["generative_em"]["methods"]
    settings = f"generative_em={{methods: [{', '.join([*known, 'again'])}]}}"
    path = smoke.folder / "src" / "transmural" / "inverse" / "again.py"
    path.write_text(
        "from transmural.inverse.mean_beat import mean_beat\nfrom transmural.inverse.registry import method\n\n\n"
        '@method("again", label="Mean beat again", needs=("training",))\ndef again(problem):\n    return mean_beat(problem)\n'
    )
    try:
        status, output = smoke.run("--dry-run", "--config", settings)
    finally:
        path.unlink()
    assert status == 0, output
    jobs = planned(output)
    assert jobs["reconstruct"] == jobs["score"] == 2  # one a training cohort
    assert not {"beats", "transfer", "anatomy", "cohorts"} & set(jobs)


def test_a_command_of_the_report_makes_its_item_again(smoke):
    page = (smoke.results() / "report.html").read_text()
    commands = set(re.findall(r"snakemake (\w+) --cores all --configfile (results/smoke/config.yaml)", page))
    assert {target for target, _ in commands} == {
        "all",
        "tables",
        "figures",
        "report",
        "forward_surrogate",
        "sequence_models",
        "conditional_vae",
        "physics_informed",
    }
    for target, overlay in commands:
        status, output = smoke.run(target, "--dry-run", config=overlay)
        assert status == 0, output
        assert not {"beats", "sheets", "recordings", "images", "surface_fits"} & set(planned(output))


def test_shards_of_an_earlier_configuration_do_no_harm(smoke):
    cohort = next(smoke.results().glob("beats/generative_em/slender/unseen_scar"))
    shutil.copytree(cohort / "0000", cohort / "0001")
    status, output = smoke.run("--forcerun", "study_figures", "--until", "study_figures")
    assert status == 0, output


def test_every_job_left_log_and_benchmark(smoke):
    results = smoke.results()
    logs = {p.relative_to(results / "logs").with_suffix("") for p in (results / "logs").rglob("*.log")}
    benchmarks = {
        p.relative_to(results / "benchmarks").with_suffix("") for p in (results / "benchmarks").rglob("*.tsv")
    }
    assert logs == benchmarks
    assert len(logs) > 15


RULES = ["beats", "networks", "reconstructions", "report"]


# Methods and training cohorts don't depend on each other, and the time is in starting again and again.
FEW = (
    "generative_em={methods: [greensite, activation_map], cohorts: [rich], robustness: {hearts: 0}, audit: {hearts: 0}}"
)


STUDY_TABLES = {
    "forward_surrogate": "tables/surrogate*",
    "sequence_models": "tables/sequence*",
    "conditional_vae": "tables/image*",
    "physics_informed": "tables/surface*",
}


def killed_and_resumed(smoke, run, stages, studies):
    """kill -9 of another run while each stage goes on, then resume, in the end on one core; its results."""
    killed, options = smoke.results(run), ["--config", f"run={run}", f"studies=[{', '.join(studies)}]", FEW]
    for stage in stages:
        process = smoke.start(*options)
        while process.poll() is None and not list((killed / "logs").glob(f"{stage}*")):
            time.sleep(0.02)
        assert process.poll() is None, f"finished before {stage}: {process.communicate()[0]}"
        time.sleep(0.1)
        smoke.kill(process)
    status, output = smoke.run(*options, cores=1)
    assert status == 0, output
    for study in set(studies) & set(STUDY_TABLES):
        resumed, whole = (untimed_scores(results, study) for results in (killed, smoke.results()))
        pd.testing.assert_frame_equal(resumed, whole, check_exact=True)
        assert digests(killed, STUDY_TABLES[study]) == digests(smoke.results(), STUDY_TABLES[study])
    return killed


def test_killed_anywhere_and_resumed_the_results_are_the_same_bits(smoke):
    """Of one study; the others are killed by `make faults`."""
    killed = killed_and_resumed(smoke, "killed", RULES, ["generative_em"])
    resumed, whole = (untimed_scores(results, "generative_em") for results in (killed, smoke.results()))
    whole = whole[whole["method"].isin(resumed["method"].unique()) & (whole["cohort"] != "published")]
    order = ["subject", "cohort", "setting", "case", "method", "metric"]
    resumed, whole = (scores.sort_values(order).reset_index(drop=True) for scores in (resumed, whole))
    pd.testing.assert_frame_equal(resumed, whole, check_exact=True)


def test_the_tables_are_shown_at_the_end(smoke):
    command = [sys.executable, "workflow/scripts/show.py", "config/smoke.yaml"]
    shown = subprocess.run(command, cwd=smoke.folder, capture_output=True, text=True, check=True).stdout
    assert "Normalized RMSE" in shown
    assert shown.splitlines()[-1] == f"Report: {smoke.results() / 'report.html'}"


def test_the_report_stands_alone(smoke):
    page = (smoke.results() / "report.html").read_text()
    assert not re.search(r"<(script|img|iframe)[^>]+src=[\"']https?:", page)
    assert not re.search(r"<link[^>]+href=[\"']https?:", page)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("generative_em={methods: [wishful], reference_method: wishful}", "known inverse methods are"),
        ("anatomy={voxel_mm: -3}", "anatomy.voxel_mm = '-3': input should be greater than or equal to 1"),
        ("generative_em={subjects: [nobody]}", "known subjects are"),
    ],
)
def test_a_wrong_configuration_stops_before_any_job(checkout, setting, message):
    status, output = checkout.run("--config", setting)
    assert status != 0
    assert message in output
    assert "Traceback" not in output
    assert not (checkout.folder / "results").exists()


def test_a_damaged_store_stops_the_run_and_is_named(smoke, checkout):
    """A bit-flipped anatomy is noticed by the next stage, in one sentence, without a traceback."""
    results = checkout.results()
    status, output = checkout.run(str(results.relative_to(checkout.folder) / "anatomy" / "slender"))
    assert status == 0, output
    victim = next(p for p in (results / "anatomy/slender/data.zarr/labels/c").rglob("*") if p.is_file())
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    status, output = checkout.run(str(results.relative_to(checkout.folder) / "transfer" / "slender"))
    assert status != 0
    assert "content differs from what was written" in output
    assert "Traceback (most recent call last)" not in output
    assert not (results / "transfer" / "slender").exists()
    assert json.loads((results / "anatomy/slender/manifest.json").read_text())
