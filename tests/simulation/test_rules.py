"""The hypotheses on paths small enough to reckon by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.simulation import _rules as rules

DAY = 86_400


def paths(*channels: str, days: tuple[float, ...] | None = None) -> rules.Paths:
    """Build one path, padded with rubbish beyond its length."""
    longest = 6
    numbers = [rules.CHANNELS.index(channel) for channel in channels]
    seconds = [int(day * DAY) for day in days or range(len(channels))]
    padding = longest - len(channels)
    return rules.Paths(
        channel=np.array([numbers + [7] * padding], np.int8),
        second=np.array([seconds + [10**9] * padding]),
        length=np.array([len(channels)]),
        intent=np.ones(1),
    )


@pytest.mark.parametrize(
    ("weigh", "length", "expected"),
    [
        (rules.first_touch, 3, [1, 0, 0]),
        (rules.last_touch, 3, [0, 0, 1]),
        (rules.linear, 4, [0.25] * 4),
        (rules.position_based, 1, [1]),
        (rules.position_based, 2, [0.5, 0.5]),
        (rules.position_based, 3, [0.4, 0.2, 0.4]),
        (rules.position_based, 4, [0.4, 0.1, 0.1, 0.4]),
        (rules.time_decay, 1, [1]),
    ],
)
def test_weights(weigh, length, expected):
    weights = weigh(paths(*["search"] * length))
    np.testing.assert_allclose(weights[0, :length], expected, rtol=0, atol=1e-15)
    assert not weights[0, length:].any()


def test_time_decay_halves_in_seven_days():
    weights = rules.time_decay(paths("search", "email", "video", days=(0, 7, 14)))
    np.testing.assert_allclose(weights[0, :3], np.array([1, 2, 4]) / 7)


def test_a_rule_mixes_the_rates_of_the_channels():
    rates = dict(zip(rules.CHANNELS, rules.RATES, strict=True))
    path = paths("email", "display", "video")
    assert rules.TRUTHS["linear"].probability(path)[0] == pytest.approx(
        (rates["email"] + rates["display"] + rates["video"]) / 3
    )
    assert rules.TRUTHS["first_touch"].probability(path)[0] == rates["email"]
    assert rules.TRUTHS["last_touch"].probability(path)[0] == rates["video"]


def test_markov_2_reads_the_last_two_in_order():
    rates = rules.TRUTHS["markov_2"].parameters["rates"]
    chance = rules.TRUTHS["markov_2"].probability
    assert chance(paths("email"))[0] == rates[rules.START]["email"]
    assert chance(paths("video", "search", "email"))[0] == rates["search"]["email"]
    assert chance(paths("email", "search"))[0] == rates["email"]["search"]


def test_channel_set_ignores_order_and_repetition():
    chance = rules.TRUTHS["channel_set"].probability
    once = chance(paths("search", "email"))[0]
    again = chance(paths("email", "email", "search", "email"))[0]
    assert once == again
    log_odds = rules.SET_LOG_ODDS + rules.PAIR_LOG_ODDS["search", "email"]
    assert np.log(once / (1 - once)) == pytest.approx(log_odds)
    assert chance(paths("search"))[0] == pytest.approx(1 / (1 + np.exp(-rules.SET_LOG_ODDS)))


@pytest.mark.parametrize("world", rules.TRUTHS)
def test_chances_are_chances_and_claims_are_sentences(world):
    truth = rules.TRUTHS[world]
    for channels in (["search"], ["email", "video"], ["social", "direct", "display", "email"]):
        assert 0 < truth.probability(paths(*channels))[0] < 1
    assert truth.claim.endswith(".")
