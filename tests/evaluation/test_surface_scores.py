"""Scores of potentials on a heart's surface."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from transmural.evaluation.surface_scores import COLUMNS, score_surfaces, surface_metrics
from transmural.stores.errors import InferenceError

TIME = np.arange(0.0, 200.0, 5.0)
DELAY = np.linspace(20.0, 120.0, 12)
TRUTH = 1 / (1 + np.exp(-(TIME[:, None] - DELAY) / 4))


def test_the_truth_is_without_error():
    found = surface_metrics(TRUTH, TRUTH, TIME)
    assert_allclose([found["re"], found["mse"], found["activation_time_mae"]], 0, atol=1e-12)
    assert_allclose([found["cc"], found["correlation"]], 1)


def test_a_constant_error_is_in_re_and_mse_only():
    found = surface_metrics(TRUTH, TRUTH - 0.25, TIME)
    assert_allclose(found["mse"], 0.0625)
    assert_allclose(found["re"], 0.25 * np.sqrt(TRUTH.size) / np.linalg.norm(TRUTH))
    assert_allclose([found["cc"], found["correlation"]], 1)


def test_a_late_wave_is_late_by_that_time():
    late = 1 / (1 + np.exp(-(TIME[:, None] - DELAY - 10) / 4))
    assert_allclose(surface_metrics(TRUTH, late, TIME)["activation_time_mae"], 10, rtol=0.02)


def test_a_constant_has_no_correlation():
    found = surface_metrics(TRUTH, np.zeros_like(TRUTH), TIME)
    assert (found["re"], found["cc"], found["correlation"]) == (1, 0, 0)


@pytest.fixture
def beats():
    return xr.Dataset(
        {"tmp": (("case", "time", "vertex"), np.stack([TRUTH, TRUTH[:, ::-1]]).astype(np.float32))},
        coords={"case": [4, 5], "time": TIME},
        attrs={"subject": "slender"},
    )


def reconstructions(beats, case):
    shape = (2, *beats["tmp"].shape[1:])
    return xr.Dataset(
        {
            "potential": (("fit", "time", "vertex"), np.broadcast_to(TRUTH[:, ::-1], shape)),
            "seconds": ("fit", [1.0, 2]),
        },
        coords={"case": ("fit", [case, case]), "method": ("fit", ["stre", "eand_arn"]), "seed": ("fit", [0, 1])},
    )


def test_reconstructions_are_compared_with_the_beat_of_their_number(beats):
    rows = score_surfaces(beats, reconstructions(beats, 5), "sigma_0.01")
    assert list(rows) == COLUMNS
    assert set(zip(rows["method"], rows["seed"], rows["case"], strict=True)) == {("stre", 0, 5), ("eand_arn", 1, 5)}
    assert_allclose(rows.loc[rows["metric"] == "re", "value"], 0, atol=1e-6)
    assert rows.loc[rows["metric"] == "seconds", "value"].tolist() == [1, 2]
    other = score_surfaces(beats, reconstructions(beats, 4), "sigma_0.01")
    assert other.loc[other["metric"] == "re", "value"].min() > 0.1


def test_a_reconstruction_of_no_beat_is_named(beats):
    with pytest.raises(
        InferenceError, match=r"stre, setting sigma_0.01, case 6: there is no such beat; beats are \[4, 5"
    ):
        score_surfaces(beats, reconstructions(beats, 6), "sigma_0.01")
    with pytest.raises(InferenceError, match="potentials have shape"):
        score_surfaces(beats, reconstructions(beats, 4).isel(vertex=slice(5)), "sigma_0.01")
