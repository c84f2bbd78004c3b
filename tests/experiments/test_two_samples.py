"""Differences of two arms, against scipy, closed forms and simulation."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import stats

from lydite.errors import InputError
from lydite.experiments import two_samples
from lydite.experiments.two_samples import Arm, compare_means

pytest.importorskip("tea_tasting")


def users_of(outcome, covariate=None):
    return Arm(np.ones(len(outcome)), np.asarray(outcome, dtype=float), covariate)


@pytest.fixture
def draws():
    rng = np.random.default_rng(3)
    return rng.poisson(0.3, 900) * rng.exponential(20, 900), rng.poisson(0.25, 700) * 18.0


def test_users_are_compared_by_the_tests_of_welch_and_student(draws):
    found = compare_means(users_of(draws[0]), users_of(draws[1]), 0.1)
    oracle = stats.ttest_ind(*draws, equal_var=False)
    bounds = oracle.confidence_interval(0.9)
    student = stats.ttest_ind(*draws, equal_var=True)
    assert found.p_value == pytest.approx(max(oracle.pvalue, student.pvalue))
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert found.difference == pytest.approx(draws[0].mean() - draws[1].mean())
    assert found.relative == pytest.approx(draws[0].mean() / draws[1].mean() - 1)
    assert found.relative_low < found.relative < found.relative_high
    error = np.sqrt(draws[0].var(ddof=1) / 900 + draws[1].var(ddof=1) / 700)
    assert found.standard_error == pytest.approx(error)
    assert found.pooled_error == pytest.approx(found.difference / student.statistic)


def test_a_small_arm_with_few_conversions_is_not_found_too_often():
    rng = np.random.default_rng(9)
    found = []
    for _ in range(400):
        control, treated = rng.binomial(1, 0.02, 500), rng.binomial(1, 0.02, 4_500)
        found.append(compare_means(users_of(treated), users_of(control), 0.05).p_value <= 0.05)
    assert np.mean(found) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_the_variance_of_an_arm_is_that_of_a_jackknife_over_clusters():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 6, 2_000).astype(float)
    total = rng.poisson(sizes * rng.gamma(1, 0.3, 2_000)).astype(float)
    arm = Arm(sizes, total)
    left_out = (total.sum() - total) / (sizes.sum() - sizes)
    jackknife = (len(sizes) - 1) / len(sizes) * ((left_out - left_out.mean()) ** 2).sum()
    assert arm.variance == pytest.approx(jackknife, rel=0.01)


def test_users_who_behave_alike_widen_the_interval():
    rng = np.random.default_rng(1)
    of_account = (rng.random(300) < 0.3).astype(float)
    accounts = Arm(np.full(300, 5.0), 5 * of_account)
    users = users_of(np.repeat(of_account, 5))
    apart = compare_means(accounts, accounts, 0.05)
    alone = compare_means(users, users, 0.05)
    assert apart.high / alone.high == pytest.approx(np.sqrt(5), rel=0.01)


def test_a_covariate_reduces_the_variance_by_what_it_explains():
    rng = np.random.default_rng(2)
    before = rng.gamma(1, 1, (2, 20_000))
    after = before + rng.normal(0, 1, before.shape)
    arms = [users_of(y, x) for y, x in zip(after, before, strict=True)]
    plain = compare_means(*arms, 0.05)
    reduced = compare_means(*arms, 0.05, adjusted=True)
    assert (reduced.standard_error / plain.standard_error) ** 2 == pytest.approx(0.5, abs=0.02)
    # An imbalance of the covariate is removed.
    expected = plain.difference - (before[0].mean() - before[1].mean())
    assert reduced.difference == pytest.approx(expected, abs=0.001)


def test_the_covariate_of_clusters_is_a_ratio_too():
    rng = np.random.default_rng(4)
    sizes = rng.integers(1, 4, (2, 4_000)).astype(float)
    before = rng.poisson(sizes).astype(float)
    after = before + rng.poisson(sizes)
    arms = [Arm(*rows) for rows in zip(sizes, after, before, strict=True)]
    plain, reduced = (compare_means(*arms, 0.05, adjusted=adjusted) for adjusted in (False, True))
    assert reduced.standard_error < 0.75 * plain.standard_error


def test_without_variation_there_is_a_difference_and_no_interval():
    nothing = users_of(np.zeros(50))
    found = compare_means(nothing, nothing, 0.05)
    assert (found.difference, found.low, found.p_value, found.relative) == (0, None, None, None)


def test_an_arm_without_conversions_has_no_relative_difference():
    some = users_of([0.0] * 90 + [1.0] * 10)
    found = compare_means(some, users_of(np.zeros(100)), 0.05)
    assert found.difference == pytest.approx(0.1)
    assert found.low > 0
    assert (found.relative, found.relative_low) == (None, None)


def test_one_cluster_has_no_interval():
    found = compare_means(Arm(np.array([9.0]), np.array([3.0])), users_of([0.0, 1.0, 0.0]), 0.05)
    assert found.difference == pytest.approx(0)
    assert found.low is None


def test_without_the_package_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "tea_tasting", None)
    with pytest.raises(InputError, match=r"pip install 'lydite\[experiments\]'"):
        two_samples.tea_tasting()
