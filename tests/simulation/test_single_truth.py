"""Single-truth worlds: their output is what the one hypothesis says, read independently."""

from __future__ import annotations

from datetime import timedelta
from math import exp, sqrt
from statistics import mean

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.simulation import simulate
from lydite.simulation.single_truth import DAILY_COST, TOUCH_COST
from tests.helpers.simulation_tables import landmarks

RULES = ("null", "first_touch", "last_touch", "linear", "position_based", "w_shaped", "time_decay",
         "markov_2", "markov_3", "channel_set", "logistic")  # fmt: skip


def chance(world, parameters, landmark):
    """Say what the hypothesis makes of a path, one touch at a time."""
    path = landmark.channels
    if world == "null":
        return parameters["rate"]
    if world == "markov_2":
        return parameters["rates"][path[-2] if len(path) > 1 else "(start)"][path[-1]]
    if world == "markov_3":
        third, second, last = ["(start)", "(start)", *path][-3:]
        return parameters["rates"][third][second][last]
    if world == "logistic":
        met = sum(parameters["log_odds"][channel] for channel in set(path))
        return 1 / (1 + exp(-parameters["intercept"] - met))
    if world == "channel_set":
        log_odds = parameters["log_odds"]
        for pair, effect in parameters["pair_log_odds"].items():
            if set(pair.split(" + ")) <= set(path):
                log_odds += effect
        return 1 / (1 + exp(-log_odds))
    weights = weigh(world, landmark)
    rates = (parameters["rates"][channel] for channel in path)
    return sum(w * r for w, r in zip(weights, rates, strict=True)) / sum(weights)


def weigh(world, landmark):
    n = len(landmark.channels)
    if world == "first_touch":
        return [1] + [0] * (n - 1)
    if world == "last_touch":
        return [0] * (n - 1) + [1]
    if world == "position_based":
        return [1] * n if n < 3 else [0.4, *[0.2 / (n - 2)] * (n - 2), 0.4]
    if world == "w_shaped":
        decisive = {1, (n + 1) // 2, n}
        others = 0.1 / (n - 3) if n > 3 else None
        return [1] * n if n < 4 else [0.3 if i in decisive else others for i in range(1, n + 1)]
    if world == "time_decay":
        ages = [(landmark.times[-1] - time) / timedelta(days=7) for time in landmark.times]
        return [0.5**age for age in ages]
    return [1] * n


@pytest.mark.parametrize("world", RULES)
def test_conversions_come_at_the_rate_that_the_hypothesis_says(world):
    simulated = simulate(world, users=2_500, seed=901)
    read = landmarks(simulated)
    chances = np.array([chance(world, simulated.truth["parameters"], point) for point in read])
    converted = np.array([point.converted for point in read])

    assert chances.mean() == pytest.approx(simulated.truth["expected_base_rate"], rel=1e-9)
    assert len(read) == simulated.truth["touchpoints"]
    assert converted.sum() == simulated.truth["conversions"]
    for group in np.array_split(np.argsort(chances, kind="stable"), 5):
        p, y = chances[group], converted[group]
        assert abs(y.sum() - p.sum()) < 4 * sqrt((p * (1 - p)).sum())


@pytest.mark.parametrize(
    ("world", "told_by"),
    [("markov_3", lambda path: tuple(path[-3:])), ("logistic", frozenset)],
)
def test_each_case_converts_at_its_own_rate(world, told_by):
    simulated = simulate(world, users=20_000, seed=907)
    counts = {}
    for point in landmarks(simulated):
        p = chance(world, simulated.truth["parameters"], point)
        group = counts.setdefault(told_by(point.channels), [p, 0, 0])
        group[1] += 1
        group[2] += point.converted
        assert abs(group[0] - p) < 1e-12
    p, n, k = np.array(list(counts.values())).T
    assert len(p) > 250
    assert np.minimum(stats.binom.cdf(k, n, p), stats.binom.sf(k - 1, n, p)).min() > 1e-3 / len(p)
    many = n * p > 5
    surprise = ((k - n * p)[many] ** 2 / (n * p * (1 - p))[many]).sum()
    assert stats.chi2.sf(surprise, many.sum()) > 1e-3


def test_journeys_fit_into_the_lookback_and_are_told_apart_by_it():
    read = landmarks(simulate("linear", users=2_500, seed=902))
    spans = [point.times[-1] - point.times[0] for point in read]
    assert max(spans) < timedelta(days=29)
    before = {}
    for point in read:
        if point.user in before and len(point.times) == 1 and not before[point.user].converted:
            assert point.times[0] - before[point.user].times[-1] > timedelta(days=30)
        before[point.user] = point
    assert 3 < mean(len(point.channels) for point in read) < 6


def test_conversions_follow_a_touch_within_hours():
    world = simulate("last_touch", users=2_500, seed=903)
    merged = world.conversions.sort("converted_at").join_asof(
        world.touchpoints.select("user_id", "touched_at").sort("touched_at"),
        left_on="converted_at",
        right_on="touched_at",
        by="user_id",
        check_sortedness=False,
    )
    delay = merged["converted_at"] - merged["touched_at"]
    assert delay.null_count() == 0
    assert delay.min() >= timedelta(minutes=2)
    assert delay.max() < timedelta(hours=4)


def test_activity_is_in_the_users_and_not_in_the_channels():
    world = simulate("activity", users=6_000, seed=904)
    read = landmarks(world)
    channels = sorted({point.channels[-1] for point in read})
    for place in (0, -1):
        table = np.zeros((len(channels), 2))
        for point in read:
            table[channels.index(point.channels[place]), int(point.converted)] += 1
        assert stats.chi2_contingency(table).pvalue > 1e-3

    first = {}
    for point in read:
        first.setdefault(point.user, point)
    by_user = {}
    for point in read:
        by_user.setdefault(point.user, []).append(point.channels[-1])
    busy = [table.count("search") / len(table) for table in by_user.values() if len(table) > 8]
    calm = [table.count("search") / len(table) for table in by_user.values() if len(table) <= 8]
    assert stats.ttest_ind(busy, calm).pvalue > 1e-3

    early = [point.converted for point in read if len(point.channels) == 1]
    late = [point.converted for point in read if len(point.channels) >= 6]
    assert mean(late) > 1.2 * mean(early)


@pytest.mark.parametrize("world", ["time_decay", "hazard"])
def test_users_do_not_depend_on_how_many_there_are(world):
    few, many = (simulate(world, users=users, seed=905) for users in (50, 60_000))
    same = pl.col("user_id") <= "u00000050"
    drop = ("touchpoint_id", "conversion_id")
    for table in ("touchpoints", "conversions", "users"):
        expected = getattr(few, table).drop(drop, strict=False)
        assert getattr(many, table).filter(same).drop(drop, strict=False).equals(expected)


def test_a_channel_costs_by_the_touch_or_by_the_day_never_both():
    world = simulate("null", users=500, seed=906)
    costly = world.touchpoints.filter(pl.col("cost").is_not_null())["channel"].unique()
    assert set(costly) == set(TOUCH_COST)
    assert set(world.spend["channel"]) == set(DAILY_COST)
    assert not set(costly) & set(world.spend["channel"])
