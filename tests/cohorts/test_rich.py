"""The rich cohort's promises, checked by brute force: apart from all tests, uniform in the wall, each beat its own."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal
from scipy.spatial.distance import cdist

from transmural.cohorts.design import design
from transmural.cohorts.plan import case_count
from transmural.cohorts.rich import rich_cohort
from transmural.stores.config.studies import GenerativeEM
from transmural.stores.contracts import COHORT, check
from transmural.stores.errors import GeometryError

SEED = 7
ROUNDING_MM = 1e-3
BEATS = 60


def with_rich(study, **values):
    return GenerativeEM.model_validate(study.model_dump() | {"rich": study.rich.model_dump() | values})


@pytest.fixture(scope="module")
def study(study_config):
    # So near that the limits matter on a small heart.
    return with_rich(study_config.generative_em, beats=BEATS, origin_distance_mm=9, scar_overlap_max=0.5)


@pytest.fixture(scope="module")
def apart(smoke_anatomy, study, study_config):
    cohorts = design(smoke_anatomy, study, study_config.simulation, SEED, "slender")
    return {name: cohort for name, cohort in cohorts.items() if name != "published"}


@pytest.fixture(scope="module")
def build(smoke_anatomy, apart, study_config):
    def run(study, seed=SEED, subject="slender"):
        return rich_cohort(smoke_anatomy, apart, study, study_config.simulation, seed, subject)

    return run


@pytest.fixture(scope="module")
def rich(build, study):
    return build(study)


def dice(first, second):
    return 2 * (first & second).sum() / max(first.sum() + second.sum(), 1)


def kept(apart, name):
    return np.concatenate([cohort[name].values for cohort in apart.values()])


def test_it_fulfils_its_contract_with_as_many_beats_as_configured(rich, study):
    check(rich, COHORT, "rich")
    assert rich.sizes["case"] == case_count(study, "rich") == BEATS


def test_no_beat_starts_near_a_test_or_validation_origin(rich, study, apart):
    gap = cdist(rich["origin"].values, kept(apart, "origin"))
    assert gap.min() >= study.rich.origin_distance_mm - ROUNDING_MM
    assert gap.min(axis=1).min() < 2 * study.rich.origin_distance_mm


def test_no_scar_is_nearly_that_of_a_test_or_validation_case(rich, study, apart):
    overlap = [[dice(scar, other) for other in kept(apart, "scar_voxel")] for scar in rich["scar_voxel"].values]
    assert 0.2 < np.max(overlap) <= study.rich.scar_overlap_max


def test_no_beat_starts_near_its_scar(rich, study, smoke_anatomy):
    position = smoke_anatomy["voxel_position"].values
    for origin, scar in zip(rich["origin"].values, rich["scar_voxel"].values, strict=True):
        if scar.any():
            assert cdist(origin[None], position[scar]).min() >= study.unseen.origin_scar_distance_mm - ROUNDING_MM


def test_the_configured_share_is_healthy_and_every_scar_is_another(rich, build, study):
    healthy = rich["tissue_id"].values == 0
    assert_array_equal(healthy, ~rich["scar_voxel"].values.any(axis=1))
    assert 0.05 < healthy.mean() < 0.35
    assert len(np.unique(rich["scar_voxel"].values[~healthy], axis=0)) == (~healthy).sum()
    assert not (build(with_rich(study, healthy_share=0.0))["tissue_id"] == 0).any()


def test_numbers_are_those_of_no_other_cohort(rich, apart):
    for name in ("origin_id", "tissue_id"):
        assert not set(rich[name].values[rich[name].values > 0]) & set(kept(apart, name))


def test_origins_are_uniform_in_the_volume_of_the_wall(build, study, smoke_anatomy):
    """The origins of healthy hearts, whose only limit is the tests' origins, reach every part as its volume says."""
    free = with_rich(study, beats=400, healthy_share=0.99, origin_distance_mm=0)
    origin = build(free)["origin"].values
    position, segment = smoke_anatomy["voxel_position"].values, smoke_anatomy["segment"].values
    voxel = cdist(origin, position).argmin(axis=1)
    parts = [np.isin(segment, range(1, 7)), np.isin(segment, range(7, 18)), segment == 18]
    for part in parts:
        spread = np.sqrt(part.mean() * (1 - part.mean()) / len(origin))
        assert abs(part[voxel].mean() - part.mean()) < 4 * spread


def test_more_beats_change_no_earlier_one(build, rich, study):
    more = build(with_rich(study, beats=BEATS + 15))
    xr.testing.assert_equal(more.isel(case=slice(BEATS)), rich)


def test_the_cohort_is_a_function_of_seed_and_subject(build, rich, study):
    xr.testing.assert_identical(build(study), rich)
    for change in ({"seed": SEED + 1}, {"subject": "other"}):
        assert not np.array_equal(build(study, **change)["origin"], rich["origin"])


def test_it_says_what_it_reached(rich, apart):
    gap = cdist(np.unique(kept(apart, "origin"), axis=0), rich["origin"].values).min(axis=1)
    assert rich.attrs["least_distance_from_test_origins_mm"] == pytest.approx(gap.min(), abs=ROUNDING_MM)
    assert rich.attrs["median_distance_from_test_origins_mm"] == pytest.approx(np.median(gap), abs=ROUNDING_MM)
    scars = [scar for scar in np.unique(kept(apart, "scar_voxel"), axis=0) if scar.any()]
    overlap = [max(dice(scar, other) for other in rich["scar_voxel"].values) for scar in scars]
    assert rich.attrs["largest_overlap_with_test_scars"] == pytest.approx(max(overlap))
    assert rich.attrs["median_overlap_with_test_scars"] == pytest.approx(np.median(overlap))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"origin_distance_mm": 50}, r"no voxel lies at least 50 mm \(generative_em.rich.origin_distance_mm\)"),
        (
            {"scar_overlap_max": 1e-6, "healthy_share": 0},
            r"scars of the rich cohort overlaps a test .*scar_overlap_max",
        ),
    ],
    ids=["origins", "scars"],
)
def test_a_heart_without_room_is_named_with_the_key_to_relax(build, study, change, message):
    with pytest.raises(GeometryError, match="^slender: .*" + message):
        build(with_rich(study, **change))
