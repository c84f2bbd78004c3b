"""Conversion probabilities of worlds without rules, on small paths."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from lydite.simulation import _probabilities as probabilities
from lydite.simulation._paths import CHANNELS, by_channel
from tests.helpers.made_simulation_paths import path

NONE = len(CHANNELS)


def number(channel):
    return CHANNELS.index(channel)


def test_markov_2_depends_on_the_last_two_channels_in_order():
    search, email = number("search"), number("email")
    chance, rates = probabilities.markov_2, probabilities.PAIR_RATES
    assert chance(path("email"))[0] == rates[NONE, email]
    assert chance(path("video", "search", "email"))[0] == rates[search, email]
    assert chance(path("email", "search"))[0] == rates[email, search]


def test_markov_3_depends_on_the_last_three_channels_in_order():
    search, email, video = map(number, ("search", "email", "video"))
    chance, rates = probabilities.markov_3, probabilities.TRIPLE_RATES
    assert chance(path("email"))[0] == rates[NONE, NONE, email]
    assert chance(path("email", "video"))[0] == rates[NONE, email, video]
    assert chance(path("search", "email", "video"))[0] == rates[search, email, video]
    assert chance(path("email", "video", "search", "email"))[0] == rates[video, search, email]


def test_one_or_two_of_the_last_three_channels_do_not_determine_the_rate():
    levels = np.sort(probabilities.TRIPLE_RATES[0, 0])
    assert len(np.unique(levels)) > 4
    for channels_left_out in range(3):
        over = np.sort(probabilities.TRIPLE_RATES[:NONE, :NONE], axis=channels_left_out)
        over = np.moveaxis(over, channels_left_out, -1)
        np.testing.assert_array_equal(over, np.broadcast_to(levels, over.shape))
    assert np.unique(probabilities.TRIPLE_RATES[NONE, NONE]) == pytest.approx([levels.mean()])


def test_channel_set_ignores_order_and_repetition():
    once = probabilities.channel_set(path("search", "email"))[0]
    again = probabilities.channel_set(path("email", "email", "search", "email"))[0]
    assert once == again
    log_odds = probabilities.SET_LOG_ODDS + probabilities.PAIR_LOG_ODDS["search", "email"]
    assert np.log(once / (1 - once)) == pytest.approx(log_odds)
    alone = probabilities.channel_set(path("search"))[0]
    assert alone == pytest.approx(1 / (1 + exp(-probabilities.SET_LOG_ODDS)))


def test_logistic_counts_each_channel_once():
    log_odds = by_channel(probabilities.LOG_ODDS)
    expected = probabilities.INTERCEPT + log_odds["search"] + log_odds["email"] + log_odds["social"]
    for channels in (("search", "email", "social"), ("social", "email", "search", "email")):
        chance = probabilities.logistic(path(*channels))[0]
        assert chance == pytest.approx(1 / (1 + exp(-expected)))
    assert min(log_odds.values()) < 0 < max(log_odds.values())
