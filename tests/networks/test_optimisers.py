"""Optimisers other than Adam: what they are, that they learn, and that an interruption changes no bit."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from line import DATA, RUN, VALIDATION, line, settings, squares
from pydantic import ValidationError
from test_checkpoint import assert_same, every_epoch, interrupted_at, resumed  # noqa: F401 (a fixture)

from transmural.networks.optimisers import optimiser_of
from transmural.networks.run import TrainingRun
from transmural.networks.training import fit
from transmural.stores.config import Training


def test_adam_is_what_is_not_said_otherwise():
    assert Training(**{k: v for k, v in settings().model_dump().items() if k != "optimiser"}).optimiser == "adam"
    found = optimiser_of(line(), settings(weight_decay=0.1), 0.02)
    assert type(found) is torch.optim.AdamW
    assert {name: found.defaults[name] for name in ("lr", "weight_decay", "fused")} == {
        "lr": 0.02, "weight_decay": 0.1, "fused": True
    }  # fmt: skip


def test_decay_of_nadam_is_decoupled():
    model = line()
    before = model.weight.detach().clone()
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser_of(model, settings(optimiser="nadam", weight_decay=0.1), 0.5).step()
    torch.testing.assert_close(model.weight.detach(), 0.95 * before)


def test_first_step_of_rmsprop_is_that_of_keras():
    """With the decay 0.9 the mean square is a tenth of the first gradient's square."""
    model = line()
    before = model.weight.detach().clone()
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    optimiser_of(model, settings(optimiser="rmsprop"), 0.01).step()
    torch.testing.assert_close(model.weight.detach(), before - 0.01 / 0.1**0.5)


@pytest.mark.parametrize("optimiser", ["nadam", "rmsprop"])
def test_others_learn_the_line_too(optimiser):
    plan = settings(optimiser=optimiser, epochs=200, patience_epochs=200)
    model = line()
    fit(model, squares, DATA, VALIDATION, plan, RUN)
    torch.testing.assert_close(model.weight.detach(), torch.tensor([[1.0, -2.0, 0.5]]), atol=0.1, rtol=0)


@pytest.mark.parametrize("optimiser", ["nadam", "rmsprop"])
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, every_epoch, optimiser):  # noqa: F811
    whole, history, _ = resumed(RUN, optimiser=optimiser)
    interrupted_at(7, tmp_path / "checkpoint", optimiser=optimiser)
    run = TrainingRun(RUN.seed, RUN.stream, tmp_path / "checkpoint", RUN.device)
    again, history_again, trained = resumed(run, optimiser=optimiser)
    assert trained == 6
    assert_same(whole, history, again, history_again)
    assert resumed(run, optimiser="adam")[2] == 12  # a checkpoint of another optimiser counts as none


def test_rmsprop_with_decay_is_refused():
    values = settings().model_dump() | {"optimiser": "rmsprop", "weight_decay": 0.1}
    with pytest.raises(ValidationError, match=r"weight_decay \(0.1\) must be 0 with the optimiser rmsprop"):
        Training(**values)


STEP_ALONE = """
import sys
import torch
from line import line, settings
from transmural.networks.optimisers import optimiser_of
for name in ("adam", "nadam", "rmsprop"):
    model = line()
    optimiser = optimiser_of(model, settings(optimiser=name), 0.01)
    model(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    optimiser.zero_grad()
    optimiser.load_state_dict(optimiser.state_dict())
print("sympy" in sys.modules)
print(torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(1)).item())
print("sympy" in sys.modules)
"""


def test_a_step_imports_no_compiler_and_who_wants_it_gets_it():
    """The compiler's import takes a second, as long as all else in a short training."""
    command = [sys.executable, "-c", STEP_ALONE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    assert done.stdout.split() == ["False", "1.0", "True"]
