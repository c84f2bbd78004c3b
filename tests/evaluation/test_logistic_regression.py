"""Ridge logistic regression on counts, compared with scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from lydite.evaluation.logistic_regression import logistic_regression


def counts(seed: int, rows: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return columns with a constant, trials and conversions."""
    rng = np.random.default_rng(seed)
    columns = np.column_stack([np.ones(rows), rng.normal(0, 1, (rows, 3))])
    trials = rng.integers(1, 40, rows)
    conversions = rng.binomial(trials, expit(columns @ [-2.0, 0.5, -0.7, 0.1]))
    return columns, trials.astype(float), conversions.astype(float)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 30.0])
def test_it_equals_scikit_learn(penalty):
    columns, trials, conversions = counts(1)
    found = logistic_regression(
        columns, trials, conversions, np.array([0, *[penalty] * 3]), np.zeros(4)
    )
    rows, weight = np.vstack([columns, columns])[:, 1:], [conversions, trials - conversions]
    reference = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-10)
    reference.fit(rows, np.repeat([1, 0], len(columns)), np.concatenate(weight))
    np.testing.assert_allclose(found, [*reference.intercept_, *reference.coef_[0]], rtol=1e-6)


def test_it_maximises_the_penalised_likelihood_with_an_offset():
    """Compare with a general optimiser."""
    columns, trials, conversions = counts(2)
    penalty = np.array([1e-6, 0.5, 2.0, 7.0])
    offset = np.random.default_rng(3).normal(0, 1, len(columns))

    def loss(beta: np.ndarray) -> float:
        eta = columns @ beta + offset
        fit = conversions @ eta - trials @ np.logaddexp(0, eta)
        return float(0.5 * penalty @ beta**2 - fit)

    found = logistic_regression(columns, trials, conversions, penalty, np.zeros(4), offset)
    expected = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert loss(found) <= loss(expected) + 1e-9


def test_the_start_does_not_matter():
    columns, trials, conversions = counts(4)
    starts = np.zeros(4), np.array([3.0, -2.0, 1.0, 5.0])
    found = [logistic_regression(columns, trials, conversions, 1.0, start) for start in starts]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-7)


def test_rows_that_are_merged_change_nothing():
    columns, trials, conversions = counts(5)
    twice = [np.concatenate([own, own]) for own in (columns, trials, conversions)]
    merged = logistic_regression(columns, 2 * trials, 2 * conversions, 1.0, np.zeros(4))
    np.testing.assert_allclose(logistic_regression(*twice, 1.0, np.zeros(4)), merged, rtol=1e-8)


def test_a_large_precision_keeps_a_coefficient_at_zero():
    columns, trials, conversions = counts(6)
    penalty = np.array([0, 1e9, 1e9, 1e9])
    found = logistic_regression(columns, trials, conversions, penalty, np.zeros(4))
    rate = conversions.sum() / trials.sum()
    assert found[0] == pytest.approx(np.log(rate / (1 - rate)), abs=1e-5)
    assert np.abs(found[1:]).max() < 1e-6
