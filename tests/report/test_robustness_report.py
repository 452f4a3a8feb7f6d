import numpy as np
import pandas as pd
import pytest

from transmural.evaluation.robustness import COLUMNS, NOISE, UNVARIED
from transmural.report.robustness import LEVELS, robustness_figures, robustness_items, robustness_table
from transmural.report.style import svg_text, write_figure
from transmural.report.table_forms import to_csv, to_latex, to_markdown
from transmural.stores.config.robustness import Variations

LABELS = {"greensite": "Greensite", "nearest_beat": "Nearest beat"}
UNITS = {"nrmse": "1", "dice": "1", "origin_distance": "mm"}


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    levels = [
        (UNVARIED, 0.0, "1", 0.0),
        *((NOISE, ratio, "dB", 3 / ratio) for ratio in (10.0, 30.0)),
        ("electrodes.shift_mm", 10.0, "mm", 0.3),
        ("tissue.velocity", 0.9, "1", 0.1),
    ]
    return pd.DataFrame(
        [
            (name, level, unit, "slender", "rich" if method == "nearest_beat" else "none", "unseen_both", case, method,
             metric, 0.3 + size + 0.01 * generator.standard_normal(), UNITS[metric])
            for name, level, unit, size in levels
            for method in LABELS
            for metric in UNITS
            for case in range(4)
        ],
        columns=COLUMNS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def settings(study_config):
    return study_config.generative_em.robustness


@pytest.fixture(scope="module")
def table(rows, settings):
    return robustness_table(rows, settings, LABELS)


def test_a_row_a_level_in_every_metric(table):
    assert [block.key for block in table.blocks] == ["nrmse", "dice", "origin_distance"]
    for block in table.blocks:
        assert [row.label for row in block.rows] == [
            "unvaried",
            "signal-to-noise ratio 10 dB",
            "signal-to-noise ratio 30 dB",
            "electrodes shifted 10 mm",
            "conduction velocity × 0.9",
        ]
    assert [column.label for column in table.columns] == ["Greensite", "Nearest beat"]


def test_cells_are_means_over_the_cases(table, rows):
    cell = table.blocks[0].rows[3].cells[0]
    chosen = rows.query("variation == 'electrodes.shift_mm' and method == 'greensite' and metric == 'nrmse'")["value"]
    assert cell.numbers["mean"] == pytest.approx(chosen.mean())
    assert cell.numbers["low"] < cell.numbers["mean"] < cell.numbers["high"]
    assert cell.numbers["n"] == 4


def test_the_table_has_all_forms_and_says_how_it_was_made(table):
    for form in (to_markdown, to_latex, to_csv):
        assert form(table)
    notes = " ".join(table.notes)
    assert "4 test cases each" in notes
    assert "training cohort: rich" in notes


def test_figures_show_every_level_and_method(rows):
    drawn = robustness_figures(rows, LABELS)
    noise, caption = drawn["noise"]
    assert [axes.get_xlabel() for axes in noise.axes] == ["Signal-to-noise ratio / dB"] * 3
    assert noise.axes[0].get_xticks().tolist() == [10, 30]
    assert "4 cases (slender)" in caption
    varied, _ = drawn["robustness"]
    assert [text.get_text() for text in varied.axes[0].get_yticklabels()] == [
        "electrodes shifted 10 mm",
        "conduction velocity × 0.9",
    ]
    assert varied.axes[2].get_xlabel() == "Euclidean distance: change / mm"
    for figure, _ in drawn.values():
        assert all(label in svg_text(figure) for label in LABELS.values())


def test_changes_stand_where_they_are(rows):
    figure = robustness_figures(rows, LABELS)["robustness"][0]
    drawn = {round(float(line.get_xdata()[0]), 2) for line in figure.axes[0].lines if len(line.get_xdata()) == 1}
    for expected in (0.3, 0.1):
        assert any(abs(value - expected) < 0.03 for value in drawn)


def test_a_single_case_is_drawn_without_interval(rows):
    figure, _ = robustness_figures(rows[rows["case"] == 0], LABELS)["robustness"]
    assert svg_text(figure)


def test_items_stand_in_the_report(rows, settings, tmp_path):
    for name, (figure, caption) in robustness_figures(rows, LABELS).items():
        write_figure(figure, caption, tmp_path / name)
    items = robustness_items(rows, settings, LABELS, tmp_path, "snakemake {target}")
    assert [item.reproduce for item in items] == ["snakemake figures", "snakemake figures", "snakemake tables"]


def test_every_variation_of_the_configuration_is_named(settings):
    known = {
        f"{section}.{key}"
        for section, values in settings
        if isinstance(values, Variations)
        for key, value in values
        if isinstance(value, list)
    }
    assert set(LEVELS) == known
