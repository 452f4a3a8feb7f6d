import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lattice import lattice

from transmural.networks import scar_level_set
from transmural.networks.scar_level_set import ScarPrior, has_scar, scar_prior, signed_distance, trial_scars
from transmural.networks.wall_paths import node_spacing
from transmural.stores.errors import TrainingError

LINE, SHEET = lattice(20, spacing=5.0), lattice(12, 8, spacing=5.0)
REPRESENTATION_MM = 1.5


def round_scars(graph, count, seed=0):
    """Signed distances of scars of 8 to 14 mm around random nodes."""
    draw = np.random.default_rng(seed)
    centre, radius = draw.integers(graph.nodes, size=count), draw.uniform(8, 14, count)
    return np.clip(radius[:, None] - graph.distances[centre], -30, 15)


def prior(distance, graph, modes=1000, seed=9):
    return scar_prior(distance, round_scars(graph, 12, seed), graph, modes)


def stable(distance, field):
    """Log-likelihood of distances (scar, node) under a dense Gaussian."""
    modes = field.modes.double()
    covariance = modes @ modes.T + REPRESENTATION_MM**2 * torch.eye(len(modes)).double()
    normal = torch.distributions.MultivariateNormal(field.mean.double(), covariance)
    return normal.log_prob(torch.from_numpy(distance)).mean().item()


def test_signed_distance_is_the_way_to_the_border_positive_inside():
    density = np.zeros((1, 20))
    density[0, 8:14] = 1.0
    found = signed_distance(density, LINE)[0]
    node = np.arange(20)
    # From nodes 8 and 13 it is half a spacing to the border, which the graded border's width replaces.
    to_border = np.where((node >= 8) & (node < 14), np.minimum(node - 7, 14 - node), -np.maximum(8 - node, node - 13))
    expected = 5.0 * to_border - 2.5 * np.sign(to_border)
    far = np.abs(expected) > 5
    np.testing.assert_allclose(found[far], np.clip(expected[far], -30, 15))
    np.testing.assert_array_equal(np.sign(found), np.sign(expected))
    assert found.min() == -30


@given(st.lists(st.floats(0, 1), min_size=20, max_size=20))
def test_density_of_a_signed_distance_is_the_density(values):
    density = np.array([values])
    density[0, 3] = 0.9
    distance = torch.from_numpy(signed_distance(density, LINE))
    field = ScarPrior(distance[0], torch.zeros(20, 1).double(), 0.22 * node_spacing(LINE))
    found = field.density(torch.zeros(1, 1).double()).numpy()
    np.testing.assert_allclose(found, density, atol=0.0201)
    within = (density > 0.02) & (density < 0.98)
    np.testing.assert_allclose(found[within], density[within], rtol=1e-6)


def test_hearts_without_scar_and_of_scar_alone_are_as_far_as_can_be():
    density = np.stack([np.zeros(20), np.full(20, 0.4), np.ones(20)])
    found = signed_distance(density, LINE)
    assert (found[:2] == -30).all()
    assert (found[2] == 15).all()
    assert has_scar(density).tolist() == [False, False, True]


def test_covariance_shrinks_the_scars_own_towards_a_stationary_one():
    distance = round_scars(LINE, 8)
    field, share = prior(distance, LINE)
    assert 0 < share < 1
    centred = distance - distance.mean(axis=0)
    modes = field.modes.double().numpy()
    rest = (modes @ modes.T - (1 - share) * centred.T @ centred / 8) / share
    first = rest[0] / rest[0, 0]
    for offset in range(20):
        np.testing.assert_allclose(np.diagonal(rest, offset), rest[0, offset], atol=1e-3 * rest[0, 0])
    length = LINE.distances[0, 4] / np.sqrt(-2 * np.log(first[4]))
    assert 8 <= length <= 46
    np.testing.assert_allclose(first, np.exp(-0.5 * (LINE.distances[0] / length) ** 2), atol=2e-3)
    np.testing.assert_allclose(field.mean, distance.mean(axis=0), rtol=1e-5)


def test_share_is_the_one_of_the_greatest_likelihood_of_validation_scars(monkeypatch):
    distance, validation = round_scars(LINE, 8), round_scars(LINE, 12, seed=9)
    shares = scar_level_set._SHARES
    fields = []
    for share in shares:
        monkeypatch.setattr(scar_level_set, "_SHARES", (share,))
        fields.append(scar_prior(distance, validation, LINE, 1000)[0])
    monkeypatch.undo()
    dense = [stable(validation, field) for field in fields]
    assert prior(distance, LINE)[1] == shares[int(np.argmax(dense))]


def test_more_scars_are_trusted_more():
    shares = [prior(round_scars(SHEET, count), SHEET)[1] for count in (5, 40, 400)]
    assert shares[0] > shares[2]
    assert shares[0] >= shares[1] >= shares[2]


def test_modes_are_the_leading_ones():
    distance = round_scars(SHEET, 60)
    full, some = (prior(distance, SHEET, modes)[0].modes.double() for modes in (96, 10))
    size = full.square().sum(dim=0)
    assert (size.diff() <= 1e-3 * size[0]).all()
    np.testing.assert_allclose((some @ some.T).diagonal().sum(), size[:10].sum(), rtol=0.05)


def test_encoding_is_the_mean_of_the_posterior():
    distance = round_scars(SHEET, 60)
    field, _ = prior(distance, SHEET, 20)
    new = round_scars(SHEET, 4, seed=3)
    modes, centred = field.modes.double(), torch.from_numpy(new) - field.mean.double()
    covariance = modes @ modes.T + REPRESENTATION_MM**2 * torch.eye(SHEET.nodes).double()
    expected = (modes.T @ torch.linalg.solve(covariance, centred.T)).T
    torch.testing.assert_close(field.encode(torch.from_numpy(new).float()).double(), expected, atol=1e-3, rtol=1e-3)


def test_scars_come_back_from_their_encoding():
    field, _ = prior(round_scars(SHEET, 200), SHEET)
    new = torch.from_numpy(round_scars(SHEET, 30, seed=5)).float()
    density = torch.sigmoid(new / field.width_mm)
    back = field.density(field.encode(new))
    assert (back - density).abs().mean() < 0.03
    assert ((back > 0.5) == (density > 0.5)).float().mean() > 0.97


def test_too_few_scars_are_refused():
    with pytest.raises(TrainingError, match="1 training and 12 validation beats have a scar"):
        prior(round_scars(LINE, 1), LINE)
    with pytest.raises(TrainingError, match="3 training and 0 validation"):
        scar_prior(round_scars(LINE, 3), np.empty((0, 20)), LINE, 5)


def test_trial_scars_have_the_mean_size_and_cover_the_wall():
    distance = round_scars(SHEET, 50)
    trials = trial_scars(distance, SHEET, 12)
    sizes = (trials > 0).sum(axis=1)
    mean = (distance > 0).sum(axis=1).mean()
    assert trials.shape == (12, SHEET.nodes)
    assert (sizes <= round(mean)).all()
    assert sizes.mean() > 0.5 * mean
    sites = trials.argmax(axis=1)
    assert len(set(sites)) == 12
    assert SHEET.distances[sites].min(axis=0).max() < 20
    assert trials.min() >= -30
    assert trials.max() <= 15


def test_every_node_is_a_site_of_a_small_wall():
    assert len(trial_scars(round_scars(LINE, 5), LINE, 48)) == 20
