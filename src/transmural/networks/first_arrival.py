"""First arrival of a wave at every node: shortest paths through the wall, and their gradient.

    T_j = min_i (T_i + τ_ij (m_i + m_j) / 2),     T_i ≤ t_i at the nodes where the wave may start,

with τ the time along a path of healthy tissue and m the slowness of each node relative to that: the eikonal equation
on a graph, solved exactly by Dijkstra's algorithm. The gradient runs back along the tree of shortest paths, at the cost
of one pass over the nodes; where two paths tie it is that of one of them.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import FunctionCtx

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


class _Arrival(torch.autograd.Function):
    """First arrival times as a differentiable function of path times, start times and slowness."""

    @staticmethod
    def forward(
        ctx: Any, path_time: Tensor, start_time: Tensor, slowness: Tensor, pointer: Integers, end: Integers
    ) -> Tensor:
        """Solve every wave on the CPU, in double precision."""
        times, slow = _doubles(path_time), _doubles(slowness)
        arrival, path, previous, order = _solve_all(pointer, end, times, _doubles(start_time), slow)
        ctx.tree = (path, previous, order, times, slow)
        return torch.from_numpy(arrival).to(start_time)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Any) -> Any:
        """Gradients by paths, start times and slowness."""
        (gradient,) = gradients
        found = _adjoint_all(_doubles(gradient).copy(), *ctx.tree)  # type: ignore[attr-defined]
        by_path, by_start, by_slowness = (torch.from_numpy(values).to(gradient) for values in found)
        return by_path, by_start, by_slowness, None, None


def first_arrival(path_time: Tensor, start_time: Tensor, slowness: Tensor, pointer: Integers, end: Integers) -> Tensor:
    """Arrival time of the first wave at every node.

    Parameters
    ----------
    path_time
        Time along each path in healthy tissue, in ms, shape (path,).
    start_time
        Time at which a wave may start at each node, in ms, infinite where none does, shape (case, node).
    slowness
        Of each node relative to healthy tissue, at least 1, shape (case, node).
    pointer, end
        From `wall_paths.short_paths`.

    Returns
    -------
    In ms, shape (case, node); infinite where no path leads.
    """
    arrival: Tensor = _Arrival.apply(path_time, start_time, slowness, pointer, end)  # type: ignore[no-untyped-call]
    return arrival


def _doubles(values: Tensor) -> Doubles:
    return values.detach().double().cpu().contiguous().numpy()


@njit(cache=True)
def _push(heap_time, heap_node, size, time, node):  # type: ignore[no-untyped-def]
    place = size
    while place > 0:
        parent = (place - 1) // 2
        if heap_time[parent] <= time:
            break
        heap_time[place], heap_node[place] = heap_time[parent], heap_node[parent]
        place = parent
    heap_time[place], heap_node[place] = time, node


@njit(cache=True)
def _sink(heap_time, heap_node, size):  # type: ignore[no-untyped-def]
    """Put the entry at ``size`` in the place of the first."""
    time, node = heap_time[size], heap_node[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and heap_time[child + 1] < heap_time[child]:
            child += 1
        if heap_time[child] >= time:
            break
        heap_time[place], heap_node[place] = heap_time[child], heap_node[child]
        place = child
    heap_time[place], heap_node[place] = time, node


@njit(cache=True)
def _solve(pointer, end, path_time, start_time, slowness, arrival, path, previous, order):  # type: ignore[no-untyped-def]
    nodes = pointer.size - 1
    heap_time, heap_node = np.empty(nodes + end.size), np.empty(nodes + end.size, np.int64)
    done = np.zeros(nodes, np.bool_)
    size = reached = 0
    for node in range(nodes):
        arrival[node], path[node], previous[node] = start_time[node], -1, -1
        if start_time[node] < np.inf:
            _push(heap_time, heap_node, size, start_time[node], node)
            size += 1
    while size > 0:
        node = heap_node[0]
        size -= 1
        _sink(heap_time, heap_node, size)
        if done[node]:
            continue
        done[node] = True
        order[reached] = node
        reached += 1
        for k in range(pointer[node], pointer[node + 1]):
            other = end[k]
            time = arrival[node] + path_time[k] * 0.5 * (slowness[node] + slowness[other])
            if not done[other] and time < arrival[other]:
                arrival[other], path[other], previous[other] = time, k, node
                _push(heap_time, heap_node, size, time, other)
                size += 1
    order[reached:] = -1


@njit(cache=True)
def _solve_all(pointer, end, path_time, start_time, slowness):  # type: ignore[no-untyped-def]
    cases, nodes = start_time.shape
    arrival = np.empty((cases, nodes))
    path = np.empty((cases, nodes), np.int64)
    previous, order = np.empty_like(path), np.empty_like(path)
    for case in range(cases):
        start, slow = start_time[case], slowness[case]
        _solve(pointer, end, path_time, start, slow, arrival[case], path[case], previous[case], order[case])
    return arrival, path, previous, order


@njit(cache=True)
def _adjoint_all(gradient, path, previous, order, path_time, slowness):  # type: ignore[no-untyped-def]
    cases, nodes = gradient.shape
    by_path = np.zeros(path_time.size)
    by_start, by_slowness = np.zeros((cases, nodes)), np.zeros((cases, nodes))
    for case in range(cases):
        for place in range(nodes - 1, -1, -1):
            node = order[case, place]
            if node < 0:
                continue
            value, before, k = gradient[case, node], previous[case, node], path[case, node]
            if before < 0:
                by_start[case, node] = value
                continue
            by_path[k] += value * 0.5 * (slowness[case, node] + slowness[case, before])
            by_slowness[case, node] += value * 0.5 * path_time[k]
            by_slowness[case, before] += value * 0.5 * path_time[k]
            gradient[case, before] += value
    return by_path, by_start, by_slowness
