"""Figures of the methods that learn, and the audit's table: they show the numbers that they are given, labelled."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from transmural.evaluation.audit_forms import CORRECTED, FORMS, ORACLE
from transmural.evaluation.calibration import LEVELS
from transmural.evaluation.generated_potentials import ENCODED, MAPS, SIMULATED, STANDARD, Traces
from transmural.inverse.registry import labels, methods
from transmural.report.audit_table import audit_table
from transmural.report.calibration_figure import calibration_figure
from transmural.report.convergence_figure import convergence_figure
from transmural.report.generated_potentials import generated_figure
from transmural.report.generative_em_names import LEARNING_FIGURES, audited, hardest_setting, learning_figures
from transmural.report.learned_methods import learned_items
from transmural.report.novelty_figure import novelty_figure
from transmural.report.style import method_colour, svg_text, write_figure

RNG = np.random.default_rng(4)


def lines(axes, name):
    return [line for line in axes.lines if same_color(line.get_color(), method_colour(name))]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.fixture(scope="module")
def audit():
    """Corrected form with scores near 0.3; bare heads are worse by 0.2 in every case."""
    rows = [
        {"subject": "slender", "cohort": "published", "setting": "unseen_both", "case": case, "method": form}
        | {"metric": metric, "value": value + 0.01 * RNG.random() + worse * (form == "bare_heads"), "unit": unit}
        for case in range(8)
        for form in FORMS
        for metric, value, worse, unit in (("nrmse", 0.3, 0.2, "1"), ("dice", 0.5, -0.2, "1"),
                                           ("origin_distance", 9.0, 5.0, "mm"))
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def coverage():
    rows = [
        {"subject": "slender", "cohort": cohort, "setting": "unseen_both", "case": case, "method": method}
        | {"level": level, "coverage": level**power}
        for method, cohort, power in (("em", "published", 2.0), ("em", "rich", 1.0), ("ep_constrained", "none", 0.5))
        for case in range(3)
        for level in LEVELS
    ]
    return pd.DataFrame(rows)


def cells_of(table, form):
    row = next(row for row in table.blocks[0].rows if row.key == form)
    return {column.key: cell for column, cell in zip(table.columns, row.cells, strict=True)}


def test_audit_has_a_row_for_every_form_against_the_corrected_one(audit):
    table = audit_table(audit)
    assert [row.key for row in table.blocks[0].rows] == list(FORMS)
    assert {cell.text for key, cell in cells_of(table, CORRECTED).items() if key.endswith(("_change", "_p"))} == {"–"}
    bare = cells_of(table, "bare_heads")
    assert bare["n"].numbers["n"] == 8
    assert bare["nrmse_change"].numbers["value"] == pytest.approx(0.2, abs=0.01)
    assert bare["nrmse_change"].text.startswith("+")
    assert bare["dice_change"].numbers["value"] == pytest.approx(-0.2, abs=0.01)
    assert bare["dice_change"].text.startswith("−")
    assert bare["nrmse_p"].best
    assert not cells_of(table, "healthy_start")["nrmse_p"].best


def test_audit_says_what_each_defect_is_and_which_form_knows_the_truth(audit):
    table = audit_table(audit, ["first note"])
    assert table.notes[0] == "first note"
    assert all(any(form.defect in note for note in table.notes) for form in FORMS.values())
    row = next(row for row in table.blocks[0].rows if row.key == ORACLE)
    assert "uses the truth" in row.label


def test_calibration_draws_the_mean_coverage_under_each_cohort(coverage):
    figure, caption = calibration_figure(coverage, ["published", "rich"], labels())
    published, rich = figure.axes
    for axes, power in ((published, 2.0), (rich, 1.0)):
        (line,) = lines(axes, "em")
        np.testing.assert_allclose(line.get_xdata(), 100 * np.array(LEVELS))
        np.testing.assert_allclose(line.get_ydata(), 100 * np.array(LEVELS) ** power)
        (line,) = lines(axes, "ep_constrained")
        np.testing.assert_allclose(line.get_ydata(), 100 * np.array(LEVELS) ** 0.5)
        assert axes.get_xlabel() == "Nominal coverage / %"
    assert legend(figure) == ["calibrated", *(labels()[name] for name in ("ep_constrained", "em"))]
    assert "Compare" in caption


def test_calibration_without_standard_deviations_says_so(coverage):
    figure, _ = calibration_figure(coverage.iloc[:0], ["rich"])
    assert "no method gives" in svg_text(figure)


def test_convergence_shows_misfit_and_says_which_panel_needs_the_truth():
    steps = pd.DataFrame(
        [
            {"method": method, "step": step, "case": case, "misfit": rate ** (step / 4) * 40, "nrmse": 0.5 - step / 100}
            for method, rate in (("em", 0.9), ("marginal_map", 0.5))
            for step in range(0, 20, 4)
            for case in range(3)
        ]
    )
    figure, caption = convergence_figure(steps, labels(), "slender", "rich")
    left, right = figure.axes
    assert left.get_yscale() == "log"
    assert "noise standard deviation" in left.get_ylabel()
    assert "needs the truth" in right.get_ylabel()
    thick = lines(left, "marginal_map")[-1]
    np.testing.assert_allclose(thick.get_ydata(), 40 * 0.5 ** np.arange(5.0))
    assert len(lines(left, "em")) == 4
    assert "3 validation beats of slender" in caption


def test_novelty_draws_binned_means_of_the_methods_that_learn():
    cases = np.arange(40)
    key = {"subject": "slender", "setting": "unseen_both", "case": cases}
    novelty = pd.DataFrame(
        {**key, "cohort": "rich", "training_origin_mm": 0.5 * cases, "training_scar_overlap": np.nan}
    )
    scores = pd.concat(
        pd.DataFrame({**key, "cohort": "rich", "method": name, "metric": "nrmse", "value": slope * cases, "unit": "1"})
        for name, slope in (("em", 0.01), ("nearest_beat", 0.02))
    )
    figure, caption = novelty_figure(scores, novelty, ["rich"], ["em", "nearest_beat"], labels())
    top = figure.axes[0]
    (line,) = lines(top, "nearest_beat")
    np.testing.assert_allclose(line.get_ydata(), 0.04 * np.asarray(line.get_xdata()))
    # The first case isn't new; the others are in four bins.
    np.testing.assert_allclose(line.get_xdata(), [0, 2.75, 7.75, 12.75, 17.5])
    assert top.get_ylabel() == "Normalized RMSE"
    assert legend(figure) == [labels()[name] for name in ("nearest_beat", "em")]
    assert {axes.get_xlabel() for axes in figure.axes} >= {"Nearest training origin / mm"}
    assert "Look for" in caption


def test_generated_potentials_show_every_source_with_its_median():
    time = np.linspace(0, 550, 12)
    sources = {
        name: Traces(RNG.random((30, 12)), scale * np.linspace(0, 1, 30))
        for name, scale in ((SIMULATED, 0.02), (ENCODED, 0.2), (STANDARD, 0.6), (MAPS, 0.04))
    }
    figure, caption = generated_figure(sources, time, "slender", "rich")
    text = svg_text(figure, caption)
    for label in ("simulated,", "encoded posterior p(Z)", "N(0, I)", "activation-map VAE,", "TMP, dimensionless"):
        assert label in text
    for median in ("0.010", "0.100", "0.300", "0.020"):
        assert median in caption
    without = generated_figure({name: sources[name] for name in (SIMULATED, ENCODED, STANDARD)}, time, "s", "rich")
    assert "activation-map" not in without[1]


def test_figures_are_those_that_the_methods_give_something_to_show_in():
    known = methods()
    assert learning_figures({"greensite": known["greensite"]}) == ["calibration"]
    assert learning_figures({"nearest_beat": known["nearest_beat"]}) == ["calibration", "novelty"]
    assert learning_figures({name: known[name] for name in ("em", "marginal_map")}) == list(LEARNING_FIGURES)


def test_hearts_are_audited_only_where_the_method_is_run(study_config):
    study = study_config.generative_em
    without = study.model_copy(update={"methods": ["greensite"]})
    assert audited(without)[0] == []
    assert audited(study.model_copy(update={"methods": ["em"]})) == (study.subjects[: study.audit.hearts], "published")
    assert hardest_setting(study) == "unseen_both"
    assert hardest_setting(study.model_copy(update={"settings": ["unseen_scar"]})) == "unseen_scar"


def test_items_of_the_report_are_the_figures_and_the_audit(study_config, audit, coverage, tmp_path):
    known = {"nearest_beat": methods()["nearest_beat"], "em": methods()["em"]}
    figure = calibration_figure(coverage, ["rich"])
    for name in learning_figures(known):
        write_figure(*figure, tmp_path / name)
    study = study_config.generative_em.model_copy(update={"methods": list(known)})
    items = learned_items(study, known, audit, tmp_path, "snakemake {target}")
    assert [item.title for item in items[:-1]] == [LEARNING_FIGURES[name] for name in learning_figures(known)]
    assert items[-1].content.name == "audit"
    assert items[-1].reproduce == "snakemake tables"
    assert "slender: first 2 test cases" in items[-1].content.notes[0]
    assert len(learned_items(study, known, None, tmp_path, "snakemake {target}")) == len(items) - 1
