"""The designs of tests, against simulated experiments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lydite.experiments.candidates import Belief
from lydite.experiments.designs import (
    design_for_clusters,
    design_for_regions,
    design_for_users,
)
from lydite.experiments.power import users_needed
from tests.helpers.made_candidates import SEARCH, Z, sum_clusters


def test_the_well_known_size_of_a_test():
    """A lift of 5 % on a rate of 3 % needs about 200,000 users an arm."""
    per_user = 0.0015  # 5 % of 3 %: the channel pays if all of its credit is caused
    candidate = replace(
        SEARCH, users=10_000, rate=0.03, spend=30.0 * per_user * 10_000 * 52 / 12, margin=30.0,
        beliefs={"linear": Belief(per_user * 10_000 * 52 / 12)},
    )  # fmt: skip
    design = design_for_users(candidate, 0.5, 12, Z)
    assert design.users / 2 == pytest.approx(203_000, rel=0.03)
    assert (design.weeks, design.is_feasible) == (41, False)


def test_the_size_is_that_of_tea_tasting():
    pytest.importorskip("tea_tasting")
    small = replace(SEARCH, users=100, spend=9, beliefs={"linear": Belief(0.6)})
    lift = small.target * small.per_user / small.rate
    for share in (0.1, 0.5):
        design = design_for_users(small, share, 10**6, Z)
        needed = users_needed(0.01, 0.01 * 0.99, lift, control_share=share)
        assert design.users == pytest.approx(needed, rel=0.02)


def test_users_find_the_target_with_the_promised_power_and_variance():
    candidate = replace(SEARCH, users=200, rate=0.1, spend=100, beliefs={"linear": Belief(6)})
    design = design_for_users(candidate, 0.3, 10**6, Z)
    assert design.weeks > 20  # so that whole weeks round little
    n_c, n_t = round(design.users * 0.3), round(design.users * 0.7)
    rng = np.random.default_rng(4)
    effect = candidate.target * candidate.per_user
    control = rng.binomial(n_c, 0.1, 20_000) / n_c
    treated = rng.binomial(n_t, 0.1 + effect, 20_000) / n_t
    difference = treated - control
    error = np.sqrt(0.1 * 0.9 * (1 / n_c + 1 / n_t))
    assert np.mean(difference > 1.96 * error) == pytest.approx(0.8, abs=0.04)
    assert np.var(difference / candidate.per_user) == pytest.approx(design.variance, rel=0.1)


def test_regions_find_the_target_with_the_promised_power():
    candidate = replace(SEARCH, regional_noise=0.8)
    design = design_for_regions(candidate, 10**6, Z)
    effect = candidate.target * candidate.per_user / candidate.rate
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.8 / np.sqrt(20 * design.weeks), (2, 20_000))
    found = effect + noise[0] - noise[1]
    error = np.sqrt(2 * 0.8**2 / (20 * design.weeks))
    assert np.mean(found > 1.96 * error) == pytest.approx(0.8, abs=0.03)
    assert design.holdout_share == 0.5
    less = design_for_regions(replace(candidate, regional_noise=None), 10**6, Z)
    assert less.weeks <= design.weeks


def test_fewer_than_ten_regions_cannot_decide():
    assert design_for_regions(replace(SEARCH, regions=9), 12, Z) is None


def candidate_with_accounts(number, correlation=0.1, rate=0.1, credited=0.02):
    """Return a channel of accounts with 1 to 11 users a week, and the accounts' sizes.

    The factor to find adds `credited` to the rate of a user.
    """
    rng = np.random.default_rng(6)
    sizes = rng.integers(1, 12, number)
    strength = 1 / correlation - 1
    rates = rng.beta(rate * strength, (1 - rate) * strength, 200 * number)
    users = np.tile(10 * sizes, 200)  # the sums of 200 such worlds: those of the truth
    sums = sum_clusters(users, rng.binomial(users, rates), 10)
    counts = ("number", "people", "users", "squared_users", "conversions", "squared_conversions",
              "products")  # fmt: skip
    sums = replace(sums, **{name: getattr(sums, name) // 200 for name in counts})
    per_week = float(sizes.sum())
    candidate = replace(
        SEARCH, users=per_week, rate=rate, clusters=sums, regions=0, margin=30.0,
        spend=30.0 * credited * per_week * 52 / 12,
        beliefs={"linear": Belief(credited * per_week * 52 / 12)},
    )  # fmt: skip
    return candidate, sizes, strength


def test_clusters_find_the_target_with_the_promised_power():
    """Accounts are drawn; the rates of the arms are compared by the variance of the accounts."""
    candidate, sizes, strength = candidate_with_accounts(1_000)
    design = design_for_clusters(candidate, 0.5, 10**6, Z)
    assert design.clusters.number == 1_000
    assert design.clusters.correlation == pytest.approx(0.1, rel=0.1)
    assert 3 <= design.weeks < 10**3
    rng = np.random.default_rng(7)
    users = sizes * design.weeks
    found, by_user = [], []
    for effect in (candidate.per_user, 0.0):
        rejected = np.zeros((2, 1_500))
        for i in range(1_500):
            treated = rng.permutation(1_000) < 500
            rates = rng.beta(0.1 * strength, 0.9 * strength, 1_000) + effect * treated
            conversions = rng.binomial(users, np.minimum(rates, 1))
            means, errors, naive = [], [], []
            for arm in (treated, ~treated):
                n, y = users[arm], conversions[arm]
                means.append(y.sum() / n.sum())
                errors.append(((y - means[-1] * n) ** 2).sum() / n.sum() ** 2)
                naive.append(means[-1] * (1 - means[-1]) / n.sum())
            z = abs(means[0] - means[1]) / np.sqrt([sum(errors), sum(naive)])
            rejected[:, i] = z > 1.96
        found.append(rejected[0].mean())
        by_user.append(rejected[1].mean())
    assert found[0] == pytest.approx(0.8, abs=0.05)
    assert found[1] == pytest.approx(0.05, abs=0.02)
    assert by_user[1] > 0.2  # accounts counted as users that are independent: chance is found


def test_whole_clusters_need_more_users_by_the_design_effect():
    candidate, sizes, _ = candidate_with_accounts(1_000)
    by_user = design_for_users(candidate, 0.5, 10**6, Z)
    by_cluster = design_for_clusters(candidate, 0.5, 10**6, Z)
    figures = by_cluster.clusters
    assert figures.size == 10 * sizes.mean()  # of the helper: each counts as another user
    assert figures.weeks_by_user == by_user.weeks
    assert figures.design_effect == candidate.clusters.design_effect(by_cluster.weeks)
    alone = Z**2 * 4 * 0.1 * 0.9 / 0.02**2
    assert by_cluster.users / alone == pytest.approx(figures.design_effect, rel=0.1)
    assert by_cluster.smallest_effect == by_user.smallest_effect == pytest.approx(0.2)


def test_too_few_clusters_are_not_enough_in_any_time():
    candidate, *_ = candidate_with_accounts(60, credited=0.01)
    design = design_for_clusters(candidate, 0.5, 12, Z)
    assert not design.is_feasible
    assert design.weeks == 12_000
    assert design.clusters.design_effect == candidate.clusters.design_effect(12)
    needed = design.clusters.needed
    assert needed > 60
    enough, *_ = candidate_with_accounts(round(1.05 * needed), credited=0.01)
    found = design_for_clusters(enough, 0.5, 12, Z)
    assert found.is_feasible
    assert found.clusters.needed == pytest.approx(needed, rel=0.1)


def test_fewer_than_ten_clusters_in_an_arm_cannot_decide():
    candidate, *_ = candidate_with_accounts(60)
    assert design_for_clusters(candidate, 0.1, 12, Z) is None
    assert design_for_clusters(candidate, 0.2, 12, Z) is not None
    assert design_for_clusters(SEARCH, 0.5, 12, Z) is None
    idle = replace(candidate, spend=0, beliefs={"linear": Belief(1, -0.1)})
    assert design_for_clusters(idle, 0.5, 12, Z).clusters.needed is None
