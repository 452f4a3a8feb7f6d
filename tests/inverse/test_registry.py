import pkgutil
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import transmural.inverse
from transmural.inverse import registry
from transmural.inverse.problem import Reconstruction
from transmural.inverse.registry import get, method, methods
from transmural.inverse.solve import _reset_resident_peak, solve
from transmural.stores.errors import ConfigurationError, InferenceError

PUBLISHED = {"tikhonov0", "tikhonov1", "tikhonov2", "greensite", "mean_beat", "nearest_beat"}


@pytest.fixture
def register():
    """Register methods for one test only."""
    before = dict(methods())
    yield method
    registry._METHODS.clear()
    registry._METHODS.update(before)


def test_every_method_of_the_study_is_there():
    assert set(methods()) >= PUBLISHED
    assert all(m.label and m.scar in ("physiological", "amplitude") for m in methods().values())


def test_a_module_in_the_package_is_all_that_a_method_needs(register, tmp_path, monkeypatch):
    methods()
    (tmp_path / "guess.py").write_text(
        "from transmural.inverse.registry import method\n\n"
        "@method('guess', label='Guess')\n"
        "def guess(problem):\n    return None\n"
    )
    monkeypatch.setattr(transmural.inverse, "__path__", [*transmural.inverse.__path__, str(tmp_path)])
    assert "guess" in {module.name for module in pkgutil.iter_modules(transmural.inverse.__path__)}
    assert get("guess").label == "Guess"
    assert get("guess").function(None) is None
    sys.modules.pop("transmural.inverse.guess")


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(
        ConfigurationError, match=r"no inverse method 'gresite'; known inverse methods are .*'greensite'"
    ):
        get("gresite")


def test_a_name_belongs_to_one_module(register):
    with pytest.raises(ValueError, match=r"is defined in transmural\.inverse\.greensite already"):
        register("greensite", label="Another")(lambda problem: None)


def test_training_beats_reach_only_methods_that_ask_for_them(heart, register):
    seen = []

    @register("curious", label="Curious")
    def curious(problem):
        seen.append(problem.training)
        return Reconstruction(np.zeros((1, 45, problem.graph.nodes), dtype=np.float32))

    solve("curious", heart.problem([0], training=heart.training([3, 9]))[1])
    assert seen == [None]


def test_a_trained_network_reaches_only_methods_that_declare_one(heart, register, tmp_path):
    seen = []

    @register("incurious", label="Incurious")
    @register("trained", label="Trained", network="some_network")
    def either(problem):
        seen.append(problem.network)
        return Reconstruction(np.zeros((1, 45, problem.graph.nodes), dtype=np.float32))

    problem = heart.problem([0])[1]
    for name in ("trained", "incurious"):
        solve(name, replace(problem, network=tmp_path))
    assert seen == [tmp_path, None]
    with pytest.raises(InferenceError, match="trained: needs the trained network some_network"):
        solve("trained", problem)


def test_a_method_learns_if_it_needs_training_beats_or_a_network(register):
    register("trained", label="Trained", network="some_network")(lambda problem: None)
    learning = {name: get(name).learns_from(["published", "rich"]) for name in ("greensite", "nearest_beat", "trained")}
    assert learning == {"greensite": ["none"], "nearest_beat": ["published", "rich"], "trained": ["published", "rich"]}


def test_a_case_that_is_not_finite_is_failed_as_a_whole_and_alone(heart, register):
    @register("stumbling", label="Stumbling")
    def stumbling(problem):
        tmp = np.ones((3, 45, problem.graph.nodes), dtype=np.float32)
        tmp[1, 4, 7] = np.inf
        return Reconstruction(tmp)

    tmp = solve("stumbling", heart.problem([0, 1, 2])[1]).tmp
    assert np.isnan(tmp[1]).all()
    assert np.isfinite(tmp[[0, 2]]).all()


def test_a_method_that_returns_another_shape_is_named(heart, register):
    @register("careless", label="Careless")
    def careless(problem):
        return Reconstruction(np.zeros((1, 2, 3), dtype=np.float32))

    with pytest.raises(InferenceError, match=r"careless: returned potentials of shape \(1, 2, 3\)"):
        solve("careless", heart.problem([0])[1])

    @register("too_sure", label="Too sure")
    def too_sure(problem):
        return Reconstruction(np.zeros((1, 45, problem.graph.nodes), np.float32), np.zeros((1, 45), np.float32))

    with pytest.raises(InferenceError, match=r"too_sure: returned standard deviations of shape \(1, 45\)"):
        solve("too_sure", heart.problem([0])[1])


TELLS_PEAK = _reset_resident_peak() is not None
MEMORY_ANYHOW = [
    pytest.param(True, marks=pytest.mark.skipif(not TELLS_PEAK, reason="the system tells no peak memory of a run")),
    False,
]


@pytest.fixture
def hungry(register):
    """A method that needs 40 MB, in one array and in many, slow when traced; the list says which runs were."""
    traced = []

    @register("hungry", label="Hungry")
    def hungry(problem):
        traced.append(tracemalloc.is_tracing())
        scratch = [np.ones(size, dtype=np.uint8) for size in [20 * 2**20, *[2**14] * 1280]]
        time.sleep(1.0 if traced[-1] else 0.0)
        return Reconstruction(np.full((2, 45, problem.graph.nodes), scratch[-1][0], dtype=np.float32))

    return traced


@pytest.mark.parametrize("system_tells_peak", MEMORY_ANYHOW)
def test_costs_are_those_of_the_run_also_when_repeated(heart, hungry, monkeypatch, system_tells_peak):
    if not system_tells_peak:
        monkeypatch.setattr("transmural.inverse.solve._reset_resident_peak", lambda: None)
    for _ in range(2):
        found = solve("hungry", heart.problem([0, 1])[1])
        assert found.memory_mb.shape == found.seconds.shape == (2,)
        assert found.memory_mb.sum() == pytest.approx(40, abs=8)
        assert (found.seconds > 0).all()


@pytest.mark.parametrize("system_tells_peak", MEMORY_ANYHOW)
def test_time_is_that_of_an_untraced_run_and_a_second_run_is_for_memory_alone(
    heart, hungry, monkeypatch, system_tells_peak
):
    if not system_tells_peak:
        monkeypatch.setattr("transmural.inverse.solve._reset_resident_peak", lambda: None)
    assert solve("hungry", heart.problem([0, 1])[1]).seconds.sum() < 0.8
    assert hungry == ([False] if system_tells_peak else [False, True])
    assert not tracemalloc.is_tracing()


def test_a_method_that_keeps_little_costs_little_memory(heart):
    calm = solve("mean_beat", replace(heart.problem([0, 1])[1], training=heart.training([3])))
    assert calm.memory_mb.sum() < 20


def test_what_methods_declare_in_their_source_is_what_they_register():
    code = (
        "from transmural.inverse.registry import methods; declared = methods(); "
        "assert all(known.function.__module__ == known.module for known in declared.values()); "
        "assert declared == methods() and not any(declared[name] is known for name, known in methods().items())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_listing_methods_imports_none_and_running_one_no_other_and_no_network_library():
    code = (
        "import sys; from transmural.inverse.registry import methods; known = methods()['tikhonov1']; "
        "print(*(f'transmural.inverse.{n}' in sys.modules for n in ('tikhonov', 'greensite')), 'numpy' in sys.modules); "
        "known.function; print('torch' in sys.modules, 'transmural.inverse.greensite' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"] * 5
