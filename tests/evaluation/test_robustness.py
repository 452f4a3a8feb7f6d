"""Scores at every level of every variation: paired by case, batched without a difference, changes from unvaried."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats
from test_scores import beats, block

from transmural.anatomy.node_graph import NodeGraph
from transmural.evaluation import robustness
from transmural.evaluation.robustness import (
    COLUMNS,
    NOISE,
    UNVARIED,
    Varied,
    changes,
    gather,
    intervals,
    measured,
    score_variations,
    unvaried,
)
from transmural.evaluation.scores import score
from transmural.inverse.preparation import as_dataset, prepare
from transmural.inverse.registry import get
from transmural.inverse.solve import solve
from transmural.stores.config.robustness import Variation
from transmural.stores.errors import InferenceError

METHOD = "tikhonov1"
NAMES = {"subject": "heart", "cohort": "none", "setting": "unseen_both", "method": METHOD}
STREAM = (1, "generative_em", "heart", "unseen_both")
TIMES = ["seconds", "memory"]


@pytest.fixture(scope="module")
def anatomy():
    heart = block()
    nodes = heart.sizes["node"]
    return heart.assign(node_transmural=("node", np.zeros(nodes)), node_segment=("node", np.ones(nodes, int)))


@pytest.fixture(scope="module")
def transfer(anatomy):
    matrix = 1e-3 * np.random.default_rng(0).standard_normal((20, anatomy.sizes["node"]))
    matrix -= matrix.mean(axis=1, keepdims=True)
    return xr.Dataset(
        {"transfer": (("lead", "node"), matrix), "montage": ("lead", ["body_surface"] * 20)},
        coords={"lead": [f"E{k}" for k in range(20)]},
    )


@pytest.fixture(scope="module")
def truth(anatomy, transfer):
    found = beats(anatomy)
    ecg = np.einsum("ln,ctn->clt", 100 * transfer["transfer"].values, found["tmp"].values)
    return found.assign(ecg=(("case", "lead", "time"), ecg.astype(np.float32))).assign_coords(case=[0, 1, 2])


@pytest.fixture(scope="module")
def settings(study_config):
    return study_config.generative_em.robustness


@pytest.fixture(scope="module")
def varied_store(truth):
    """Other ECGs of the same beats, and slower beats."""
    other = truth.assign(
        ecg=1.3 * truth["ecg"], variation=("case", ["electrodes.shift_mm"] * 3), level=("case", [10.0] * 3)
    )
    slower = truth.assign(variation=("case", ["tissue.velocity"] * 3), level=("case", [0.9] * 3))
    return xr.concat([other, slower], dim="case", data_vars="all")


@pytest.fixture(scope="module")
def levels(settings, truth, varied_store, anatomy, transfer, study_config):
    return measured(settings, truth, [varied_store], anatomy, transfer, study_config.generative_em, 100.0, STREAM)


@pytest.fixture(scope="module")
def model(truth, anatomy, transfer, study_config):
    return prepare(truth, anatomy, transfer, study_config.generative_em, 100.0, STREAM)


@pytest.fixture(scope="module")
def rows(levels, model, anatomy):
    return score_variations(levels, model, anatomy, 0.3, **NAMES)


def untimed(table):
    return table[~table["metric"].isin(TIMES)].reset_index(drop=True)


def test_every_level_is_measured_on_the_same_cases(levels, settings):
    assert [(v.variation.name, v.variation.level) for v in levels] == [
        *((NOISE, ratio) for ratio in settings.noise.snr_db if ratio != 30),
        ("electrodes.shift_mm", 10.0),
        ("tissue.velocity", 0.9),
    ]
    for level in levels:
        assert level.truth["case"].values.tolist() == [0, 1, 2]


def test_noise_has_the_stated_ratio_and_one_draw_for_all_ratios(levels, truth, model, settings):
    clean = truth["ecg"].values
    noise = {v.variation.level: v.ecg - clean for v in levels if v.variation.name == NOISE}
    for ratio, drawn in noise.items():
        power = np.mean(clean[0] ** 2) / np.mean(drawn[0] ** 2)
        assert 10 * np.log10(power) == pytest.approx(ratio, abs=0.3)
    # At the unvaried ratio nothing is computed again.
    assert set(noise) == set(settings.noise.snr_db) - {30}
    assert_allclose(noise[10][0], 10 * (model.ecg - clean)[0], rtol=1e-2, atol=1e-5)


def test_varied_beats_have_the_noise_of_the_unvaried_ones(levels, model, truth):
    same = next(v for v in levels if v.variation.name == "tissue.velocity")
    assert_allclose(same.ecg, model.ecg)
    scaled = next(v for v in levels if v.variation.name == "electrodes.shift_mm")
    assert_allclose(scaled.ecg, 1.3 * model.ecg, rtol=1e-4, atol=1e-6)


def test_scores_of_a_level_are_those_of_solving_it_alone(rows, levels, model, anatomy):
    assert list(rows) == COLUMNS
    level = levels[0]
    alone = Varied(level.variation, level.truth, level.ecg, level.noise_sd_mv)
    pd.testing.assert_frame_equal(
        untimed(score_variations([alone], model, anatomy, 0.3, **NAMES)),
        untimed(rows[(rows["variation"] == NOISE) & (rows["level"] == level.variation.level)]),
    )


def test_batches_hold_whole_levels_and_change_nothing(rows, levels, model, anatomy, monkeypatch):
    for size in (1, 7):
        monkeypatch.setattr(robustness, "_AT_ONCE", size)
        pd.testing.assert_frame_equal(untimed(score_variations(levels, model, anatomy, 0.3, **NAMES)), untimed(rows))


def test_changes_are_paired_and_nothing_where_nothing_is_otherwise(rows, model, truth, anatomy, settings):
    found = as_dataset(solve(METHOD, model), model.time_ms, get(METHOD))
    part = score(truth, found, anatomy, 0.3, **NAMES)
    # Another setting and further cases of the method's scores are none of ours.
    more = pd.concat([part, part.assign(setting="unseen_scar"), part.assign(case=part["case"] + 10)])
    changed = changes(gather([unvaried(more, settings, 30, 3), rows]))
    assert set(changed["case"]) == {0, 1, 2}
    assert UNVARIED not in set(changed["variation"])
    assert (changed.loc[(changed["variation"] == NOISE) & (changed["level"] == 30), "change"] == 0).all()
    of_metric = changed[changed["metric"] == "nrmse_demeaned"]
    assert (of_metric.loc[of_metric["variation"] == "tissue.velocity", "change"] == 0).all()
    assert (of_metric.loc[of_metric["variation"] == "electrodes.shift_mm", "change"].abs() > 0.01).all()


def test_intervals_are_those_of_student(rows):
    stated = intervals(rows).set_index(["variation", "level", "metric"]).sort_index()
    values = rows.query("variation == @NOISE and level == 10 and metric == 'nrmse'")["value"]
    row = stated.loc[(NOISE, 10.0, "nrmse")]
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((values.mean(), low, high))
    single = intervals(rows[rows["case"] == 0])
    assert single["low"].isna().all()


def test_uneven_or_repeated_cases_are_refused(rows):
    with pytest.raises(InferenceError, match="twice"):
        gather([rows, rows])
    short = rows[~((rows["variation"] == "tissue.velocity") & (rows["case"] == 2))]
    with pytest.raises(InferenceError, match="not the same cases"):
        gather([short])


def test_levels_name_their_variation_by_its_key():
    variation = Variation("pose", "rotation_deg", 10.0, "degree")
    assert variation.name == "pose.rotation_deg"


def test_the_graph_of_the_block_is_one_piece(anatomy):
    assert NodeGraph.of(anatomy).nodes == anatomy.sizes["node"]
