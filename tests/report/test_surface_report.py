"""Study 4 in tables and figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from spherical_mesh import sphere

from transmural.evaluation.surface_scores import COLUMNS, surface_metrics
from transmural.inverse.registry import labels
from transmural.report.heart_view import plain_surface
from transmural.report.html import render_report
from transmural.report.style import method_colour, method_marker, new_figure, write_figure
from transmural.report.surface_cases import drawn_beats, over_fits, spread_over_fits, together
from transmural.report.surface_figures import figures
from transmural.report.surface_histories import history_figure
from transmural.report.surface_labels import (
    COMPARED,
    GRID,
    METHOD_LABELS,
    ablation_settings,
    common_noise,
    decibels,
    drawn_settings,
    figure_titles,
    ordered,
    ordered_settings,
    setting_words,
    table_names,
)
from transmural.report.surface_maps import best_classical, maps_figure, shown_beat
from transmural.report.surface_refined import refined
from transmural.report.surface_section import surface_conditions, surface_section
from transmural.report.surface_tables import tables
from transmural.report.surface_tests import comparisons
from transmural.report.table_forms import to_csv, to_html, to_latex, to_markdown
from transmural.stores.config.physics_informed import CLASSICAL, FIELD_NETWORKS, PhysicsInformedStudy
from transmural.stores.contracts import SURFACE_BEATS, SURFACE_RECONSTRUCTIONS, check

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())["physics_informed"]
# Relative error at σ = 0.01, published protocol.
ERROR = {
    "tikhonov0": 0.55, "tikhonov1": 0.42, "tikhonov2": 0.44, "stre": 0.36, "data_network": 0.5, "pinn_ad": 0.3,
    "ad_resnet": 0.28, "ad_adaptive": 0.26, "nd_mlp": 0.22, "nd_resnet": 0.2, "eand_arn": 0.16,
    "em": 0.2, "activation_map": 0.1,
}  # fmt: skip
HARDER = {"published": 1.0, "finer": 1.15, "wall": 1.2, "mismatch": 1.5}
EPOCHS = 40
OWN = (*CLASSICAL, *GRID)


def study(**changes):
    """The project's own settings with these changes."""
    settings = {
        "subjects": ["slender", "stout"], "electrodes": [120, 352], "cases": 6, "first_case": 10,
        "noise": [0.1, 0.003, 0.01, 0.03], "noise_elsewhere": 0.01, "seeds": 3, "ablation": [0.01, 0.1],
        "ablation_cases": 3, "protocols": ["published", "finer", "wall", "mismatch"],
        "amortised": {"methods": [], "cohort": "rich"},
    }  # fmt: skip
    return PhysicsInformedStudy(**(CONFIG | settings | changes))


STUDY = study()
QUICK = study(
    subjects=["slender"],
    electrodes=[120],
    cases=2,
    ablation_cases=1,
    noise=[0.01],
    seeds=1,
    ablation=[],
    protocols=["published"],
)
MIDDLE = study(
    subjects=["slender"],
    electrodes=[120],
    noise=[0.01, 0.1],
    seeds=1,
    ablation=[0.01],
    protocols=["published", "mismatch"],
    amortised={"methods": ["em", "activation_map"], "cohort": "rich"},
)
ONE_FIT = (*CLASSICAL, *MIDDLE.amortised.methods)


def methods_of(design, setting, case):
    amortised = design.amortised.methods if setting == design.amortised_setting else []
    grid = setting in ablation_settings(design) and case < design.ablation_cases
    return (*CLASSICAL, *(GRID if grid else COMPARED), *amortised)


def scores_of(design, seed=0):
    """Tidy rows as `surface_scores` gives them."""
    draw = np.random.default_rng(seed)
    rows = []
    for name, setting in design.settings.items():
        hard = HARDER[setting.protocol] * (setting.sigma / 0.01) ** 0.15
        for subject in design.subjects:
            for case in range(design.cases):
                beat = hard * draw.lognormal(0, 0.15)
                for method in dict.fromkeys(methods_of(design, name, case)):
                    for fit in range(1 if method in ONE_FIT else design.seeds):
                        re = ERROR[method] * beat * draw.lognormal(0, 0.05)
                        values = {
                            "re": (re, "1"), "cc": (1 - re**2 / 2, "1"), "mse": (re**2 / 3, "1"),
                            "correlation": (1 - re**2, "1"), "activation_time_mae": (40 * re, "ms"),
                            "seconds": (1.0 if method in ONE_FIT else 100.0 * draw.lognormal(0, 0.1), "s"),
                        }  # fmt: skip
                        for metric, (value, unit) in values.items():
                            number = design.first_case + case
                            rows.append((subject, name, number, method, fit, metric, value, unit))
    return pd.DataFrame(rows, columns=COLUMNS)


def beats_of(design, subject):
    """Waves that spread on an egg, fulfilling SURFACE_BEATS."""
    vertex, face = sphere(40.0, 2)
    normal = vertex / 40
    vertex = vertex * [1.0, 0.8, 1.2]
    time = np.arange(0, design.duration_ms + 1, design.frame_ms)
    cases = design.first_case + np.arange(design.cases)
    first = np.random.default_rng(1).integers(len(vertex), size=(design.cases, 2))
    reached = np.linalg.norm(vertex[first[:, :1]] - vertex, axis=-1) / 0.7 + 8
    leads = 4
    return xr.Dataset(
        {
            "vertex_position": (("vertex", "xyz"), vertex),
            "vertex_normal": (("vertex", "xyz"), normal),
            "face": (("face", "corner"), face),
            "vertex_voxel": ("vertex", np.arange(len(vertex))),
            "vertex_node": ("vertex", np.arange(len(vertex))),
            "montage_size": ("lead", np.full(leads, leads)),
            "electrode_position": (("lead", "xyz"), np.zeros((leads, 3))),
            "transfer": (("lead", "vertex"), np.zeros((leads, len(vertex)))),
            "tmp": (("case", "time", "vertex"), upstroke(time, reached)),
            "activation_time": (("case", "vertex"), reached),
            "ecg": (("case", "lead", "time"), np.zeros((design.cases, leads, len(time)))),
            "origin_vertex": (("case", "site"), np.where([True, False], first, -1)),
            "origin": (("case", "site", "xyz"), np.where([[True], [False]], vertex[first], np.nan)),
        },
        coords={"case": cases, "time": time, "lead": [f"lead {k}" for k in range(leads)]},
        attrs={"subject": subject},
    )


def upstroke(time, reached, width_ms=2.0):
    """An action potential at each vertex, shape (..., time, vertex)."""
    since = time[:, None] - reached[..., None, :]
    return 1 / (1 + np.exp(-since / width_ms)) / (1 + np.exp((since - 220) / 25))


def reconstructions_of(design, beats, setting, case):
    """Every method's of one beat, fulfilling SURFACE_RECONSTRUCTIONS."""
    draw = np.random.default_rng(2)
    truth = beats.sel(case=case)
    time, position = truth["time"].values, truth["vertex_position"].values
    wave = np.sin(position @ draw.normal(0, 0.06, 3))
    terms = ["alpha_1", "alpha_2", "loss", "misfit", "potential", "recovery", "rest", "weight_potential",
             "weight_recovery", "white_misfit"]  # fmt: skip
    fits, potential, history = [], [], []
    for method in dict.fromkeys(methods_of(design, setting, 0)):
        for fit in range(1 if method in ONE_FIT else design.seeds):
            fits.append((case, method, fit))
            late = truth["activation_time"].values + 50 * ERROR[method] * (wave + 0.1 * fit)
            potential.append(upstroke(time, late, 30 if method in CLASSICAL else 3))
            history.append(np.full((len(terms), EPOCHS), np.nan))
            if method not in ONE_FIT:
                fall = np.exp(-np.arange(EPOCHS) / 10)
                rise = ERROR[method] * (1 - fall)
                physics = method != "data_network"
                adaptive = FIELD_NETWORKS.get(method, ("", "adaptive"))[1] == "adaptive"
                weight = np.where(np.arange(EPOCHS) < 4, 0.0, 0.1) if physics else np.nan
                history[-1][:] = np.array(np.broadcast_arrays(
                    *((rise, 2 * rise) if adaptive else (np.nan, np.nan)), fall, 1 + 100 * ERROR[method] * fall,
                    *((ERROR[method] * fall, 2 * ERROR[method] * fall, fall) if physics else [np.nan] * 3), weight, weight, 0.01 + ERROR[method] * fall,
                ))  # fmt: skip
    number, method, seed = zip(*fits, strict=True)
    return xr.Dataset(
        {
            "potential": (("fit", "time", "vertex"), np.stack(potential)),
            "seconds": ("fit", np.ones(len(fits))),
            "history": (("fit", "term", "epoch"), np.stack(history)),
        },
        coords={
            "case": ("fit", list(number)), "method": ("fit", list(method)), "seed": ("fit", list(seed)), "term": terms,
            "time": time,
        },
    )  # fmt: skip


def stores_of(design, scores):
    beats, reconstructions = {}, {}
    for figure, choice in drawn_beats(scores, design).items():
        beats[figure] = beats_of(design, choice.subject)
        reconstructions[figure] = reconstructions_of(design, beats[figure], choice.setting, choice.case)
        check(beats[figure], SURFACE_BEATS, "beats of the test")
        check(reconstructions[figure], SURFACE_RECONSTRUCTIONS, "reconstructions of the test")
    return beats, reconstructions


@pytest.fixture(scope="module")
def scores():
    return scores_of(STUDY)


@pytest.fixture(scope="module")
def stores(scores):
    return stores_of(STUDY, scores)


@pytest.fixture(scope="module")
def made(scores):
    return {table.name: table for table in tables(scores, STUDY, ("Conditions.",))}


@pytest.fixture(scope="module")
def drawn(scores, stores):
    return figures(scores, STUDY, *stores)


def cells(table, block=0):
    """Cells of a block by row and column."""
    return {
        row.key: {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}
        for row in table.blocks[block].rows
    }


def values(scores, setting, method, metric="re"):
    return scores.query(f"setting == '{setting}' and method == '{method}' and metric == '{metric}'")


def test_all_tables_have_all_forms(made):
    assert list(made) == table_names(STUDY)
    for table in made.values():
        assert table.notes[0] == "Conditions."
        assert not any(column.published for column in table.columns)
        for form in (to_markdown, to_latex, to_csv, to_html):
            assert form(table)


def test_no_scores_make_no_tables(scores):
    assert not tables(scores.iloc[:0], STUDY)


def test_fits_of_a_beat_are_averaged_before_beats_are_counted(made, scores):
    found = values(scores, "sigma_0.01_wall", "pinn_ad")
    assert len(found) == 2 * 6 * 3
    by_beat = found.groupby(["subject", "case"])["value"].mean()
    cell = cells(made["surface_accuracy"])["pinn_ad"]["sigma_0.01_wall"]
    assert cell.numbers == {"mean": pytest.approx(by_beat.mean()), "sd": pytest.approx(by_beat.std()), "n": 12}
    assert cell.text == f"{by_beat.mean():.3f} ± {by_beat.std():.3f}"


def test_settings_are_columns_noise_of_the_published_protocol_first(made):
    table = made["surface_accuracy"]
    assert [block.key for block in table.blocks] == ["re", "cc", "mse", "correlation", "activation_time_mae"]
    assert [row.key for row in table.blocks[0].rows] == list(COMPARED)
    assert [column.key for column in table.columns] == [
        "sigma_0.003", "sigma_0.01", "sigma_0.03", "sigma_0.1", "sigma_0.01_finer", "sigma_0.01_wall",
        "sigma_0.01_mismatch", "sigma_0.01_352_electrodes",
    ]  # fmt: skip
    assert table.columns[1].label == "σ = 0.01, 40 dB (n = 12)"
    assert table.groups == [
        ("As published", 4), ("Finer mesh", 1), ("On the wall", 1), ("Mismatch", 1), ("As published, 352 electrodes", 1)
    ]  # fmt: skip


def test_the_best_of_each_column_is_bold(made):
    for block in range(5):
        found = cells(made["surface_accuracy"], block)
        assert {method for method, row in found.items() if row["sigma_0.1"].best} == {"eand_arn"}


def test_ours_is_tested_against_every_other_method_with_one_correction(made, scores):
    tests = comparisons(scores, STUDY)
    assert len(tests) == len(STUDY.settings) * (len(COMPARED) - 1)
    assert set(tests["n"]) == {12}
    row = tests.set_index(["setting", "other"]).loc[("sigma_0.01_mismatch", "stre")]
    ours, theirs = (
        values(over_fits(scores), "sigma_0.01_mismatch", m).set_index(["subject", "case"])["value"]
        for m in ("eand_arn", "stre")
    )
    assert row["improvement"] == pytest.approx((theirs - ours).mean())
    assert row["p_holm"] > row["p"]
    table = made["surface_tests"]
    assert [block.key for block in table.blocks] == ordered_settings(STUDY)
    assert table.blocks[6].label == "Mismatch: σ = 0.01, 40 dB"
    assert table.blocks[0].rows[3].label == "Relative error: EAND-ARN vs STRE"
    assert not any("nothing is tested" in note for note in table.notes)


def test_few_beats_are_not_tested_and_said_so(scores):
    few = scores[(scores["setting"] != "sigma_0.03") | ((scores["subject"] == "stout") & (scores["case"] < 12))]
    tests = comparisons(few, STUDY)
    untested = tests["setting"] == "sigma_0.03"
    assert tests.loc[untested, "p"].isna().all()
    # Holm's correction counts the tests that were made.
    assert tests["p_holm"].notna().sum() == (~untested).sum() == 42
    assert tests.loc[tests["p"].idxmin(), "p_holm"] == pytest.approx(42 * tests["p"].min())
    table = next(t for t in tables(few, STUDY) if t.name == "surface_tests")
    assert [cell.text for cell in table.blocks[2].rows[0].cells[2:]] == ["–"] * 6
    assert any(
        note == "Fewer than 3 beats, so that nothing is tested (–), in these: As published: σ = 0.03, 30.5 dB."
        for note in table.notes
    )


def test_the_ablation_has_both_spreads_and_the_same_beats_for_all(made, scores):
    table = made["surface_ablation"]
    assert [block.label for block in table.blocks] == ["σ = 0.01, 40 dB (n = 6)", "σ = 0.1, 20 dB (n = 6)"]
    found = cells(table)
    assert set(found) == set(GRID)
    here = values(scores, "sigma_0.01", "eand_arn")
    here = here[here["case"] < 13]
    assert here["case"].nunique() == 3
    by_beat = here.groupby(["subject", "case"])["value"]
    row = found["eand_arn"]
    assert row["re"].numbers["mean"] == pytest.approx(here["value"].mean())
    assert row["re_over_beats"].numbers["value"] == pytest.approx(by_beat.mean().std())
    assert row["re_over_fits"].numbers["value"] == pytest.approx(by_beat.std().mean())
    assert row["re"].best
    assert not found["nd_resnet"]["re"].best


def test_one_fit_has_no_spread(scores):
    alone = scores[scores["seed"] == 0]
    assert spread_over_fits(alone)["spread"].isna().all()
    table = next(t for t in tables(alone, study(seeds=1)) if t.name == "surface_ablation")
    assert {row["re_over_fits"].text for row in cells(table).values()} == {"–"}
    assert any("one fit" in note for note in table.notes)


def test_costs_are_of_one_fit(made, scores):
    found = cells(made["surface_costs"])
    assert found["stre"]["seconds"].text == "1.00 ± 0.00"
    expected = over_fits(values(scores, "sigma_0.01", "nd_mlp", "seconds"))["value"]
    assert found["nd_mlp"]["seconds"].numbers["mean"] == pytest.approx(expected.mean())
    assert [found[m]["n"].text for m in ("nd_mlp", "eand_arn")] == ["6", "12"]


def test_names_follow_the_configuration():
    assert table_names(QUICK) == ["surface_accuracy", "surface_tests", "surface_costs"]
    assert list(figure_titles(QUICK)) == ["surface_noise", "surface_histories", "surface_maps"]
    assert set(drawn_settings(QUICK).values()) == {"sigma_0.01"}
    assert drawn_settings(STUDY)["surface_maps_mismatch"] == "sigma_0.01_mismatch"
    assert len(figure_titles(STUDY)) == 5
    assert len(common_noise(STUDY)) == 5


def test_settings_and_methods_are_in_words():
    assert setting_words("sigma_0.01_352_electrodes", STUDY).protocol == "As published, 352 electrodes"
    assert decibels(0.1) == "20 dB"
    assert ordered(["other", "eand_arn", "stre"]) == ["stre", "eand_arn", "other"]
    assert list(METHOD_LABELS)[: len(OWN)] == list(OWN)
    assert METHOD_LABELS["activation_map"] == labels()["activation_map"]


def test_methods_are_told_apart_by_colour_and_marker():
    together = [*OWN, "em", "marginal_map", "activation_map", "nearest_beat"]
    assert len({(method_colour(name), method_marker(name)) for name in together}) == len(together)
    assert len({method_colour(name) for name in OWN}) == len({method_marker(name) for name in OWN}) == len(OWN)


def test_the_drawn_beat_is_the_median_of_ours(scores):
    choice = drawn_beats(scores, STUDY)["surface_maps_mismatch"]
    mean = values(over_fits(scores), "sigma_0.01_mismatch", "eand_arn").sort_values("value")
    expected = mean.iloc[5]
    assert (choice.subject, choice.case) == (expected["subject"], expected["case"])


def test_amortised_methods_stand_beside_in_the_mismatch_alone():
    found = scores_of(MIDDLE)
    made = {table.name: table for table in tables(found, MIDDLE)}
    rows = cells(made["surface_accuracy"])
    assert list(rows) == [*COMPARED, "activation_map", "em"]
    assert rows["em"]["sigma_0.1"].text == "–"
    assert rows["activation_map"]["sigma_0.01_mismatch"].best
    tested = comparisons(found, MIDDLE).groupby("setting")["other"].agg(set)
    assert tested["sigma_0.01_mismatch"] - tested["sigma_0.1"] == {"em", "activation_map"}
    assert cells(made["surface_costs"])["em"]["n"].text == "6"
    assert any("whose time isn't counted" in note for note in made["surface_costs"].notes)
    beats, reconstructions = (store["surface_maps_mismatch"] for store in stores_of(MIDDLE, found))
    choice = drawn_beats(found, MIDDLE)["surface_maps_mismatch"]
    figure, _ = maps_figure(found, beats, reconstructions, choice, MIDDLE)
    assert any(
        text.get_text().replace("\n", " ").startswith(METHOD_LABELS["em"])
        for axes in figure.axes
        for text in axes.texts
    )


def test_reconstructions_of_shards_and_amortised_ones_become_one():
    beats = beats_of(MIDDLE, "slender")
    one, other = (reconstructions_of(MIDDLE, beats, "sigma_0.01_mismatch", 10 + case) for case in range(2))
    whole = together([one, other.isel(term=slice(0, 1))])
    assert whole.sizes["fit"] == one.sizes["fit"] + other.sizes["fit"]
    assert (whole["potential"].values[one.sizes["fit"] :] == other["potential"].values).all()
    assert together([one]) is one


@pytest.mark.parametrize("design", [QUICK, MIDDLE])
def test_all_figures_of_a_smaller_study_are_drawn(design):
    found = scores_of(design)
    drawn = figures(found, design, *stores_of(design, found))
    assert list(drawn) == list(figure_titles(design))
    for figure, _ in drawn.values():
        figure.draw_without_rendering()


def test_figures_have_captions_and_are_written(drawn, tmp_path):
    assert list(drawn) == list(figure_titles(STUDY))
    for caption in (caption for _, caption in drawn.values()):
        assert caption.endswith(".")
    assert "case of this setting with EAND-ARN's median relative error" in drawn["surface_maps"][1]
    write_figure(*drawn["surface_maps"], tmp_path / "maps")
    # Faces are rasterised: as vectors they would take many MB.
    assert (tmp_path / "maps.svg").stat().st_size < 2e6


def test_means_and_every_beat_are_drawn_against_noise(drawn, scores):
    axes = drawn["surface_noise"][0].axes[0]
    means = [line for line in axes.lines if line.get_label() != "" and line.get_marker() not in (".", "None")]
    assert len(means) == len(COMPARED)
    ours = values(over_fits(scores), "sigma_0.1", "eand_arn")["value"]
    assert means[-1].get_ydata()[-1] == pytest.approx(ours.mean())
    dots = [line for line in axes.lines if line.get_marker() == "."]
    assert sum(len(line.get_xdata()) for line in dots) == len(COMPARED) * 4 * 12
    assert axes.get_xscale() == "log"
    assert drawn["surface_noise"][0].axes[2].get_yscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()][-1] == "0.1\n20 dB"


def test_protocols_are_groups(drawn):
    lower = drawn["surface_protocols"][0].axes[1]
    assert [label.get_text() for label in lower.get_xticklabels()] == [
        "As published", "Finer mesh", "On the wall", "Mismatch", "As published,\n352 electrodes",
    ]  # fmt: skip


def test_histories_are_of_every_network(drawn):
    panels = drawn["surface_histories"][0].axes
    assert [len([line for line in axes.lines if len(line.get_xdata()) == EPOCHS]) for axes in panels] == [
        7, 7, 7, 7, 14, 14,
    ]  # fmt: skip
    misfit = panels[0].lines[0].get_ydata()
    assert misfit[0] == pytest.approx(1 + 100 * ERROR["data_network"])
    assert any(list(line.get_ydata()) == [1, 1] for line in panels[0].lines)
    weight = next(line.get_ydata() for line in panels[4].lines if np.isfinite(line.get_ydata()).any())
    assert (weight[:4] == 0).all()
    assert (weight[4:] > 0).all()


def test_maps_show_truth_and_methods_at_instants_of_the_true_activation(scores, stores):
    choice = drawn_beats(scores, STUDY)["surface_maps"]
    beats, reconstructions = (store["surface_maps"] for store in stores)
    assert best_classical(scores, choice.setting) == "stre"
    beat = shown_beat(beats, reconstructions, choice, ["stre", "eand_arn"])
    assert list(beat.potentials) == ["truth", "stre", "eand_arn"]
    last = beats["activation_time"].sel(case=choice.case).values.max()
    np.testing.assert_allclose(beat.time_ms[beat.instants], last * np.array([0.2, 0.4, 0.6]), atol=STUDY.frame_ms)
    assert len(beat.origin_mm) == 1
    fit = reconstructions.isel(fit=int(np.flatnonzero(reconstructions["method"].values == "eand_arn")[0]))
    np.testing.assert_array_equal(beat.potentials["eand_arn"], fit["potential"].values)
    figure, _ = maps_figure(scores, beats, reconstructions, choice, STUDY)
    words = [text.get_text() for axes in figure.subfigs[0].axes for text in axes.texts]
    error = surface_metrics(beat.potentials["truth"], beat.potentials["eand_arn"], beat.time_ms)["re"]
    assert any(text.startswith(f"EAND-ARN\nRE {error:.3f}") for text in words)


def test_finer_triangles_keep_the_shape_and_linear_values():
    vertex, face = sphere(40.0, 1)
    given = plain_surface(vertex, face)
    fine = refined(given, 500)
    assert len(fine.vertices) == 642
    assert len(fine.faces) == 1280
    np.testing.assert_allclose(fine.weights @ vertex, fine.vertices)
    for surface in (given, fine):
        a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
        assert np.einsum("ij,ij->", a, np.cross(b, c)) == pytest.approx(np.linalg.det(vertex[face]).sum())
    assert refined(given, 40) is given


def test_what_is_missing_is_named(scores, stores):
    choice = drawn_beats(scores, STUDY)["surface_maps"]
    beats, reconstructions = (store["surface_maps"] for store in stores)
    classical = reconstructions.isel(fit=np.flatnonzero(np.isin(reconstructions["method"].values, CLASSICAL)))
    with pytest.raises(ValueError, match="no network was fitted"):
        history_figure(classical, choice, STUDY)
    with pytest.raises(ValueError, match="no eand_arn of case"):
        shown_beat(beats, classical, choice, ["stre", "eand_arn"])
    with pytest.raises(ValueError, match="beats hold no case"):
        shown_beat(beats.isel(case=slice(0, 0)), reconstructions, choice, ["stre"])


def test_the_section_has_every_table_and_figure(scores, drawn, tmp_path):
    for name in drawn:
        write_figure(new_figure(1, 1), "", tmp_path / name)
    section = surface_section(scores, STUDY, tmp_path, "snakemake {target}")
    assert len(section.items) == len(table_names(STUDY)) + len(figure_titles(STUDY))
    assert {item.reproduce for item in section.items} == {"snakemake physics_informed"}
    assert "Physics-informed inverse" in render_report("T", "t", [section])


def test_conditions_say_what_was_run():
    assert surface_conditions(STUDY).startswith("2 hearts, surfaces of 300 vertices, 120 electrodes, 6 beats a heart")
    assert "fitted to each beat once" in surface_conditions(QUICK)
