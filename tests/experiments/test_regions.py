"""Geo holdouts, against scipy's permutation tests, brute force and simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from lydite.experiments import regions
from lydite.experiments.regions import (
    changes,
    paired_effect,
    return_on_spend,
    unpaired_effect,
    unpaired_return_on_spend,
)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(1)
    return rng.normal(2, 3, 10), rng.normal(0, 1, 10)


def test_changes_scale_the_days_before_to_the_test():
    daily = np.array([[1.0, 3.0, 4.0, 4.0, 4.0], [2.0, 2.0, 2.0, 2.0, 2.0]])
    change, expected = changes(daily, np.array([False, False, True, True, True]))
    assert change.tolist() == [6.0, 0.0]
    assert expected.tolist() == [6.0, 6.0]


def test_the_p_value_of_pairs_is_that_of_all_ways_to_draw_them(pairs):
    oracle = stats.permutation_test(
        pairs, lambda a, b: (a - b).sum(), permutation_type="samples", n_resamples=np.inf
    )
    found = paired_effect(*pairs, np.full(10, 50.0), 0.05)
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert found.effect == pytest.approx((pairs[0] - pairs[1]).sum())


def test_the_p_value_without_pairs_is_that_of_all_ways_to_draw_as_many(pairs):
    few = [values[:6] for values in pairs]
    oracle = stats.permutation_test(
        few, lambda a, b: a.mean() - b.mean(), permutation_type="independent", n_resamples=np.inf
    )
    found = unpaired_effect(*few, np.full(6, 50.0), 0.05)
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert found.effect == pytest.approx(6 * (few[0].mean() - few[1].mean()))


def test_the_bounds_are_where_effects_begin_to_be_rejected(pairs):
    found = paired_effect(*pairs, np.full(10, 50.0), 0.05)
    difference = pairs[0] - pairs[1]
    signs = np.array(list(itertools.product((-1, 1), repeat=10)))
    for bound, inwards in ((found.low / 10, 1), (found.high / 10, -1)):
        for step, rejected in ((-1e-6, True), (1e-6, False)):
            shifted = difference - bound - step * inwards
            p = (np.abs(signs @ shifted) >= abs(shifted.sum()) - 1e-9).mean()
            assert (p <= 0.05) == rejected


def test_the_interval_is_close_to_that_of_a_paired_t_test(pairs):
    found = paired_effect(*pairs, np.full(10, 50.0), 0.05)
    oracle = stats.ttest_rel(*pairs).confidence_interval()
    assert (found.low / 10, found.high / 10) == pytest.approx(tuple(oracle), abs=0.3)


@pytest.mark.parametrize("effect", [paired_effect, unpaired_effect])
def test_fewer_than_ten_regions_cannot_decide(effect):
    found = effect(np.array([5.0, 6, 5, 6]), np.zeros(4), np.full(4, 10.0), 0.05)
    assert found.effect == pytest.approx(22)
    assert (found.low, found.high, found.p_value, found.decides) == (None, None, None, False)


def test_five_pairs_cannot_reject_anything_at_five_percent():
    found = paired_effect(np.arange(10.0, 15), np.zeros(5), np.full(5, 10.0), 0.05)
    assert found.p_value == pytest.approx(2 / 32)
    assert not found.decides
    assert paired_effect(np.arange(10.0, 15), np.zeros(5), np.full(5, 10.0), 0.1).decides


def test_regions_that_all_changed_alike_have_no_interval_but_a_point():
    found = paired_effect(np.full(8, 3.0), np.full(8, 1.0), np.full(8, 10.0), 0.05)
    assert (found.low, found.effect, found.high) == (16, 16, 16)


@pytest.mark.parametrize(("effect", "size"), [(paired_effect, 20), (unpaired_effect, 20)])
def test_random_draws_are_near_all_draws(effect, size, monkeypatch):
    rng = np.random.default_rng(3)
    treated, control = rng.normal(1, 1.5, size), rng.normal(0, 1.5, size)
    found = effect(treated, control, np.full(size, 9.0), 0.05)
    test = stats.ttest_rel if effect is paired_effect else stats.ttest_ind
    assert found.p_value == pytest.approx(test(treated, control).pvalue, abs=0.02)


@pytest.mark.parametrize("effect", [paired_effect, unpaired_effect])
def test_no_effect_is_rejected_as_rarely_as_promised_and_true_effects_are_covered(effect):
    rng = np.random.default_rng(4)
    rejected, covered = [], []
    for _ in range(60):
        treated, control = rng.standard_t(3, (2, 7))
        rejected.append(effect(treated, control, np.full(7, 9.0), 0.1).p_value <= 0.1)
        found = effect(treated + 2, control, np.full(7, 9.0), 0.1)
        covered.append(found.low <= 14 <= found.high)
    assert np.mean(rejected) <= 0.1 + 0.08
    assert np.mean(covered) >= 0.9 - 0.08


def test_return_on_spend_is_the_ratio_of_the_sums_with_fiellers_interval():
    rng = np.random.default_rng(5)
    spend = rng.uniform(80, 120, 12)
    value = 3 * spend + rng.normal(0, 30, 12)
    found = return_on_spend(value, spend, 0.05)
    assert found.estimate == pytest.approx(value.sum() / spend.sum())
    assert found.low < 3 < found.high
    residual = value - found.low * spend
    t = residual.mean() / (residual.std(ddof=1) / np.sqrt(12))
    assert t == pytest.approx(stats.t.isf(0.025, 11))


def test_return_on_spend_without_pairs():
    rng = np.random.default_rng(6)
    spend = rng.uniform(80, 120, 12), rng.uniform(-5, 5, 9)
    value = 2 * spend[0] + rng.normal(0, 10, 12), 2 * spend[1] + rng.normal(0, 10, 9)
    found = unpaired_return_on_spend(value, spend, 0.05)
    assert found.low < 2 < found.high
    assert found.estimate == pytest.approx(
        (value[0].mean() - value[1].mean()) / (spend[0].mean() - spend[1].mean())
    )


def test_spend_that_did_not_change_gives_no_bounds():
    rng = np.random.default_rng(7)
    assert return_on_spend(rng.normal(5, 1, 8), rng.normal(0, 1, 8), 0.05).low is None


def test_ten_regions_are_the_limit():
    assert regions.MIN_REGIONS == 10
