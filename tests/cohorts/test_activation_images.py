"""Activation images: contracts, what a map depends on, and what slow regions and pacing zones do."""

import numpy as np
import pytest
import xarray as xr
from image_data import image_design
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import ValidationError

from transmural.anatomy.heart_images import HeartFrame
from transmural.cohorts.activation_images import electrodes, sample_times, simulate_images
from transmural.stores.contracts import ACTIVATION_IMAGES, ACTIVATION_VOLUMES, check
from transmural.stores.errors import GeometryError, SimulationError
from transmural.tissue.eikonal import activation_times

CONTRACT = {2: ACTIVATION_IMAGES, 3: ACTIVATION_VOLUMES}


@pytest.fixture(scope="module")
def simulated(smoke_anatomy):
    def run(dimensions, cases, heart="volunteer_01", **changes):
        return simulate_images(smoke_anatomy, image_design(dimensions, **changes), 5, heart, cases)

    return run


@pytest.fixture(scope="module", params=[2, 3])
def maps(request, simulated):
    return simulated(request.param, range(6)).assign_attrs(dimensions=request.param)


def without_seconds(dataset):
    return dataset.drop_vars("seconds")


def space(maps):
    return maps["mask"].dims[1:]


def test_maps_fulfil_their_contract(maps):
    dimensions = maps.attrs["dimensions"]
    check(maps, CONTRACT[dimensions], "maps")
    design = image_design(dimensions)
    assert maps["mask"].shape == (6, *(design.edge_cells,) * dimensions)
    assert maps["bsp"].shape == (6, 10, 10, design.samples)
    assert_array_equal(maps["time"], sample_times(design))
    assert_array_equal(np.isfinite(maps["activation_time"]), maps["mask"])
    assert_array_equal(np.isfinite(maps["velocity"]), maps["mask"])
    assert not (maps["slow"] & ~maps["mask"]).any()
    assert np.isnan(maps["slice_height"]).all() == (dimensions == 3)


def test_a_map_depends_on_its_heart_and_number_only_bit_for_bit(maps, simulated):
    dimensions = maps.attrs["dimensions"]
    later = simulated(dimensions, range(3, 5)).assign_attrs(dimensions=dimensions)
    xr.testing.assert_identical(without_seconds(later), without_seconds(maps.isel(case=slice(3, 5))))
    other = simulated(dimensions, range(3, 5), heart="volunteer_02")
    assert (other["normal_velocity"] != later["normal_velocity"]).all()


def test_numbers_are_drawn_within_their_ranges(simulated):
    maps = simulated(2, range(40))
    zones = np.isfinite(maps["pacing_position"].values[..., 0]).sum(axis=1)
    assert set(zones) == {1, 2, 3}
    for name, (low, high) in (("normal_velocity", (0.4, 0.8)), ("slice_height", (0.3, 0.85))):
        values = maps[name].values
        assert low <= values.min() < values.max() <= high
        assert np.ptp(values) > 0.7 * (high - low)
    slow = maps["slow"].any(dim=["row", "column"]).values
    assert 10 <= slow.sum() <= 30
    assert_array_equal(slow, maps["slow_velocity"].values < 1)
    assert maps["slow_velocity"].values[slow].max() <= 0.5


def test_pacing_zones_are_cells_of_the_wall_that_activate_first(maps):
    cell, edge = maps.attrs["cell_mm"], maps["mask"].shape[-1]
    for case in range(maps.sizes["case"]):
        position = maps["pacing_position"].values[case]
        position = position[np.isfinite(position[:, 0])]
        index = np.rint(position / cell + (edge - 1) / 2).astype(int)
        index = index if maps.attrs["dimensions"] == 3 else index[:, [1, 0]]
        times = maps["activation_time"].values[case]
        assert_array_equal(times[tuple(index.T)], 0)
        assert (times == 0).sum() == len(index)


def test_times_solve_the_eikonal_equation_with_the_stored_velocity(maps):
    times, velocity = (maps[name].values[0].astype(float) for name in ("activation_time", "velocity"))
    source = np.argwhere(times == 0)
    again = activation_times(maps["mask"].values[0], velocity, source, maps.attrs["cell_mm"])
    assert_allclose(again, times, rtol=1e-5)


def test_slow_regions_delay_and_change_nothing_that_is_drawn(simulated):
    slow, without = (simulated(2, range(6), slow_share=share) for share in (1.0, 0.0))
    assert_array_equal(slow["pacing_position"], without["pacing_position"])
    assert_array_equal(slow["normal_velocity"], without["normal_velocity"])
    delay = (slow["activation_time"] - without["activation_time"]).values
    assert np.nanmin(delay) > -1e-3
    assert (np.nanmax(delay, axis=(1, 2)) > 5).all()
    inside = slow["slow"].values
    ratio = slow["velocity"].values[inside] / without["velocity"].values[inside]
    assert_allclose(np.unique(ratio.round(4)), np.unique(slow["slow_velocity"].values.round(4)), atol=1e-3)


def test_electrodes_stand_in_front_of_the_heart_and_see_the_wave(maps, smoke_anatomy):
    design, frame = image_design(maps.attrs["dimensions"]), HeartFrame.of(smoke_anatomy)
    places = electrodes(frame, design)
    assert_allclose(maps["electrode_position"][0], places, atol=1e-3)
    assert_allclose(places[..., 1], frame.low_mm[1] - 30)
    assert np.ptp(maps["bsp"].values, axis=-1).min(axis=(1, 2)).min() > 0
    # Nothing is seen once all cells have repolarised.
    late = simulate_images(
        smoke_anatomy, image_design(maps.attrs["dimensions"], duration_ms=1000), 5, "volunteer_01", range(1)
    )
    assert np.abs(late["bsp"].values[..., -1]).max() < 1e-3 * np.abs(late["bsp"].values).max()


def test_progress_is_reported(smoke_anatomy):
    told = []
    simulate_images(smoke_anatomy, image_design(), 5, "volunteer_01", range(2), told.append)
    assert told == [1, 2]


def test_what_cannot_be_simulated_is_refused(simulated):
    with pytest.raises(SimulationError, match="volunteer_01: there is no map to simulate"):
        simulated(2, range(3, 3))
    with pytest.raises(GeometryError, match="more than the image"):
        simulated(3, range(1), edge_cells=24)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slice_height": (0.8, 0.3)}, "slice_height = .* must ascend"),
        ({"pacing_zones": (0, 3)}, "pacing_zones = .* within 1 and 10"),
        ({"velocity_mm_per_ms": (0.4, 9)}, "velocity_mm_per_ms = .* within 0.1 and 3 mm/ms"),
        ({"slow_velocity": (0.2, 1.5)}, "slow_velocity"),
        ({"edge_cells": 32}, "make images of 70.4 mm; hearts need 90"),
        ({"sample_ms": 7}, r"sample_ms \(7\) must divide duration_ms \(400\)"),
        ({"edge_cells": 66}, r"edge_cells \(66\) must be a multiple of 4"),
    ],
)
def test_designs_that_contradict_themselves_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        image_design(**changes)
