import numpy as np
import pytest

from transmural.evaluation.metrics import dice
from transmural.evaluation.scars import best_threshold, depolarised_share, relative_peak, scar_field
from transmural.stores.errors import InferenceError


def test_depolarised_share_is_exact_for_straight_lines():
    ramp = np.linspace(0, 1, 11)[None, :, None].astype(np.float32)
    assert depolarised_share(ramp, 0.7)[0, 0] == pytest.approx(0.3, abs=1e-6)
    assert depolarised_share(ramp, 0.65)[0, 0] == pytest.approx(0.35, abs=1e-6)
    coarse = ramp[:, ::10]
    assert depolarised_share(coarse, 0.65)[0, 0] == pytest.approx(0.35, abs=1e-6)


def test_absence_delay_and_shortening_each_lower_the_share():
    time = np.linspace(0, 550, 276)

    def course(start, length):
        return 1.0 / (1 + np.exp(-(time - start) / 2)) / (1 + np.exp((time - start - length) / 10))

    healthy, absent, late, short = course(50, 350), 0 * time, course(300, 350), course(50, 200)
    share = depolarised_share(np.stack([healthy, absent, late, short], axis=1)[None].astype(np.float32))[0]
    assert share[0] == pytest.approx(340 / 550, abs=0.02)
    assert share[1] == 0
    assert (share[2:] < 0.8 * share[0]).all()


def test_share_is_zero_at_rest_and_one_on_the_plateau():
    tmp = np.stack([np.zeros(5), np.ones(5), np.full(5, 0.7)], axis=1)[None].astype(np.float32)
    np.testing.assert_array_equal(depolarised_share(tmp)[0], [0, 1, 0])


def test_relative_peak_ignores_how_much_a_method_shrinks():
    tmp = np.random.default_rng(0).standard_normal((2, 9, 20)).astype(np.float32)
    np.testing.assert_allclose(relative_peak(0.03 * tmp), relative_peak(tmp), rtol=1e-5)
    np.testing.assert_allclose(relative_peak(tmp).mean(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(relative_peak(0 * tmp), 0)


def test_unexcited_nodes_have_a_low_peak_although_the_mean_is_unknown():
    front = np.tanh(np.arange(30)[:, None] - np.arange(20)[None] - 5.0) / 2 + 0.5
    front[:, 6:9] = 0
    peak = relative_peak((front - front.mean(axis=1, keepdims=True))[None])[0]
    assert peak[6:9].max() < peak[[*range(5), *range(10, 15)]].min()


def test_an_unknown_definition_is_refused():
    with pytest.raises(InferenceError, match="scar definition 'colour' is unknown"):
        scar_field(np.zeros((1, 2, 3)), "colour")


def test_best_threshold_separates_separable_scars():
    rng = np.random.default_rng(0)
    scar = rng.random((5, 200)) < 0.1
    field = np.where(scar, rng.uniform(0, 0.3, scar.shape), rng.uniform(0.5, 1, scar.shape))
    threshold = best_threshold(field, scar)
    assert 0.3 < threshold < 0.5
    np.testing.assert_array_equal(dice(scar, field < threshold), 1)


def test_no_other_threshold_does_better():
    rng = np.random.default_rng(1)
    scar = rng.random((8, 150)) < 0.15
    field = rng.normal(1.0, 0.3, scar.shape) - 0.4 * scar
    best = dice(scar, field < best_threshold(field, scar)).mean()
    others = [dice(scar, field < value).mean() for value in np.linspace(field.min(), field.max() + 1e-6, 997)]
    assert best >= max(others) - 0.005


def test_healthy_and_failed_cases_do_not_move_the_threshold():
    rng = np.random.default_rng(2)
    scar = rng.random((3, 100)) < 0.2
    field = rng.random(scar.shape) - 0.5 * scar
    threshold = best_threshold(field, scar)
    more = np.concatenate([field, rng.random((1, 100)), np.full((1, 100), np.nan)])
    with_more = best_threshold(more, np.concatenate([scar, np.zeros((1, 100), bool), scar[:1]]))
    assert with_more == threshold


def test_validation_without_scars_gives_no_threshold():
    with pytest.raises(InferenceError, match="none of the 2 validation cases has a scar"):
        best_threshold(np.ones((2, 5)), np.zeros((2, 5), dtype=bool))
    assert best_threshold(np.full((2, 5), np.nan), np.ones((2, 5), dtype=bool)) == 0.0
