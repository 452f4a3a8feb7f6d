import numpy as np
import pytest
import torch

from transmural.networks import origin_correction as module
from transmural.networks.action_potential import Maps, potential
from transmural.networks.origin_correction import OriginCorrection, lacking

TIME = torch.linspace(0, 550, 101)


def maps(cases, nodes, seed=0):
    draw = torch.Generator().manual_seed(seed)
    bounds = [(20, 150), (250, 320), (0.8, 1), (2, 4), (10, 18), (0.05, 0.2)]
    return Maps(*(low + (high - low) * torch.rand(cases, nodes, generator=draw) for low, high in bounds))


def smooth(origin, node):
    """Errors that vary over some 20 mm of the origin, another way at every node."""
    return torch.sin(origin @ torch.tensor([[0.05], [0.03], [-0.04]]) + node)


@pytest.fixture
def sites():
    return 80 * torch.rand(120, 3, generator=torch.Generator().manual_seed(1))


def test_times_and_durations_that_are_lacking_are_found():
    known = maps(4, 30)
    off = known._replace(activation_time=known.activation_time - 4.0, duration=known.duration * 1.05)
    time, duration = lacking(off, potential(known, TIME), TIME)
    torch.testing.assert_close(time, torch.full_like(time, 4.0), atol=0.1, rtol=0)
    torch.testing.assert_close(duration, torch.full_like(duration, -np.log(1.05)), atol=0.002, rtol=0)


def test_a_smooth_function_of_the_origin_is_learnt_between_the_sites(sites):
    node, new = torch.arange(5.0), 10 + 60 * torch.rand(40, 3, generator=torch.Generator().manual_seed(2))
    errors = smooth(sites, node)
    correction = OriginCorrection.learnt(sites, errors, 0.01 * errors, torch.ones(errors.shape, dtype=torch.bool))
    plain = maps(40, 5)
    corrected = correction(plain, new)
    left = smooth(new, node) - (corrected.activation_time - plain.activation_time)
    assert left.square().mean() < 0.1 * smooth(new, node).square().mean()
    left = 0.01 * smooth(new, node) - torch.log(corrected.duration / plain.duration)
    assert left.square().mean() < 0.1 * (0.01 * smooth(new, node)).square().mean()


def test_errors_that_say_nothing_of_others_are_left_alone(sites):
    noise = torch.randn(120, 400, generator=torch.Generator().manual_seed(3))
    correction = OriginCorrection.learnt(sites, noise, noise, torch.ones(noise.shape, dtype=torch.bool))
    plain = maps(120, 400)
    torch.testing.assert_close(correction(plain, sites), plain)


def test_a_site_left_out_is_corrected_as_if_it_had_not_been_there(sites, monkeypatch):
    monkeypatch.setattr(module, "_LENGTHS_MM", (12.0,))
    monkeypatch.setattr(module, "_NOISES", (0.3,))
    errors, plain = smooth(sites, torch.arange(5.0)), maps(1, 5)
    known = torch.ones(errors.shape, dtype=torch.bool)
    whole = OriginCorrection.learnt(sites, errors, errors / 10, known)
    for site in (0, 17, 119):
        others = torch.arange(120) != site
        without = OriginCorrection.learnt(sites[others], errors[others], errors[others] / 10, known[others])
        left_out, expected = whole(plain, sites[site : site + 1], left_out=True), without(plain, sites[site : site + 1])
        torch.testing.assert_close(left_out, expected, rtol=1e-4, atol=1e-4)


def test_beats_of_one_origin_are_one_site(sites):
    twice, errors = sites.repeat(2, 1), smooth(sites, torch.arange(5.0))
    known = torch.ones(240, 5, dtype=torch.bool)
    known[120:, 2] = False
    correction = OriginCorrection.learnt(twice, torch.cat([errors - 1, errors + 1]), torch.zeros(240, 5), known)
    assert correction.site.shape == (120, 3)
    change = correction(maps(120, 5), sites).activation_time - maps(120, 5).activation_time
    others = [0, 1, 3, 4]
    assert (change - errors)[:, others].square().mean() < 0.02
    assert (change - errors + 1)[:, 2].square().mean() < 0.3  # known from the first beats alone, which lack one less


def test_no_correction_changes_nothing():
    plain = maps(3, 7)
    torch.testing.assert_close(OriginCorrection.none(7)(plain, torch.zeros(3, 3)), plain)
