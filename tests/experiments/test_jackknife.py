"""Variances by leaving out buckets, against a direct recomputation and Welch's variance."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.experiments.jackknife import N_GROUPS, estimate, group_of
from lydite.paths.landmarks import N_BUCKETS

NO_SHIFT = np.zeros((N_GROUPS, 2))


def by_hand(values, treated, kept, moved=(0, 0)):
    """Return the difference of the arms among some users, with more expected in each arm."""
    arms = [
        (values[kept & (treated == arm)].sum(axis=0) + np.array([0, moved[arm]]))
        / (kept & (treated == arm)).sum()
        for arm in (1, 0)
    ]
    return (arms[0] - arms[1]) * treated.sum()


def test_each_bucket_is_left_out_in_turn(rng):
    n, buckets = 60, 5
    values = rng.normal(size=(n, 2))
    treated, bucket = rng.random(n) < 0.5, rng.integers(0, buckets, n)
    found = estimate(values, treated, bucket, NO_SHIFT)
    np.testing.assert_allclose(found.values, by_hand(values, treated, np.ones(n, dtype=bool)))
    without = np.array([by_hand(values, treated, bucket != b) for b in range(buckets)])
    errors = without - without.mean(axis=0)
    np.testing.assert_allclose(found.covariance, (buckets - 1) / buckets * errors.T @ errors)


def test_fits_without_groups_are_part_of_the_errors(rng):
    """Where each group has one bucket, both are left out together."""
    n = 20_000
    values = rng.normal(size=(n, 2))
    treated, group = rng.random(n) < 0.5, rng.integers(0, N_GROUPS, n)
    bucket = group * (N_BUCKETS // N_GROUPS)
    shift = rng.normal(scale=40, size=(N_GROUPS, 2))
    found = estimate(values, treated, bucket, shift).covariance
    without = np.array([by_hand(values, treated, group != g, shift[g]) for g in range(N_GROUPS)])
    errors = without - without.mean(axis=0)
    expected = (N_GROUPS - 1) / N_GROUPS * errors.T @ errors
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.05 * expected[0, 0])


def test_every_group_has_buckets_of_both_halves():
    groups = group_of(np.arange(N_BUCKETS))
    assert (np.bincount(groups) == 8).all()
    assert (np.bincount(groups[::2]) == 4).all()


def test_the_variance_of_independent_users_is_that_of_two_means(rng):
    n = 20_000
    values = rng.binomial(1, 0.1, (n, 2)).astype(float)
    treated, bucket = rng.random(n) < 0.5, rng.integers(0, N_BUCKETS, n)
    found = estimate(values, treated, bucket, NO_SHIFT)
    size = treated.sum()
    each = [values[arm].var(axis=0, ddof=1) / arm.sum() for arm in (treated, ~treated)]
    np.testing.assert_allclose(np.diag(found.covariance), sum(each) * size**2, rtol=0.35)


def test_a_part_that_is_shared_is_in_the_covariance(rng):
    n = 20_000
    one = rng.normal(size=n)
    treated, bucket = rng.random(n) < 0.5, rng.integers(0, N_BUCKETS, n)
    found = estimate(np.column_stack([one, one]), treated, bucket, NO_SHIFT).covariance
    assert found[0, 1] == pytest.approx(found[0, 0])
    assert found[0, 0] + found[1, 1] - 2 * found[0, 1] == pytest.approx(0, abs=1e-6)
