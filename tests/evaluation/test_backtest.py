"""Backtest: models train on known outcomes only, and the order of rows does not matter."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import pytest

from lydite.evaluation.backtest import backtest, forecasts
from lydite.evaluation.scores import Scores
from lydite.evaluation.splits import Split
from lydite.models import BaseRate, Rule, TouchVolume, make_model
from tests.helpers.random_landmarks import DAY, draw_landmarks, reordered, weekly

LANDMARKS = draw_landmarks(np.random.default_rng(0), 6000)
CALENDAR = weekly(4, 6)
MODELS = ["linear", "last_touch", "markov_1", "markov_2", "touch_volume", "base_rate"]


def make(name: str):
    own = {"touch_volume": TouchVolume, "base_rate": BaseRate}
    return own[name]() if name in own else make_model(name)


def forecast_of(name: str, landmarks, period: int) -> np.ndarray:
    split = Split.by_period(landmarks, CALENDAR)
    for span, forecast in forecasts(make(name), split):
        if period in span:
            return forecast[split.test_rows_in(span)[1] == period]
    raise AssertionError


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("period", [1, 5])
def test_outcomes_after_the_cutoff_do_not_change_a_forecast(name, period):
    unknown = LANDMARKS.happened_at + np.timedelta64(CALENDAR.lookback) > CALENDAR.starts[period]
    shuffled = LANDMARKS.converted.copy()
    shuffled[unknown] = ~shuffled[unknown]
    np.testing.assert_array_equal(
        forecast_of(name, LANDMARKS, period),
        forecast_of(name, LANDMARKS.without_outcome(shuffled), period),
    )


@pytest.mark.parametrize("name", MODELS)
def test_outcomes_before_the_cutoff_change_a_forecast(name):
    known = LANDMARKS.happened_at + np.timedelta64(CALENDAR.lookback) <= CALENDAR.starts[5]
    other = LANDMARKS.converted.copy()
    other[np.flatnonzero(known & ~other)[:200]] = True
    before = forecast_of(name, LANDMARKS, 5)
    after = forecast_of(name, LANDMARKS.without_outcome(other), 5)
    assert np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_landmarks_does_not_matter(name):
    order = np.random.default_rng(1).permutation(len(LANDMARKS))
    one = backtest(make(name), Split.by_period(LANDMARKS, CALENDAR))
    two = backtest(make(name), Split.by_period(reordered(LANDMARKS, order), CALENDAR))
    for field in fields(Scores):
        if not field.name.startswith("grid"):
            np.testing.assert_allclose(
                getattr(two, field.name), getattr(one, field.name), rtol=1e-7, atol=1e-9
            )


@pytest.mark.parametrize("name", MODELS)
def test_the_forecast_of_a_period_does_not_depend_on_the_other_test_periods(name):
    calendar = weekly(4, 12)
    split = Split.by_period(LANDMARKS, calendar)
    whole = backtest(make(name), split)
    for period in range(len(calendar)):
        only = np.arange(len(calendar)) == period
        part = backtest(make(name), split.with_test_periods(only))
        np.testing.assert_allclose(part.log_loss[period], whole.log_loss[period], rtol=1e-6)
        assert part.landmarks[~only].sum() == 0


@pytest.mark.parametrize("hours", [240, 36, 5])
@pytest.mark.parametrize("name", MODELS)
def test_later_periods_do_not_change_the_scores_of_earlier_ones(name, hours):
    """Also where training sets end at any hour of a day."""
    lookback = timedelta(hours=hours)
    whole = backtest(make(name), Split.by_period(LANDMARKS, weekly(4, 6, lookback)))
    for periods in (1, 3, 5):
        calendar = weekly(4, periods, lookback)
        known = np.flatnonzero(LANDMARKS.happened_at < calendar.end + np.timedelta64(lookback))
        part = backtest(make(name), Split.by_period(LANDMARKS.take(known), calendar))
        for field in fields(Scores):
            then = getattr(whole.first(periods), field.name)
            if not field.name.startswith("grid"):
                np.testing.assert_allclose(
                    getattr(part, field.name), then, rtol=1e-6, atol=1e-9, err_msg=field.name
                )


def test_a_second_backtest_of_the_same_model_gives_the_same_scores():
    model, split = make_model("linear"), Split.by_period(LANDMARKS, CALENDAR)
    first, second = backtest(model, split), backtest(model, split)
    np.testing.assert_allclose(first.log_loss, second.log_loss, rtol=1e-9)


def test_every_test_row_is_scored_once():
    scores = backtest(make_model("linear"), Split.by_period(LANDMARKS, CALENDAR))
    period = CALENDAR.period_of(LANDMARKS.happened_at)
    assert scores.landmarks.sum() == (period >= 0).sum()
    assert scores.conversions.sum() == LANDMARKS.converted[period >= 0].sum()


def test_the_true_rule_wins_and_last_touch_equals_the_chain_of_order_one():
    split = Split.by_period(draw_landmarks(np.random.default_rng(2), 20_000), CALENDAR)
    loss = {name: backtest(make(name), split) for name in [*MODELS, "first_touch"]}
    bits = {name: scores.log_loss_bits for name, scores in loss.items()}
    assert min(bits.values()) == pytest.approx(bits["last_touch"], rel=1e-3)
    assert bits["last_touch"] < bits["linear"] < bits["first_touch"]
    np.testing.assert_allclose(
        loss["last_touch"].log_loss, loss["markov_1"].log_loss, rtol=1e-7, atol=1e-7
    )


def test_a_period_without_landmarks_has_no_scores():
    outside = CALENDAR.period_of(LANDMARKS.happened_at) != 2
    kept = reordered(LANDMARKS, np.argsort(~outside, kind="stable"))
    moved = kept.happened_at.copy()
    moved[outside.sum() :] = CALENDAR.end + 5 * DAY
    split = Split.by_period(replace(kept, happened_at=moved), CALENDAR)
    scores = backtest(make_model("linear"), split)
    assert scores.landmarks[2].sum() == 0
    assert (scores.landmarks.sum(axis=1)[[0, 1, 3, 4, 5]] > 0).all()


def test_a_subsample_is_enough_for_a_time_dependent_rule(monkeypatch):
    split = Split.by_period(draw_landmarks(np.random.default_rng(8), 30_000), CALENDAR)
    rule = Rule("linear", "every touch alike, whatever the time", "1 + 0 * hours_before_end")
    one, ordered = backtest(rule, split), backtest(make_model("linear"), split)
    np.testing.assert_allclose(one.log_loss, ordered.log_loss, rtol=1e-9)
    monkeypatch.setattr(Rule, "enough_landmarks", 10_000)
    two = backtest(rule, split)
    assert two.landmarks.sum() == one.landmarks.sum()
    assert two.log_loss_bits == pytest.approx(one.log_loss_bits, rel=5e-3)
    assert two.log_loss_bits != one.log_loss_bits


def test_rules_of_channel_order_are_fitted_on_all_landmarks(monkeypatch):
    """Last touch and the chain of order 1 have the same forecast: a subsample must not differ."""
    monkeypatch.setattr(Rule, "enough_landmarks", 1_000)
    split = Split.by_period(LANDMARKS, CALENDAR)
    one, two = (backtest(make_model(name), split) for name in ("last_touch", "markov_1"))
    np.testing.assert_allclose(one.log_loss, two.log_loss, rtol=1e-7, atol=1e-7)


class Uninformed(Rule):
    """A time-dependent rule with the same forecast for every landmark."""

    enough_landmarks = 2_000

    def fit_counts(self, features, trials, conversions):
        return self

    def forecast_unique(self, features):
        return np.full(len(features), 0.1)

    def forecast(self, landmarks):
        return np.full(len(landmarks), 0.1)


def test_an_uninformed_model_equals_touch_volume_on_any_subsample():
    split = Split.by_period(draw_landmarks(np.random.default_rng(9), 20_000), CALENDAR)
    rule = Uninformed("linear", "nothing", "1 + 0 * hours_before_end")
    assert len(split.subsample_train(rule.enough_landmarks).landmarks) < 5_000
    one, null = backtest(rule, split), backtest(TouchVolume(), split)
    np.testing.assert_allclose(one.log_loss, null.log_loss, rtol=1e-6)
