"""The design's promises, checked by brute force on the finished cohorts."""

from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal
from scipy.spatial.distance import cdist, pdist

from transmural.cohorts.design import design
from transmural.cohorts.plan import case_count, cohort_names
from transmural.stores.config.studies import GenerativeEM
from transmural.stores.contracts import COHORT, check
from transmural.stores.errors import ConfigurationError, GeometryError

SEED = 7
ROUNDING_MM = 1e-3
TESTS = ["unseen_scar", "unseen_origin", "unseen_both"]


@pytest.fixture(scope="module")
def study(study_config):
    changed = {
        "published": {"origins": 14, "tissues": 7},
        "unseen": {"origin_distance_mm": 8, "scar_overlap_max": 0.6, "origin_scar_distance_mm": 12},
        "test_cases": 8,
        "validation_cases": 6,
    }
    return GenerativeEM.model_validate(study_config.generative_em.model_dump() | changed)


def with_values(study, **sections):
    values = study.model_dump()
    for name, value in sections.items():
        values[name] = values[name] | value if isinstance(value, dict) else value
    return GenerativeEM.model_validate(values)


@pytest.fixture(scope="module")
def build(smoke_anatomy, study_config):
    def run(study, seed=SEED, subject="slender"):
        return design(smoke_anatomy, study, study_config.simulation, seed, subject)

    return run


@pytest.fixture(scope="module")
def cohorts(build, study):
    return build(study)


@pytest.fixture(scope="module")
def position(smoke_anatomy):
    return smoke_anatomy["voxel_position"].values


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def training_origins(cohorts):
    return np.unique(cohorts["published"]["origin"].values, axis=0)


def training_scars(cohorts):
    published = cohorts["published"]
    _, first = np.unique(published["tissue_id"].values, return_index=True)
    return {int(published["tissue_id"][i]): published["scar_voxel"].values[i] for i in first}


@pytest.mark.parametrize("name", ["published", "validation", *TESTS])
def test_cohorts_fulfil_their_contract(cohorts, name):
    check(cohorts[name], COHORT, name)


def test_sizes_follow_from_the_configuration_alone(cohorts, study):
    assert list(cohorts) == cohort_names(study)
    assert {name: cohort.sizes["case"] for name, cohort in cohorts.items()} == {
        "published": 14 * 7,
        "validation": 6,
        **dict.fromkeys(TESTS, 8),
    }
    assert all(cohort.sizes["case"] == case_count(study, name) for name, cohort in cohorts.items())


def test_an_unknown_cohort_is_named(study):
    with pytest.raises(ConfigurationError, match=r"no cohort 'unseen_heart'; it has .*'unseen_both'"):
        case_count(study, "unseen_heart")


def test_each_training_tissue_meets_the_configured_number_of_origins_none_twice(cohorts):
    published = cohorts["published"]
    pairs = set(zip(published["origin_id"].values.tolist(), published["tissue_id"].values.tolist(), strict=True))
    assert len(pairs) == published.sizes["case"]
    assert_array_equal(np.bincount(published["tissue_id"].values), [14] * 7)


def test_training_origins_are_about_as_many_as_configured(cohorts):
    assert 14 <= len(training_origins(cohorts)) <= 28


def test_origins_are_numbered_by_their_sites(cohorts):
    for cohort in cohorts.values():
        ids, origin = cohort["origin_id"].values, cohort["origin"].values
        for one, other in combinations(range(len(ids)), 2):
            assert (ids[one] == ids[other]) == np.array_equal(origin[one], origin[other])


def test_every_origin_is_a_voxel_of_the_wall(cohorts, position):
    for cohort in cohorts.values():
        assert cdist(cohort["origin"].values, position).min(axis=1).max() < ROUNDING_MM


def test_training_origins_lie_in_both_ventricles_and_at_both_surfaces(cohorts, smoke_anatomy, position):
    voxel = cdist(training_origins(cohorts), position).argmin(axis=1)
    segment, transmural = smoke_anatomy["segment"].values[voxel], smoke_anatomy["transmural"].values[voxel]
    assert (segment == 18).sum() >= 2
    assert (segment <= 17).sum() >= 6
    assert (transmural < 1 / 3).sum() >= 3
    assert (transmural > 2 / 3).sum() >= 3


def test_training_origins_are_spread_and_leave_no_large_part_of_the_heart_out(cohorts, position):
    origins = training_origins(cohorts)
    generator = np.random.default_rng(0)
    random = [generator.choice(len(position), len(origins), replace=False) for _ in range(30)]
    assert pdist(origins).min() > 1.5 * np.median([pdist(position[sites]).min() for sites in random])
    assert cdist(position, origins).min(axis=1).max() < np.median(
        [cdist(position, position[sites]).min(axis=1).max() for sites in random]
    )


def test_no_beat_starts_near_its_scar(cohorts, study, position):
    for cohort in cohorts.values():
        for origin, scar in zip(cohort["origin"].values, cohort["scar_voxel"].values, strict=True):
            if scar.any():
                gap = cdist(origin[None], position[scar]).min()
                assert gap >= study.unseen.origin_scar_distance_mm - ROUNDING_MM


def test_tissue_0_is_healthy_and_every_other_training_scar_lies_about_its_own_segment(cohorts, smoke_anatomy):
    scars = training_scars(cohorts)
    segment = smoke_anatomy["segment"].values
    assert not scars[0].any()
    reached = [set(segment[scar]) for number, scar in scars.items() if number > 0]
    assert all(reached)
    assert not any(18 in np.unique(segment[scar])[:1] for scar in scars.values() if scar.any())
    assert max(dice(one, other) for one, other in combinations(list(scars.values())[1:], 2)) < 0.3


def test_scars_differ_in_size_as_configured(cohorts, smoke_anatomy):
    volume = smoke_anatomy.attrs["spacing_mm"] ** 3 * np.array([s.sum() for s in training_scars(cohorts).values()][1:])
    assert volume.max() > 2 * volume.min()
    # No more than a ball of the largest radius with its border, no less than a sliver of the smallest in a thin wall.
    assert volume.max() < 4 / 3 * np.pi * 30**3
    assert volume.min() > np.pi * 10**2 * 2


def test_excitability_runs_from_healthy_to_scar_core(cohorts, study_config):
    simulation = study_config.simulation
    for cohort in cohorts.values():
        a, scar = cohort["excitability"].values, cohort["scar_voxel"].values
        assert a.dtype == np.float32
        assert a.min() >= np.float32(simulation.a)
        assert_array_equal(scar, a >= np.float32(simulation.scar_threshold_a))
        assert (a.max(axis=1)[scar.any(axis=1)] == np.float32(simulation.scar_a)).all()
        assert (a[~scar.any(axis=1)] == np.float32(simulation.a)).all()


@pytest.mark.parametrize("name", ["unseen_origin", "unseen_both", "validation"])
def test_new_origins_keep_their_distance_from_every_training_origin(cohorts, study, name):
    gaps = cdist(cohorts[name]["origin"].values, training_origins(cohorts))
    assert gaps.min() >= study.unseen.origin_distance_mm - ROUNDING_MM


@pytest.mark.parametrize("name", ["unseen_scar", "unseen_both", "validation"])
def test_new_scars_overlap_no_training_scar_by_more_than_the_limit(cohorts, study, name):
    seen = list(training_scars(cohorts).values())[1:]
    overlaps = [dice(new, old) for new in cohorts[name]["scar_voxel"].values for old in seen]
    assert max(overlaps) <= study.unseen.scar_overlap_max


def test_unseen_scar_uses_training_origins(cohorts):
    published = cohorts["published"]
    known = dict(zip(published["origin_id"].values.tolist(), published["origin"].values.tolist(), strict=True))
    case = cohorts["unseen_scar"]
    for number, origin in zip(case["origin_id"].values.tolist(), case["origin"].values.tolist(), strict=True):
        assert known[number] == origin


def test_unseen_origin_uses_training_tissues(cohorts):
    published, case = cohorts["published"], cohorts["unseen_origin"]
    known = {int(t): i for i, t in enumerate(published["tissue_id"].values)}
    for number, a in zip(case["tissue_id"].values, case["excitability"].values, strict=True):
        assert_array_equal(a, published["excitability"].values[known[int(number)]])


def new_rows(cohort, variable, number):
    """Values of the cases whose origin or tissue is not of training, as a set."""
    new = ~np.isin(cohort[number].values, range(10_000))
    return {row.tobytes() for row in cohort[variable].values[new]}


@pytest.fixture(scope="module")
def crowded(build, study):
    """Many cases where there are few sites: cohorts that drew from the same ones would meet."""
    sizes = {"test_cases": 25, "validation_cases": 25}
    return build(with_values(study, **sizes, published={"origins": 20}, unseen={"origin_distance_mm": 15}))


@pytest.mark.parametrize(("one", "other"), list(combinations(["validation", *TESTS], 2)))
def test_test_and_validation_cohorts_share_no_new_origin_and_no_new_scar(crowded, one, other):
    for variable, number in (("origin", "origin_id"), ("origin_id", "origin_id"), ("scar_voxel", "tissue_id")):
        assert not new_rows(crowded[one], variable, number) & new_rows(crowded[other], variable, number)


@pytest.mark.parametrize(("one", "other"), list(combinations(["validation", *TESTS], 2)))
def test_cohorts_draw_new_sites_from_different_parts_of_the_heart(crowded, position, one, other):
    def parts(cohort, variable, number):
        site = cohort[variable].values[cohort[number].values >= 10_000]
        voxel = cdist(site, position).argmin(axis=1)
        return {tuple(part) for part in np.floor((position[voxel] - position.min(axis=0)) / 15).astype(int)}

    for variable, number in (("origin", "origin_id"), ("scar_centre", "tissue_id")):
        assert not parts(crowded[one], variable, number) & parts(crowded[other], variable, number)


def test_training_origins_and_tissues_of_tests_are_used_in_turn(crowded):
    assert np.bincount(crowded["unseen_scar"]["origin_id"].values).max() <= 2
    assert np.bincount(crowded["unseen_origin"]["tissue_id"].values, minlength=7).min() >= 2


@pytest.mark.parametrize("name", ["validation", "unseen_scar", "unseen_both"])
def test_no_two_new_scars_are_alike(cohorts, study, name):
    scars = cohorts[name]["scar_voxel"].values
    assert max(dice(one, other) for one, other in combinations(scars, 2)) < 0.9


@pytest.mark.parametrize("name", ["validation", *TESTS])
def test_no_two_cases_of_a_cohort_are_alike(cohorts, name):
    cohort = cohorts[name]
    assert len(set(zip(cohort["origin_id"].values, cohort["tissue_id"].values, strict=True))) == cohort.sizes["case"]


def test_new_origins_are_spread(cohorts):
    for name in ("unseen_origin", "unseen_both"):
        assert pdist(cohorts[name]["origin"].values).min() > 10


def test_the_design_is_a_function_of_the_seed(build, cohorts, study):
    again = build(study)
    for name, cohort in cohorts.items():
        xr.testing.assert_identical(cohort, again[name])


@pytest.mark.parametrize("change", [{"seed": SEED + 1}, {"subject": "other"}], ids=["seed", "subject"])
def test_another_seed_or_subject_gives_other_cases(build, cohorts, study, change):
    other = build(study, **change)
    for name, cohort in other.items():
        assert not np.array_equal(cohort["origin"], cohorts[name]["origin"])
        assert not np.array_equal(cohort["excitability"], cohorts[name]["excitability"])
    healthy = [
        set(map(tuple, c["origin"].values[c["tissue_id"].values == 0]))
        for c in (cohorts["published"], other["published"])
    ]
    assert len(healthy[0] & healthy[1]) < 7


@pytest.mark.parametrize(
    "change",
    [{"test_cases": 11}, {"validation_cases": 9}, {"settings": ["unseen_both"]}],
    ids=lambda change: next(iter(change)),
)
def test_more_cases_or_fewer_settings_change_no_case(build, cohorts, study, change):
    other = build(with_values(study, **change))
    for name, cohort in other.items():
        common = slice(min(cohort.sizes["case"], cohorts[name].sizes["case"]))
        xr.testing.assert_equal(cohort.isel(case=common), cohorts[name].isel(case=common))


def test_more_training_tissues_keep_the_scars_of_fewer(build, cohorts, study):
    more = training_scars(build(with_values(study, published={"tissues": 17})))
    assert len(more) == 17
    for scar in list(training_scars(cohorts).values())[1:]:
        assert any(np.array_equal(scar, other) for other in list(more.values())[1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"unseen": {"origin_distance_mm": 50}},
            r"generative_em.unseen.origin_distance_mm.*no site is farther than \d",
        ),
        ({"unseen": {"scar_overlap_max": 1e-6}, "published": {"tissues": 17}}, r"least overlap reached is 0\.\d"),
        (
            {"unseen": {"origin_scar_distance_mm": 50}, "scars": {"radius_max_mm": 60, "radius_min_mm": 40}},
            "leaves only",
        ),
    ],
    ids=["origins", "overlap", "scars"],
)
def test_a_heart_without_room_for_the_design_is_named_with_what_was_reached(build, study, change, message):
    with pytest.raises(GeometryError, match="^slender: .*" + message):
        build(with_values(study, **change))


def test_a_heart_that_lacks_a_segment_is_refused(smoke_anatomy, study, study_config):
    segment = smoke_anatomy["segment"].where(smoke_anatomy["segment"] != 5, 6)
    with pytest.raises(GeometryError, match=r"^slender: AHA segments \[5\] have no voxel"):
        design(smoke_anatomy.assign(segment=segment), study, study_config.simulation, SEED, "slender")


def test_the_design_says_what_it_reached(cohorts, position):
    new = cohorts["unseen_both"]
    gaps = cdist(new["origin"].values, training_origins(cohorts))
    assert new.attrs["least_distance_from_training_origins_mm"] == pytest.approx(gaps.min(), abs=ROUNDING_MM)
    usual_gap = np.median(gaps.min(axis=1))
    assert new.attrs["median_distance_from_training_origins_mm"] == pytest.approx(usual_gap, abs=ROUNDING_MM)
    seen = list(training_scars(cohorts).values())[1:]
    overlaps = [max(dice(scar, other) for other in seen) for scar in new["scar_voxel"].values]
    assert new.attrs["largest_overlap_with_training_scars"] == pytest.approx(max(overlaps))
    assert new.attrs["median_overlap_with_training_scars"] == pytest.approx(np.median(overlaps))
    assert cohorts["published"].attrs["distinct_origins"] == len(training_origins(cohorts))
