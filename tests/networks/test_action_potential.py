import numpy as np
import pytest
import torch

from transmural.networks.action_potential import Maps, chained_potential, potential


def maps(cases=2, nodes=3, **changed):
    plain = {"activation_time": 60.0, "duration": 280.0, "amplitude": 0.9, "upstroke_width": 2.0,
             "repolarisation_width": 10.0, "slope": 0.15}  # fmt: skip
    return Maps(**{name: torch.full((cases, nodes), value).double() for name, value in {**plain, **changed}.items()})


def at(time, **changed):
    return potential(maps(**changed), torch.tensor([float(time)]).double())[0, 0, 0].item()


def test_potential_rests_rises_falls_along_the_plateau_and_rests_again():
    assert at(0) == pytest.approx(0, abs=1e-9)
    assert at(160) == pytest.approx(0.9 * (1 - 0.15 * 100 / 300), rel=1e-4)
    assert at(260) == pytest.approx(0.9 * (1 - 0.15 * 200 / 300), rel=1e-3)
    assert at(550) == pytest.approx(0, abs=1e-6)


def test_half_of_the_amplitude_is_reached_at_activation_and_lost_after_the_duration():
    assert at(60) == pytest.approx(0.45, rel=1e-6)
    assert at(340) == pytest.approx(0.45 * (1 - 0.15 * 280 / 300), rel=1e-6)


def test_narrower_widths_are_steeper():
    steep, flat = (at(62, upstroke_width=w) - at(58, upstroke_width=w) for w in (1.0, 4.0))
    assert steep > 1.5 * flat
    steep, flat = (at(330, repolarisation_width=w) - at(350, repolarisation_width=w) for w in (5.0, 20.0))
    assert steep > 1.5 * flat


def test_every_case_and_node_follows_its_own_maps():
    activation = torch.tensor([[10.0, 50.0, 90.0], [20.0, 60.0, 100.0]]).double()
    time = torch.arange(0, 200, 0.5).double()
    tmp = potential(maps()._replace(activation_time=activation), time)
    assert tmp.shape == (2, 400, 3)
    half = time[(tmp > 0.45).double().argmax(dim=1)]
    np.testing.assert_allclose(half, activation, atol=0.6)


def test_gradients_are_those_of_finite_differences():
    draw = torch.Generator().manual_seed(0)
    values = tuple(v * (0.8 + 0.4 * torch.rand(v.shape, generator=draw).double()) for v in maps())
    time = torch.tensor([30.0, 57.3, 150.0, 310.0, 345.0]).double()
    leaves = tuple(value.requires_grad_() for value in values)
    assert torch.autograd.gradcheck(lambda *given: potential(Maps(*given), time), leaves)


def test_the_fused_kernel_is_the_chain_of_operations_and_so_is_its_gradient():
    draw = torch.Generator().manual_seed(1)
    bounds = [(-50, 400), (50, 400), (0, 1), (0.5, 8), (3, 30), (0, 0.5)]
    values = [low + (high - low) * torch.rand(5, 37, generator=draw) for low, high in bounds]
    time, weight = torch.linspace(0, 550, 101), torch.randn(5, 101, 37, generator=draw)
    found = []
    for function in (potential, chained_potential):
        leaves = [value.clone().requires_grad_() for value in values]
        tmp = function(Maps(*leaves), time)
        (weight * tmp).sum().backward()
        found.append([tmp.detach(), *(leaf.grad for leaf in leaves)])
    for fused, chained in zip(*found, strict=True):
        torch.testing.assert_close(fused, chained, rtol=1e-4, atol=1e-5 * float(chained.abs().max()))
