"""Inference for many looks and comparisons, against their definitions and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from lydite.experiments.repeated_looks import always_valid, holm


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("progress", [0.1, 1.0, 3.0])
def test_the_p_value_is_the_level_at_which_the_interval_touches_zero(alpha, progress):
    # The mixture is fixed by alpha, so only the interval's own alpha varies here.
    found = always_valid(0.0, 1.0, progress, alpha)
    touching = always_valid(found.high, 1.0, progress, alpha)
    assert touching.low == pytest.approx(0, abs=1e-12)
    assert touching.p_value == pytest.approx(alpha)


def test_the_interval_is_narrowest_compared_with_a_single_look_at_the_planned_size():
    found = optimize.minimize_scalar(
        lambda progress: always_valid(0, 1, progress, 0.05).high, (0.1, 1.0, 5.0)
    )
    assert found.x == pytest.approx(1, abs=0.1)
    assert found.fun / stats.norm.isf(0.025) == pytest.approx(1.55, abs=0.01)


def test_fifty_looks_at_no_difference_are_wrong_as_rarely_as_promised():
    rng = np.random.default_rng(5)
    sums = rng.normal(size=(4_000, 50)).cumsum(axis=1)
    steps = np.arange(1, 51)
    means, errors = sums / steps, 1 / np.sqrt(steps)
    radius = np.array(
        [always_valid(0, e, t / 50, 0.05).high for e, t in zip(errors, steps, strict=True)]
    )
    ever = (np.abs(means) > radius).any(axis=1).mean()
    naive = (np.abs(means) > 1.96 * errors).any(axis=1).mean()
    assert ever <= 0.05
    assert naive > 0.25


def test_holm_against_its_definition():
    p = [0.012, 0.2, None, 0.011, 0.04]
    ordered = sorted(value for value in p if value is not None)
    steps = [value * (4 - i) for i, value in enumerate(ordered)]
    expected = {value: min(1, max(steps[: i + 1])) for i, value in enumerate(ordered)}
    assert holm(p) == [None if value is None else pytest.approx(expected[value]) for value in p]


def test_holm_against_tea_tasting():
    tt = pytest.importorskip("tea_tasting")
    p = [0.001, 0.03, 0.02, 0.9]
    results = {
        str(i): tt.experiment.ExperimentResult({"metric": {"pvalue": value}})
        for i, value in enumerate(p)
    }
    adjusted = tt.adjust_fwer(
        {(0, name): result for name, result in results.items()},
        arbitrary_dependence=True,
        method="bonferroni",
    )
    found = [row["pvalue_adj"] for row in adjusted.to_dicts()]
    assert sorted(found) == pytest.approx(sorted(holm(p)))


def test_holm_of_nothing():
    assert holm([]) == []
    assert holm([None]) == [None]
