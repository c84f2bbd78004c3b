"""Single-truth worlds: outputs agree with their hypothesis, computed independently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import exp, log, sqrt
from statistics import mean

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.simulation import _hypotheses, simulate
from lydite.simulation._conversion_process import ImmediateConversion
from lydite.simulation._experiments import SimulatedExperiment
from lydite.simulation.single_truth import DAILY_COST, TOUCH_COST, simulate_single_truth
from tests.helpers.simulation_tables import LOOKBACK, Landmark, landmarks

RULES = ("null", "first_touch", "last_touch", "linear", "position_based", "w_shaped", "time_decay",
         "markov_2", "markov_3", "channel_set", "logistic")  # fmt: skip


def probability(world, parameters, landmark):
    """Return the conversion probability of a path, computed touch by touch."""
    path = landmark.channels
    if world == "null":
        return parameters["rate"]
    if world == "markov_2":
        return parameters["rates"][path[-2] if len(path) > 1 else "(start)"][path[-1]]
    if world == "markov_3":
        third, second, last = ["(start)", "(start)", *path][-3:]
        return parameters["rates"][third][second][last]
    if world == "logistic":
        log_odds = sum(parameters["log_odds"][channel] for channel in set(path))
        return 1 / (1 + exp(-parameters["intercept"] - log_odds))
    if world == "channel_set":
        log_odds = parameters["log_odds"]
        for pair, effect in parameters["pair_log_odds"].items():
            if set(pair.split(" + ")) <= set(path):
                log_odds += effect
        return 1 / (1 + exp(-log_odds))
    weights = touch_weights(world, landmark)
    rates = (parameters["rates"][channel] for channel in path)
    return sum(w * r for w, r in zip(weights, rates, strict=True)) / sum(weights)


def touch_weights(world, landmark):
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
def test_conversion_rates_agree_with_the_hypothesis(world):
    simulated = simulate(world, users=2_500, seed=901)
    read = landmarks(simulated)
    expected = np.array(
        [probability(world, simulated.truth["parameters"], point) for point in read]
    )
    converted = np.array([point.converted for point in read])

    assert expected.mean() == pytest.approx(simulated.truth["expected_base_rate"], rel=1e-9)
    assert len(read) == simulated.truth["touchpoints"]
    assert converted.sum() == simulated.truth["conversions"]
    for group in np.array_split(np.argsort(expected, kind="stable"), 5):
        p, y = expected[group], converted[group]
        assert abs(y.sum() - p.sum()) < 4 * sqrt((p * (1 - p)).sum())


@pytest.mark.parametrize(
    ("world", "case_of"),
    [("markov_3", lambda path: tuple(path[-3:])), ("logistic", frozenset)],
)
def test_each_case_converts_at_its_rate(world, case_of):
    simulated = simulate(world, users=20_000, seed=907)
    counts = {}
    for point in landmarks(simulated):
        p = probability(world, simulated.truth["parameters"], point)
        group = counts.setdefault(case_of(point.channels), [p, 0, 0])
        group[1] += 1
        group[2] += point.converted
        assert abs(group[0] - p) < 1e-12
    p, n, k = np.array(list(counts.values())).T
    assert len(p) > 250
    assert np.minimum(stats.binom.cdf(k, n, p), stats.binom.sf(k - 1, n, p)).min() > 1e-3 / len(p)
    many = n * p > 5
    surprise = ((k - n * p)[many] ** 2 / (n * p * (1 - p))[many]).sum()
    assert stats.chi2.sf(surprise, many.sum()) > 1e-3


def test_paths_are_shorter_than_the_lookback_and_separated_by_it():
    read = landmarks(simulate("linear", users=2_500, seed=902))
    spans = [point.times[-1] - point.times[0] for point in read]
    assert max(spans) < timedelta(days=29)
    before = {}
    for point in read:
        if point.user in before and len(point.times) == 1 and not before[point.user].converted:
            assert point.times[0] - before[point.user].times[-1] > timedelta(days=30)
        before[point.user] = point
    assert 3 < mean(len(point.channels) for point in read) < 6


def test_conversions_come_within_hours_of_a_touch():
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


def test_in_the_activity_world_users_differ_and_channels_do_not():
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
def test_users_do_not_depend_on_their_number(world):
    few, many = (simulate(world, users=users, seed=905) for users in (50, 60_000))
    same = pl.col("user_id") <= "u00000050"
    drop = ("touchpoint_id", "conversion_id")
    for table in ("touchpoints", "conversions", "users"):
        expected = getattr(few, table).drop(drop, strict=False)
        assert getattr(many, table).filter(same).drop(drop, strict=False).equals(expected)


def test_a_channel_has_cost_by_touch_or_by_day_not_both():
    world = simulate("null", users=500, seed=906)
    costly = world.touchpoints.filter(pl.col("cost").is_not_null())["channel"].unique()
    assert set(costly) == set(TOUCH_COST)
    assert set(world.spend["channel"]) == set(DAILY_COST)
    assert not set(costly) & set(world.spend["channel"])


# --- hazard ---------------------------------------------------------------------------------------

USERS, SEED = 10_000, 931
END = datetime(2025, 1, 6) + timedelta(weeks=26)
HOUR = timedelta(hours=1)
BASELINE = "(baseline)"


@dataclass
class Hazard:
    """The hazard after a landmark, by channel."""

    parameters: dict
    point: Landmark

    def at(self, hours):
        return self._by_channel(lambda age: 0.5 ** ((age + hours) / self._half_life), 1.0)

    def integrated(self, start, end):
        """Integrate from one hour after the last touch to another."""
        scale = self._half_life / log(2)

        def decayed(age):
            return scale * (
                0.5 ** ((age + start) / self._half_life) - 0.5 ** ((age + end) / self._half_life)
            )

        return self._by_channel(decayed, end - start)

    @property
    def _half_life(self):
        return self.parameters["half_life_hours"]

    def _by_channel(self, of_age, of_baseline):
        per_hour = self.parameters["hazard_per_hour"]
        hazard = {BASELINE: self.parameters["baseline_per_hour"] * of_baseline}
        hazard |= dict.fromkeys(per_hour, 0.0)
        for channel, time in zip(self.point.channels, self.point.times, strict=True):
            hazard[channel] += per_hour[channel] * of_age((self.point.times[-1] - time) / HOUR)
        return np.array(list(hazard.values()))


@dataclass
class HazardWorld:
    """Every touch of a world with its observed hours and the integrated hazard over them."""

    world: object
    points: list[Landmark]
    hours: np.ndarray
    converted: np.ndarray
    integrated: np.ndarray  # by column: the baseline and the channels

    def hazard(self, place):
        return Hazard(self.world.truth["parameters"], self.points[place])


@pytest.fixture(scope="module")
def hazard_world():
    world = simulate("hazard", users=USERS, seed=SEED)
    points = landmarks(world)
    parameters = world.truth["parameters"]
    hours = np.array([observed_time(point) / HOUR for point in points])
    integrated = [
        Hazard(parameters, point).integrated(0.0, end)
        for point, end in zip(points, hours, strict=True)
    ]
    converted = np.array([point.converted for point in points])
    return HazardWorld(world, points, hours, converted, np.array(integrated))


def observed_time(point):
    """Return the time from a touch to the next event, the lookback or the end of the history."""
    at = point.times[-1]
    return min(point.following or END, at + LOOKBACK, END) - at


def test_the_integral_equals_a_numerical_one(hazard_world):
    hazard = hazard_world.hazard(
        int(np.argmax([len(point.channels) for point in hazard_world.points]))
    )
    edges = np.linspace(5, 90, 10_001)
    by_hand = sum(hazard.at(hour) for hour in (edges[1:] + edges[:-1]) / 2) * (85 / 10_000)
    np.testing.assert_allclose(hazard.integrated(5, 90), by_hand, rtol=1e-8)


def test_number_of_conversions_equals_the_integrated_hazard(hazard_world):
    of_touch = hazard_world.integrated.sum(axis=1)
    assert abs(hazard_world.converted.sum() - of_touch.sum()) < 4 * sqrt(of_touch.sum())
    last = np.array([point.channels[-1] for point in hazard_world.points])
    length = np.array([len(point.channels) for point in hazard_world.points])
    strength = [hazard_world.hazard(place).at(0.0).sum() for place in range(len(last))]
    tenth = np.argsort(np.argsort(strength)) * 10 // len(last)
    groups = [last == channel for channel in np.unique(last)]
    groups += [length == touches for touches in range(1, 9)]
    groups += [tenth == number for number in range(10)]
    for among in groups:
        expected = of_touch[among].sum()
        assert abs(hazard_world.converted[among].sum() - expected) < 4 * sqrt(expected)


def test_times_of_conversions_agree_with_the_hazard(hazard_world):
    for start, end in ((0, 1), (1, 4), (4, 24), (24, 72), (72, 168), (168, 720)):
        stop = np.minimum(hazard_world.hours, end)
        expected = sum(
            hazard_world.hazard(place).integrated(start, stop[place]).sum()
            for place in np.flatnonzero(stop > start)
        )
        came = hazard_world.converted & (hazard_world.hours >= start) & (hazard_world.hours < end)
        assert abs(came.sum() - expected) < 4 * sqrt(expected)


def test_shares_of_channels_agree_with_their_integrated_hazard(hazard_world):
    """A channel's shares of the hazard at conversions add up to its integrated hazard."""
    at = np.array(
        [
            hazard_world.hazard(place).at(hazard_world.hours[place])
            for place in np.flatnonzero(hazard_world.converted)
        ]
    )
    shares = at / at.sum(axis=1, keepdims=True)
    surprise = shares.sum(axis=0) - hazard_world.integrated.sum(axis=0)
    assert (np.abs(surprise) < 4 * np.sqrt((shares**2).sum(axis=0))).all()
    assert 0.04 < shares[:, 0].mean() < 0.11


def test_conversions_are_a_poisson_process_in_time_rescaled_by_the_hazard(hazard_world):
    """Times without a conversion continue with the next ones: the process has no memory."""
    clock = np.cumsum(hazard_world.integrated.sum(axis=1))
    struck = clock[hazard_world.converted]
    assert stats.kstest(np.diff(struck, prepend=0.0), "expon").pvalue > 1e-2
    assert stats.kstest(struck / clock[-1], "uniform").pvalue > 1e-2


def test_the_truth_contains_the_base_rate(hazard_world):
    mature = np.array([point.times[-1] + LOOKBACK <= END for point in hazard_world.points])
    rate = hazard_world.world.truth["expected_base_rate"]
    assert 0.05 < rate < 0.1
    converted = hazard_world.converted[mature]
    assert abs(converted.mean() - rate) < 4 * sqrt(rate * (1 - rate) / mature.sum())
    assert hazard_world.converted.sum() == hazard_world.world.truth["conversions"]


@pytest.fixture
def without_conversions(monkeypatch):
    """Simulate the same users in a world without conversions."""
    never = ImmediateConversion(lambda paths: np.zeros(len(paths.length)))
    hypothesis = replace(_hypotheses.HYPOTHESES["hazard"], process=never)
    monkeypatch.setitem(_hypotheses.HYPOTHESES, "hazard", hypothesis)
    return simulate("hazard", users=USERS, seed=SEED)


def test_a_conversion_comes_before_the_touch_that_it_replaces(hazard_world, without_conversions):
    """First conversions of users, compared with their touches without conversions."""
    touches, touches_without = (
        touches_by_user(hazard_world.world),
        touches_by_user(without_conversions),
    )
    firsts = {}
    for place in np.flatnonzero(hazard_world.converted):
        firsts.setdefault(hazard_world.points[place].user, place)
    uniform = []
    for user, place in firsts.items():
        point = hazard_world.points[place]
        at = point.times[-1]
        made = touches[user].index(at) + 1
        assert touches[user][:made] == touches_without[user][:made]
        nearest = min([*touches_without[user][made : made + 1], at + LOOKBACK])
        assert at + timedelta(seconds=1) <= point.following < nearest
        if at + LOOKBACK <= END:
            hazard = hazard_world.hazard(place)
            came, available = (
                1 - np.exp(-hazard.integrated(0.0, (end - at) / HOUR).sum())
                for end in (point.following, nearest)
            )
            uniform.append(came / available)
    assert len(uniform) > 1_500
    assert stats.kstest(uniform, "uniform").pvalue > 1e-2


def touches_by_user(world):
    touches = {}
    for user, at in world.touchpoints.select("user_id", "touched_at").rows():
        touches.setdefault(user, []).append(at)
    return touches


def test_conversions_have_whole_seconds_and_come_days_later(hazard_world):
    assert (hazard_world.world.conversions["converted_at"].dt.microsecond() == 0).all()
    hours = hazard_world.hours[hazard_world.converted]
    assert np.median(hours) > 12
    assert hours.max() > 24 * 20


# --- experiments ----------------------------------------------------------------------------------

HOLDOUT = SimulatedExperiment("email", "email", first_day=20, assignment_days=7, window_days=28)


@pytest.fixture(scope="module")
def held_out():
    return simulate_single_truth("linear", 3_000, 1, 10, date(2025, 1, 6), experiments=[HOLDOUT])


def test_a_holdout_removes_the_touches_of_its_channel_in_the_windows_of_the_control_arm(held_out):
    joined = held_out.touchpoints.join(held_out.experiments, on="user_id")
    since = pl.col("touched_at") - pl.col("assigned_at")
    inside = (since >= timedelta(0)) & (since < timedelta(days=28))
    counts = joined.group_by("arm", channel=pl.col("channel") == "email", inside=inside).len()
    touches = {(arm, own, inside): n for arm, own, inside, n in counts.iter_rows()}
    assert ("control", True, True) not in touches
    assert touches["control", True, False] == pytest.approx(
        touches["treated", True, False], rel=0.15
    )
    assert touches["control", False, True] == pytest.approx(
        touches["treated", False, True], rel=0.1
    )


def test_users_do_the_same_until_they_are_assigned(held_out):
    without = simulate_single_truth("linear", 3_000, 1, 10, date(2025, 1, 6))
    first = held_out.experiments["assigned_at"].min()
    for name in ("touchpoints", "conversions"):
        column = "touched_at" if name == "touchpoints" else "converted_at"
        before = [
            getattr(world, name).filter(pl.col(column) < first).drop(pl.selectors.ends_with("_id"))
            for world in (held_out, without)
        ]
        assert before[0].equals(before[1])


def test_a_holdout_of_a_channel_that_causes_conversions_has_fewer(held_out):
    joined = held_out.conversions.join(held_out.experiments, on="user_id")
    since = pl.col("converted_at") - pl.col("assigned_at")
    inside = joined.filter((since >= timedelta(0)) & (since < timedelta(days=28)))
    found = dict(inside.group_by("arm").len().iter_rows())
    assert found["treated"] > 1.1 * found["control"]
