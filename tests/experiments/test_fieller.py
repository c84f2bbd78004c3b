"""Fieller's interval, against its definition and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lydite.experiments.fieller import fieller


def test_at_the_bounds_the_test_of_the_ratio_is_exactly_at_its_limit():
    found = fieller(12.0, 5.0, 4.0, 0.5, 0.6, 1.96)
    for ratio in (found.low, found.high):
        error = math.sqrt(4.0 - 2 * ratio * 0.6 + ratio**2 * 0.5)
        assert abs(12.0 - ratio * 5.0) / error == pytest.approx(1.96)
    assert found.low < found.estimate == 12 / 5 < found.high


def test_the_order_of_the_bounds_does_not_depend_on_signs():
    up, down = fieller(12.0, 5.0, 4.0, 0.5, 0.6, 1.96), fieller(-12.0, 5.0, 4.0, 0.5, -0.6, 1.96)
    assert (down.low, down.high) == pytest.approx((-up.high, -up.low))
    assert fieller(-12.0, -5.0, 4.0, 0.5, 0.6, 1.96) == pytest.approx(up)


def test_a_denominator_that_may_be_zero_leaves_the_ratio_open():
    assert fieller(12.0, 1.0, 4.0, 0.5, 0.0, 1.96)[1:] == (None, None)
    assert math.isnan(fieller(12.0, 0.0, 4.0, 0.0, 0.0, 1.96).estimate)


def test_it_covers_the_true_ratio():
    rng = np.random.default_rng(0)
    covariance = [[1.0, 0.1], [0.1, 0.2]]
    draws = rng.multivariate_normal([6.0, 3.0], covariance, 4_000)
    found = [fieller(y, x, 1.0, 0.2, 0.1, 1.96) for y, x in draws]
    covered = [r.low <= 2 <= r.high for r in found]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.012)
