import numpy as np
import pytest
import torch

from transmural.evaluation.generated_potentials import (
    ENCODED,
    MAPS,
    SIMULATED,
    STANDARD,
    from_encoded_posterior,
    from_standard_normal,
    generated_traces,
    nearest_trace_error,
    traces,
)
from transmural.networks.sequential_vae import GenerativeModel

TIME = np.linspace(0, 500, 51)


def action_potentials(beats=12, nodes=20, seed=0):
    """Action potentials of random onset and duration, shape (beat, time, node)."""
    rng = np.random.default_rng(seed)
    onset, end = rng.uniform(20, 150, (beats, 1, nodes)), rng.uniform(300, 380, (beats, 1, nodes))
    time = TIME[:, None]
    return (1 / (1 + np.exp((onset - time) / 4)) / (1 + np.exp((time - end) / 15))).astype(np.float32)


class Repeating(torch.nn.Module):
    """Decodes one latent variable a frame into nodes that all have its value."""

    def decode(self, latent):
        mean = latent.expand(*latent.shape[:2], 20)
        return mean, torch.zeros_like(mean)


@pytest.fixture
def model():
    mean = torch.from_numpy(action_potentials(1, 1)[0])
    return GenerativeModel(Repeating(), mean, torch.full_like(mean, 1e-4), torch.zeros(2, 2), mean[:20], mean[:20])


def test_training_traces_themselves_are_at_no_distance():
    known = traces(action_potentials(), 10_000, np.random.default_rng(0))
    assert len(known) == 12 * 20
    assert (nearest_trace_error(known[::7], known) == 0).all()


def test_noise_is_far_and_a_slightly_changed_trace_is_near():
    known = traces(action_potentials(), 10_000, np.random.default_rng(0))
    noise = np.random.default_rng(1).random((30, TIME.size)).astype(np.float32)
    assert nearest_trace_error(noise, known).min() > 0.5
    changed = nearest_trace_error(known[:30] + np.float32(0.01), known)
    size = np.sqrt(np.mean(np.sum(known.astype(float) ** 2, axis=1)))
    assert changed.max() <= 0.01 * np.sqrt(TIME.size) / size * (1 + 1e-4)


def test_error_is_that_of_a_search_over_all_traces():
    rng = np.random.default_rng(2)
    generated, known = rng.normal(size=(300, 9)), rng.normal(size=(40, 9))
    distance = np.linalg.norm(generated[:, None] - known, axis=2).min(axis=1)
    expected = distance / np.sqrt(np.mean(np.sum(known**2, axis=1)))
    np.testing.assert_allclose(nearest_trace_error(generated, known), expected)


def test_traces_are_potentials_of_single_nodes():
    tmp = action_potentials(3, 4)
    drawn = traces(tmp, 6, np.random.default_rng(0))
    columns = tmp.transpose(0, 2, 1).reshape(-1, TIME.size)
    assert drawn.shape == (6, TIME.size)
    assert all((columns == trace).all(axis=1).any() for trace in drawn)


def test_sources_draw_from_the_moments_they_name(model):
    encoded = from_encoded_posterior(model, 400, np.random.default_rng(0))
    standard = from_standard_normal(model, 400, np.random.default_rng(0))
    np.testing.assert_allclose(encoded.mean(axis=0)[:, 0], model.prior_mean[:, 0], atol=0.003)
    np.testing.assert_allclose(encoded.std(axis=0), 0.01, rtol=0.2)
    assert standard.mean() == pytest.approx(0.0, abs=0.03)
    assert standard.std() == pytest.approx(1.0, abs=0.03)


def test_a_model_of_simulated_traces_beats_one_of_noise(model):
    found = generated_traces(
        action_potentials(), action_potentials(seed=9), TIME, model, None, np.random.default_rng(3)
    )
    assert list(found) == [SIMULATED, ENCODED, STANDARD]
    assert MAPS not in found
    medians = {name: np.median(source.error) for name, source in found.items()}
    assert medians[ENCODED] < 0.1
    assert medians[STANDARD] > 1
    assert medians[SIMULATED] < medians[STANDARD]
