import matplotlib as mpl
import numpy as np
import pytest
import sequence_recordings

from transmural.evaluation.sequence_scores import GIVEN_TRUTH, intervals
from transmural.report.bullseye import draw_bullseye
from transmural.report.html import render_report
from transmural.report.sequence_examples import DRAWN_POINTS, activation_figure, examples_of
from transmural.report.sequence_figures import figures
from transmural.report.sequence_labels import (
    METHOD_LABELS,
    Setting,
    sequence_setting_words,
    setting_of,
)
from transmural.report.sequence_names import TRAINING_FIGURE, figure_titles, table_names
from transmural.report.sequence_section import sequence_conditions, sequence_section
from transmural.report.sequence_tables import tables
from transmural.report.style import method_colour, method_marker, new_figure, write_figure
from transmural.report.table_forms import to_csv, to_html, to_latex, to_markdown
from transmural.report.tables import NOT_GIVEN
from transmural.stores.contracts import PREDICTED_TMPS, RECORDINGS, check


@pytest.fixture(scope="module")
def recordings():
    made = sequence_recordings.recordings()
    check(made, RECORDINGS, "recordings of the test")
    return made


@pytest.fixture(scope="module")
def predicted(recordings):
    made = sequence_recordings.predicted(recordings)
    check(made, PREDICTED_TMPS, "examples of the test")
    return made


@pytest.fixture(scope="module")
def scores(recordings):
    return sequence_recordings.scores(recordings)


@pytest.fixture(scope="module")
def stated(scores):
    return intervals(scores, 100, seed=1)


@pytest.fixture(scope="module")
def made(scores, stated):
    return {table.name: table for table in tables(scores, stated, ("Conditions.",))}


@pytest.fixture(scope="module")
def drawn(scores, stated, predicted):
    return figures(scores, stated, predicted, sequence_recordings.study())


def cells(table, block=0):
    """Cells of a block by row and column."""
    return {
        row.key: {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}
        for row in table.blocks[block].rows
    }


def value(scores, setting, method, metric):
    """The pooled value."""
    (found,) = scores.query(f"case == -1 and setting == '{setting}' and method == '{method}' and metric == '{metric}'")[
        "value"
    ]
    return found


def test_all_tables_have_all_forms(made):
    assert list(made) == table_names(sequence_recordings.study())
    for table in made.values():
        assert table.notes[0] == "Conditions."
        for form in (to_markdown, to_latex, to_csv, to_html):
            assert form(table)


def test_experiments_are_in_the_published_form(made, scores):
    table = made["sequence_full"]
    assert [block.key for block in table.blocks] == ["random", "heart_out"]
    assert [row.key for row in table.blocks[0].rows] == ["mae", "mse", "r2", "pearson", "spearman"]
    assert table.blocks[0].label == "Random split (n = 4)"
    for number, split in enumerate(("random", "heart_out")):
        cell = cells(table, number)["mse"]["cnn"]
        assert cell.numbers["value"] == value(scores, f"full_{split}", "cnn", "mse")
        assert cell.text == f"{cell.numbers['value']:.4f}"
    assert {row["unet"].best for row in cells(table).values()} == {True}


def test_printed_figures_stand_beside_the_random_split_only(made):
    table = made["sequence_limited"]
    printed = [column.key for column in table.columns if column.published]
    assert len(printed) == 3
    assert printed == [column.key for column in table.columns[-3:]]
    random, heart_out = cells(table), cells(table, 1)
    assert random["r2"]["published/cnn"].text == "−2.0007"
    assert random["spearman"]["published/transformer"].text == "0.9030"
    assert {cell.text for row in heart_out.values() for key, cell in row.items() if key in printed} == {NOT_GIVEN}
    assert any("0.4013" in note and "−0.5209" in note for note in table.notes)
    assert any("«zero-padded»" in note for note in table.notes)


@pytest.mark.parametrize("name", ["sequence_full", "sequence_limited", "sequence_leak"])
def test_what_is_given_true_potentials_stands_apart_and_is_never_best(made, name):
    table = made[name]
    groups = {column.key: column.group for column in table.columns}
    assert {key for key, group in groups.items() if group == "This run, given true potentials"} == set(GIVEN_TRUTH)
    for block in range(2):
        for row in cells(table, block).values():
            # In these scores the teacher-forced one has the smallest error of all.
            assert not any(row[key].best for key in GIVEN_TRUTH)
            assert sum(cell.best for cell in row.values()) >= 1


def test_the_leak_table_is_left_out_where_nothing_leaks(scores, stated):
    honest = scores[~scores["method"].isin(GIVEN_TRUTH)]
    names = [table.name for table in tables(honest, stated[~stated["method"].isin(GIVEN_TRUTH)])]
    assert "sequence_leak" not in names
    assert "sequence_full" in names


def test_recordings_are_averaged_with_intervals_in_physical_units(made, stated):
    table = made["sequence_limited_cases"]
    assert [column.label for column in table.columns[:2]] == [
        "Mean absolute error / mV",
        "Activation-time error / ms",
    ]
    row = stated.query("setting == 'limited_heart_out' and method == 'ridge' and metric == 'activation_time_mae'").iloc[
        0
    ]
    cell = cells(table, 1)["ridge"]["activation_time_mae"]
    assert cell.numbers["mean"] == row["mean"]
    assert cell.text == f"{row['mean']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
    assert table.blocks[1].label == "Hearts not in training (n = 4 in 4 groups)"
    found = cells(table)
    assert found["unet"]["mae_mv"].best
    assert not found["transformer_teacher_forced"]["mae_mv"].best


def test_methods_without_a_metric_have_a_dash(scores, stated):
    few = stated[(stated["method"] != "cnn") | (stated["metric"] != "apd90_mae")]
    table = next(table for table in tables(scores, few) if table.name == "sequence_full_cases")
    assert cells(table)["cnn"]["apd90_mae"].text == "–"


def test_inputs_are_ordered_and_in_words(made):
    table = made["sequence_input"]
    assert [block.key for block in table.blocks] == ["unet"]
    assert [row.label for row in table.blocks[0].rows[:7]] == [
        "Random split: first 10 ms",
        "Random split: first 50 ms",
        "Random split: first 500 ms",
        "Random split: shifted by up to 10 ms",
        "Random split: shifted by up to 20 ms",
        "Random split: noise at 10 dB",
        "Random split: noise at 20 dB",
    ]


def test_no_scores_make_no_tables(scores, stated):
    assert not tables(scores.iloc[:0], stated.iloc[:0])


def test_a_run_without_tests_of_the_input_has_no_such_table_and_figure(scores, stated):
    study = sequence_recordings.study(any_length=None)
    of_kind = ["full_random", "limited_random"]
    scores, stated = (rows[rows["setting"].isin(of_kind)] for rows in (scores, stated))
    assert [table.name for table in tables(scores, stated)] == table_names(study)
    assert "sequence_input" not in table_names(study)
    assert "sequence_input" not in figure_titles(study)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("length_25_both_out", Setting("length", 25.0, "both_out")),
        ("noise_-5_heart_out", Setting("noise", -5.0, "heart_out")),
        ("noise_2.5_random", Setting("noise", 2.5, "random")),
        ("full_somewhere", None),
        ("random", None),
    ],
)
def test_settings_are_read_from_their_names(name, expected):
    assert setting_of(name) == expected


def test_settings_without_a_level_have_words():
    assert setting_of("full_random").split == "random"
    assert sequence_setting_words("limited_both_out") == "Neither hearts nor patterns in training: first 10 ms"
    assert sequence_setting_words("dark_room") == "dark room"


def test_methods_are_told_apart_by_colour_and_marker():
    assert len({method_colour(name) for name in METHOD_LABELS}) == len(METHOD_LABELS)
    assert len({method_marker(name) for name in METHOD_LABELS}) == len(METHOD_LABELS)


def test_all_figures_are_drawn(drawn):
    assert set(drawn) == set(figure_titles(sequence_recordings.study()))
    for figure, caption in drawn.values():
        figure.draw_without_rendering()
        assert caption


def test_examples_are_of_one_setting_and_leave_out_who_has_no_part(predicted):
    whole, limited = (examples_of(predicted, f"{kind}_random") for kind in ("full", "limited"))
    assert whole.words[2] == "Worst: volunteer 02, pattern 03"
    assert set(limited.predictions) - set(whole.predictions) == {"cnn_zero_padded", "cnn_lstm_zero_padded"}
    np.testing.assert_array_equal(limited.recordings["tmp"], whole.recordings["tmp"])
    with pytest.raises(ValueError, match=r"'full_heart_out'.*full_random"):
        examples_of(predicted, "full_heart_out")


def test_traces_are_in_millivolts(drawn, predicted):
    examples = examples_of(predicted, "full_random")
    axes = drawn["sequence_traces"][0].subfigs[1].axes[2]
    place = sequence_recordings.POINTS.index(list(DRAWN_POINTS)[2])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), -80 + 100 * examples.recordings["tmp"].values[1, :, place])
    np.testing.assert_allclose(axes.lines[4].get_ydata(), -80 + 100 * examples.predictions["unet"][1, :, place])


def test_bulls_eyes_have_the_colours_of_their_times(drawn, predicted):
    tmp = examples_of(predicted, "full_random").recordings["tmp"].values
    part = drawn["sequence_activation"][0].subfigs[0]
    wedges = part.axes[0].patches
    first = (tmp[0, :, :17] > 0.5).argmax(axis=0)
    # Samples of 10 ms: times half a sample apart or less may change places.
    early, late = int(np.argmin(first)), int(np.argmax(first))
    bright = [mpl.colors.rgb_to_hsv(wedge.get_facecolor()[:3])[2] for wedge in wedges]
    assert len(wedges) == 17
    assert bright[early] > 0.8
    assert bright[late] < 0.5


def test_a_bulls_eye_needs_every_segment():
    with pytest.raises(ValueError, match="needs 17 colours, got 16"):
        draw_bullseye(new_figure(1, 1).subplots(), ["red"] * 16)


def test_segments_run_from_the_anterior_wall_over_the_septum():
    middles = draw_bullseye(new_figure(1, 1).subplots(), ["red"] * 17)
    assert middles[1] == pytest.approx((0, 0.875))  # anterior, base outside
    assert middles[14] == pytest.approx((-0.375, 0))  # septal
    assert middles[3][0] < 0 > middles[3][1]  # inferoseptal
    assert middles[6][0] > 0 < middles[6][1]  # anterolateral
    assert middles[17] == (0, 0)


def test_a_point_that_is_never_activated_is_grey(predicted):
    changed = predicted.copy(deep=True)
    changed["predicted"].loc[{"method": "unet", "point": "AHA17"}] = 0.1
    figure, _ = activation_figure(examples_of(changed, "full_random"))
    unet = next(axes for axes in figure.subfigs[0].axes if axes.get_title() == METHOD_LABELS["unet"])
    assert mpl.colors.to_hex(unet.patches[16].get_facecolor()) == "#d9d9d9"


def test_splits_stand_in_the_row_of_their_method(drawn, scores):
    axes = drawn["sequence_splits"][0].axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    found = {round(line.get_xdata()[0], 6): line.get_ydata()[0] for line in axes.lines if len(line.get_xdata()) == 1}
    expected = round(value(scores, "full_heart_out", "unet", "r2"), 6)
    assert round(found[expected]) == rows.index(METHOD_LABELS["unet"])
    # The printed Transformer, which was given true potentials.
    assert found[0.9412] == rows.index(METHOD_LABELS["transformer_teacher_forced"])


def test_useless_fits_are_marked_at_the_axis(drawn):
    first, axes = drawn["sequence_splits"][0].axes
    rows = [label.get_text() for label in first.get_yticklabels()]
    marked = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "<"]
    assert marked == [rows.index(METHOD_LABELS["cnn_zero_padded"])]  # printed: −2.0007


def test_errors_are_drawn_against_length_with_the_retrained_network(drawn, stated):
    axes = drawn["sequence_input"][0].axes[0]
    chosen = stated.query("setting == 'length_50_random' and method == 'unet' and metric == 'mae_mv'")
    lines = [line for line in axes.lines if list(line.get_xdata()) == [10, 50, 500]]
    assert any(line.get_ydata()[1] == pytest.approx(chosen["mean"].item()) for line in lines)
    stars = {line.get_ydata()[0] for line in axes.lines if line.get_marker() == "*"}
    limited = stated.query(
        "setting in ('limited_random', 'limited_heart_out') and method == 'unet' and metric == 'mae_mv'"
    )
    assert stars == set(limited["mean"])


def test_the_leak_is_drawn_beside_the_printed_figure(drawn, predicted, scores):
    left, right = drawn["sequence_leak"][0].axes
    heights = {line.get_ydata()[0] for line in left.lines}
    assert value(scores, "full_random", "transformer_teacher_forced", "r2") in heights
    assert 0.9412 in heights
    assert len(right.lines) == 5


def test_the_section_has_every_table_and_figure(scores, drawn, tmp_path):
    study = sequence_recordings.study(bootstrap=100)
    for name in (*drawn, TRAINING_FIGURE):
        write_figure(new_figure(1, 1), "", tmp_path / name)
    random = scores[scores["setting"].str.endswith("random")]
    section = sequence_section(random, intervals(random, 100, seed=1), study, tmp_path, "snakemake {target}")
    assert len(section.items) == len(table_names(study)) + len(figure_titles(study)) + 1
    assert {item.reproduce for item in section.items} == {"snakemake sequence_models"}
    page = render_report("T", "t", [section])
    assert "40 simulated recordings of 4 hearts" in page
    assert "Hold last true segment" in page


def test_conditions_say_where_recordings_are_from():
    assert "published archive" in sequence_conditions(sequence_recordings.study(archive="somewhere"))
