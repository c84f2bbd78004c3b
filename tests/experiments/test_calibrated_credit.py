"""Calibrated credit: the posterior against quadrature, and the coverage of its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from lydite.errors import InputError
from lydite.experiments.calibrated_credit import (
    BASELINE,
    ChannelTest,
    Prior,
    calibrate_credit,
    estimate_incrementality,
)

CHANNELS = ["search", "video", "mail"]
TESTS = [
    ChannelTest("search", 20, 400, 200),
    ChannelTest("search", 50, 900, 150, months=8),
    ChannelTest("video", 90, 1600, 100, months=2),
]


def by_quadrature(channels, tests, prior):
    """Return mean and covariance by numerical integration over tau of the joint normal."""
    place = {channel: index for index, channel in enumerate(channels)}
    design = np.array([[place[test.channel] == index for index in range(len(channels))]
                       for test in tests], dtype=float)  # fmt: skip
    x = np.array([test.measured / test.credited for test in tests])
    noise = np.diag([test.variance / test.credited**2 + prior.within**2 + prior.drift * test.months
                     for test in tests])  # fmt: skip
    n = len(channels)

    def given(tau):
        before = tau**2 * np.eye(n) + prior.sd**2
        total = design @ before @ design.T + noise
        gain = before @ design.T @ np.linalg.inv(total)
        mean = prior.mean + gain @ (x - prior.mean)
        weight = stats.multivariate_normal.pdf(x, np.full(len(x), prior.mean), total)
        return weight * stats.halfnorm.pdf(tau, scale=prior.between), mean, before - gain @ (
            design @ before)  # fmt: skip

    tau = np.linspace(1e-4, 8 * prior.between, 4001)
    weight, mean, covariance = (np.array(part) for part in zip(*map(given, tau), strict=True))
    weight /= integrate.trapezoid(weight, tau)
    overall = integrate.trapezoid(weight[:, None] * mean, tau, axis=0)
    apart = mean - overall
    square = covariance + apart[:, :, None] * apart[:, None, :]
    return overall, integrate.trapezoid(weight[:, None, None] * square, tau, axis=0)


@pytest.mark.parametrize("tests", [TESTS, TESTS[:1], TESTS[2:]])
@pytest.mark.parametrize("prior", [Prior(), Prior(between=0.1, within=0.3, drift=0.01)])
def test_the_posterior_is_that_of_quadrature(tests, prior):
    found = estimate_incrementality(CHANNELS, tests, prior)
    mean, covariance = by_quadrature(CHANNELS, tests, prior)
    np.testing.assert_allclose(found.mean, mean, atol=2e-3)
    np.testing.assert_allclose(found.covariance, covariance, atol=2e-3)


def test_without_experiments_it_is_the_prior():
    found = estimate_incrementality(CHANNELS, [])
    np.testing.assert_allclose(found.mean, 0.5)
    np.testing.assert_allclose(found.sd, np.sqrt(1 + 0.5**2), rtol=1e-3)
    np.testing.assert_array_equal(found.own_share, 0)


def test_an_exact_test_decides_and_an_old_one_weighs_less():
    exact = ChannelTest("search", 60, 1e-6, 200)
    found = estimate_incrementality(CHANNELS, [exact], Prior(within=1e-4))
    assert found.mean[0] == pytest.approx(0.3, abs=1e-3)
    assert found.own_share[0] == pytest.approx(1, abs=0.01)
    assert found.sd[1] > 10 * found.sd[0]
    new, old = (
        estimate_incrementality(CHANNELS, [ChannelTest("search", 60, 900, 200, months=months)])
        for months in (0, 48)
    )
    assert new.own_share[0] > old.own_share[0]
    assert new.sd[0] < old.sd[0]


def test_the_order_of_channels_and_tests_changes_nothing():
    first = estimate_incrementality(CHANNELS, TESTS)
    second = estimate_incrementality(CHANNELS[::-1], TESTS[::-1])
    np.testing.assert_allclose(first.mean, second.mean[::-1])
    np.testing.assert_allclose(first.covariance, second.covariance[::-1, ::-1])


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


def test_the_interval_of_a_product():
    """The variance of iota K by simulation of correlated normals with small errors."""
    posterior = estimate_incrementality(["search"], [ChannelTest("search", 100, 25, 200)])
    iota, sd, k, var_k, cov = posterior.mean[0], posterior.sd[0], 500.0, 400.0, -0.3
    table = calibrate_credit(
        {"search": k}, 2000, posterior, variance={"search": var_k}, covariance={"search": cov}
    )
    rng = np.random.default_rng(1)
    drawn = rng.multivariate_normal([iota, k], [[sd**2, cov], [cov, var_k]], 400_000)
    width = (table["conversions_high"] - table["conversions_low"])[0]
    assert width == pytest.approx(2 * 1.96 * np.prod(drawn, axis=1).std(), rel=0.01)


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


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (ChannelTest("radio", 1, 1, 1), "'radio', which has no credit; the channels are: search"),
        (ChannelTest("search", 1, 1, 0), "credits no conversions to 'search'"),
        (ChannelTest("search", 1, 0, 10), "the variance positive"),
        (ChannelTest("search", 1, float("nan"), 10), "must be finite"),
        (ChannelTest("search", 1, 1, 10, months=-1), "the age not negative"),
    ],
)
def test_a_wrong_test_is_named(test, words):
    with pytest.raises(InputError, match=words):
        estimate_incrementality(CHANNELS, [test])


def test_a_channel_without_a_factor_is_named():
    with pytest.raises(InputError, match="'radio' has credit, and no"):
        calibrate_credit({"radio": 3.0}, 10, estimate_incrementality(CHANNELS, []))
