"""Sample sizes, against the closed form and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lydite.experiments.power import detectable, users_for_rate, users_needed

pytest.importorskip("tea_tasting")


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_users_are_those_of_the_closed_form(share):
    p, lift = 0.03, 0.05
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    expected = z**2 * p * (1 - p) * (1 / share + 1 / (1 - share)) / (p * lift) ** 2
    assert users_needed(p, p * (1 - p), lift, control_share=share) == pytest.approx(
        expected, rel=1e-4
    )


def test_three_percent_and_a_lift_of_five_percent_need_two_hundred_thousand_users_an_arm():
    assert users_needed(0.03, 0.03 * 0.97, 0.05) / 2 == pytest.approx(203_000, rel=0.01)


def test_what_is_detectable_is_the_reverse():
    users = users_needed(0.2, 0.5, 0.07, alpha=0.01, power=0.9, control_share=0.3)
    found = detectable(0.2, 0.5, users, alpha=0.01, power=0.9, control_share=0.3)
    assert found == pytest.approx(0.07, rel=1e-3)


def test_a_fall_needs_as_many_users_as_a_rise():
    assert users_needed(0.2, 0.16, -0.1) == users_needed(0.2, 0.16, 0.1)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_variance_of_both_arms_of_a_rate_counts(share):
    p, q = 0.05, 0.06
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    expected = z**2 * (p * (1 - p) / share + q * (1 - q) / (1 - share)) / (q - p) ** 2
    assert users_for_rate(p, 0.2, control_share=share) == pytest.approx(expected, rel=1e-3)


def test_the_power_is_reached_in_simulation():
    n = users_for_rate(0.1, 0.2) // 2
    rng = np.random.default_rng(0)
    control, treated = rng.binomial(n, 0.1, 4_000) / n, rng.binomial(n, 0.12, 4_000) / n
    error = np.sqrt(control * (1 - control) / n + treated * (1 - treated) / n)
    assert (np.abs(treated - control) > 1.96 * error).mean() == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.0), (0.0, 1.0), (0.1, 0.0)])
def test_without_variation_nothing_can_be_planned(mean, variance):
    assert users_needed(mean, variance, 0.05) is None
    assert detectable(mean, variance, 1_000) is None
