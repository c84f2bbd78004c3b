"""Predictions of left-out experiments: against numerical integration, and their properties."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.experiments.incrementality import ChannelTest, Prior
from lydite.experiments.left_out import (
    ALL_CHANNELS,
    SUMMARY,
    predict_left_out,
    r_squared,
    summarise_predictions,
)

TESTS = [
    ChannelTest("search", 20, 400, 200, months=3),
    ChannelTest("search", 50, 900, 150, months=8),
    ChannelTest("video", 90, 1600, 100, months=2),
]


def by_grid(tests, left_out, prior):
    """Return mean and sd of the factor of search by summing over a grid of all unknowns.

    The unknowns are the mean over channels, their spread, and the factors of search and video.
    """
    center = np.linspace(-3, 4, 71)[:, None, None, None]
    spread = np.linspace(0.001, 2.2, 60)[None, :, None, None]
    apart = np.linspace(-5, 5, 41)  # of a factor from the mean, in spreads
    search = center + spread * apart[None, None, :, None]
    video = center + spread * apart[None, None, None, :]
    log = stats.norm.logpdf(center, prior.mean, prior.sd)
    log = log + stats.halfnorm.logpdf(spread, scale=prior.between)
    log = log + stats.norm.logpdf(apart)[:, None] + stats.norm.logpdf(apart)
    for number, test in enumerate(tests):
        if number != left_out:
            factor = search if test.channel == "search" else video
            age = abs(test.months - tests[left_out].months)
            noise = test.variance / test.credited**2 + prior.within**2 + prior.drift * age
            log = log + stats.norm.logpdf(test.measured / test.credited, factor, np.sqrt(noise))
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    of = {"search": search, "video": video}[tests[left_out].channel]
    mean = (weight * of).sum()
    return mean, np.sqrt((weight * (of - mean) ** 2).sum())


@pytest.mark.parametrize("left_out", [0, 2])
def test_the_prediction_is_that_of_a_refit_by_numerical_integration(left_out):
    prior = Prior()
    found = predict_left_out(TESTS, prior)
    mean, sd = by_grid(TESTS, left_out, prior)
    test = TESTS[left_out]
    assert found.predicted[left_out] == pytest.approx(mean * test.credited, abs=1.5)
    effect_sd = np.hypot(sd, prior.within) * test.credited
    assert found.effect_sd[left_out] == pytest.approx(effect_sd, rel=0.03)
    expected = np.hypot(effect_sd, np.sqrt(test.variance))
    assert found.sd[left_out] == pytest.approx(expected, rel=0.03)


def test_the_order_of_experiments_changes_nothing():
    expected = predict_left_out(TESTS)
    for order in permutations(range(3)):
        found = predict_left_out([TESTS[place] for place in order])
        np.testing.assert_allclose(found.predicted, expected.predicted[list(order)])
        np.testing.assert_allclose(found.sd, expected.sd[list(order)])
        np.testing.assert_array_equal(
            found.others_on_channel, expected.others_on_channel[list(order)]
        )


def test_others_that_say_nothing_leave_the_prior():
    vague = [replace(test, variance=1e15) for test in TESTS]
    found = predict_left_out(vague)
    np.testing.assert_allclose(found.predicted, [100, 75, 50], rtol=1e-6)
    single = predict_left_out(TESTS[:1])
    assert single.predicted[0] == pytest.approx(100)
    assert (single.others[0], single.others_on_channel[0]) == (0, 0)


def test_the_left_out_measurement_is_not_used():
    changed = [replace(TESTS[0], measured=9_999.0), *TESTS[1:]]
    assert predict_left_out(changed).predicted[0] == predict_left_out(TESTS).predicted[0]
    assert predict_left_out(changed).predicted[1] != predict_left_out(TESTS).predicted[1]


def test_exact_others_on_the_channel_decide():
    exact = [ChannelTest("search", 30, 1e-9, 100), ChannelTest("search", 70, 1e-9, 200)]
    found = predict_left_out(exact, Prior(within=1e-6))
    np.testing.assert_allclose(found.predicted, [35, 60], rtol=1e-6)


def test_a_whole_channel_can_be_left_out():
    found = predict_left_out(TESTS, by_channel=True)
    assert found.others.tolist() == [1, 1, 2]
    assert found.others_on_channel.tolist() == [0, 0, 0]
    alone = predict_left_out([TESTS[0], TESTS[2]])
    assert found.predicted[0] == pytest.approx(alone.predicted[0])


def test_without_credit_nothing_is_predicted_and_nothing_learned():
    tests = [*TESTS, ChannelTest("radio", 40, 100, 0)]
    found = predict_left_out(tests)
    assert (found.predicted[3], found.effect_sd[3], found.sd[3]) == (0, 0, 10)
    np.testing.assert_allclose(found.predicted[:3], predict_left_out(TESTS).predicted)


def test_intervals_cover_the_left_out_measurement():
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(100):
        iota = rng.normal(rng.normal(0.5, 0.4), abs(rng.normal(0, 0.5)), 4)
        tests = [
            ChannelTest(f"c{c}", rng.normal(rng.normal(iota[c], 0.1) * k, 40), 1600, k)
            for c in range(4)
            for k in rng.uniform(100, 600, 2)
        ]
        found = predict_left_out(tests)
        error = np.array([test.measured for test in tests]) - found.predicted
        inside += (np.abs(error) <= 1.96 * found.sd).tolist()
    assert 0.92 <= np.mean(inside) <= 0.98


def test_r_squared_against_the_mean_and_against_zero():
    actual, predicted = np.array([1.0, 2.0, 6.0]), np.array([1.0, 3.0, 5.0])
    assert r_squared(actual, predicted) == pytest.approx(1 - 2 / 14)
    assert r_squared(actual, predicted, zero=True) == pytest.approx(1 - 2 / 41)
    assert r_squared(actual, np.full(3, 3.0)) == 0
    assert r_squared(actual[:1], predicted[:1]) is None
    assert r_squared(np.zeros(2), np.ones(2), zero=True) is None
    assert r_squared(np.array([]), np.array([]), zero=True) is None


def test_the_summary_has_all_channels_and_each():
    predictions = pl.DataFrame(
        {
            "method": ["calibrated"] * 3 + ["credit"] * 3,
            "channel": ["search", "search", "video"] * 2,
            "measured": [1.0, 2.0, 6.0] * 2,
            "predicted": [1.0, 3.0, 5.0, 6.0, 6.0, 6.0],
            "predicted_low": [0.0, 2.5, 5.5, None, None, None],
            "predicted_high": [2.0, 4.0, 9.0, None, None, None],
        }
    )
    table = summarise_predictions(predictions, ["method"])
    assert table.columns == ["method", *SUMMARY]
    assert table.select("method", "channel").rows() == [
        (method, channel)
        for method in ("calibrated", "credit")
        for channel in (ALL_CHANNELS, "search", "video")
    ]
    whole = table.row(0, named=True)
    assert whole["experiments"] == 3
    assert whole["r_squared"] == pytest.approx(1 - 2 / 14)
    assert whole["mean_absolute_error"] == pytest.approx(2 / 3)
    assert whole["mean_error"] == pytest.approx(0)
    assert whole["covered"] == pytest.approx(2 / 3)
    credit = table.row(3, named=True)
    assert credit["r_squared"] == pytest.approx(1 - 41 / 14)
    assert credit["covered"] is None
    video = table.row(2, named=True)
    assert (video["r_squared"], video["mean_absolute_error"]) == (None, 1)


def test_without_predictions_the_summary_is_empty():
    schema = {"method": pl.String, "channel": pl.String} | dict.fromkeys(
        ("measured", "predicted", "predicted_low", "predicted_high"), pl.Float64
    )
    table = summarise_predictions(pl.DataFrame(schema=schema), ["method"])
    assert table.is_empty()
    assert table.schema == {"method": pl.String, **SUMMARY}
