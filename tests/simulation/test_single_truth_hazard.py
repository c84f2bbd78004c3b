"""The hazard's world: the written tables keep to the hazard, reckoned anew touch by touch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log, sqrt

import numpy as np
import pytest
from scipy import stats

from lydite.simulation import _hypotheses, simulate
from lydite.simulation._conversion_process import Chance
from tests.helpers.simulation_tables import LOOKBACK, Landmark, landmarks

USERS, SEED = 10_000, 931
END = datetime(2025, 1, 6) + timedelta(weeks=26)
HOUR = timedelta(hours=1)
BASELINE = "(baseline)"


@dataclass
class Hazard:
    """The hazard after a landmark, by the channel of the touches that give it."""

    parameters: dict
    point: Landmark

    def at(self, hours):
        return self._by_channel(lambda age: 0.5 ** ((age + hours) / self._half_life), 1.0)

    def integrated(self, start, end):
        """Integrate from one hour after the last touch to another."""
        scale = self._half_life / log(2)

        def fades(age):
            return scale * (
                0.5 ** ((age + start) / self._half_life) - 0.5 ** ((age + end) / self._half_life)
            )

        return self._by_channel(fades, end - start)

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
class Reading:
    """Every touch with the hours that it was watched and the hazard of that time."""

    world: object
    points: list[Landmark]
    hours: np.ndarray
    converted: np.ndarray
    integrated: np.ndarray  # by part: the baseline and the channels

    def hazard(self, place):
        return Hazard(self.world.truth["parameters"], self.points[place])


@pytest.fixture(scope="module")
def reading():
    world = simulate("hazard", users=USERS, seed=SEED)
    points = landmarks(world)
    parameters = world.truth["parameters"]
    hours = np.array([watched(point) / HOUR for point in points])
    integrated = [
        Hazard(parameters, point).integrated(0.0, end)
        for point, end in zip(points, hours, strict=True)
    ]
    converted = np.array([point.converted for point in points])
    return Reading(world, points, hours, converted, np.array(integrated))


def watched(point):
    """Time from a touch to what comes next: an event, the lookback or the end of the world."""
    at = point.times[-1]
    return min(point.following or END, at + LOOKBACK, END) - at


def test_the_integral_belongs_to_the_hazard(reading):
    hazard = reading.hazard(int(np.argmax([len(point.channels) for point in reading.points])))
    edges = np.linspace(5, 90, 10_001)
    by_hand = sum(hazard.at(hour) for hour in (edges[1:] + edges[:-1]) / 2) * (85 / 10_000)
    np.testing.assert_allclose(hazard.integrated(5, 90), by_hand, rtol=1e-8)


def test_conversions_are_as_many_as_the_integrated_hazard(reading):
    of_touch = reading.integrated.sum(axis=1)
    assert abs(reading.converted.sum() - of_touch.sum()) < 4 * sqrt(of_touch.sum())
    last = np.array([point.channels[-1] for point in reading.points])
    length = np.array([len(point.channels) for point in reading.points])
    strength = [reading.hazard(place).at(0.0).sum() for place in range(len(last))]
    tenth = np.argsort(np.argsort(strength)) * 10 // len(last)
    groups = [last == channel for channel in np.unique(last)]
    groups += [length == touches for touches in range(1, 9)]
    groups += [tenth == number for number in range(10)]
    for among in groups:
        expected = of_touch[among].sum()
        assert abs(reading.converted[among].sum() - expected) < 4 * sqrt(expected)


def test_conversions_come_when_the_hazard_is_there(reading):
    for start, end in ((0, 1), (1, 4), (4, 24), (24, 72), (72, 168), (168, 720)):
        stop = np.minimum(reading.hours, end)
        expected = sum(
            reading.hazard(place).integrated(start, stop[place]).sum()
            for place in np.flatnonzero(stop > start)
        )
        came = reading.converted & (reading.hours >= start) & (reading.hours < end)
        assert abs(came.sum() - expected) < 4 * sqrt(expected)


def test_each_channel_has_its_share(reading):
    """A channel's shares of the hazard at conversions add up to its integrated hazard."""
    at = np.array(
        [
            reading.hazard(place).at(reading.hours[place])
            for place in np.flatnonzero(reading.converted)
        ]
    )
    shares = at / at.sum(axis=1, keepdims=True)
    surprise = shares.sum(axis=0) - reading.integrated.sum(axis=0)
    assert (np.abs(surprise) < 4 * np.sqrt((shares**2).sum(axis=0))).all()
    assert 0.04 < shares[:, 0].mean() < 0.11


def test_rescaled_by_its_hazard_time_is_a_poisson_process(reading):
    """PathSlices that end without a conversion run on into the next ones (no memory)."""
    clock = np.cumsum(reading.integrated.sum(axis=1))
    struck = clock[reading.converted]
    assert stats.kstest(np.diff(struck, prepend=0.0), "expon").pvalue > 1e-2
    assert stats.kstest(struck / clock[-1], "uniform").pvalue > 1e-2


def test_the_truth_knows_the_base_rate(reading):
    mature = np.array([point.times[-1] + LOOKBACK <= END for point in reading.points])
    rate = reading.world.truth["expected_base_rate"]
    assert 0.05 < rate < 0.1
    converted = reading.converted[mature]
    assert abs(converted.mean() - rate) < 4 * sqrt(rate * (1 - rate) / mature.sum())
    assert reading.converted.sum() == reading.world.truth["conversions"]


@pytest.fixture
def silent(monkeypatch):
    """Simulate the same users in a world where nobody ever converts."""
    never = Chance(lambda paths: np.zeros(len(paths.length)))
    truth = replace(_hypotheses.TRUTHS["hazard"], law=never)
    monkeypatch.setitem(_hypotheses.TRUTHS, "hazard", truth)
    return simulate("hazard", users=USERS, seed=SEED)


def test_a_conversion_comes_before_the_touch_it_competes_with(reading, silent):
    """Users' first conversions, against the touches they would have made without."""
    touches, touches_without = touches_by_user(reading.world), touches_by_user(silent)
    firsts = {}
    for place in np.flatnonzero(reading.converted):
        firsts.setdefault(reading.points[place].user, place)
    uniform = []
    for user, place in firsts.items():
        point = reading.points[place]
        at = point.times[-1]
        made = touches[user].index(at) + 1
        assert touches[user][:made] == touches_without[user][:made]
        nearest = min([*touches_without[user][made : made + 1], at + LOOKBACK])
        assert at + timedelta(seconds=1) <= point.following < nearest
        if at + LOOKBACK <= END:
            hazard = reading.hazard(place)
            came, available = (
                1 - np.exp(-hazard.integrated(0.0, (moment - at) / HOUR).sum())
                for moment in (point.following, nearest)
            )
            uniform.append(came / available)
    assert len(uniform) > 1_500
    assert stats.kstest(uniform, "uniform").pvalue > 1e-2


def touches_by_user(world):
    touches = {}
    for user, at in world.touchpoints.select("user_id", "touched_at").rows():
        touches.setdefault(user, []).append(at)
    return touches


def test_seconds_are_whole_and_conversions_take_their_time(reading):
    assert (reading.world.conversions["converted_at"].dt.microsecond() == 0).all()
    hours = reading.hours[reading.converted]
    assert np.median(hours) > 12
    assert hours.max() > 24 * 20
