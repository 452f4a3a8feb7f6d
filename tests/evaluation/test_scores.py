import numpy as np
import pytest
import xarray as xr

from transmural.evaluation.metrics import METRICS
from transmural.evaluation.scores import COLUMNS, gather, scar_threshold, score, under
from transmural.stores.errors import InferenceError

TIME = np.linspace(0, 500, 101)
COVERAGE = {"coverage_50", "coverage_90"}
NAMES = {"subject": "heart", "cohort": "published", "setting": "unseen_both", "method": "m"}


def block():
    """A wall of 12 × 12 × 3 voxels of 4 mm, each a node."""
    index = np.argwhere(np.ones((12, 12, 3), dtype=bool))
    return xr.Dataset(
        {
            "voxel_index": (("voxel", "xyz"), index),
            "voxel_node": (("voxel",), np.arange(len(index))),
            "node_position": (("node", "xyz"), 4.0 * index),
            "node_volume": (("node",), np.full(len(index), 64.0)),
        }
    )


def beats(anatomy, origins=(0, 200, 390), scarred=(0, 2), shift=0.0):
    """Waves at 0.6 mm/ms; a ball far from the origin is scar in some cases."""
    position = anatomy["node_position"].values
    origin = position[list(origins)]
    distance = np.linalg.norm(origin[:, None] - position, axis=2)
    activation = 5 + shift + distance / 0.6
    since = TIME[:, None] - activation[:, None]
    tmp = 1 / (1 + np.exp(-np.clip(since / 1.5, -50, 50))) / (1 + np.exp(np.clip((since - 300) / 20, -50, 50)))
    scar = np.zeros(activation.shape, dtype=bool)
    for case in scarred:
        centre = position[np.argmax(distance[case])]
        scar[case] = np.linalg.norm(position - centre, axis=1) < 13
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), (tmp * ~scar[:, None]).astype(np.float32)),
            "activation_time": (("case", "node"), np.where(scar, np.nan, activation)),
            "scar": (("case", "node"), scar),
            "origin": (("case", "xyz"), origin),
        },
        coords={"time": TIME},
    )


def reconstruction(tmp, definition="physiological"):
    cases = tmp.shape[0]
    return xr.Dataset(
        {
            "tmp": (("case", "time", "node"), np.asarray(tmp, dtype=np.float32)),
            "seconds": (("case",), np.full(cases, 0.5)),
            "memory_mb": (("case",), np.full(cases, 3.0)),
        },
        coords={"time": TIME},
        attrs={"scar_definition": definition},
    )


@pytest.fixture(scope="module")
def wall():
    return block()


@pytest.fixture(scope="module")
def truth(wall):
    return beats(wall)


def table(truth, found, wall, threshold=0.25):
    rows = score(truth, found, wall, threshold, **NAMES)
    return rows.pivot(index="case", columns="metric", values="value")


def test_the_truth_scores_perfectly(truth, wall):
    found = reconstruction(truth["tmp"].values)
    values = table(truth, found, wall, scar_threshold(truth, found))
    np.testing.assert_allclose(values["nrmse"], 0)
    np.testing.assert_allclose(values["nrmse_demeaned"], 0, atol=1e-12)
    np.testing.assert_allclose(values["correlation"], 1)
    np.testing.assert_allclose(values["dice"].dropna(), 1)
    assert (values["activation_time_mae"] < 1).all()
    assert (values["origin_distance"] < 6).all()
    assert (values["origin_distance_geodesic"] < 8).all()
    assert (values["failed"] == 0).all()
    assert (values["seconds"] == 0.5).all()
    assert (values["memory"] == 3.0).all()


def test_rows_are_tidy_with_the_unit_of_their_metric(truth, wall):
    rows = score(truth, reconstruction(truth["tmp"].values), wall, 0.25, **NAMES)
    assert list(rows.columns) == COLUMNS
    assert (rows["unit"] == rows["metric"].map(lambda name: METRICS[name].unit)).all()
    assert not rows.duplicated(["case", "metric"]).any()
    assert set(rows["metric"]) == set(METRICS) - COVERAGE


def test_dice_is_given_only_for_cases_with_a_scar(truth, wall):
    rows = score(truth, reconstruction(truth["tmp"].values), wall, 0.25, **NAMES)
    assert list(rows[rows["metric"] == "dice"]["case"]) == [0, 2]


def test_a_demeaned_reconstruction_loses_nrmse_but_neither_correlation_nor_the_origin(truth, wall):
    tmp = truth["tmp"].values
    found = reconstruction(0.3 * (tmp - tmp.mean(axis=2, keepdims=True)), "amplitude")
    values = table(truth, found, wall, scar_threshold(truth, found))
    assert (values["nrmse"] > 0.8).all()
    np.testing.assert_allclose(values["correlation"], 1, atol=1e-6)
    assert (values["origin_distance"] < 6).all()
    assert (values["activation_time_mae"] < 10).all()
    assert (values["failed"] == 0).all()


def test_a_late_reconstruction_is_late_by_as_much(truth, wall):
    late = beats(wall, shift=30.0)
    values = table(truth, reconstruction(late["tmp"].values), wall)
    np.testing.assert_allclose(values["activation_time_mae"], 30, atol=1)


@pytest.mark.parametrize("failure", [np.nan, 0.0])
@pytest.mark.parametrize("definition", ["physiological", "amplitude"])
def test_a_failed_case_scores_as_nothing_is_counted_and_spoils_no_other(truth, wall, failure, definition):
    tmp = truth["tmp"].values.copy()
    good = table(truth, reconstruction(tmp, definition), wall)
    tmp[2] = failure
    values = table(truth, reconstruction(tmp, definition), wall)
    assert values["failed"].to_list() == [0, 0, 1]
    assert values.loc[2, ["nrmse", "nrmse_demeaned", "correlation", "dice"]].to_list() == [1, 1, 0, 0]
    farthest = np.linalg.norm(wall["node_position"] - truth["origin"][2], axis=1).max()
    assert values.loc[2, "origin_distance"] == pytest.approx(farthest)
    active = truth["activation_time"].values[2]
    assert values.loc[2, "activation_time_mae"] == pytest.approx(np.nanmean(500 - active))
    np.testing.assert_array_equal(values.loc[:1], good.loc[:1])


def test_potentials_that_activate_nothing_score_as_zero_whatever_their_shape(truth, wall):
    tmp = truth["tmp"].values.copy()
    tmp[2] *= 0.45
    values = table(truth, reconstruction(tmp), wall)
    nothing = tmp.copy()
    nothing[2] = 0
    assert values["failed"].to_list() == [0, 0, 1]
    assert values.loc[2, "nrmse"] == 1
    assert values.loc[2, "correlation"] == 0
    np.testing.assert_array_equal(values, table(truth, reconstruction(nothing), wall))


def test_scores_do_not_depend_on_what_the_method_is_called(truth, wall):
    found = reconstruction(0.8 * truth["tmp"].values)
    one = score(truth, found, wall, 0.25, **NAMES)
    other = score(truth, found.assign_attrs(method="x", label="y"), wall, 0.25, **{**NAMES, "method": "other"})
    np.testing.assert_array_equal(one["value"], other["value"])


def test_truth_is_scored_only_against_its_own_cases(truth, wall):
    found = reconstruction(truth["tmp"].values)
    with pytest.raises(InferenceError, match="the truth has 3 cases and the reconstruction 2"):
        score(truth, found.isel(case=slice(2)), wall, 0.25, **NAMES)
    numbered = found.assign_coords(case=[0, 2, 1])
    with pytest.raises(InferenceError, match="number their cases differently"):
        score(truth, numbered, wall, 0.25, **NAMES)
    with pytest.raises(InferenceError, match="have different frames"):
        score(truth, found.assign_coords(time=TIME + 1), wall, 0.25, **NAMES)
    with pytest.raises(InferenceError, match="'scar_definition' is missing"):
        score(truth, found.drop_attrs(), wall, 0.25, **NAMES)


def test_gathered_scores_do_not_depend_on_the_order_of_the_parts(truth, wall):
    parts = [
        score(truth, reconstruction(size * truth["tmp"].values), wall, 0.25, **{**NAMES, "method": name})
        for name, size in [("b", 1.0), ("a", 0.5)]
    ]
    together = gather(parts)
    assert together.equals(gather(parts[::-1]))
    assert together["method"].drop_duplicates().to_list() == ["a", "b"]
    assert list(together["metric"].drop_duplicates()) == [name for name in METRICS if name not in COVERAGE]
    with pytest.raises(InferenceError, match="scores stand there twice"):
        gather([*parts, parts[0]])


def with_std(found, std):
    return found.assign(std=found["tmp"] * 0 + np.float32(std))


def test_coverage_is_scored_where_there_is_a_standard_deviation(truth, wall):
    found = reconstruction(truth["tmp"].values + np.float32(0.1))
    values = table(truth, with_std(found, 0.1), wall)
    assert (values["coverage_50"] == 0).all()
    assert (values["coverage_90"] == 1).all()
    np.testing.assert_array_equal(table(truth, found, wall), values.drop(columns=sorted(COVERAGE)))


def test_a_failed_case_covers_only_potentials_that_are_zero(truth, wall):
    tmp = truth["tmp"].values.copy()
    tmp[2] = np.nan
    values = table(truth, with_std(reconstruction(tmp), np.nan), wall)
    assert values.loc[2, "failed"] == 1
    assert values.loc[2, "coverage_90"] == np.mean(truth["tmp"].values[2] == 0)


def test_a_method_that_does_not_learn_stands_under_every_cohort(truth, wall):
    found = reconstruction(truth["tmp"].values)
    names = [("a", "none"), ("b", "published"), ("b", "rich")]
    scores = gather([score(truth, found, wall, 0.25, **NAMES | {"method": m, "cohort": c}) for m, c in names])
    for cohort in ("published", "rich"):
        chosen = under(scores, cohort)
        assert set(chosen["cohort"]) == {cohort}
        assert chosen.groupby("method").size().to_dict() == {m: len(scores) // 3 for m in "ab"}
        assert list(chosen) == COLUMNS
