"""The study's tables: one set a training cohort, what belongs to it, and the gaps to the published figures."""

import csv
import io
import re

import numpy as np
import pandas as pd
import pytest
import synthetic

from transmural.evaluation.published import published
from transmural.evaluation.scores import under
from transmural.evaluation.statistics import COMPARED
from transmural.report.front_page import gap_table, short_table
from transmural.report.generative_em import TABLE1, TABLE2, choices, tables
from transmural.report.generative_em_names import shown_cohort, table_names
from transmural.report.table_forms import to_csv

LABELS = {name: name.replace("_", " ") for name in synthetic.METHODS}
LEARN = ["mean_beat", "nearest_beat"]
HEARTS = ["slender", "broad"]


@pytest.fixture(scope="module")
def scores(scores):
    """Two training cohorts, the rich one with half the errors; `nearest_beat` with intervals that are too wide."""
    learnt = scores[scores["method"].isin(LEARN)]
    rich = learnt.assign(cohort="rich", value=learnt["value"] / 2)
    classical = scores[~scores["method"].isin(LEARN)].assign(cohort="none")
    sure = learnt[learnt["metric"] == "nrmse"].assign(metric="coverage_90")
    sure["value"] = np.where(sure["method"] == "nearest_beat", 0.96, 0.80)
    return pd.concat([classical, learnt, rich, sure], ignore_index=True)


@pytest.fixture(scope="module")
def study(study_config):
    changes = {"subjects": HEARTS, "methods": synthetic.METHODS, "reference_method": "nearest_beat"}
    return study_config.generative_em.model_copy(update=changes)


@pytest.fixture(scope="module")
def made(scores, study):
    return {table.name: table for table in tables(scores, study, LABELS)}


def rows_of(table):
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def test_every_announced_table_is_made(made, study):
    assert list(made) == table_names(study.subjects, study.cohorts)
    assert {"table1_published", "table2_rich", "table1_rich_broad", "tests_rich", "costs_published"} <= set(made)


def test_every_cell_is_of_the_cohort_of_its_table_or_of_a_method_that_does_not_learn(made, scores):
    for cohort in ("published", "rich"):
        for row in rows_of(made[f"table1_{cohort}"]):
            if row["published"] == "false" and row["mean"]:
                of_method = scores[scores["method"] == row["column"]]
                own = of_method[of_method["cohort"] == (cohort if row["column"] in LEARN else "none")]
                cases = own[(own["setting"] == row["block"]) & (own["metric"] == row["row"])]
                assert float(row["mean"]) == pytest.approx(cases["value"].mean())


def test_the_two_tables_share_no_metric_and_every_compared_one_stands_in_one_of_them(made):
    assert not set(TABLE1) & set(TABLE2)
    assert set(COMPARED) <= {*TABLE1, *TABLE2}
    for name, metrics in (("table1_rich", TABLE1), ("table2_rich", TABLE2)):
        assert {row["row"] for row in rows_of(made[name])} <= set(metrics)


def test_published_columns_stand_beside_the_pooled_first_table_only(made):
    with_published = {name for name, table in made.items() if any(column.published for column in table.columns)}
    assert with_published == {"table1_published", "table1_rich"}


def test_coverage_is_best_where_it_is_nearest_to_nominal(made):
    table = made["table2_published"]
    row = next(row for row in table.blocks[0].rows if row.key == "coverage_90")
    assert [c.key for c, cell in zip(table.columns, row.cells, strict=True) if cell.best] == ["nearest_beat"]
    assert any("Coverage" in note for note in table.notes)
    assert not any(row["row"].startswith("coverage") for row in rows_of(made["tests_published"]))


def test_each_cohort_is_tested_by_itself(made):
    nrmse = {
        cohort: next(
            float(row["value"])
            for row in rows_of(made[f"tests_{cohort}"])
            if row["row"] == "nrmse:nearest_beat:greensite" and row["column"] == "improvement"
        )
        for cohort in ("published", "rich")
    }
    assert nrmse["rich"] > nrmse["published"]


def test_notes_say_how_the_training_cohort_was_made(made, study):
    assert f"{study.published.origins} origins × {study.published.tissues}" in made["table1_published"].notes[0]
    assert f"{study.rich.beats} beats a heart, each with its own origin and scar" in made["table2_rich"].notes[0]


def test_cases_are_drawn_under_the_rich_cohort_where_there_is_one(scores, study):
    assert shown_cohort(["published", "rich"]) == "rich"
    assert shown_cohort(["published"]) == "published"
    assert choices(scores, study) == choices(scores[scores["cohort"] != "published"], study)


def test_the_short_table_shows_the_rich_cohort(scores):
    line = next(line for line in short_table(scores, LABELS).splitlines() if line.startswith("| mean beat "))
    own = under(scores, "rich")
    mean = own[(own.method == "mean_beat") & (own.setting == "unseen_both") & (own.metric == "nrmse")]["value"].mean()
    assert f"{mean:.3f} ± " in line


def test_the_gap_table_has_every_printed_cell_of_the_proposed_method_beside_one_method(scores):
    lines = gap_table(scores, LABELS, "mean_beat").splitlines()
    printed = published("generative_em")
    printed = printed[printed["method"] == "proposed"]
    assert len(lines) == 2 + len(printed)
    for line, cell in zip(lines[2:], printed.itertuples(), strict=True):
        assert f"{cell.mean:g} ± {cell.sd:g}" in line
        cells = line.strip("| ").split(" | ")
        for cohort, (ours, gap) in zip(("published", "rich"), (cells[3:5], cells[5:7]), strict=True):
            own = under(scores, cohort)
            own = own[(own.setting == cell.setting) & (own.metric == cell.metric) & (own.method == "mean_beat")]
            mean = own["value"].mean()
            assert float(ours.split(" ± ")[0]) == pytest.approx(mean, abs=0.06)
            difference, percent = (float(number.replace("−", "-")) for number in re.findall(r"[−+]?[\d.]+", gap))
            assert difference == pytest.approx(mean - cell.mean, abs=0.06)
            assert percent == pytest.approx(100 * (mean - cell.mean) / cell.mean, abs=0.51)
