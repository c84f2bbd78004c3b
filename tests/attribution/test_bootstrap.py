"""Tests of the bootstrap: draws and sums over them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import chi2, poisson

from lydite.attribution.bootstrap import Replicates, draw_journeys, fixed_replicates, interval
from lydite.models.base import resampled_sums


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("once", [True, False])
def test_resampled_sums_are_products_with_the_weights(once, kind):
    rng = np.random.default_rng(1)
    matrix = sparse.random_array((50, 20), density=0.2, rng=rng, format="csr")
    if once:  # every row is of one unit
        matrix = sparse.coo_array(
            (rng.random(50), (np.arange(50), rng.integers(0, 20, 50))), shape=(50, 20)
        ).tocsr()
    weights = rng.poisson(1.0, (33, 20)).astype(kind)
    found = np.array(list(resampled_sums(matrix, weights)))
    np.testing.assert_allclose(found, weights @ matrix.toarray().T, rtol=1e-12)
    assert found.dtype == np.float64


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_resampled_sums_skip_empty_units(kind):
    rng = np.random.default_rng(2)
    dense = np.zeros((7, 30))
    dense[:, [3, 4, 29]] = rng.random((7, 3))
    weights = rng.poisson(1.0, (45, 30)).astype(kind)
    found = np.array(list(resampled_sums(sparse.csr_array(dense), weights)))
    np.testing.assert_allclose(found, weights @ dense.T, rtol=1e-12)
    nothing = np.array(list(resampled_sums(sparse.csr_array((7, 30)), weights)))
    assert nothing.shape == (45, 7)
    assert not nothing.any()


@pytest.mark.parametrize("count", [1, 2, 8, 9, 40, 2_000_000])
def test_each_journey_is_drawn_a_poisson_number_of_times(count):
    units, replicates = 500, 100
    counts = np.full(units, count)
    # Two other units, small and large, that must not matter.
    weights = draw_journeys(np.concatenate([[3, 70], counts]), 7, replicates)[:, 2:]
    drawn = np.rint(np.asarray(weights, dtype=float) * count)
    n = drawn.size
    assert abs(drawn.mean() - count) < 5 * np.sqrt(count / n)
    # Of n Poisson numbers the variance has a variance of about (2 m^2 + m) / n.
    assert abs(drawn.var() - count) < 5 * np.sqrt((2 * count**2 + count) / n)
    if count <= 40:
        values, found_counts = np.unique(drawn, return_counts=True)
        expected = n * poisson.pmf(values, count)
        enough = expected > 5
        chi_square = ((found_counts - expected) ** 2 / expected)[enough].sum()
        assert chi_square < chi2.ppf(1 - 1e-6, enough.sum())
    # Units and replicates are independent.
    for halves in ((drawn[:, 0::2], drawn[:, 1::2]), (drawn[0::2], drawn[1::2])):
        correlation = np.corrcoef(*(half.ravel() for half in halves))[0, 1]
        assert abs(correlation) < 5 / np.sqrt(n / 2)


def test_draws_depend_on_the_seed():
    counts = np.array([1, 5, 30, 3_000_000])
    first, again, other = (draw_journeys(counts, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert draw_journeys(np.array([], dtype=int), 0).shape == (200, 0)


def test_fixed_replicates_are_weighted_sums():
    rng = np.random.default_rng(3)
    conversions, value = rng.random((9, 2)), rng.random((9, 2))
    weights = rng.random((41, 9)).astype(np.float32)
    found = fixed_replicates(conversions, value, weights)
    np.testing.assert_allclose(found.conversions, weights.astype(float) @ conversions)
    np.testing.assert_allclose(found.value, weights.astype(float) @ value)


# --- intervals ------------------------------------------------------------------------------------


def test_an_interval_is_from_quantile_to_quantile():
    replicates = np.random.default_rng(4).permutation(np.arange(1.0, 200.0))[:, None]
    low, high = interval(replicates, np.array([110.0]))
    # The quantile q of n numbers is number q (n + 1) of them (Weibull).
    assert (low[0], high[0]) == pytest.approx((5, 195))


@pytest.mark.parametrize("estimate", [30.0, 60.0, 140.0, 230.0])
def test_an_interval_is_moved_where_the_replicates_are_far_from_the_estimate(estimate):
    replicates = np.arange(1.0, 200.0)[:, None]
    low, high = interval(replicates, np.array([estimate]))
    assert (low[0], high[0]) == pytest.approx((max(estimate - 95, 0), estimate + 95))


def test_an_interval_contains_the_estimate():
    rng = np.random.default_rng(5)
    for _ in range(50):
        replicates = rng.gamma(0.3, size=(200, 4)) * rng.choice([0, 1], (200, 4))
        estimate = rng.gamma(0.3, size=4) * rng.choice([0, 1, 5], 4)
        low, high = interval(replicates, estimate)
        assert (low <= estimate).all()
        assert (estimate <= high).all()
        assert (low >= 0).all()


def test_shares_stay_between_0_and_1_and_refunds_may_be_negative():
    conversions = np.array([[9.0, 0.1], [9.0, 0.3], [9.5, 0.4]])
    value = np.array([[5.0, -2.0], [4.0, -1.0], [6.0, 1.0]])
    bounds = Replicates(conversions, value).bounds(np.array([9.0, 0.0]), np.array([5.0, -3.0]))
    assert bounds["share_high"][0] == 1
    assert bounds["share_low"][1] == 0
    assert bounds["value_low"][1] <= -3
    assert bounds["value_high"][1] >= -3


def test_intervals_of_no_credit_are_empty():
    zeros = np.zeros((200, 3))
    bounds = Replicates(zeros, zeros).bounds(np.zeros(3), np.zeros(3))
    assert all((bound == 0).all() for bound in bounds.values())
