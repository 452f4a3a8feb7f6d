import subprocess
import sys

import pytest
import torch

from transmural.inverse.adam import Adam


def test_steps_are_those_of_pytorch():
    draw = torch.Generator().manual_seed(0)
    start = [torch.randn(4, 5, generator=draw), torch.randn(3, generator=draw)]
    ours, theirs = ([value.clone().requires_grad_() for value in start] for _ in range(2))
    mine = Adam(ours, [0.1, 0.7], betas=(0.9, 0.99))
    reference = torch.optim.Adam(
        [{"params": [theirs[0]], "lr": 0.1}, {"params": [theirs[1]], "lr": 0.7}], betas=(0.9, 0.99)
    )
    for step in range(12):
        for values in (ours, theirs):
            sum((value**4 - value * value.roll(1)).sum() for value in values).backward()
        mine.step(1 - step / 20)
        for group, rate in zip(reference.param_groups, (0.1, 0.7), strict=True):
            group["lr"] = rate * (1 - step / 20)
        reference.step()
        reference.zero_grad()
    for mine_value, reference_value in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine_value, reference_value)


def test_a_step_without_a_gradient_is_refused():
    with pytest.raises(ValueError, match="call backward"):
        Adam([torch.zeros(2, requires_grad=True)], [0.1]).step()


def test_no_compiler_is_loaded():
    code = (
        "import sys, torch; from transmural.inverse.adam import Adam; z = torch.ones(2, requires_grad=True); "
        "(z**2).sum().backward(); Adam([z], [0.1]).step(); print('torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]
