"""Study 2 in tables and figures."""

import image_cases_report
import numpy as np
import pandas as pd
import pytest
from matplotlib.path import Path

from transmural.evaluation.statistics import paired_tests
from transmural.report.html import render_report
from transmural.report.image_accuracy import accuracy_figure
from transmural.report.image_examples import cvae_figure, map_vae_figure
from transmural.report.image_figures import figures
from transmural.report.image_kept import kept_of
from transmural.report.image_labels import COMPARED, FORM_LABELS, METHOD_LABELS, method_words, sweeps, swept_value
from transmural.report.image_maps import crop_of, outline, scales_of
from transmural.report.image_names import TRAINING_FIGURE, figure_titles, table_names
from transmural.report.image_potentials import chosen_electrodes, potentials_figure
from transmural.report.image_section import image_conditions, image_section
from transmural.report.image_sweeps import sweeps_figure
from transmural.report.image_tables import tables
from transmural.report.image_tests import comparisons
from transmural.report.image_uncertainty import uncertainty_figure
from transmural.report.image_volumes import section_places, volumes_figure
from transmural.report.quantities import quantity
from transmural.report.style import method_colour, method_marker, new_figure, write_figure
from transmural.report.table_forms import to_csv, to_html, to_latex, to_markdown
from transmural.report.tables import NOT_GIVEN
from transmural.stores.contracts import PREDICTED_BSPS, PREDICTED_MAPS, PREDICTED_VOLUMES, check

STUDY = image_cases_report.study()


@pytest.fixture(scope="module")
def scores():
    return image_cases_report.scores()


@pytest.fixture(scope="module")
def potentials():
    made = image_cases_report.potentials()
    check(made, PREDICTED_BSPS, "potentials of the test")
    return made


@pytest.fixture(scope="module")
def slices():
    made = image_cases_report.slices()
    check(made, PREDICTED_MAPS, "slices of the test")
    return made


@pytest.fixture(scope="module")
def volumes():
    made = image_cases_report.volumes()
    check(made, PREDICTED_VOLUMES, "hearts of the test")
    return made


@pytest.fixture(scope="module")
def made(scores):
    return {table.name: table for table in tables(scores, STUDY, ("Conditions.",))}


@pytest.fixture(scope="module")
def drawn(scores, potentials, slices, volumes):
    return figures(scores, potentials, slices, volumes, STUDY)


def cells(table, block=0):
    """Cells of a block by row and column."""
    return {
        row.key: {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}
        for row in table.blocks[block].rows
    }


def values(scores, setting, method, metric):
    here = scores.query(f"setting == '{setting}' and method == '{method}' and metric == '{metric}'")
    return here["value"].to_numpy()


def published_keys(table):
    return [column.key for column in table.columns if column.published]


def test_all_tables_have_all_forms(made):
    assert list(made) == table_names(STUDY)
    for table in made.values():
        assert table.notes[0] == "Conditions."
        for form in (to_markdown, to_latex, to_csv, to_html):
            assert form(table)


def test_no_scores_make_no_tables(scores):
    assert not tables(scores.iloc[:0], STUDY)


def test_tables_show_mean_and_spread_over_the_test_maps(made, scores):
    found = values(scores, "cvae_2d_heart_out", "ridge", "mae_ms")
    cell = cells(made["image_cvae_2d"], 1)["mae_ms"]["ridge"]
    assert cell.text == f"{found.mean():.1f} ± {found.std(ddof=1):.1f}"
    assert cell.numbers["n"] == image_cases_report.CASES
    assert [block.label for block in made["image_cvae_2d"].blocks] == [
        "Maps split at random (12 maps of 6 hearts)",
        "Hearts not in training (12 maps of 1 heart)",
    ]


def test_trivial_baselines_stand_beside_the_networks(made):
    for name in ("image_cvae_2d", "image_cvae_3d"):
        assert set(COMPARED) < {column.key for column in made[name].columns}
    assert {"mean_map", "pca"} < {column.key for column in made["image_map_vae"].columns}
    assert {"mean_bsp", "pca"} < {column.key for column in made["image_bsp"].columns}


def test_networks_of_the_sweeps_have_a_table_of_their_own(made):
    assert not any(column.key in image_cases_report.SWEPT for column in made["image_cvae_2d"].columns)


@pytest.mark.parametrize(("name", "printed"), [("image_cvae_2d", "0.095"), ("image_map_vae", "0.018")])
def test_the_printed_error_stands_beside_each_scaling_with_a_warning(made, name, printed):
    table = made[name]
    (key,) = published_keys(table)
    random, heart_out = cells(table), cells(table, 1)
    assert {random[metric][key].text for metric in ("mse", "mse_own", "mse_image")} == {
        f"{printed} (scaling not given)"
    }
    assert random["mae_ms"][key].text == NOT_GIVEN
    assert heart_out["mse"][key].text == NOT_GIVEN
    assert any("not how it scales them" in note for note in table.notes)


def test_the_printed_error_in_whole_hearts_needs_no_warning(made):
    table = made["image_cvae_3d"]
    (key,) = published_keys(table)
    assert cells(table)["mae_ms"][key].numbers == {"mean": 9.4, "sd": 2.16, "n": 200}
    assert not any("not how it scales them" in note for note in table.notes)


def test_printed_differences_have_a_true_minus_sign(made):
    table = made["image_bsp"]
    (key,) = published_keys(table)
    assert cells(table)["area_difference"][key].text == "−2.152"


def test_definitions_stand_under_the_table_of_potentials(made):
    definitions = next(note for note in made["image_bsp"].notes if "defines none" in note)
    for name in ("correlation", "mean difference", "area difference", "amplitude difference", "first peak"):
        assert name in definitions


def test_differences_are_best_at_zero(made):
    row = cells(made["image_bsp"])["area_difference"]
    assert row["vae"].best
    assert row["vae"].numbers["mean"] > row["pca"].numbers["mean"]


def test_who_is_shown_the_truth_stands_apart_and_is_never_best(made):
    table = made["image_cvae_2d"]
    apart = [column.key for column in table.columns if column.group == "This run, shown the truth"]
    assert apart == ["cvae_shown"]
    for row in cells(table).values():
        assert not row["cvae_shown"].best
    assert cells(table)["mse"]["cvae_conditioned"].best


def test_maps_without_slow_region_are_not_counted(made):
    (row,) = (row for row in made["image_cvae_2d"].blocks[0].rows if row.key == "slow_auc")
    assert row.label.endswith("(n = 6)")


def test_ours_is_tested_against_every_other_method_with_one_correction(made, scores):
    table, settings = made["image_cvae_2d"], ("cvae_2d", "cvae_2d_heart_out")
    tests = comparisons(scores, settings)
    assert len(tests) == 2 * (len(COMPARED) - 1)
    chosen = scores[(scores["setting"] == "cvae_2d") & scores["method"].isin(COMPARED)].assign(cohort="")
    alone = paired_tests(chosen, "cvae_conditioned", ("mae_ms",)).set_index("other")
    row = tests[tests["setting"] == "cvae_2d"].set_index("other").loc["ridge"]
    assert row["p"] == alone.loc["ridge", "p"]
    assert row["p_holm"] >= alone.loc["ridge", "p_holm"]
    found = cells(table)
    assert found["p_holm"]["ridge"].numbers["value"] == row["p_holm"]
    difference = values(scores, "cvae_2d", "ridge", "mae_ms") - values(scores, "cvae_2d", "cvae_conditioned", "mae_ms")
    assert found["improvement"]["ridge"].numbers["value"] == pytest.approx(difference.mean())
    assert {
        found[key][method].text for key in ("improvement", "p_holm") for method in ("cvae_shown", "cvae_conditioned")
    } == {"–"}


def test_nothing_is_tested_without_ours(scores):
    table = next(t for t in tables(scores[scores["method"] != "cvae_conditioned"], STUDY) if t.name == "image_cvae_3d")
    assert "p_holm" not in cells(table)


def test_one_map_is_not_tested(scores):
    table = next(t for t in tables(scores[scores["case"] == 1], STUDY) if t.name == "image_cvae_3d")
    assert cells(table)["p_holm"]["ridge"].text == "–"


def test_sweeps_are_in_order_with_the_published_form_among_them(made):
    blocks = made["image_sweeps"].blocks
    assert [row.label for row in blocks[0].rows] == ["0.1", "1", "5 (as published)"]
    assert [row.label for row in blocks[1].rows] == ["4", "16 (as published)"]
    assert [row.key for row in blocks[2].rows] == ["cvae_conditioned", "mean_map", "nearest_map", "ridge"]
    assert not any(cell.best for row in blocks[2].rows for cell in row.cells)


def test_a_run_without_sweeps_has_no_such_table_and_figure(scores):
    study = image_cases_report.study(betas=[], latents=[])
    kept = scores[~scores["method"].isin(image_cases_report.SWEPT)]
    assert [table.name for table in tables(kept, study)] == table_names(study)
    assert "image_sweeps" not in {*table_names(study), *figure_titles(study)}
    with pytest.raises(ValueError, match="no network of the sweeps"):
        sweeps_figure(kept, study)


def test_coverage_is_best_where_it_is_nominal(made):
    found = cells(made["image_uncertainty"], 2)
    assert found["cvae_conditioned"]["coverage_90"].best
    assert not found["cvae"]["coverage_90"].best
    assert not found["cvae"]["deviation_ms"].best


@pytest.mark.parametrize(
    ("name", "expected"),
    [("cvae_beta_0.1", ("beta", 0.1)), ("cvae_latent_4", ("latent", 4.0)), ("cvae_beta_1e-05", ("beta", 1e-5)),
     ("cvae_shown", None), ("cvae", None)],
)  # fmt: skip
def test_swept_values_are_read_from_names(name, expected):
    assert swept_value(name) == expected


def test_methods_have_words():
    assert method_words("cvae_beta_0.1") == "β = 0.1"
    assert method_words("cvae_latent_4") == "4 latent variables"
    assert method_words("dark_room") == "dark room"
    assert set(FORM_LABELS) == {"bsp_vae", "map_vae", "cvae", "cvae_conditioned"}
    assert sweeps(["cvae", "ridge"], STUDY) == {}


def test_methods_are_told_apart_by_colour_and_marker():
    assert len({method_colour(name) for name in COMPARED}) == len(COMPARED)
    assert len({method_marker(name) for name in COMPARED}) == len(COMPARED)
    assert set(COMPARED) < set(METHOD_LABELS)


def test_a_metric_may_mean_something_else_in_another_study():
    assert quantity("coverage_90", "conditional_vae").unit == "%"
    assert quantity("coverage_90").unit == "1"
    assert quantity("correlation").label == "Correlation, demeaned"


def test_all_figures_are_drawn(drawn):
    assert set(drawn) == set(figure_titles(STUDY))
    for figure, caption in drawn.values():
        figure.draw_without_rendering()
        assert caption


def test_kept_maps_have_what_methods_predict(slices):
    best, median, worst = kept_of(slices, "cvae_2d")
    assert best.words == "Best: volunteer 06, map 6"
    assert set(best.spread) == {"cvae", "cvae_conditioned", *image_cases_report.SWEPT}
    assert "vae" not in best.predicted
    assert not kept_of(slices, "cvae_3d")
    expected = np.nanmean(np.abs(worst.predicted["ridge"] - worst.truth))
    assert worst.mean_error("ridge") == f"{expected:.1f} ms"
    assert len(best.pacing_mm) == 1
    assert len(median.pacing_mm) == 2


def test_truth_and_predictions_share_one_scale(drawn):
    figure, _ = drawn["image_cvae"]
    truth, mean, spread, error = (axes.images[0] for axes in figure.subfigs[0].axes[:4])
    assert truth.norm is mean.norm
    assert truth.norm.vmin == 0
    assert spread.cmap.name != truth.cmap.name
    assert error.norm.vmin == -error.norm.vmax


def test_maps_are_blank_outside_of_the_wall(drawn, slices):
    image = drawn["image_cvae"][0].subfigs[0].axes[0].images[0].get_array()
    np.testing.assert_array_equal(image.mask, ~kept_of(slices, "cvae_2d")[0].mask)


def test_pacing_zones_lie_in_the_wall_where_the_map_is_earliest(drawn, slices):
    axes, one = drawn["image_cvae"][0].subfigs[1].axes[0], kept_of(slices, "cvae_2d")[1]
    star = next(line for line in axes.lines if line.get_marker() == "*")
    x, y = (
        (np.asarray(star.get_data()) / image_cases_report.CELL_MM[2] + (image_cases_report.EDGE[2] - 1) / 2)
        .round()
        .astype(int)
    )
    assert one.truth[y, x].max() < 15


def test_slices_are_seen_from_the_apex_with_the_front_up(drawn):
    axes = drawn["image_cvae"][0].subfigs[0].axes[0]
    assert axes.xaxis_inverted()
    assert axes.yaxis_inverted()
    left, right, bottom, top = axes.images[0].get_extent()
    assert left < right
    assert top < bottom


def test_regions_are_outlined_along_the_edges_of_cells():
    region = np.zeros((4, 6), bool)
    region[1, 2:4] = True
    axes = new_figure(1, 1).subplots()
    outline(axes, region, 2.0, "red")
    (border,) = axes.patches
    assert border.get_path().codes.tolist() == [Path.MOVETO, Path.LINETO] * 4
    # Two cells of 2 mm, from the centre of the image at column 3 and row 2.
    sides = {tuple(map(tuple, side)) for side in border.get_path().vertices.reshape(4, 2, 2).tolist()}
    assert sides == {((-2, -2), (-2, 0)), ((2, -2), (2, 0)), ((-2, -2), (2, -2)), ((-2, 0), (2, 0))}


def test_a_region_in_two_pieces_has_a_border_around_each():
    region = np.array([[True, False, True]])
    axes = new_figure(1, 1).subplots()
    outline(axes, region, 1.0, "red")
    vertices = axes.patches[0].get_path().vertices
    assert len(vertices) == 2 * 8
    assert sorted(set(vertices[:, 0])) == [-1.5, -0.5, 0.5, 1.5]


def test_no_region_has_no_border():
    axes = new_figure(1, 1).subplots()
    outline(axes, np.zeros((3, 4), bool), 1.0, "red")
    assert not axes.patches


def test_the_part_that_is_shown_holds_all_walls(slices, volumes):
    for kept, setting, dimensions in ((slices, "cvae_2d", 2), (volumes, "cvae_3d", 3)):
        maps, cell = kept_of(kept, setting), image_cases_report.CELL_MM[dimensions]
        left, right, top, bottom = crop_of(maps, cell)
        for one in maps:
            index = cell * (np.argwhere(one.mask) - (one.mask.shape[0] - 1) / 2)
            x, y = (index[:, 1], index[:, 0]) if dimensions == 2 else (index[:, 0], index[:, 1])
            assert left < x.min() < x.max() < right
            assert top < y.min() < y.max() < bottom


def test_isochrones_are_few_enough(slices):
    scales = scales_of(kept_of(slices, "cvae_2d"), ("cvae",))
    assert 3 < scales.time.vmax / scales.isochrones_ms <= 16


def test_sections_run_from_base_to_apex_within_the_heart(volumes):
    mask = kept_of(volumes, "cvae_3d")[0].mask
    places = section_places(mask)
    assert (np.diff(places) > 0).all()
    assert mask[:, :, places].any(axis=(0, 1)).all()
    flat = np.zeros((4, 4, 9), bool)
    flat[:, :, 5] = True
    assert section_places(flat).tolist() == [5]


def test_every_pacing_zone_is_marked_once_in_whole_hearts(drawn, volumes):
    one = kept_of(volumes, "cvae_3d")[1]
    axes = drawn["image_volumes"][0].subfigs[1].axes[:5]
    stars = [line for panel in axes for line in panel.lines if line.get_marker() == "*"]
    assert sum(len(line.get_xdata()) for line in stars) == len(one.pacing_mm)


def test_electrodes_are_chosen_by_their_range():
    bsp = np.zeros((2, 3, 4))
    bsp[..., 1] = [[1, 5, 2], [6, 3, 4]]
    # Rank 2.5 of 0 to 5 is rounded to the even one.
    assert chosen_electrodes(bsp) == [(1, 0), (1, 1), (0, 0)]


def test_traces_are_true_and_reconstructed_potentials(drawn, potentials):
    axes = drawn["image_potentials"][0].subfigs[0].axes[0]
    row, column = chosen_electrodes(potentials["bsp"].values[0])[0]
    for line, name in zip(axes.lines[1:3], ("bsp", "predicted"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), potentials[name].values[0, row, column])


@pytest.mark.parametrize(
    ("figure", "kept"),
    [
        (potentials_figure, "potentials"),
        (map_vae_figure, "slices"),
        (cvae_figure, "slices"),
        (volumes_figure, "volumes"),
    ],
)
def test_without_kept_cases_there_is_nothing_to_draw(figure, kept, request):
    given = request.getfixturevalue(kept)
    with pytest.raises(ValueError, match="no kept"):
        figure(given.assign(setting=("case", ["elsewhere"] * given.sizes["case"])))


def test_every_test_map_is_a_dot_beside_the_printed_figure(drawn, scores):
    figure, _ = drawn["image_accuracy"]
    axes = figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == [method_words(method) for method in COMPARED]
    dots = [line for line in axes.lines if line.get_marker() == "."]
    np.testing.assert_allclose(
        np.sort(dots[0].get_xdata()), np.sort(values(scores, "cvae_2d", "cvae_conditioned", "mse"))
    )
    assert any(list(line.get_xdata()) == [0.095, 0.095] for line in axes.lines)


def test_coverage_is_drawn_against_its_level(drawn, scores):
    axes = drawn["image_uncertainty"][0].axes[0]
    line = next(line for line in axes.lines if line.get_color() == method_colour("cvae"))
    assert list(line.get_xdata()) == [50, 80, 90]
    assert line.get_ydata()[2] == pytest.approx(values(scores, "cvae_2d", "cvae", "coverage_90").mean())


def test_figures_need_no_slow_region_and_no_spread(scores, slices):
    few = scores[~scores["metric"].isin(["slow_auc", "deviation_ms", "deviation_correlation"])]
    assert "slow_auc" not in cells(tables(few, STUDY)[2])
    for figure, _ in (accuracy_figure(few), uncertainty_figure(few)):
        figure.draw_without_rendering()
    calm = slices.assign(slow=slices["slow"] & False, deviation=slices["deviation"] * np.nan)
    figure, _ = cvae_figure(calm)
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["pacing zone"]


def test_the_section_has_every_table_and_figure(scores, drawn, tmp_path):
    for name in (*drawn, TRAINING_FIGURE):
        write_figure(new_figure(1, 1), "", tmp_path / name)
    section = image_section(scores, STUDY, tmp_path, "snakemake {target}")
    assert len(section.items) == len(table_names(STUDY)) + len(figure_titles(STUDY)) + 1
    assert {item.reproduce for item in section.items} == {"snakemake conditional_vae"}
    assert "120 simulated maps of slices" in render_report("T", "t", [section])


def test_conditions_say_what_is_held_out():
    assert "held out, the last heart" in image_conditions(STUDY)
    several = image_cases_report.study(test_hearts=2)
    assert "the last 2 hearts" in image_conditions(several)


def test_scores_of_the_test_have_the_columns_of_the_study(scores):
    assert list(scores.columns) == ["subject", "setting", "case", "method", "metric", "value", "unit"]
    assert not scores.duplicated(["setting", "case", "method", "metric"]).any()
    assert pd.api.types.is_integer_dtype(scores["case"])
