"""Mixtures of rates: the maximum of the likelihood, and its approximation by one Newton step."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, sparse

from lydite.models.mixture import (
    MAX_FULL_CHANNELS,
    UnitCounts,
    base_rate,
    fit_rates,
    penalised_likelihood,
    stepped_likelihood,
)


def problem(seed: int, features: int = 40, channels: int = 5):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(channels, 0.4), features)
    trials = rng.integers(1, 400, features).astype(float)
    rates = rng.beta(1, 9, channels)
    conversions = rng.binomial(trials.astype(int), shares @ rates).astype(float)
    return shares, trials, conversions


def optimum(shares, trials, conversions, base):
    """Maximise the same penalised likelihood by scipy: L-BFGS-B, then a root of the gradient."""
    misses, prior = trials - conversions, (1 - base) / base

    def slope(r):
        p = shares @ r
        return -(shares.T @ (conversions / p - misses / (1 - p)) + 1 / r - prior / (1 - r))

    def loss(r):
        p = shares @ r
        data = conversions @ np.log(p) + misses @ np.log1p(-p)
        return -(data + np.log(r).sum() + prior * np.log1p(-r).sum())

    start = np.full(shares.shape[1], base)
    near = optimize.minimize(
        loss, start, jac=slope, method="L-BFGS-B", bounds=[(1e-6, 1 - 1e-6)] * len(start)
    )
    return optimize.root(slope, near.x, tol=1e-13).x


@pytest.mark.parametrize("seed", range(8))
def test_rates_maximise_the_penalised_likelihood(seed):
    shares, trials, conversions = problem(seed, channels=3 + seed)
    base = base_rate(trials, conversions)
    expected = optimum(shares, trials, conversions, base)
    for start in (np.full(3 + seed, base), np.linspace(0.001, 0.9, 3 + seed)):
        fitted, _ = fit_rates(sparse.csr_array(shares), trials, conversions, base, start)
        np.testing.assert_allclose(fitted, expected, atol=1e-7)


def test_sparse_matrices_of_many_channels_have_the_same_maximum():
    shares, trials, conversions = problem(3, features=300, channels=MAX_FULL_CHANNELS + 6)
    base = base_rate(trials, conversions)
    start = np.full(shares.shape[1], base)
    fitted, _ = fit_rates(sparse.csr_array(shares), trials, conversions, base, start)
    np.testing.assert_allclose(fitted, optimum(shares, trials, conversions, base), atol=1e-6)


def test_rates_of_one_channel_paths_are_shares_shrunk_to_the_base_rate():
    trials, conversions = np.array([1000.0, 50, 3, 0]), np.array([80.0, 9, 0, 0])
    base = base_rate(trials, conversions)
    fitted, _ = fit_rates(sparse.csr_array(np.eye(4)), trials, conversions, base, np.full(4, base))
    np.testing.assert_allclose(fitted, (conversions + 1) / (trials + 1 / base), rtol=1e-9)


def test_large_counts_are_fitted_to_many_digits():
    shares, trials, conversions = problem(5)
    trials, conversions = trials * 1e4, conversions * 1e4
    base = base_rate(trials, conversions)
    fitted, _ = fit_rates(sparse.csr_array(shares), trials, conversions, base, np.full(5, base))
    np.testing.assert_allclose(fitted, optimum(shares, trials, conversions, base), rtol=1e-7)


def test_base_rate_is_never_zero_or_one():
    assert base_rate(np.array([10.0]), np.array([0.0])) == pytest.approx(0.5 / 11)
    assert base_rate(np.array([10.0]), np.array([10.0])) == pytest.approx(10.5 / 11)
    assert base_rate(np.zeros(1), np.zeros(1)) == 0.5


@pytest.mark.parametrize(("value", "shape"), [(0.0, 20), (1.0, 20)])
def test_rows_that_never_or_always_convert_stay_inside(value, shape):
    trials = np.full(shape, 30.0)
    shares = np.random.default_rng(6).dirichlet(np.ones(4), shape)
    base = base_rate(trials, trials * value)
    rates, _ = fit_rates(sparse.csr_array(shares), trials, trials * value, base, np.full(4, base))
    assert rates.min() > 0
    assert rates.max() < 1


@pytest.mark.parametrize("full", [True, False])
def test_one_step_reaches_the_likelihood_of_a_refit_on_drawn_counts(full):
    shares, trials, conversions = problem(4)
    trials, conversions = trials * 30, conversions * 30
    matrix = shares if full else sparse.csr_array(shares)
    base = base_rate(trials, conversions)
    rates, _ = fit_rates(matrix, trials, conversions, base, np.full(5, base))
    # Of each row, those that convert are one unit and those that do not another.
    misses, row = trials - conversions, np.arange(40)
    counts = UnitCounts(
        np.tile(row, 2),
        np.arange(80),
        np.concatenate([conversions, misses]),
        np.concatenate([conversions, np.zeros(40)]),
        80,
    )
    mean = np.concatenate([conversions, misses])
    weights = np.random.default_rng(1).poisson(mean, (25, 80)) / np.maximum(mean, 1)
    k = (weights[:, :40] * conversions).T
    n = k + (weights[:, 40:] * misses).T
    reached = stepped_likelihood(matrix, counts, weights, rates)
    for draw in range(25):
        own = n[:, draw], k[:, draw], base_rate(n[:, draw], k[:, draw])
        best = penalised_likelihood(matrix, *own, fit_rates(matrix, *own, rates)[0])
        before = penalised_likelihood(matrix, *own, rates)
        assert best - before > 0.3  # there was something to gain
        assert reached[draw] == pytest.approx(best, abs=0.1 * (best - before))


@pytest.mark.parametrize("where", ["shares", "trials"])
def test_missing_values_are_an_error_not_an_endless_search(where):
    given = {"shares": np.eye(3), "trials": np.full(3, 4.0)}
    given[where][1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        fit_rates(given["shares"], given["trials"], np.ones(3), 0.2, np.full(3, 0.2))
