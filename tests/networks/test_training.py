import math
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from line import DATA, RUN, VALIDATION, cases, checkpointed, line, noisy_squares, settings, squares, weights
from torch import nn

from transmural.networks import epochs
from transmural.networks.device import chosen_device
from transmural.networks.history import appended, best_epoch, is_exhausted
from transmural.networks.schedule import learning_rate_factor
from transmural.networks.training import fit, with_least_steps
from transmural.stores.errors import TrainingError


def test_linear_regression_reaches_its_closed_form():
    model = line()
    fit(model, squares, DATA, DATA, settings(epochs=300, patience_epochs=300, batch_cases=30), RUN)
    x = np.column_stack([DATA["x"].numpy(), np.ones(30)]).astype(float)
    expected = np.linalg.lstsq(x, DATA["y"].numpy().astype(float), rcond=None)[0].ravel()
    found = [*model.weight.ravel().tolist(), *model.bias.tolist()]
    assert np.allclose(found, expected, atol=2e-4)


def test_history_has_the_means_over_all_cases():
    model, seen = line(), []

    def recorded(model, batch, progress):
        terms = squares(model, batch, progress)
        seen.append((model.training, batch["x"].shape[0], progress, terms["loss"].item()))
        return terms

    (epoch,) = fit(model, recorded, DATA, VALIDATION, settings(epochs=1), RUN)
    trained, validated = [s for s in seen if s[0]], [s for s in seen if not s[0]]
    assert [s[1] for s in trained] == [8, 8, 7, 7]  # nearly equal, so no step weighs a single case
    assert [s[2] for s in trained] == [0, 0.25, 0.5, 0.75]
    assert [s[2] for s in validated] == [1.0, 1.0]  # as after the last epoch
    assert epoch["train_loss"] == pytest.approx(sum(s[1] * s[3] for s in trained) / 30, rel=1e-6)
    assert epoch["validation_loss"] == pytest.approx(squares(model, VALIDATION, 0.0)["loss"].item(), rel=1e-5)
    assert epoch["epoch"] == 1
    assert epoch["train_progress"] == pytest.approx((0.25 * 8 + 0.5 * 7 + 0.75 * 7) / 30)
    assert set(epoch) == {"epoch", "seconds", "learning_rate", "gradient_norm", "train_loss", "train_progress",
                          "validation_loss", "validation_progress", "best"}  # fmt: skip


def test_every_case_is_seen_once_an_epoch_in_another_order():
    orders = []

    def recorded(model, batch, progress):
        if model.training:
            orders.append(batch["y"].ravel().tolist())
        return squares(model, batch, progress)

    fit(line(), recorded, DATA, VALIDATION, settings(epochs=2), RUN)
    first, second = list(chain(*orders[:4])), list(chain(*orders[4:]))
    assert sorted(first) == sorted(second) == sorted(DATA["y"].ravel().tolist())
    assert first != second


def drifting(best):
    """A loss whose validation part has its least value after that epoch: every step adds 1 to the weight."""

    def loss(model, batch, progress):
        if model.training:
            return {"loss": -model.weight.sum() * batch["x"].mean()}
        return {"loss": (model.weight.sum() - best).square(), "other": -model.weight.sum()}

    return loss


def test_the_best_epoch_is_kept_and_patience_ends_the_training():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ones = {"x": torch.ones(4, 1)}
    # Adam's steps on a constant gradient are the learning rate, here 1.
    plan = settings(epochs=50, patience_epochs=3, batch_cases=4, learning_rate=1.0, schedule="constant")
    history = fit(model, drifting(5.0), ones, ones, plan, RUN)
    assert best_epoch(history) == 5
    assert len(history) == 8
    assert model.weight.item() == pytest.approx(5.0, abs=1e-5)
    assert not model.training


def test_another_term_can_pick_the_best_epoch():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    ones = {"x": torch.ones(4, 1)}
    plan = settings(epochs=9, patience_epochs=3, batch_cases=4, learning_rate=1.0, schedule="constant")
    assert len(fit(model, drifting(2.0), ones, ones, plan, RUN, monitor="other")) == 9
    assert model.weight.item() == pytest.approx(9.0, abs=1e-5)


def test_patience_counts_from_the_first_of_equal_epochs():
    history = []
    for value in (3.0, 1.0, 2.0, 1.0):
        history = appended(history, {"validation_loss": value}, "loss")
    assert best_epoch(history) == 2
    assert [is_exhausted(history, patience) for patience in (1, 2, 3)] == [True, True, False]
    assert best_epoch([]) == 0
    assert not is_exhausted([], 1)


def test_long_gradients_are_shortened_to_the_norm(monkeypatch):
    steps = []

    class Descent(torch.optim.SGD):
        def step(self):
            steps.append(math.sqrt(sum(float(p.grad.square().sum()) for g in self.param_groups for p in g["params"])))
            super().step()

    monkeypatch.setattr(torch.optim, "AdamW", lambda parameters, lr, **_: Descent(parameters, lr))
    far = {name: 100 * value for name, value in DATA.items()}
    (epoch,) = fit(line(), squares, far, VALIDATION, settings(epochs=1, clip_norm=0.5, learning_rate=1e-4), RUN)
    assert steps == pytest.approx([0.5] * 4, rel=1e-4)
    assert epoch["gradient_norm"] > 100


@pytest.mark.parametrize(("steps", "warm_up"), [(1000, 30), (10, 1), (1, 1), (2, 1)])
def test_learning_rate_rises_then_falls_along_half_a_cosine(steps, warm_up):
    factors = [learning_rate_factor(step, steps, "cosine") for step in range(steps)]
    assert factors[:warm_up] == pytest.approx([(step + 1) / warm_up for step in range(warm_up)])
    if steps > warm_up:
        assert factors[-1] == pytest.approx(0.01)
        assert (np.diff(factors[warm_up - 1 :]) < 0).all()
        middle = warm_up - 1 + (steps - warm_up) / 2
        if middle.is_integer():
            assert factors[int(middle)] == pytest.approx(0.505)
    assert {learning_rate_factor(step, steps, "constant") for step in range(steps)} == {1.0}


def test_learning_rate_of_the_steps_is_the_schedules():
    history = fit(line(), squares, DATA, VALIDATION, settings(epochs=5), RUN)
    assert [epoch["learning_rate"] for epoch in history] == [
        0.05 * learning_rate_factor(4 * number + 3, 20, "cosine") for number in range(5)
    ]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("train", r"heart sequential: the loss isn't finite in epoch 2, step 3 of 4; lower learning_rate"),
        ("validation", r"heart sequential: the loss isn't finite in epoch 2, step 1 of 2 of the validation"),
        ("gradient", r"heart sequential: the gradient norm isn't finite in epoch 2, step 3 of 4"),
    ],
)
def test_a_loss_that_is_not_finite_says_where(broken, said):
    calls = {True: 0, False: 0}

    def loss(model, batch, progress):
        calls[model.training] += 1
        terms = squares(model, batch, progress)
        if (broken == "train" and calls[True] == 7) or (broken == "validation" and calls[False] == 3):
            terms["loss"] = terms["loss"] * math.inf
        if broken == "gradient" and calls[True] == 7:
            terms["loss"] = terms["loss"] + (0 * model.bias.sum()).sqrt()  # 0, but its slope isn't finite
        return terms

    with pytest.raises(TrainingError, match=said):
        fit(line(), loss, DATA, VALIDATION, settings(), replace(RUN, stream=("heart", "sequential")))


def test_a_training_leaves_torchs_own_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.randn(4)
    torch.manual_seed(3)
    first = fit(line(), noisy_squares, DATA, VALIDATION, settings(epochs=2), RUN)
    assert torch.equal(torch.randn(4), expected)
    torch.manual_seed(99)
    assert (
        fit(line(), noisy_squares, DATA, VALIDATION, settings(epochs=2), RUN)[1]["train_loss"] == first[1]["train_loss"]
    )


def test_seed_and_stream_change_weights_and_batches():
    losses = {
        fit(line(run), noisy_squares, DATA, VALIDATION, settings(epochs=1), run)[0]["train_loss"]
        for run in (RUN, replace(RUN, seed=8), replace(RUN, stream=("another",)))
    }
    assert len(losses) == 3


def test_validation_uses_the_same_random_numbers_every_epoch():
    model = line()
    frozen = settings(epochs=3, learning_rate=1e-12)
    history = fit(model, noisy_squares, DATA, VALIDATION, frozen, RUN)
    assert len({round(epoch["validation_loss"], 6) for epoch in history}) == 1
    assert len({round(epoch["train_loss"], 6) for epoch in history}) == 3


def test_progress_counts_epochs():
    seen = []
    run = replace(RUN, progress=lambda done, total: seen.append((done, total)))
    fit(line(), squares, DATA, VALIDATION, settings(epochs=3), run)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto") == chosen_device("cpu") == torch.device("cpu")
    with pytest.raises(TrainingError, match="torch sees no CUDA device; choose auto or cpu"):
        chosen_device("gpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_batches_are_larger_and_the_loss_is_the_same(tmp_path):
    data = cases(400, 0)
    run = replace(RUN, device="gpu", gpu_batch_multiple=4, checkpoint=tmp_path / "c")
    plan = settings(epochs=200, patience_epochs=200)
    model, reference = line(), line()
    history = fit(model, squares, data, VALIDATION, plan, run)
    fit(reference, squares, data, VALIDATION, plan, replace(run, device="cpu", checkpoint=tmp_path / "d"))
    assert model.weight.device.type == "cuda"
    assert max(epoch["learning_rate"] for epoch in history) == pytest.approx(0.1, rel=0.01)
    for name, value in weights(model).items():
        torch.testing.assert_close(value.cpu(), reference.state_dict()[name], atol=2e-2, rtol=0)
    with torch.random.fork_rng():
        again = fit(line(), squares, data, VALIDATION, plan, run)
    assert again[-1]["validation_loss"] == history[-1]["validation_loss"]


def test_batches_never_exceed_the_cohort():
    few = epochs.Epochs(line(), squares, cases(5, 0), VALIDATION, settings(batch_cases=64), RUN, torch.device("cpu"))
    assert few.one(0)["learning_rate"] <= 0.05


def test_without_a_checkpoint_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(line(), squares, DATA, VALIDATION, settings(epochs=2), RUN)
    assert not list(tmp_path.iterdir())
    fit(line(), squares, DATA, VALIDATION, settings(epochs=50, patience_epochs=50), checkpointed(tmp_path / "kept"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_small_cohorts_get_their_least_steps():
    history = fit(line(), squares, DATA, VALIDATION, settings(epochs=3, least_steps=38, patience_epochs=30), RUN)
    assert len(history) == 10
    assert with_least_steps(settings(epochs=3, least_steps=12), 30).epochs == 3
