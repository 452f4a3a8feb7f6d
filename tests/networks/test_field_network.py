from typing import get_args

import numpy as np
import pytest
import torch

from transmural.networks.field_network import Block, Course, FieldNetwork
from transmural.stores.config.physics_informed import FieldArchitecture, FieldForm

FIELD_FORMS = get_args(FieldForm)

SETTINGS = FieldArchitecture(form="adaptive", width=16, blocks=3, features=200, length_mm=20.0, duration_ms=50.0)


COURSE = Course(-10.0, 10.0, torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.9, 0.5], [0.1, 1.5]]))


def network(**changed):
    """A network whose outputs have left their course, so that its layers tell."""
    field = first(**changed)
    torch.nn.init.normal_(field.outputs.weight)
    return field


def first(**changed):
    torch.manual_seed(2)
    return FieldNetwork(SETTINGS.model_copy(update=changed), COURSE)


def test_alpha_starts_at_zero_and_the_block_is_the_identity():
    torch.manual_seed(0)
    block, x = Block(16, "adaptive"), torch.randn(7, 16)
    assert block.alpha.item() == 0
    assert torch.equal(block(x), x)
    assert network().alphas == [0.0, 0.0, 0.0]


def test_alpha_leaves_zero_on_the_first_gradient():
    field = network()
    field(torch.randn(5, 4)).square().sum().backward()
    assert all(abs(float(block.alpha.grad)) > 0 for block in field.blocks)


def test_blocks_are_what_their_forms_say():
    torch.manual_seed(0)
    x, blocks = torch.randn(7, 16), {form: Block(16, form) for form in FIELD_FORMS}
    for block in blocks.values():
        block.load_state_dict(blocks["mlp"].state_dict(), strict=False)
    h = blocks["mlp"](x)
    torch.testing.assert_close(blocks["resnet"](x), x + h)
    with torch.no_grad():
        blocks["adaptive"].alpha.fill_(0.25)
    torch.testing.assert_close(blocks["adaptive"](x), 0.75 * x + 0.25 * h)


@pytest.mark.parametrize("form", FIELD_FORMS)
def test_field_is_the_network_at_every_vertex_and_time(form):
    field, vertices, times = network(form=form), 30 * torch.randn(6, 3), torch.linspace(0, 300, 5)
    points = torch.cat([vertices.expand(5, 6, 3), times[:, None, None].expand(5, 6, 1)], dim=-1)
    torch.testing.assert_close(field.field(vertices, times), field(points), atol=1e-4, rtol=1e-3)


def test_values_lie_within_the_models_range():
    u, v = network()(100 * torch.randn(500, 4)).detach().unbind(-1)
    assert u.min() >= 0
    assert u.max() <= 1
    assert v.min() >= 0


def test_first_field_is_its_course():
    times = torch.tensor([-50.0, 0.0, 10.0, 20.0, 80.0])
    found = first().field(torch.randn(3, 3), times).detach()
    expected = torch.tensor([[0.02, 0.02], [0.98, 0.02], [0.9, 0.5], [0.1, 1.5], [0.1, 1.5]])
    torch.testing.assert_close(found, expected[:, None].expand(5, 3, 2), atol=1e-5, rtol=0)


def test_features_are_correlated_over_their_length_and_duration():
    field = network(features=1000)

    def correlation(offset):
        return float(torch.cos(torch.tensor(offset) @ field.frequency).mean())

    assert correlation([20.0, 0.0, 0.0, 0.0]) == pytest.approx(np.exp(-0.5), abs=0.05)
    assert correlation([0.0, 0.0, 0.0, 50.0]) == pytest.approx(np.exp(-0.5), abs=0.05)


def test_frequencies_are_fixed_and_the_seeds_own():
    assert torch.equal(network().frequency, network().frequency)
    assert "frequency" not in dict(network().named_parameters())
