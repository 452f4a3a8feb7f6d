import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lattice import lattice, shaken

from transmural.networks.conduction import Conduction

ALONG, ACROSS = 0.6, 0.3


def fibres(graph, direction=(1.0, 0.0, 0.0)):
    axis = torch.tensor(direction)
    return torch.outer(axis, axis).expand(graph.nodes, 3, 3)


def isotropic(graph):
    return torch.eye(3).expand(graph.nodes, 3, 3) / 3


@pytest.fixture(scope="module")
def conduction():
    graph = lattice(6, 4, 2)
    return Conduction(graph, isotropic(graph))


def test_waves_run_faster_along_the_fibres_than_across():
    graph, axis = lattice(3, 2), np.array([2.0, -1.0, 2.0]) / 3
    metric = Conduction(graph, fibres(graph, tuple(axis))).metric().detach().double().numpy()[4]
    across = np.cross(axis, [1.0, 0, 0])
    across /= np.linalg.norm(across)
    assert 1 / np.sqrt(axis @ metric @ axis) == pytest.approx(ALONG, rel=1e-5)
    assert 1 / np.sqrt(across @ metric @ across) == pytest.approx(ACROSS, rel=1e-5)


@pytest.mark.parametrize(("direction", "velocity"), [((1.0, 0, 0), ALONG), ((0, 1.0, 0), ACROSS)])
def test_arrival_along_a_bar_is_the_distance_from_the_stimulus_over_the_velocity(direction, velocity):
    graph = lattice(20)
    origin = torch.tensor([[0.0, 0, 0], [31.0, 0, 0]])
    arrival = Conduction(graph, fibres(graph, direction))(torch.zeros(2, 20), origin)
    distance = np.abs(graph.position[:, 0] - origin[:, :1].numpy())
    np.testing.assert_allclose(arrival.detach(), np.maximum(distance - 7.0, 0) / velocity, rtol=1e-5, atol=1e-4)


def test_slowness_begins_as_the_velocity_of_the_models_waves(conduction):
    density = torch.linspace(0, 1, 13)
    slowness = conduction.slowness(density).detach()
    assert slowness[0] == 1
    np.testing.assert_allclose(slowness[:12], 1 / (1 - 0.9999 * density[:12]), rtol=1e-4)
    assert 12 <= slowness[12] < 12.5


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=20))
def test_slowness_grows_with_the_density(density):
    graph = lattice(2, 2)
    conduction = Conduction(graph, isotropic(graph))
    with torch.no_grad():
        conduction.growth.add_(torch.linspace(-1, 1, 12))
        slowness = conduction.slowness(torch.tensor(sorted(density)))
    assert (slowness >= 1).all()
    assert (slowness.diff() >= 0).all()


def test_a_scar_delays_what_lies_behind_it_and_nothing_else():
    graph = lattice(12)
    scar = torch.zeros(2, 12)
    scar[1, 5:7] = 0.8
    arrival = Conduction(graph, isotropic(graph))(scar, torch.zeros(2, 3)).detach()
    torch.testing.assert_close(arrival[0, :5], arrival[1, :5])
    assert (arrival[1, 5:] > arrival[0, 5:] + 5).all()


def test_a_start_outside_the_wall_still_reaches_all_of_it(conduction):
    arrival = conduction(torch.zeros(1, 48), torch.tensor([[-60.0, 0.0, 0.0]]))
    assert torch.isfinite(arrival).all()


def test_roughness_is_of_what_departs_from_the_fibres():
    graph = lattice(5, 5)
    conduction = Conduction(graph, isotropic(graph))
    assert conduction.roughness() == 0
    with torch.no_grad():
        conduction.tensor.add_(0.3)
        assert conduction.roughness() == 0
        conduction.tensor[12, 0] = 0.5
    assert conduction.roughness() > 0


def test_gradients_are_those_of_finite_differences():
    graph = shaken(5, 3, 2)
    conduction = Conduction(graph, isotropic(graph)).double()
    draw = torch.Generator().manual_seed(1)
    density = torch.rand(2, graph.nodes, generator=draw, dtype=torch.float64).requires_grad_()
    origin = torch.tensor([[3.0, 4.0, 1.0], [14.0, 9.0, 3.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(conduction, (density, origin), eps=1e-7, atol=1e-4)

    names = [name for name, _ in conduction.named_parameters()]
    values = tuple(value.detach().clone().requires_grad_() for value in conduction.parameters())

    def arrival(*parameters):
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(conduction, given, (density.detach(), origin.detach()))

    assert torch.autograd.gradcheck(arrival, values, eps=1e-7, atol=1e-4, fast_mode=True)
