"""The correlation within clusters, against another estimator and the truth of a simulation."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.made_candidates import sum_clusters

WEEKS = 10


def draw(rng, clusters, correlation, rate=0.1):
    """Return users and conversions of clusters, whose rates have a beta distribution."""
    users = WEEKS * rng.integers(1, 12, clusters)
    if not correlation:
        return users, rng.binomial(users, rate)
    strength = 1 / correlation - 1
    rates = rng.beta(rate * strength, (1 - rate) * strength, clusters)
    return users, rng.binomial(users, rates)


def anova_correlation(users, conversions):
    """Return the estimate from mean squares within and between clusters (Donner & Klar 2000)."""
    clusters, total = len(users), users.sum()
    rate, rates = conversions.sum() / total, conversions / users
    within = (users * rates * (1 - rates)).sum() / (total - clusters)
    between = (users * (rates - rate) ** 2).sum() / (clusters - 1)
    size = (total - (users**2).sum() / total) / (clusters - 1)
    return (between - within) / (between + (size - 1) * within)


@pytest.mark.parametrize("correlation", [0.02, 0.1, 0.4])
def test_the_correlation_is_that_of_the_simulation_and_of_the_analysis_of_variance(correlation):
    users, conversions = draw(np.random.default_rng(1), 40_000, correlation)
    found = sum_clusters(users, conversions, WEEKS).correlation
    assert found == pytest.approx(correlation, rel=0.05)
    assert found == pytest.approx(anova_correlation(users, conversions), rel=0.05)


def test_the_design_effect_is_the_variance_of_the_rate_by_that_of_single_users():
    rng = np.random.default_rng(2)
    rates = []
    for _ in range(3_000):
        users, conversions = draw(rng, 200, 0.1)
        rates.append(conversions.sum() / users.sum())
    many = sum_clusters(*draw(rng, 40_000, 0.1), WEEKS)
    alone = 0.1 * 0.9 / (200 * many.users / many.number)
    assert many.design_effect(WEEKS) == pytest.approx(np.var(rates) / alone, rel=0.1)


def test_a_longer_test_has_larger_clusters():
    clusters = sum_clusters(*draw(np.random.default_rng(3), 1_000, 0.1), WEEKS)
    assert clusters.mean_size(20) == pytest.approx(2 * clusters.mean_size(10))
    assert clusters.design_effect(20) > clusters.design_effect(10) > 1
    assert clusters.mean_size(0.001) == 1


def test_users_who_do_not_behave_alike_need_no_more_users():
    clusters = sum_clusters(*draw(np.random.default_rng(4), 40_000, 0.0), WEEKS)
    assert clusters.correlation == pytest.approx(0, abs=0.002)
    assert clusters.design_effect(WEEKS) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("users", "conversions"),
    [
        ([1, 1, 1], [0, 1, 0]),  # users alone
        ([9], [3]),  # one cluster
        ([4, 6, 2], [0, 0, 0]),
        ([4, 4, 4], [4, 4, 4]),
        ([4, 4, 4], [2, 2, 2]),  # less than by chance
    ],
)
def test_without_a_correlation_to_estimate_it_is_zero(users, conversions):
    assert sum_clusters(np.array(users), np.array(conversions), WEEKS).correlation == 0
