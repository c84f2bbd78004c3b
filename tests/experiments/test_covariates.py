"""The combination of covariates, against a regression with a dummy per arm."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.experiments.covariates import combine_covariates


def test_the_weights_are_those_of_a_regression_with_a_mean_per_arm():
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 3, 5_000)
    x = np.column_stack([rng.poisson(1, 5_000), rng.gamma(1, 1, 5_000)])
    y = 10.0 * arm + x @ [0.5, 2.0] + rng.normal(size=5_000)
    design = np.column_stack([arm == k for k in range(3)] + [x])
    expected = np.linalg.lstsq(design.astype(float), y, rcond=None)[0][3:]
    np.testing.assert_allclose(combine_covariates(y, x, arm), x @ expected)


def test_a_covariate_that_does_not_vary_is_ignored():
    arm = np.array([0, 0, 1, 1])
    y = np.array([0.0, 1, 0, 1])
    assert combine_covariates(y, np.zeros((4, 2)), arm) is None
    mixed = np.column_stack([np.zeros(4), y])
    assert combine_covariates(y, mixed, arm) == pytest.approx(y)


def test_a_covariate_that_differs_between_arms_only_is_ignored():
    arm = np.array([0, 0, 1, 1])
    assert combine_covariates(np.array([0.0, 1, 0, 1]), arm[:, None] * 1.0, arm) is None


def test_covariates_that_repeat_each_other_are_no_problem():
    rng = np.random.default_rng(1)
    x = rng.normal(size=1_000)
    arm = np.repeat([0, 1], 500)
    y = 3 * x
    found = combine_covariates(y, np.column_stack([x, x]), arm)
    np.testing.assert_allclose(found, y)
