"""Baselines of maps learn from training maps, and predict in the walls that are asked for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from wall_waves import wall_waves

from transmural.cohorts.image_splits import ImageScaling
from transmural.evaluation.image_baselines import KnownMaps, MapBaselines, PrincipalSubspace, extended, nearest_wall
from transmural.stores.errors import InferenceError


def known(images, training=None):
    return KnownMaps.of(images, ImageScaling.of(images if training is None else training))


def of(images, *hearts):
    return images.isel(case=np.isin(images["heart"].values, hearts))


@pytest.fixture(scope="module", params=[2, 3])
def images(request):
    return wall_waves(request.param, maps=12)


@pytest.fixture(scope="module")
def parts(images):
    """Maps of two hearts to learn from, of one to choose the ridge by, and of another one, unlike them."""
    training = of(images, "volunteer_01", "volunteer_02")
    return [known(of(images, *hearts), training) for hearts in (
        ("volunteer_01", "volunteer_02"), ("volunteer_03",), ("patient",)
    )]  # fmt: skip


@pytest.fixture(scope="module")
def baselines(parts):
    return MapBaselines(*parts[:2])


def test_outside_of_the_wall_the_nearest_cell_of_it_counts():
    wall = np.zeros((1, 5, 6), bool)
    wall[0, 1:4, [1, 4]] = True
    maps = np.zeros((1, 5, 6), np.float32)
    maps[0, :, 1], maps[0, :, 4] = np.arange(5), 10
    expected = np.array([1, 1, 2, 3, 3.0])
    found = extended(maps, wall)[0]
    for column in (0, 1, 2):
        assert_array_equal(found[:, column], expected)
    assert_array_equal(found[:, 3:], 10)


def test_each_map_is_extended_by_its_own_wall(parts):
    for maps, mask in zip(parts[0].maps[::5], parts[0].mask[::5], strict=True):
        assert_array_equal(extended(maps[None], mask[None])[0], maps[nearest_wall(mask)])
    both = extended(parts[0].maps, parts[0].mask)
    assert_array_equal(both[parts[0].mask], parts[0].maps[parts[0].mask])
    turned = extended(parts[0].maps[::-1], parts[0].mask[::-1])
    assert_array_equal(turned[::-1], both)


def test_the_mean_map_is_that_of_extended_training_maps_in_the_wall_asked_for(parts, baselines):
    training, _, test = parts
    mean = extended(training.maps, training.mask).mean(axis=0)
    wall = training.mask.any(axis=0)
    found = baselines.mean_map(test.mask)
    assert found.shape == test.maps.shape
    assert not found[~test.mask].any()
    for image, mask in zip(found, test.mask, strict=True):
        assert_allclose(image[mask & wall], mean[mask & wall], rtol=1e-5)
        assert_allclose(image[mask], mean[nearest_wall(wall)][mask], rtol=1e-5)
    assert (test.mask & ~wall).any()


def test_a_training_map_is_nearest_to_its_own_potentials(parts, baselines):
    training = parts[0]
    assert_array_equal(baselines.nearest_map(training.bsp + 1e-3, training.mask), training.maps)


def test_the_nearest_map_is_by_the_distance_of_the_potentials(parts, baselines):
    training, _, test = parts
    away = ((test.bsp[:, None] - training.bsp) ** 2).sum(axis=(2, 3, 4))
    whole = extended(training.maps, training.mask)[away.argmin(axis=1)]
    wall = training.mask.any(axis=0) & test.mask
    assert_array_equal(baselines.nearest_map(test.bsp, test.mask)[wall], whole[wall])


def linear(parts, weights):
    """Maps that are a linear function of potentials."""
    size = parts[0].mask[0].size
    draw = np.random.default_rng(0)
    direction = draw.normal(size=(weights, parts[0].bsp[0].size)) / 50
    shape = draw.normal(size=(weights, size))
    changed = []
    for part in parts:
        values = 0.5 + (part.bsp.reshape(len(part.bsp), -1) @ direction.T @ shape).reshape(part.maps.shape)
        mask = np.ones(part.mask.shape, bool)
        changed.append(KnownMaps(values.astype(np.float32), part.bsp, mask))
    return changed


def test_ridge_finds_a_linear_map_and_standardises_electrodes(parts):
    draw = np.random.default_rng(1)
    few = [
        KnownMaps(part.maps, draw.normal(size=(len(part.maps), 2, 2, 2)).astype(np.float32), part.mask)
        for part in parts
    ]
    # An electrode a thousand times as large as the others, and another in another place.
    for part in few:
        part.bsp[:, 0, 0] *= 1000
        part.bsp[:, 1, 1] += 50
    training, validation, test = linear(few, 2)
    found = MapBaselines(training, validation).ridge(test.bsp, test.mask)
    assert np.abs(found - test.maps).max() < 1e-2 * np.abs(test.maps).max()


def test_ridge_is_better_than_the_mean_where_potentials_say_where_a_wave_starts(parts, baselines):
    _, _, test = parts
    errors = [
        np.mean((found - test.maps)[test.mask] ** 2)
        for found in (baselines.ridge(test.bsp, test.mask), baselines.mean_map(test.mask))
    ]
    assert errors[0] < errors[1]


def test_a_case_s_prediction_does_not_depend_on_what_other_cases_are_asked_for(parts, baselines):
    test = parts[2]
    for predict in (baselines.nearest_map, baselines.ridge, lambda bsp, mask: baselines.mean_map(mask)):
        whole = predict(test.bsp, test.mask)
        assert_allclose(predict(test.bsp[3:4], test.mask[3:4])[0], whole[3], atol=1e-5)
        assert not whole[~test.mask].any()


def test_as_many_components_as_differences_are_exact_and_fewer_are_the_best():
    draw = np.random.default_rng(0)
    images = (3 + draw.normal(size=(20, 3)) @ draw.normal(size=(3, 42))).reshape(20, 6, 7).astype(np.float32)
    assert_allclose(PrincipalSubspace.of(images[:10], 3).projected(images[10:]), images[10:], atol=1e-4)
    two = PrincipalSubspace.of(images, 2)
    left = np.sum((two.projected(images) - images) ** 2)
    singular = np.linalg.svd((images - images.mean(axis=0)).reshape(20, -1), compute_uv=False)
    assert left == pytest.approx(singular[2] ** 2, rel=1e-3)
    assert two.axes.shape == (42, 2)


def test_images_that_do_not_differ_have_no_components():
    with pytest.raises(InferenceError, match="don't differ"):
        PrincipalSubspace.of(np.ones((4, 3, 3), np.float32), 2)
