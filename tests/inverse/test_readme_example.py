"""The method that the README shows how to add works as it stands there."""

import re
from pathlib import Path

import numpy as np

from transmural.inverse import registry
from transmural.inverse.solve import solve


def test_the_example_method_explains_the_ecg(heart, monkeypatch):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    block = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    monkeypatch.setattr(registry, "_METHODS", dict(registry.methods()))
    exec(compile(block, "README.md", "exec"), {"__name__": "example"})
    _, problem = heart.problem([0, 50])
    found = solve("truncated_svd", problem)
    explained = np.einsum("ln,ctn->clt", problem.transfer, found.tmp)
    assert np.linalg.norm(explained - problem.ecg) < 0.3 * np.linalg.norm(problem.ecg)
