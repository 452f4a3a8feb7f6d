import numpy as np
import pytest
import xarray as xr

from transmural.evaluation.novelty import COLUMNS, novelty

RNG = np.random.default_rng(3)


def cohort(cases, tissues, voxels=40):
    """Origins anywhere, and scars of which some are shared; tissue 0 is healthy."""
    scars = np.concatenate([np.zeros((1, voxels), bool), RNG.random((tissues - 1, voxels)) < 0.3])
    tissue = np.arange(cases) % tissues
    return xr.Dataset(
        {
            "origin": (("case", "xyz"), RNG.uniform(0, 50, (cases, 3))),
            "tissue_id": (("case",), tissue),
            "scar_voxel": (("case", "voxel"), scars[tissue]),
        },
        coords={"case": np.arange(cases)},
    )


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.fixture(scope="module")
def rows_and_cohorts():
    training = {"published": cohort(30, 4), "rich": cohort(25, 25)}
    settings = {"unseen_scar": cohort(5, 5), "unseen_both": cohort(6, 3)}
    return novelty(training, settings, "heart"), training, settings


def test_there_is_a_row_for_each_training_cohort_setting_and_case(rows_and_cohorts):
    rows, *_ = rows_and_cohorts
    assert list(rows) == COLUMNS
    sizes = rows.groupby(["cohort", "setting"]).size().to_dict()
    assert sizes == {(c, s): n for c in ("published", "rich") for s, n in (("unseen_scar", 5), ("unseen_both", 6))}


def test_distance_and_overlap_are_those_of_the_nearest_training_beat(rows_and_cohorts):
    rows, training, settings = rows_and_cohorts
    for row in rows.itertuples():
        beats, case = training[row.cohort], settings[row.setting].sel(case=row.case)
        gaps = np.linalg.norm(beats["origin"].values - case["origin"].values, axis=1)
        assert row.training_origin_mm == pytest.approx(gaps.min())
        scar = case["scar_voxel"].values
        if scar.any():
            assert row.training_scar_overlap == pytest.approx(max(dice(scar, o) for o in beats["scar_voxel"].values))
        else:
            assert np.isnan(row.training_scar_overlap)


def test_a_training_beat_itself_is_not_new():
    beats = cohort(10, 10)
    rows = novelty({"rich": beats}, {"unseen_scar": beats}, "heart")
    np.testing.assert_allclose(rows["training_origin_mm"], 0, atol=1e-9)
    np.testing.assert_allclose(rows["training_scar_overlap"][1:], 1)
