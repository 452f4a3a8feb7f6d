from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sphere_heart import CONSTANTS, beat, electrodes, single_layer, sphere

from transmural.networks.field_fit import fit_field, runs
from transmural.networks.field_loss import FieldLoss, WeighedField
from transmural.networks.run import TrainingRun
from transmural.networks.surface_beat import SurfaceBeat
from transmural.networks.surface_physics import SurfaceModel, uniform_course
from transmural.stores.config.physics_informed import FieldArchitecture, FieldFit, Physics
from transmural.stores.errors import TrainingError

RUN = TrainingRun(seed=3, stream=("sphere",), device="cpu")
TIME = 4.0 * np.arange(60)
DIFFUSIVITY = 4.0
ARCHITECTURE = FieldArchitecture(form="adaptive", width=32, blocks=2, features=32, length_mm=20.0, duration_ms=40.0)
PHYSICS = Physics(
    derivatives="numerical",
    laplacian="tangential",
    points=200,
    difference_ms=4.0,
    balancing="growth",
    weight=0.1,
    growth=10.0,
    balance_steps=10,
    balance_memory=0.9,
    balance_until=0.5,
    delay=0.1,
)
FIT = FieldFit(
    epochs=1,
    least_steps=0,
    batch_cases=1,
    learning_rate=5e-3,
    schedule="cosine",
    weight_decay=0.0,
    clip_norm=1.0,
    patience_epochs=10_000,
    architecture=ARCHITECTURE,
    physics=PHYSICS,
    batch_instants=12,
)


def settings(physics=None, architecture=None, **changed):
    return FIT.model_copy(
        update={
            "physics": PHYSICS.model_copy(update=physics or {}),
            "architecture": ARCHITECTURE.model_copy(update=architecture or {}),
            **changed,
        }
    )


@pytest.fixture(scope="module")
def truth():
    surface = sphere(3, 30.0)
    return surface, *beat(surface, np.array([0.3, -0.5, 0.8]), TIME, DIFFUSIVITY, radius_mm=15.0)


@pytest.fixture(scope="module")
def problem(truth):
    surface, u, _ = truth
    transfer = single_layer(surface, electrodes(60, 80.0) + np.array([20.0, 0.0, 0.0]))
    clean = transfer @ u.T
    noise = 0.05 * np.sqrt(np.mean(clean**2))
    data = clean + noise * np.random.default_rng(0).normal(size=clean.shape)
    model = SurfaceModel(DIFFUSIVITY, **CONSTANTS)
    return SurfaceBeat(surface.vertices, surface.normals, surface.laplacian, transfer, data, TIME, noise, model)


def terms(problem, chosen, progress=0.0, training=True):
    with RUN.torch_stream("weights"):
        state = WeighedField(chosen, uniform_course(problem.model, 0.0, TIME[-1])).train(training)
        # The first field is the same everywhere and obeys the model: nothing would be seen of the terms.
        torch.nn.init.normal_(state.network.outputs.weight, std=0.3)
    batch = {name: values[:1] for name, values in runs(problem, chosen.batch_instants).items()}
    with RUN.torch_stream("points"):
        return state, FieldLoss(problem, chosen)(state, batch, progress)


def without_seconds(history):
    return [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in history]


def test_balanced_weights_make_gradients_of_the_chosen_norm(problem):
    chosen = settings(physics={"balancing": "gradient_norms", "weight": 2.0, "delay": 0.0})
    state, found = terms(problem, chosen)
    parameters = list(state.network.parameters())

    def norm(term):
        gradients = torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True)
        return float(torch.stack([g.square().sum() for g in gradients if g is not None]).sum().sqrt())

    for name, weight in zip(("potential", "recovery"), state.weights, strict=True):
        assert float(weight) * norm(found[name]) == pytest.approx(2.0 * norm(found["white_misfit"]), rel=1e-3)


def test_weights_come_in_over_the_delay_and_grow():
    chosen = settings(physics={"weight": 0.1, "growth": 100.0, "delay": 0.25})
    found = [FieldLoss._weights(_Loss(chosen), None, None, None, share)[0] for share in (0.0, 0.125, 0.5, 1.0)]
    assert np.allclose(found, [0.0, 0.05 * 100**0.125, 1.0, 10.0])


class _Loss:
    def __init__(self, chosen):
        self._physics = chosen.physics


def test_loss_is_the_sum_of_its_weighed_terms(problem):
    state, found = terms(problem, settings(epochs=10), progress=7.0)
    parts = [found[f"weight_{name}"] * found[name] for name in ("potential", "recovery")]
    assert found["loss"].item() == pytest.approx((found["white_misfit"] + sum(parts) + found["rest"]).item(), rel=1e-5)
    assert state.steps == 1


def test_a_heart_that_is_activated_at_once_costs_half_and_a_small_part_of_it_nothing(problem):
    # The first field, not disturbed: at rest before the stimulus, and u = 1 everywhere from then on.
    with RUN.torch_stream("weights"):
        state = WeighedField(settings(), uniform_course(problem.model, 0.0, TIME[-1]))
    batch = {name: values[:1] for name, values in runs(problem, 12).items()}
    assert FieldLoss(problem, settings())(state, batch, 0.0)["rest"].item() == pytest.approx(0.5, abs=0.05)

    class Patch(torch.nn.Module):
        """A field that is 1 in a patch of the sphere, a twentieth of it, from the stimulus on."""

        alphas = ()

        def field(self, vertices, times):
            near = vertices[:, 2] > 30.0 * 0.9
            u = (near & (times[:, None] >= 0)).float()
            return torch.stack([u, torch.zeros_like(u)], dim=-1)

    state.network = Patch()
    assert FieldLoss(problem, settings())(state, batch, 0.0)["rest"].item() < 0.01


def test_whitened_noise_is_white_where_the_field_makes_no_data(problem):
    from transmural.networks.field_loss import _whitening

    white = _whitening(problem.transfer, problem.noise_sd)
    covariance = problem.transfer @ problem.transfer.T / 4 + problem.noise_sd**2 * np.eye(60)
    np.testing.assert_allclose(white @ covariance @ white, np.eye(60), atol=1e-6)


def test_misfit_is_one_at_the_noise_level(problem, truth):
    noise = problem.data - problem.transfer @ truth[1].T
    _, found = terms(problem, settings())
    loss = FieldLoss(problem, settings())
    assert np.mean(noise**2) / loss._noise == pytest.approx(1.0, abs=0.1)
    assert found["misfit"] > 1


def test_network_without_physics_has_the_misfit_alone(problem):
    _, found = terms(problem, settings(physics={"weight": 0.0}))
    assert set(found) == {"loss", "white_misfit", "misfit", "alpha_1", "alpha_2", "remaining"}


@pytest.mark.parametrize("derivatives", ["numerical", "automatic"])
def test_gradient_of_the_loss_is_that_of_finite_differences(problem, derivatives):
    state, _ = terms(problem, settings())
    state.double()
    with torch.no_grad():
        for block in state.network.blocks:
            block.alpha.fill_(0.3)
    loss = FieldLoss(problem, settings(physics={"derivatives": derivatives, "points": 20}))
    for name, value in vars(loss).items():
        if isinstance(value, torch.Tensor):
            setattr(loss, name, value.double())
    frames = loss._frames
    loss._frames = replace(frames, directions=frames.directions.double(), drift=frames.drift.double())
    batch = {name: values[:1].double() for name, values in runs(problem, 12).items()}
    state.eval()

    def value():
        with RUN.torch_stream("points"):
            return loss(state, batch, 1.0)["loss"]

    weights = list(state.network.parameters())
    gradients = torch.autograd.grad(value(), weights)
    draw = torch.Generator().manual_seed(0)
    change = [torch.randn(w.shape, generator=draw, dtype=torch.float64) for w in weights]
    expected = sum(float((g * c).sum()) for g, c in zip(gradients, change, strict=True))
    sides = []
    for sign in (1e-5, -2e-5):
        with torch.no_grad():
            for weight, way in zip(weights, change, strict=True):
                weight.add_(way, alpha=sign)
        sides.append(value().item())
    assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("derivatives", ["numerical", "automatic"])
def test_same_seed_gives_the_same_field_and_another_seed_another(problem, derivatives):
    chosen = settings(physics={"derivatives": derivatives}, least_steps=30)
    once, again = fit_field(problem, chosen, RUN), fit_field(problem, chosen, RUN)
    other = fit_field(problem, chosen, replace(RUN, seed=4))
    assert np.array_equal(once.potential, again.potential)
    assert without_seconds(once.history) == without_seconds(again.history)
    assert not np.array_equal(once.potential, other.potential)


def test_an_interrupted_fit_goes_on_with_the_same_bits(problem, tmp_path):
    chosen = settings(epochs=4)
    whole = fit_field(problem, chosen, RUN)

    class KilledError(Exception):
        pass

    def killed(done, epochs):
        if done == 3:
            raise KilledError

    path = tmp_path / "fit.safetensors"
    from transmural.networks import training

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "EPOCHS_BETWEEN_CHECKPOINTS", 1)
        with pytest.raises(KilledError):
            fit_field(problem, chosen, replace(RUN, checkpoint=path, progress=killed))
        resumed = []
        again = fit_field(
            problem, chosen, replace(RUN, checkpoint=path, progress=lambda done, epochs: resumed.append(done))
        )
    assert resumed == [3, 4]
    assert np.array_equal(whole.potential, again.potential)
    assert without_seconds(whole.history) == without_seconds(again.history)


def test_checkpoint_of_another_transfer_matrix_is_not_resumed(problem, tmp_path):
    chosen, path = settings(epochs=1), tmp_path / "fit.safetensors"
    other = replace(problem, transfer=2 * problem.transfer)
    for each in (problem, other):
        run = replace(RUN, checkpoint=path)
        kept = fit_field(each, chosen, run)
        assert np.array_equal(kept.potential, fit_field(each, chosen, RUN).potential)


def test_physics_brings_the_field_nearer_to_the_truth(problem, truth):
    _, u, _ = truth

    def error(chosen):
        return np.linalg.norm(fit_field(problem, chosen, RUN).potential - u) / np.linalg.norm(u)

    informed = error(settings(least_steps=500))
    uninformed = error(settings(physics={"weight": 0.0}, least_steps=500))
    assert informed < 0.9 * uninformed


def test_inputs_that_do_not_fit_are_named(problem):
    with pytest.raises(TrainingError, match=r"data: has shape \(59, 60\), expected \(60, 60\)"):
        replace(problem, data=problem.data[1:])
    with pytest.raises(TrainingError, match="normals: has values that are not finite"):
        replace(problem, normals=np.full_like(problem.normals, np.nan))
    with pytest.raises(TrainingError, match="laplacian: has shape"):
        replace(problem, laplacian=problem.laplacian[1:])
    with pytest.raises(TrainingError, match="data: is zero everywhere"):
        replace(problem, data=0 * problem.data)


def test_balancing_needs_a_part_of_the_fit():
    with pytest.raises(ValidationError, match=r"delay \(0.5\) must be less than balance_until \(0.5\)"):
        Physics(**{**PHYSICS.model_dump(), "delay": 0.5})
