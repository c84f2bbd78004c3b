"""Variances by leaving out buckets, against a direct recomputation and Welch's variance."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.experiments.jackknife import estimate
from lydite.paths.landmarks import N_BUCKETS

NO_SHIFT = np.zeros((N_BUCKETS, 2))


def test_each_bucket_is_left_out_in_turn(rng):
    n, buckets = 60, 5
    values = rng.normal(size=(n, 2))
    treated, bucket = rng.random(n) < 0.5, rng.integers(0, buckets, n)
    shift = np.zeros((N_BUCKETS, 2))
    shift[:buckets] = rng.normal(size=(buckets, 2))
    found = estimate(values, treated, bucket, shift)

    def difference(kept, moved):
        arms = []
        for arm in (1, 0):
            chosen = kept & (treated == arm)
            arms.append((values[chosen].sum(axis=0) + np.array([0, moved[arm]])) / chosen.sum())
        return (arms[0] - arms[1]) * treated.sum()

    every = difference(np.ones(n, dtype=bool), (0, 0))
    without = np.array([difference(bucket != b, shift[b]) for b in range(buckets)])
    errors = without - without.mean(axis=0)
    np.testing.assert_allclose(found.values, every)
    np.testing.assert_allclose(found.covariance, (buckets - 1) / buckets * errors.T @ errors)


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
