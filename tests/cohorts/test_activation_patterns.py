"""Activation patterns: kinds and counts, the endocardium, the same places in all hearts."""

import numpy as np
import pytest
from recording_data import design

from transmural.anatomy.image import Label
from transmural.anatomy.places import WallMap
from transmural.anatomy.wall import Wall
from transmural.cohorts.activation_patterns import pattern, sites
from transmural.torso.transfer import image_of

SEED = 5


@pytest.fixture(scope="module")
def wall(smoke_anatomy):
    return WallMap.of(smoke_anatomy)


def all_patterns(count=40, **changes):
    return [pattern(design(patterns=count, **changes), SEED, number) for number in range(count)]


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 10), (0.3, 12), (1.0, 40)])
def test_the_share_of_purkinje_patterns_is_kept_exactly(share, expected):
    assert sum(given.kind == "purkinje" for given in all_patterns(purkinje_share=share)) == expected


def test_focal_patterns_have_one_to_three_sites_and_purkinje_ones_about_ten():
    counts = {kind: {len(p.sites) for p in all_patterns(200) if p.kind == kind} for kind in ("focal", "purkinje")}
    assert counts == {"focal": {1, 2, 3}, "purkinje": {9, 10, 11}}


def test_purkinje_sites_are_low_on_both_endocardia_with_the_septum_first():
    for given in all_patterns(purkinje_share=1):
        assert {place.ventricle for place in given.sites} == {"left", "right"}
        assert all(place.height < 0.68 and place.transmural == 0 for place in given.sites)
        assert given.sites[0].ventricle == "left"
        assert abs(given.sites[0].angle_deg) <= 35


def test_a_pattern_does_not_depend_on_how_many_there_are():
    assert all_patterns(40)[:8] == all_patterns(8)
    assert pattern(design(), SEED, 3) != pattern(design(), SEED + 1, 3)
    assert len({given.sites for given in all_patterns()}) == 40


def test_sites_are_voxels_of_the_endocardium(wall, smoke_anatomy):
    beyond = Wall.of(image_of(smoke_anatomy)).beyond
    position = smoke_anatomy["voxel_position"].values
    touching = np.isin(beyond, (Label.LV_BLOOD, Label.RV_BLOOD)).any(axis=1)
    found = [site for given in all_patterns() for site in sites(given, wall, smoke_anatomy)]
    voxel = [int(np.argmin(np.linalg.norm(position - site, axis=1))) for site in found]
    assert np.mean(touching[voxel]) > 0.95
    assert np.abs(position[voxel] - np.array(found)).max() == 0


def test_sites_of_a_pattern_are_different_voxels_near_their_places(wall, smoke_anatomy):
    position = smoke_anatomy["voxel_position"].values
    for given in all_patterns(12):
        found = sites(given, wall, smoke_anatomy)
        assert len(np.unique(found, axis=0)) == len(given.sites)
        for place, site in zip(given.sites, found, strict=True):
            voxel = int(np.argmin(np.linalg.norm(position - site, axis=1)))
            assert abs(wall.height[voxel] - place.height) * wall.length_mm < 12
