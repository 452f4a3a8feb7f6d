from dataclasses import replace

import numpy as np
import pytest

from transmural.inverse.greensite import greensite, noise_energy, principal_components
from transmural.inverse.problem import Problem
from transmural.inverse.tikhonov import tikhonov0


@pytest.fixture(scope="module")
def problem(heart):
    return heart.problem([0, 120, 250])[1]


def centred(problem):
    """The same problem seen by leads whose mean is zero."""
    transfer = problem.transfer - problem.transfer.mean(axis=0)
    return replace(problem, ecg=problem.ecg - problem.ecg.mean(axis=1, keepdims=True), transfer=transfer)


def test_one_component_is_tikhonov_on_it(heart):
    """A separable ECG has one component, so the temporal constraint has nothing to add."""
    course = np.sin(np.linspace(0, 3, heart.time_ms.size))
    pattern = heart.transfer @ np.random.default_rng(1).standard_normal(heart.graph.nodes)
    noise = 1e-2 * np.linalg.norm(pattern) / np.sqrt(pattern.size)
    pattern += noise * np.random.default_rng(2).standard_normal(pattern.size)
    ecg = (pattern[:, None] * course)[None]
    problem = centred(Problem(ecg, heart.transfer, np.array([1e-3 * noise]), heart.time_ms, heart.graph))
    temporal, plain = greensite(problem), tikhonov0(problem)
    assert temporal.chosen["components"][0] == 1
    assert temporal.chosen["lambda_first"][0] == pytest.approx(plain.chosen["lambda"][0], rel=1e-9)
    np.testing.assert_allclose(temporal.tmp, plain.tmp, atol=1e-4 * np.abs(plain.tmp).max())


def test_reference_of_the_leads_does_not_matter(problem):
    course = np.linspace(-1, 1, problem.ecg.shape[2]) * np.abs(problem.ecg).max()
    shifted = replace(problem, ecg=problem.ecg + course.astype(np.float32))
    np.testing.assert_allclose(greensite(shifted).tmp, greensite(problem).tmp, atol=1e-4)


def test_components_above_the_noise_are_kept(heart):
    quiet = greensite(heart.problem([0, 120], snr_db=60)[1]).chosen["components"]
    loud = greensite(heart.problem([0, 120], snr_db=10)[1]).chosen["components"]
    assert (quiet > loud).all()
    assert (loud >= 1).all()


def test_white_noise_alone_gives_no_component_above_its_floor():
    rng = np.random.default_rng(3)
    largest = [np.linalg.norm(rng.standard_normal((90, 45)), 2) for _ in range(20)]
    floor = np.sqrt(90) + np.sqrt(45)
    assert max(largest) < 1.05 * floor
    spatial, temporal = principal_components(rng.standard_normal((90, 45)), 1.05 * floor)
    assert spatial.shape == (90, 1)
    assert temporal.shape == (1, 45)


def test_noise_of_a_component_is_as_predicted():
    """A known component in white noise: what of the observed spatial pattern doesn't lie along the true one."""
    rng = np.random.default_rng(5)
    leads, frames = 119, 101
    pattern = rng.standard_normal(leads) / np.sqrt(leads)
    course = np.sin(np.linspace(0, 3, frames))
    for strength in (18.0, 30.0, 100.0):
        signal = strength * np.outer(pattern / np.linalg.norm(pattern), course / np.linalg.norm(course))
        seen, predicted = [], []
        for _ in range(20):
            spatial, _ = principal_components(signal + rng.standard_normal(signal.shape), 0.0)
            first = spatial[:, 0]
            along = (first @ pattern / np.linalg.norm(pattern)) ** 2
            seen.append(first @ first - along)
            predicted.append(noise_energy(np.array([first @ first]), 1.0, leads, frames)[0])
        assert np.mean(predicted) == pytest.approx(np.mean(seen), rel=0.12)


def test_a_component_at_the_floor_is_all_noise_and_one_far_above_bears_that_of_a_frame():
    floor = (np.sqrt(119) + np.sqrt(101)) ** 2
    at, above = noise_energy(np.array([0.9 * floor, 1e6 * floor]), 1.0, 119, 101)
    assert at == pytest.approx(0.9 * floor)
    assert above == pytest.approx(119, rel=0.01)
    assert noise_energy(np.array([3.0]), 0.0, 119, 101)[0] == 0


def test_kept_components_rebuild_the_ecg():
    ecg = np.random.default_rng(0).standard_normal((12, 30))
    spatial, temporal = principal_components(ecg, 0.0)
    np.testing.assert_allclose(spatial @ temporal, ecg, atol=1e-12)
    np.testing.assert_allclose(temporal @ temporal.T, np.eye(12), atol=1e-12)


def test_reconstruction_lies_in_the_span_of_the_kept_time_courses(problem):
    found = greensite(problem)
    assert np.linalg.matrix_rank(found.tmp[0], tol=1e-4 * np.linalg.norm(found.tmp[0])) <= found.chosen["components"][0]


def test_no_component_is_fitted_to_the_noise(heart):
    """Near the noise floor both criteria have false optima at tiny λ; one is enough to blow a case up."""
    for rule in ("l_curve", "gcv"):
        truth, problem = heart.problem(list(range(0, 300, 6)), snr_db=25, regularisation=rule)
        size = np.linalg.norm(greensite(problem).tmp, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))
        assert size.max() < 1
