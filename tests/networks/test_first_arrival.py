import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lattice import lattice, shaken
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from transmural.networks.first_arrival import first_arrival
from transmural.networks.wall_paths import short_paths


def lengths(graph, start, end):
    return torch.from_numpy(np.linalg.norm(graph.position[end] - graph.position[start], axis=1))


def starts(graph, *nodes):
    """A wave from each of these nodes, a case a node."""
    time = torch.full((len(nodes), graph.nodes), torch.inf, dtype=torch.float64)
    time[torch.arange(len(nodes)), torch.tensor(nodes)] = 0.0
    return time


def test_arrival_on_a_sheet_is_the_length_of_the_shortest_path():
    graph = lattice(9, 7, spacing=1.0)
    pointer, start, end = short_paths(graph)
    time = first_arrival(lengths(graph, start, end), starts(graph, 0, 31), torch.ones(2, graph.nodes), pointer, end)
    for case, node in enumerate((0, 31)):
        along, across = np.sort(np.abs(graph.position - graph.position[node])[:, :2], axis=1).T[::-1]
        # Straight and diagonal steps: diagonal as far as both directions go, then straight.
        np.testing.assert_allclose(time[case], np.sqrt(2) * across + along - across, rtol=1e-6)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_arrival_is_that_of_the_first_of_all_waves(seed):
    draw = np.random.default_rng(seed)
    graph = shaken(4, 3, 2, seed=seed)
    pointer, start, end = short_paths(graph)
    path = draw.uniform(1, 9, end.size)
    slowness = draw.uniform(1, 4, (3, graph.nodes))
    begin = np.where(draw.uniform(size=(3, graph.nodes)) < 0.2, draw.uniform(0, 20, (3, graph.nodes)), np.inf)
    begin[:, 0] = 0.0
    found = first_arrival(*(torch.from_numpy(v) for v in (path, begin, slowness)), pointer, end)
    for case in range(3):
        weight = path * (slowness[case][start] + slowness[case][end]) / 2
        between = dijkstra(sparse.csr_array((weight, (start, end)), shape=(graph.nodes, graph.nodes)))
        np.testing.assert_allclose(found[case], (begin[case][:, None] + between).min(axis=0), rtol=1e-12)


def test_gradients_are_those_of_finite_differences():
    draw = np.random.default_rng(3)
    graph = shaken(4, 3, 2)
    pointer, start, end = short_paths(graph)
    begin = torch.from_numpy(draw.uniform(0, 60, (2, graph.nodes)))
    begin[:, 5] = 0.0
    slowness = torch.from_numpy(draw.uniform(1, 4, (2, graph.nodes)))
    values = [lengths(graph, start, end), begin, slowness]

    def arrival(path_time, start_time, slow):
        return first_arrival(path_time, start_time, slow, pointer, end)

    assert torch.autograd.gradcheck(arrival, [value.requires_grad_() for value in values])


def test_a_wave_goes_around_a_slow_scar():
    # Two nodes thick: paths over two contacts weigh only their ends, and would leap over one.
    scar = [(x, y) for x in range(7) for y in (4, 5)]
    graph, without = lattice(9, 10, spacing=1.0), lattice(9, 10, spacing=1.0, missing=scar)
    slow = torch.ones(1, graph.nodes, dtype=torch.float64)
    slow[0, [10 * x + y for x, y in scar]] = 1e4
    found = []
    for wall, slowness in ((graph, slow), (without, slow[slow == 1][None])):
        pointer, start, end = short_paths(wall)
        found.append(first_arrival(lengths(wall, start, end), starts(wall, 0), slowness, pointer, end)[0])
    np.testing.assert_allclose(found[0][slow[0] == 1], found[1], rtol=1e-12)
    assert found[0][9] > 15


def test_nodes_that_no_path_reaches_stay_infinite_and_without_gradient():
    graph = lattice(5, missing=[2])
    pointer, start, end = short_paths(graph)
    begin, slow = starts(graph, 0), torch.ones(1, 4, dtype=torch.float64, requires_grad=True)
    arrival = first_arrival(lengths(graph, start, end), begin, slow, pointer, end)
    assert torch.isinf(arrival[0]).tolist() == [False, False, True, True]
    torch.autograd.backward(arrival[torch.isfinite(arrival)].sum())
    assert slow.grad[0].tolist() == pytest.approx([2.5, 2.5, 0, 0])
