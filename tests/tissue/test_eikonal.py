"""Activation times against exact distances, refraction, and an independent solver."""

import heapq

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from transmural.stores.errors import GeometryError, SimulationError
from transmural.tissue.eikonal import activation_times


def homogeneous(shape, velocity=0.5):
    return np.ones(shape, bool), np.full(shape, velocity)


def annulus(cells_per_mm, inner=20.0, outer=28.0):
    """A ring of 64 mm with a source in the middle of its wall, and distances around the hole by geometry."""
    size = 64 * cells_per_mm + 1
    y, x = np.indices((size, size)) / cells_per_mm - 32
    radius, start = np.hypot(x, y), 24.0
    seen = np.arccos(inner / start) + np.arccos(np.minimum(inner / np.maximum(radius, inner), 1))
    around = np.abs(np.arctan2(y, x)) - seen
    tangents = np.sqrt(start**2 - inner**2) + np.sqrt(np.maximum(radius**2 - inner**2, 0))
    exact = np.where(around > 0, tangents + inner * around, np.hypot(x - start, y))
    source = np.array([[32 * cells_per_mm, (32 + 24) * cells_per_mm]])
    return (radius >= inner - 0.5 / cells_per_mm) & (radius <= outer), source, exact


def first_order_marching(mask, velocity, source, spacing):
    """The textbook's fast marching in 2-D: first order, not factored."""
    time, known = np.full(mask.shape, np.inf), np.zeros(mask.shape, bool)
    time[source] = 0
    heap = [(0.0, source)]

    def at(i, j):
        inside = 0 <= i < mask.shape[0] and 0 <= j < mask.shape[1]
        return time[i, j] if inside and known[i, j] else np.inf

    while heap:
        _, (i, j) = heapq.heappop(heap)
        if known[i, j]:
            continue
        known[i, j] = True
        for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            if not (0 <= k < mask.shape[0] and 0 <= m < mask.shape[1]) or known[k, m] or not mask[k, m]:
                continue
            low, high = sorted([min(at(k - 1, m), at(k + 1, m)), min(at(k, m - 1), at(k, m + 1))])
            step = spacing / velocity[k, m]
            new = low + step if high - low >= step else (low + high + np.sqrt(2 * step**2 - (high - low) ** 2)) / 2
            if new < time[k, m]:
                time[k, m] = new
                heapq.heappush(heap, (new, (k, m)))
    return np.where(mask, time, np.nan)


def path_times(mask, velocity, source, spacing, reach):
    """Shortest paths over a neighbourhood of ``reach`` cells whose straight lines stay in the wall."""
    number = np.where(mask, np.cumsum(mask).reshape(mask.shape) - 1, -1)
    slowness = np.where(mask, 1 / velocity, np.inf)
    rows, columns, weights = [], [], []
    padded = np.pad(slowness, reach, constant_values=np.inf)
    padded_number = np.pad(number, reach, constant_values=-1)
    for step in np.argwhere(np.ones((2 * reach + 1,) * 2)) - reach:
        if np.gcd(*step) != 1:
            continue
        samples = 4 * reach
        total = 0.0
        for share in (np.arange(samples) + 0.5) / samples:
            shift = np.rint(share * step).astype(int) + reach
            total = total + padded[shift[0] : shift[0] + mask.shape[0], shift[1] : shift[1] + mask.shape[1]]
        end = step + reach
        other = padded_number[end[0] : end[0] + mask.shape[0], end[1] : end[1] + mask.shape[1]]
        good = (number >= 0) & (other >= 0) & np.isfinite(total)
        rows.append(number[good])
        columns.append(other[good])
        weights.append((total / samples)[good] * spacing * np.linalg.norm(step))
    size = int(mask.sum())
    graph = sparse.csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), (size, size))
    found = np.full(mask.shape, np.nan)
    found[mask] = dijkstra(graph, indices=number[source])
    return found


@pytest.mark.parametrize(("shape", "source"), [((41, 33), (3, 30)), ((17, 21, 19), (2, 10, 18))])
def test_times_in_a_homogeneous_square_and_cube_are_distance_over_velocity(shape, source):
    mask, velocity = homogeneous(shape)
    times = activation_times(mask, velocity, np.array([source]), 1.5)
    distance = 1.5 * np.linalg.norm(np.indices(shape).T - source, axis=-1).T
    assert_allclose(times, distance / 0.5, atol=1e-6)


def test_the_earliest_of_several_sources_counts():
    mask, velocity = homogeneous((30, 40))
    sources = np.array([[5, 5], [20, 35], [5, 20]])
    alone = [activation_times(mask, velocity, source[None], 2.0) for source in sources]
    assert_array_equal(activation_times(mask, velocity, sources, 2.0), np.min(alone, axis=0))


def test_waves_go_around_a_hole_and_the_error_falls_with_the_cells():
    errors = []
    for cells_per_mm in (1, 2, 4):
        mask, source, exact = annulus(cells_per_mm)
        times = activation_times(mask, np.ones(mask.shape), source, 1 / cells_per_mm)
        assert_array_equal(np.isfinite(times), mask)
        errors.append(np.abs(times - exact)[mask].max())
        in_sight = mask & (np.abs(exact - np.hypot(*(np.indices(mask.shape).T - source[0]).T / cells_per_mm)) < 1e-9)
        assert np.abs(times - exact)[in_sight].max() * cells_per_mm < 0.5
    # Of a way of 70 mm, half of it along steps; first order.
    assert errors[0] < 3
    assert errors[1] < 0.65 * errors[0]
    assert errors[2] < 0.65 * errors[1]


def test_a_wave_is_refracted_at_a_layer_of_another_velocity():
    """The quickest of the broken straight lines (Snell's law), and the head wave that runs ahead in the fast layer."""
    spacing, size, boundary = 0.5, 121, 20.0
    y, _ = np.indices((size, size)) * spacing
    velocity = np.where(y < boundary, 0.4, 0.8)
    times = activation_times(np.ones(velocity.shape, bool), velocity, np.array([[10, 60]]), spacing)
    crossing = np.linspace(0, 60, 2401)
    start = np.hypot(crossing - 30, boundary - 5) / 0.4
    for row, column in ((60, 20), (100, 5), (80, 90), (110, 60)):
        beyond = np.hypot(crossing - column * spacing, row * spacing - boundary) / 0.8
        assert times[row, column] == pytest.approx((start + beyond).min(), abs=0.7)
    assert times[39, 0] < 0.99 * np.hypot(30, 14.5) / 0.4


def test_a_second_solver_and_shortest_paths_agree_in_a_wall_with_slow_region():
    mask, source, _ = annulus(1)
    y, x = np.indices(mask.shape) - 32
    velocity = np.where(np.hypot(x - 5, y - 23) < 7, 0.25, 0.7)
    start = tuple(source[0])
    times = activation_times(mask, velocity, source, 1.0)
    second = first_order_marching(mask, velocity, start, 1.0)
    paths = path_times(mask, velocity, start, 1.0, 4)
    # First order is late by about two cells (of 1.4 ms); paths turn by fixed angles only, and may cut a corner.
    assert np.nanmean(np.abs(times - second)) < 3
    assert np.nanmean(np.abs(times - paths)) < 2
    assert np.nanmax(np.abs(times - paths)) < 7
    assert np.corrcoef(times[mask], second[mask])[0, 1] > 0.999


def test_slow_tissue_delays_what_lies_behind_it_and_nothing_else():
    mask, velocity = homogeneous((60, 12))
    slow = velocity.copy()
    slow[20:30] = 0.1
    source = np.array([[0, 6]])
    fast, delayed = (activation_times(mask, v, source, 1.0) for v in (velocity, slow))
    assert_allclose(delayed[:19], fast[:19], atol=1e-6)
    assert_allclose((delayed - fast)[32:, 6], 10 * (1 / 0.1 - 1 / 0.5), atol=5)


def test_velocities_outside_the_wall_are_not_read():
    mask, source, _ = annulus(1)
    inside = np.where(mask, 0.6, np.nan)
    assert_array_equal(
        activation_times(mask, inside, source, 1.0), activation_times(mask, np.full(mask.shape, 0.6), source, 1.0)
    )


def test_parts_without_source_are_named_and_a_corner_connects_nothing():
    mask, velocity = homogeneous((20, 20))
    mask[10] = False
    mask[:, 10] = False
    with pytest.raises(SimulationError, match=r"3 parts of the wall with 261 cells, the largest at cell \[0, 11\]"):
        activation_times(mask, velocity, np.array([[0, 0]]), 1.0)
    corner = np.zeros((8, 8), bool)
    corner[:4, :4] = corner[4:, 4:] = True
    with pytest.raises(SimulationError, match=r"1 parts of the wall with 16 cells, the largest at cell \[4, 4\]"):
        activation_times(corner, np.ones((8, 8)), np.array([[0, 0]]), 1.0)
    both = activation_times(corner, np.ones((8, 8)), np.array([[0, 0], [7, 7]]), 1.0)
    assert np.isfinite(both[corner]).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"velocity": np.ones((4, 5))}, GeometryError, r"mask has shape \(5, 5\) and velocity \(4, 5\)"),
        ({"mask": np.zeros((5, 5), bool)}, GeometryError, "no cell belongs to the wall"),
        ({"sources": np.array([[5, 0]])}, GeometryError, r"source \[5, 0\] lies outside"),
        ({"sources": np.array([[-1, 0]])}, GeometryError, r"source \[-1, 0\] lies outside"),
        ({"sources": np.zeros((0, 2), int)}, GeometryError, "one row a source"),
        ({"sources": np.array([[1, 1, 1]])}, GeometryError, "2 columns are needed"),
        ({"velocity": np.zeros((5, 5))}, SimulationError, "25 cells of the wall have none above 0"),
        ({"velocity": np.full((5, 5), np.nan)}, SimulationError, "25 cells of the wall"),
    ],
)
def test_what_cannot_be_solved_is_refused(change, error, message):
    given = {"mask": np.ones((5, 5), bool), "velocity": np.ones((5, 5)), "sources": np.array([[2, 2]])} | change
    with pytest.raises(error, match=message):
        activation_times(**given, spacing_mm=1.0)
