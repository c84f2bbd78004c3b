"""The incrementality factors: the posterior against quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from lydite.errors import InputError
from lydite.experiments.incrementality import ChannelTest, Prior, estimate_incrementality

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
