"""Calibrated credit: its intervals, and what is left."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.errors import InputError
from lydite.experiments.calibrated_credit import BASELINE, calibrate_credit
from lydite.experiments.incrementality import ChannelTest, Prior, estimate_incrementality

CHANNELS = ["search", "video", "mail"]
TESTS = [
    ChannelTest("search", 20, 400, 200),
    ChannelTest("search", 50, 900, 150, months=8),
    ChannelTest("video", 90, 1600, 100, months=2),
]


def test_intervals_cover_tested_and_untested_channels_and_the_error_is_lower():
    """Four of six channels are tested, twice each; factors and spread are drawn from the prior."""
    rng = np.random.default_rng(3)
    channels = [f"c{number}" for number in range(6)]
    hits, better = {True: [], False: []}, []
    for _ in range(300):
        center, tau = rng.normal(0.5, 0.3), abs(rng.normal(0, 0.5))
        iota = rng.normal(center, tau, len(channels))
        credited = rng.uniform(100, 1000, len(channels))
        tests = [
            ChannelTest(name, rng.normal(rng.normal(factor, 0.1) * k, 0.15 * k), (0.15 * k) ** 2, k)
            for name, factor, k in zip(channels[:4], iota, credited, strict=False)
            for _ in range(2)
        ]
        posterior = estimate_incrementality(channels, tests)
        table = calibrate_credit(dict(zip(channels, credited, strict=True)), 5000, posterior)
        low, high, middle = (
            table[name].to_numpy()[:-1] for name in ("conversions_low", "conversions_high",
                                                     "conversions")
        )  # fmt: skip
        truth = iota * credited
        covered = (low <= truth) & (truth <= high)
        hits[True] += covered[:4].tolist()
        hits[False] += covered[4:].tolist()
        better.append(np.abs(middle - truth).sum() < np.abs(credited - truth).sum())
    assert 0.90 <= np.mean(hits[True]) <= 0.98
    assert 0.90 <= np.mean(hits[False]) <= 0.98
    assert np.mean(better) > 0.9


def test_the_interval_of_a_product_knows_that_the_same_users_count_in_both():
    """Experiments and credit are drawn together; half of the credited conversions are in both.

    Treated users have credited and other conversions; a share of the credited ones is caused.
    """
    rng = np.random.default_rng(1)
    iota, n = 0.4, 40_000
    caused, followed = rng.poisson(300 * iota, n), rng.poisson(300 * (1 - iota), n)
    others = rng.poisson(200, (2, n))
    control = rng.poisson(300 * (1 - iota), n)
    credited, elsewhere = caused + followed, rng.poisson(300, n)
    measured = credited + others[0] - control - others[1]
    # In one arm the credited purchases vary with all purchases: the covariance is their variance.
    test = ChannelTest("search", 120, 800 - 300 * iota + 200, 300, 0, 300, 300)
    posterior = estimate_incrementality(["search"], [test], Prior(between=1e4, within=1e-6))
    product = measured / credited * (credited + elsewhere)
    table = calibrate_credit({"search": 600}, 2000, posterior, variance={"search": 600})
    width = (table["conversions_high"] - table["conversions_low"])[0]
    assert posterior.mean[0] == pytest.approx(iota, abs=0.001)
    assert posterior.credit_covariance[0] == pytest.approx(
        np.cov(measured / credited, credited + elsewhere)[0, 1], rel=0.03
    )
    # Wider, as the variance of a factor leaves out that its parts vary together.
    assert 1 <= width / (2 * 1.96 * product.std()) <= 1.15


def test_what_is_left_is_the_baseline():
    posterior = estimate_incrementality(CHANNELS, TESTS)
    credited = {"mail": 50.0, "search": 400.0, "video": 100.0}
    table = calibrate_credit(credited, 1000, posterior)
    assert table["channel"].to_list() == [*credited, BASELINE]
    assert table["conversions"].sum() == pytest.approx(1000)
    k = np.array([400.0, 100.0, 50.0])  # in the order of the posterior
    spread = np.sqrt(k @ posterior.covariance @ k)
    last = table.row(-1, named=True)
    assert last["conversions_high"] - last["conversions_low"] == pytest.approx(2 * 1.96 * spread,
                                                                              rel=1e-3)  # fmt: skip
    assert table["experiments"].to_list() == [0, 2, 1, None]
    assert table["share_from_experiments"][0] == 0


def test_a_channel_without_a_factor_is_named():
    with pytest.raises(InputError, match="'radio' has credit, and no"):
        calibrate_credit({"radio": 3.0}, 10, estimate_incrementality(CHANNELS, []))
