"""Newton's method against general optimisers, another library's regressions and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from lydite.models.optimize import maximize, maximize_many, move_within, weighted_gram

POSITIVE = (0.0, np.inf)


def logistic(columns, trials, conversions, penalty):
    """Return value and derivatives of a ridge logistic regression."""

    def value(beta):
        eta = columns @ beta
        fit = conversions @ eta - trials @ np.logaddexp(0, eta)
        return float(fit - penalty * beta @ beta / 2)

    def derivatives(beta):
        p = expit(columns @ beta)
        information = (columns * (trials * p * (1 - p))[:, None]).T @ columns
        gradient = columns.T @ (conversions - trials * p) - penalty * beta
        return gradient, information + penalty * np.eye(len(beta))

    return value, derivatives


def drawn(seed, rows=60, width=4):
    rng = np.random.default_rng(seed)
    columns = np.column_stack([np.ones(rows), rng.normal(size=(rows, width - 1))])
    trials = rng.integers(1, 50, rows).astype(float)
    p = expit(columns @ rng.normal(0, 0.7, width))
    return columns, trials, rng.binomial(trials.astype(int), p).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_a_regression_is_that_of_scipy_and_of_scikit_learn(seed):
    columns, trials, conversions = drawn(seed)
    value, derivatives = logistic(columns, trials, conversions, 0.5)
    found = maximize(value, derivatives, np.zeros(4))
    assert found.converged
    by_scipy = optimize.minimize(
        lambda beta: -value(beta), np.zeros(4), jac=lambda beta: -derivatives(beta)[0],
        method="BFGS", options={"gtol": 1e-9},
    )  # fmt: skip
    np.testing.assert_allclose(found.x, by_scipy.x, atol=1e-7)
    assert found.value == pytest.approx(-by_scipy.fun, rel=1e-12)
    by_sklearn = LogisticRegression(
        C=2.0, fit_intercept=False, solver="newton-cholesky", tol=1e-12
    ).fit(
        np.vstack([columns, columns]),
        np.repeat([1, 0], len(columns)),
        sample_weight=np.concatenate([conversions, trials - conversions]),
    )
    np.testing.assert_allclose(found.x, by_sklearn.coef_[0], atol=1e-7)
    assert np.abs(derivatives(found.x)[0]).max() < 1e-8


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.integers(-8, 8))
def test_rates_have_their_closed_form_from_any_start(counts, power):
    """``sum (k + 1) log x - e x`` is largest at ``(k + 1) / e``."""
    k = np.array(counts, dtype=float) + 1
    exposure = 10.0 ** np.arange(len(k))
    found = maximize(
        lambda x: float(k @ np.log(x) - exposure @ x),
        lambda x: (k / x - exposure, np.diag(k / x**2)),
        np.full(len(k), 10.0**power),
        bounds=POSITIVE,
        max_steps=500,
    )
    assert found.converged
    np.testing.assert_allclose(found.x, k / exposure, rtol=1e-4 / np.sqrt(k.min()))


@given(st.floats(0.001, 0.999), st.floats(1e-6, 1 - 1e-6))
def test_a_share_has_its_closed_form_from_any_start(share, start):
    n = 1000
    found = maximize(
        lambda x: float(n * (share * np.log(x[0]) + (1 - share) * np.log(1 - x[0]))),
        lambda x: (
            n * (share / x - (1 - share) / (1 - x)),
            np.diag(n * (share / x**2 + (1 - share) / (1 - x) ** 2)),
        ),
        np.array([start]),
        bounds=(0.0, 1.0),
    )
    assert found.converged
    assert found.x[0] == pytest.approx(share, rel=1e-6)


def test_one_step_solves_a_quadratic_function():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(5, 5))
    matrix, target = root @ root.T + np.eye(5), rng.normal(size=5)
    calls = []

    def derivatives(x):
        calls.append(x)
        return matrix @ (target - x), matrix

    found = maximize(
        lambda x: float(-(x - target) @ matrix @ (x - target) / 2), derivatives, np.zeros(5)
    )
    np.testing.assert_allclose(found.x, target, rtol=1e-10)
    assert len(calls) == 2  # the second call finds that nothing is left to gain


def test_a_full_step_that_overshoots_is_halved():
    """Newton's method without backtracking diverges on ``-sqrt(1 + x^2)`` from beyond 1."""
    found = maximize(
        lambda x: float(-np.sqrt(1 + x[0] ** 2)),
        lambda x: (-x / np.sqrt(1 + x**2), np.diag((1 + x**2) ** -1.5)),
        np.array([3.0]),
        tolerance=1e-16,
    )
    assert found.converged
    assert found.x[0] == pytest.approx(0, abs=1e-8)


def test_separable_data_end_where_nothing_is_left_to_gain():
    columns = np.column_stack([np.ones(4), [-2.0, -1, 1, 2]])
    value, derivatives = logistic(columns, np.ones(4), np.array([0.0, 0, 1, 1]), 0.0)
    found = maximize(value, derivatives, np.zeros(2))
    assert np.isfinite(found.x).all()
    assert -1e-7 < found.value < 0
    assert found.x[1] > 10


def test_flat_directions_are_left_alone():
    """Two equal columns: only the sum of their coefficients matters."""
    columns, trials, conversions = drawn(1, width=3)
    value, derivatives = logistic(columns, trials, conversions, 0.0)
    expected = maximize(value, derivatives, np.zeros(3)).x
    wide = np.column_stack([columns, np.zeros(len(columns)), columns[:, 2]])
    value, derivatives = logistic(wide, trials, conversions, 0.0)
    found = maximize(value, derivatives, np.zeros(5))
    assert found.x[3] == 0
    np.testing.assert_allclose(found.x[:2], expected[:2], rtol=1e-6)
    assert found.x[2] + found.x[4] == pytest.approx(expected[2], rel=1e-6)


def test_large_values_hide_no_digits():
    """The gain of the last steps is below the rounding of the value."""
    columns, trials, conversions = drawn(2)
    value, derivatives = logistic(columns, trials * 1e9, conversions * 1e9, 0.0)
    found = maximize(value, derivatives, np.zeros(4), tolerance=1e-10)
    assert found.converged
    small, slopes = logistic(columns, trials, conversions, 0.0)
    np.testing.assert_allclose(
        found.x, maximize(small, slopes, np.zeros(4), tolerance=1e-14).x, rtol=1e-8
    )


def test_too_few_steps_are_reported():
    columns, trials, conversions = drawn(3)
    value, derivatives = logistic(columns, trials, conversions, 0.5)
    assert not maximize(value, derivatives, np.full(4, 3.0), max_steps=1).converged


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_derivatives_that_are_not_finite_are_an_error(bad):
    with pytest.raises(ValueError, match="not finite"):
        maximize(lambda _: 0.0, lambda _: (np.array([bad]), np.eye(1)), np.zeros(1))


def test_a_convex_function_is_an_error():
    with pytest.raises(ValueError, match="not those of a concave function"):
        maximize(lambda x: float(x @ x), lambda x: (2 * x, -2 * np.eye(1)), np.ones(1))


@pytest.mark.parametrize("with_objective", [True, False])
def test_many_problems_end_where_each_ends_alone(with_objective):
    problems = [logistic(*drawn(seed), 0.5) for seed in range(6)]
    asked = []

    def value(x, rows):
        return np.array([problems[row][0](own) for own, row in zip(x, rows, strict=True)])

    def derivatives(x, rows):
        asked.append(rows.tolist())
        found = [problems[row][1](own) for own, row in zip(x, rows, strict=True)]
        return np.array([one for one, _ in found]), np.array([two for _, two in found])

    start = np.zeros((6, 4))
    start[0] = maximize(*problems[0], np.zeros(4)).x
    found = maximize_many(value if with_objective else None, derivatives, start)
    assert found.converged
    for row, own in enumerate(problems):
        np.testing.assert_allclose(found.x[row], maximize(*own, np.zeros(4)).x, atol=1e-8)
    assert asked[0] == list(range(6))
    assert 0 not in asked[1]  # it has converged, and costs no further step


@given(st.floats(1e-3, 1 - 1e-3), st.floats(-50, 50))
def test_no_step_reaches_a_bound(x, step):
    for bounds in ((0.0, 1.0), (0.0, np.inf), (-np.inf, 1.0)):
        [moved] = move_within(np.array([x]), np.array([step]), bounds)
        assert bounds[0] < moved < bounds[1]
        assert np.sign(moved - x) == np.sign(step) or abs(step) < 1e-15
    [moved] = move_within(np.array([x]), np.array([1e-9 * step]), (0.0, 1.0))
    assert moved - x == pytest.approx(1e-9 * step, rel=1e-3, abs=1e-15)  # a short step is kept


def test_gram_matrices_of_dense_and_sparse_matrices():
    rng = np.random.default_rng(4)
    matrix = rng.random((20_000, 3)) * (rng.random((20_000, 3)) < 0.5)
    weights = rng.random(20_000)
    expected = np.einsum("ij,i,ik->jk", matrix, weights, matrix)
    np.testing.assert_allclose(weighted_gram(matrix, weights), expected, rtol=1e-10)
    np.testing.assert_allclose(
        weighted_gram(sparse.csr_array(matrix), weights), expected, rtol=1e-10
    )
