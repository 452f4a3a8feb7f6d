"""The score table says what the scores say, and keeps published figures apart."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
import synthetic

from transmural.evaluation.published import published
from transmural.evaluation.statistics import paired_tests
from transmural.report.quantities import quantity, rounded
from transmural.report.table_forms import to_csv, to_markdown
from transmural.report.tables import NOT_GIVEN, paired_table, score_table


def make(scores, printed=None, **options):
    printed = published("generative_em") if printed is None else printed
    return score_table(scores, printed, name="t", title="T", **options)


def rows_of(table):
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def test_every_cell_is_the_mean_and_spread_of_its_scores(scores):
    rows = [row for row in rows_of(make(scores)) if row["published"] == "false" and row["mean"]]
    assert len(rows) == sum(len(set(scores[scores.setting == s].metric) - {"memory"}) for s in synthetic.SETTINGS) * 4
    for row in rows:
        values = scores[
            (scores.setting == row["block"]) & (scores.metric == row["row"]) & (scores.method == row["column"])
        ]
        np.testing.assert_allclose(float(row["mean"]), values.value.mean())
        np.testing.assert_allclose(float(row["sd"]), values.value.std(ddof=1))
        assert int(row["n"]) == len(values)


def test_published_columns_hold_exactly_what_the_paper_prints(scores):
    printed = published("generative_em")
    rows = [row for row in rows_of(make(scores)) if row["published"] == "true"]
    given = {(r["block"], r["row"], r["column"]): (float(r["mean"]), float(r["sd"])) for r in rows if r["mean"]}
    expected = {
        (p.setting, p.metric, f"{p.paper}/{p.method}"): (p.mean, p.sd)
        for p in printed.itertuples()
        if p.metric != "seconds"
    }
    assert given == expected
    assert all("Ghimire et al. 2018, Table 1" in row["source"] for row in rows)


def test_a_cell_that_the_paper_does_not_print_says_so(scores):
    rows = [row for row in rows_of(make(scores)) if row["published"] == "true" and not row["mean"]]
    assert rows
    assert {row["text"] for row in rows} == {NOT_GIVEN}


def test_this_runs_columns_do_not_depend_on_published_figures(scores):
    printed = published("generative_em")
    ours = [row for row in rows_of(make(scores)) if row["published"] == "false"]
    other = rows_of(make(scores, printed.assign(mean=printed["mean"] * 0 - 1)))
    assert [row for row in other if row["published"] == "false"] == ours
    assert all(row["published"] == "false" for row in rows_of(make(scores, printed.iloc[:0])))


def test_the_best_of_this_run_is_bold_and_a_better_published_value_is_not(scores):
    table = make(scores)
    best = {
        (block.key, row.key): [c.key for c, cell in zip(table.columns, row.cells, strict=True) if cell.best]
        for block in table.blocks
        for row in block.rows
    }
    assert best["unseen_scar", "nrmse"] == ["tikhonov0"]
    assert best["unseen_scar", "dice"] == ["nearest_beat"]
    assert best["unseen_scar", "seconds"] == []


def test_failed_cases_are_counted_in_their_cell(scores):
    first = {"subject": "slender", "cohort": "published", "setting": "unseen_scar", "case": 0, "method": "greensite"}
    failed = pd.concat([scores, pd.DataFrame([{**first, "metric": "failed", "value": 1.0, "unit": "1"}])])
    texts = [
        row["text"] for row in rows_of(make(failed)) if row["column"] == "greensite" and row["block"] == "unseen_scar"
    ]
    assert all("(1 failed)" in text for text in texts)
    others = [row["text"] for row in rows_of(make(failed)) if row["column"] == "tikhonov0"]
    assert not any("failed" in text for text in others)


def test_a_method_scored_on_fewer_cases_says_how_many(scores):
    fewer = scores[~((scores.method == "greensite") & (scores.case == 0))]
    assert any("(n = 10)" in row["text"] for row in rows_of(make(fewer)) if row["column"] == "greensite")


def test_settings_stand_in_the_papers_order_whatever_that_of_the_scores(scores):
    table = make(scores.sort_values(["setting", "case"]))
    assert [block.key for block in table.blocks] == ["unseen_scar", "unseen_origin", "unseen_both"]


def test_zero_has_no_sign():
    assert rounded(-0.004, 2) == "0.00"
    assert rounded(-0.006, 2) == "−0.01"
    assert quantity("nrmse").text(-0.0001, 0.5) == "0.000 ± 0.500"


def test_costs_are_shown_to_three_figures():
    assert quantity("seconds").text(0.012345, 0.00101) == "0.0123 ± 0.0010"
    assert quantity("seconds").text(123.45, 1.5) == "123 ± 2"
    assert quantity("seconds").text(0.0) == "0"


def test_one_heart_alone_and_all_pooled(scores):
    pooled, alone = rows_of(make(scores)), rows_of(make(scores, subject="broad"))
    assert {row["text"] for row in pooled if row["column"] == "n"} == {"12"}
    assert {row["text"] for row in alone if row["column"] == "n"} == {"6"}
    with pytest.raises(ValueError, match="no scores of subject 'nobody'"):
        make(scores, subject="nobody")


def test_training_cohorts_get_columns_of_their_own(scores):
    both = pd.concat([scores, scores.assign(cohort="rich", value=scores["value"] / 2)])
    table = make(both)
    groups = {c.group for c in table.columns if not c.published}
    assert {"This run, cohort published", "This run, cohort rich"} <= groups
    nrmse = next(row for row in table.blocks[0].rows if row.key == "nrmse")
    assert [c.key for c, cell in zip(table.columns, nrmse.cells, strict=True) if cell.best] == ["tikhonov0/rich"]


def test_paired_table_gives_back_the_tests(scores):
    tests = paired_tests(scores, "nearest_beat")
    rows = rows_of(paired_table(tests, name="t", title="T"))
    for column in ("t", "p", "p_holm", "d_z", "p_wilcoxon", "p_wilcoxon_holm"):
        values = [float(row["value"]) for row in rows if row["column"] == column]
        np.testing.assert_allclose(values, tests[column].to_numpy())


def test_the_table_is_the_same_whatever_the_order_of_hearts(scores):
    swapped = pd.concat([scores[scores.subject == "broad"], scores[scores.subject == "slender"]])
    assert to_markdown(make(swapped)) == to_markdown(make(scores))
