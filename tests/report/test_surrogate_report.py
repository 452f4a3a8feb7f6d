import numpy as np
import pytest
import sheets_of_tissue

from transmural.report.style import svg_text
from transmural.report.surrogate_examples import ecg_figure, example_sheets
from transmural.report.surrogate_figures import figures
from transmural.report.surrogate_labels import METHOD_LABELS, ordered_surrogate_settings, setting_words
from transmural.report.surrogate_names import FIGURES, TABLES
from transmural.report.surrogate_tables import tables
from transmural.report.table_forms import to_csv, to_latex, to_markdown
from transmural.report.tables import NOT_GIVEN
from transmural.stores.contracts import SHEETS, check


@pytest.fixture(scope="module")
def sheets():
    made = sheets_of_tissue.sheets()
    check(made, SHEETS, "sheets of the test")
    return made


@pytest.fixture(scope="module")
def predictions(sheets):
    return sheets_of_tissue.predictions(sheets)


@pytest.fixture(scope="module")
def scores(sheets, predictions):
    return sheets_of_tissue.scores(sheets, predictions)


@pytest.fixture(scope="module")
def made(scores):
    return {table.name: table for table in tables(scores, ("Conditions.",))}


@pytest.fixture(scope="module")
def drawn(scores, sheets, predictions):
    return figures(scores, sheets, predictions)


def cells(table, block=0):
    """Cells of a block by row and column."""
    return {
        row.key: {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}
        for row in table.blocks[block].rows
    }


def test_all_tables_have_all_forms(made):
    assert tuple(made) == TABLES
    for table in made.values():
        assert table.notes[0] == "Conditions."
        for form in (to_markdown, to_latex, to_csv):
            assert form(table)


def test_accuracy_is_given_by_class_and_over_all(made, scores):
    table = made["surrogate"]
    assert [block.key for block in table.blocks] == ["r2", "mae"]
    assert [column.key for column in table.columns[:-1]] == [*sheets_of_tissue.CLASSES, "all"]
    chosen = scores.query("setting == 'test' and metric == 'mae' and method == 'no_cnn'")
    found = cells(table, 1)["no_cnn"]
    assert found["all"].numbers["mean"] == pytest.approx(chosen["value"].mean())
    assert found["all"].numbers["n"] == 16
    fibrotic = chosen.loc[chosen["subject"] == "fibrotic", "value"]
    assert found["fibrotic"].numbers["sd"] == pytest.approx(fibrotic.std())
    best = {key for key, row in cells(table).items() if row["all"].best}
    assert best == {"surrogate"}


def test_the_printed_figure_stands_apart_and_only_where_it_belongs(made):
    table = made["surrogate"]
    assert [column.published for column in table.columns] == [False] * 5 + [True]
    texts = [row.cells[-1].text for block in table.blocks for row in block.rows]
    assert texts[0] == "0.99 ± 0.005"
    assert set(texts[1:]) == {NOT_GIVEN}
    assert not any(row.cells[-1].best for block in table.blocks for row in block.rows)


def test_tests_have_a_block_a_class(made):
    table = made["surrogate_tests"]
    assert [block.label for block in table.blocks] == [
        "Healthy", "Gap junctions", "Fibrotic", "Combined", "All classes",
    ]  # fmt: skip
    assert len(table.blocks[0].rows) == 2 * (len(sheets_of_tissue.METHODS) + 1 - 1)
    assert "As published" not in " ".join(table.notes)


def test_classes_with_few_sheets_are_not_tested_and_said_so(scores):
    few = scores[(scores["subject"] != "healthy") | (scores["case"] < 102)]
    table = tables(few)[1]
    row = table.blocks[0].rows[0]
    assert row.cells[0].text == "2"
    assert [cell.text for cell in row.cells[2:]] == ["–"] * 6
    assert any("Fewer than 3 test sheets" in note and "healthy" in note for note in table.notes)


def test_settings_are_in_words_and_may_lack_methods(made):
    table = made["surrogate_settings"]
    assert [row.label for row in table.blocks[0].rows] == [
        "Test sheets",
        "Fibrotic: class not in training",
        "Electrode 1, moved by 20 mm",
        "Stimulus elsewhere",
        "One frame in 4",
    ]
    found = cells(table)
    assert found["frames_every_4"]["class_mean"].text == "–"
    assert found["test"]["surrogate"].best
    assert "no_cnn" not in found["test"]


def test_costs_are_given_with_and_without_the_simulation(made, sheets):
    found = cells(made["surrogate_costs"])
    assert found["solver"]["with_simulation"].text == "–"
    assert found["surrogate"]["alone"].numbers["mean"] == pytest.approx(0.1)
    expected = sheets["seconds"].values.astype(float).mean() + 0.1
    assert found["surrogate"]["with_simulation"].numbers["mean"] == pytest.approx(expected)


def test_tables_without_rows_are_left_out(scores):
    assert not tables(scores[scores["metric"] == "none"])
    alone = scores[(scores["method"] == "surrogate") & (scores["setting"] == "test")]
    assert [table.name for table in tables(alone)] == ["surrogate", "surrogate_settings", "surrogate_costs"]
    assert cells(tables(alone)[2])["surrogate"]["with_simulation"].text == "–"


def test_unknown_settings_have_their_own_name_and_come_last():
    assert ordered_surrogate_settings(["dark_room", "frames_every_2", "test"]) == [
        "test",
        "frames_every_2",
        "dark_room",
    ]
    assert setting_words("dark_room") == "dark room"
    assert setting_words("electrode_moved_30_mm") == "Electrode moved by 30 mm"


def test_all_figures_are_drawn(drawn):
    assert set(drawn) == set(FIGURES)
    for figure, caption in drawn.values():
        assert svg_text(figure, caption)


def test_examples_are_the_first_sheets(sheets, drawn):
    assert example_sheets(sheets) == {"healthy": 0, "gap_junction": 4, "fibrotic": 8, "combined": 12}
    maps = [axes.images[0].get_array() for axes in drawn["sheets"][0].axes if axes.images]
    np.testing.assert_array_equal(maps[6], sheets["conductive_share"].values[8])
    assert np.ma.getmaskarray(maps[10]).sum() == (sheets["conductive_share"].values[8] == 0).sum()


def test_ecgs_are_drawn_with_their_errors(sheets, drawn, predictions):
    axes = drawn["surrogate_ecg"][0].axes
    truth = sheets["ecg"].values[4, 0]
    np.testing.assert_array_equal(axes[1].lines[0].get_ydata(), truth)
    error = axes[5].lines[2].get_ydata()
    np.testing.assert_allclose(error, predictions["surrogate"][4] - truth)


def test_scaled_ecgs_say_so(sheets, predictions):
    scaled = sheets["ecg"].values[:, 0] / 3
    figure, caption = ecg_figure(sheets, {"surrogate": predictions["surrogate"] / 3}, scaled)
    assert figure.axes[0].get_ylabel() == "ECG / sd"
    assert "z-scored" in caption
    assert METHOD_LABELS["closed_form"] not in svg_text(figure)


def test_bars_are_means_and_dots_are_sheets(drawn, scores):
    axes = drawn["surrogate_ablation"][0].axes[1]
    assert len(axes.patches) == 4 * 6
    chosen = scores.query("setting == 'test' and metric == 'mae' and method == 'surrogate' and subject == 'healthy'")
    assert axes.patches[0].get_height() == pytest.approx(chosen["value"].mean())
    dots = axes.collections
    assert sum(len(each.get_offsets()) for each in dots if len(each.get_offsets()) == 4) == 4 * 6 * 4


def test_what_lies_below_the_axis_is_marked(scores, sheets, predictions):
    bad = scores.copy()
    useless = (bad["method"] == "no_cnn") & (bad["metric"] == "r2") & (bad["subject"] == "fibrotic")
    bad.loc[useless, "value"] = -4.0
    axes = figures(bad, sheets, predictions)["surrogate_ablation"][0].axes[0]
    assert axes.get_ylim()[0] == -0.25
    assert sum(line.get_marker() == "v" for line in axes.lines) == 1


def test_every_test_sheet_stands_at_its_velocity(drawn):
    axes = drawn["surrogate_velocity"][0].axes[0]
    points = np.concatenate([each.get_offsets() for each in axes.collections])
    assert len(points) == 2 * 16
    assert (points[:, 0] > 0.2).all()
    assert (points[:, 0] < 0.8).all()
