"""Every figure: not empty, units on its axes, a caption, the methods' own colours; cases chosen by rule."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import synthetic
from matplotlib.collections import TriMesh
from matplotlib.colors import to_rgba

from transmural.evaluation.published import published
from transmural.report.activation_maps import activation_figure
from transmural.report.cohort_figure import cohort_figure, scar_configurations
from transmural.report.drawn_case import EARLY_FRACTION, Choice, choose_case, drawn_case, how_chosen
from transmural.report.early_activation import early_activation_figure
from transmural.report.ecg_figure import ecg_figure
from transmural.report.scar_maps import healthy_and_scar_node, scar_figure
from transmural.report.score_figure import score_figure
from transmural.report.style import method_colour, svg_text

QUANTITIES_WITHOUT_UNIT = (
    "Normalized RMSE",
    "Correlation",
    "Dice",
    "TMP, dimensionless",
    "training scars",
    "transmembrane",
)


def check(figure, caption):
    """Renders; every labelled axis has a unit or a dimensionless quantity; the caption says what to look for."""
    text = svg_text(figure, caption)
    assert len(text) > 20_000
    for axes in figure.findobj(lambda artist: hasattr(artist, "get_xlabel")):
        for label in (axes.get_xlabel(), axes.get_ylabel()):
            if label:
                assert " / " in label or label.startswith(QUANTITIES_WITHOUT_UNIT), label
    assert caption.endswith(".")
    assert "Look for" in caption or "Compare" in caption
    return text


def hearts(figure):
    return figure.findobj(TriMesh)


def test_early_activation_draws_truth_and_every_method_in_two_views(cases):
    figure, caption = early_activation_figure(cases)
    check(figure, caption)
    assert len(hearts(figure)) == len(cases) * 2 * (1 + len(synthetic.METHODS))
    assert cases[0].choice.rule in caption


def test_early_frame_is_the_first_with_the_stated_share_activated(cases):
    case = cases[0]
    share = [np.mean(case.truth["activation_time"].values <= t) for t in case.truth["time"].values]
    assert share[case.early_frame] >= EARLY_FRACTION > share[case.early_frame - 1]


def test_a_failed_reconstruction_is_drawn_as_failed(cases, heart, beats):
    broken = synthetic.reconstruction(beats, "greensite")
    broken["tmp"][0] = np.nan
    case = drawn_case(Choice("slender", "unseen_scar", 0, "r"), heart, beats, {"greensite": broken}, {"greensite": 0.3})
    assert not case.scar["greensite"].any()
    assert np.isnan(case.activation_time["greensite"]).all()
    text = check(*early_activation_figure([case]))
    assert ">failed</text>" in text
    check(*activation_figure(case))


def test_scar_figure_draws_maps_and_traces_in_the_methods_colours(cases):
    figure, caption = scar_figure(cases)
    check(figure, caption)
    colours = {
        to_rgba(line.get_color())
        for axes in figure.findobj(lambda a: hasattr(a, "get_lines"))
        for line in axes.get_lines()
    }
    assert {to_rgba(method_colour(m)) for m in synthetic.METHODS} <= colours


def test_scar_figure_refuses_a_healthy_case(heart, beats):
    stores = {"greensite": synthetic.reconstruction(beats, "greensite")}
    case = drawn_case(Choice("slender", "unseen_scar", 2, "r"), heart, beats, stores, {"greensite": 0.3})
    with pytest.raises(ValueError, match="has no scar to draw"):
        scar_figure([case])


def test_trace_nodes_are_one_healthy_and_one_in_the_scar(cases):
    for case in cases:
        healthy, scar = healthy_and_scar_node(case)
        assert not case.truth["scar"].values[healthy]
        assert case.truth["scar"].values[scar]


def test_activation_figure(cases):
    figure, caption = activation_figure(cases[0])
    check(figure, caption)
    assert len(hearts(figure)) == 2 * (1 + len(synthetic.METHODS))


def test_score_figure_shows_every_case_and_marks_what_is_published(scores):
    figure, caption = score_figure(scores, published("generative_em"))
    text = check(figure, caption)
    assert text.count("(published)</text>") == 3 * 3
    assert "none published</text>" in text
    points = [c for axes in figure.axes for c in axes.collections if len(c.get_offsets()) == 12]
    assert len(points) == len(synthetic.METHODS) * (3 * 6 - 1)
    assert {tuple(c.get_facecolor()[0][:3]) for c in points} == {
        to_rgba(method_colour(m))[:3] for m in synthetic.METHODS
    }


def test_score_figure_without_published_figures_mentions_none(scores):
    figure, caption = score_figure(scores)
    names = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert not any("(published)" in name for name in names)
    assert "published" not in caption


def test_ecg_figure(heart, transfer, beats):
    check(*ecg_figure(heart, transfer, beats.isel(case=0), "slender"))


def test_ecg_map_is_drawn_at_the_peak_within_the_qrs(heart, transfer, beats):
    beat = beats.isel(case=0)
    _, caption = ecg_figure(heart, transfer, beat)
    leads = beat["ecg"].values[transfer["montage"].values == "body_surface"]
    during = beat["time"].values <= np.nanmax(beat["activation_time"].values)
    peak = beat["time"].values[np.argmax(np.where(during, (leads**2).mean(axis=0), 0))]
    assert f"({peak:.0f} ms" in caption


def test_cohort_figure(heart, transfer, beats):
    tests = {
        s: synthetic.cohort(heart, synthetic.beats(heart, transfer, 4, seed=k + 7))
        for k, s in enumerate(synthetic.SETTINGS)
    }
    check(*cohort_figure(heart, synthetic.cohort(heart, beats), tests, "slender"))


def test_scar_configurations_are_distinct_and_leave_out_healthy_tissue(heart, beats):
    cohort = synthetic.cohort(heart, beats)
    scars = scar_configurations(cohort)
    assert scars.any(axis=1).all()
    assert len(scars) == len(set(cohort["tissue_id"].values[cohort["scar_voxel"].values.any(axis=1)]))


def test_the_drawn_case_is_the_median_of_the_best_method(scores):
    choice = choose_case(scores, "unseen_both", "nrmse")
    best = scores[(scores.setting == "unseen_both") & (scores.metric == "nrmse") & (scores.method == "tikhonov0")]
    value = best[(best.subject == choice.subject) & (best.case == choice.case)]["value"].iloc[0]
    assert (best["value"] < value).sum() == (len(best) - 1) // 2
    assert "median Normalized RMSE" in choice.rule
    assert "tikhonov0" in choice.rule


def test_a_caption_says_how_each_case_was_chosen(cases):
    same = [replace(case, choice=replace(case.choice, rule="the first")) for case in cases]
    assert how_chosen(same) == "Drawn: the first."
    different = [same[0], replace(same[1], choice=replace(same[1].choice, subject="broad", rule="the last"))]
    assert how_chosen(different) == "Drawn: of slender, the first; of broad, the last."


def test_for_dice_the_best_method_has_the_highest_mean(scores):
    assert "nearest beat" in choose_case(scores, "unseen_both", "dice").rule


def test_choosing_ignores_the_order_of_the_scores(scores):
    shuffled = scores.sample(frac=1, random_state=3)
    assert choose_case(shuffled, "unseen_scar") == choose_case(scores, "unseen_scar")


def test_choosing_where_nothing_is_scored_says_what_is_missing(scores):
    with pytest.raises(ValueError, match="no case of setting 'unseen_origin' has a value of metric 'dice'"):
        choose_case(scores, "unseen_origin", "dice")
    with pytest.raises(ValueError, match="setting 'elsewhere'"):
        choose_case(pd.DataFrame(scores), "elsewhere")


def test_drawing_a_case_that_is_not_there_names_it(heart, beats):
    with pytest.raises(ValueError, match="slender, unseen_scar hold no case 99"):
        drawn_case(Choice("slender", "unseen_scar", 99, "r"), heart, beats, {}, {})
