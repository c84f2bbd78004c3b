"""The walk forward: nothing that was not known trains, and order does not matter."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from drawn import DAY, draw_landmarks, reordered, weekly

from lydite.evaluation.scores import Scores
from lydite.evaluation.walk_forward import Trial, forecasts, walk_forward
from lydite.models import BaseRate, Rule, TouchVolume, make_model

LANDMARKS = draw_landmarks(np.random.default_rng(0), 6000)
CALENDAR = weekly(4, 6)
MODELS = ["linear", "last_touch", "markov_1", "markov_2", "touch_volume", "base_rate"]


def make(name: str):
    own = {"touch_volume": TouchVolume, "base_rate": BaseRate}
    return own[name]() if name in own else make_model(name)


def forecast_of(name: str, landmarks, period: int) -> np.ndarray:
    trial = Trial.of(landmarks, CALENDAR)
    for span, forecast in forecasts(make(name), trial):
        if period in span:
            return forecast[trial.tested_in(span)[1] == period]
    raise AssertionError


def test_training_is_mature_and_periods_are_as_the_calendar_says():
    trial = Trial.of(LANDMARKS, CALENDAR)
    before = 0
    for period, released in enumerate(trial.released):
        start = CALENDAR.starts[period]
        mature = LANDMARKS.happened_at + CALENDAR.lookback <= start
        before += len(released)
        assert mature[released].all()
        assert before == mature.sum()
        tested = trial.tested[period]
        inside = (LANDMARKS.happened_at >= start) & (LANDMARKS.happened_at < start + 7 * DAY)
        np.testing.assert_array_equal(tested, np.flatnonzero(inside))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("period", [1, 5])
def test_outcomes_that_are_not_known_yet_change_no_forecast(name, period):
    unknown = LANDMARKS.happened_at + CALENDAR.lookback > CALENDAR.starts[period]
    shuffled = LANDMARKS.converted.copy()
    shuffled[unknown] = ~shuffled[unknown]
    np.testing.assert_array_equal(
        forecast_of(name, LANDMARKS, period),
        forecast_of(name, LANDMARKS.without_outcome(shuffled), period),
    )


@pytest.mark.parametrize("name", MODELS)
def test_outcomes_that_are_known_do_change_it(name):
    known = LANDMARKS.happened_at + CALENDAR.lookback <= CALENDAR.starts[5]
    other = LANDMARKS.converted.copy()
    other[np.flatnonzero(known & ~other)[:200]] = True
    before = forecast_of(name, LANDMARKS, 5)
    after = forecast_of(name, LANDMARKS.without_outcome(other), 5)
    assert np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_landmarks_does_not_matter(name):
    order = np.random.default_rng(1).permutation(len(LANDMARKS))
    one = walk_forward(make(name), Trial.of(LANDMARKS, CALENDAR))
    two = walk_forward(make(name), Trial.of(reordered(LANDMARKS, order), CALENDAR))
    for field in fields(Scores):
        if not field.name.startswith("grid"):
            np.testing.assert_allclose(
                getattr(two, field.name), getattr(one, field.name), rtol=1e-7, atol=1e-9
            )


def fitted_before(trial: Trial, period: int) -> int:
    return next(span.start for span in trial.spans() if period in span)


def test_a_fit_is_made_again_once_what_is_known_has_grown_by_a_fifth():
    trial = Trial.of(LANDMARKS, weekly(2, 9, timedelta(days=1)))
    known = trial.known
    assert known.tolist() == np.cumsum([len(own) for own in trial.released]).tolist()
    spans = trial.spans()
    assert [period for span in spans for period in span] == list(range(9))
    assert 2 < len(spans) < 9
    for span, after in pairwise(spans):
        assert known[span[-1]] < 1.2 * known[span[0]] <= known[after[0]]


def test_a_longer_history_takes_no_other_fits_before_its_end():
    short, long = (Trial.of(LANDMARKS, weekly(4, periods)) for periods in (9, 20))
    for period in range(9):
        assert fitted_before(short, period) == fitted_before(long, period)


@pytest.mark.parametrize("name", MODELS)
def test_a_period_is_forecast_alike_whichever_others_are_wanted(name):
    calendar = weekly(4, 12)
    trial = Trial.of(LANDMARKS, calendar)
    whole = walk_forward(make(name), trial)
    for period in range(len(calendar)):
        only = np.arange(len(calendar)) == period
        part = walk_forward(make(name), trial.only(only))
        np.testing.assert_allclose(part.log_loss[period], whole.log_loss[period], rtol=1e-6)
        assert part.landmarks[~only].sum() == 0


def test_trials_that_want_other_periods_share_what_was_taken_out():
    trial = Trial.of(LANDMARKS, CALENDAR)
    wanted = np.ones(len(CALENDAR), dtype=bool)
    first, second = trial.only(wanted), trial.only(wanted)
    [span, *_] = trial.spans()
    assert first.ahead(span) is second.ahead(span) is trial.ahead(span)
    assert first.sample(1000).landmarks is second.sample(1000).landmarks


def test_every_fold_has_a_fit_of_its_own():
    assert [list(span) for span in Trial.of_folds(LANDMARKS).spans()] == [[n] for n in range(5)]


def test_a_second_walk_of_the_same_model_is_the_first():
    model, trial = make_model("linear"), Trial.of(LANDMARKS, CALENDAR)
    first, second = walk_forward(model, trial), walk_forward(model, trial)
    np.testing.assert_allclose(first.log_loss, second.log_loss, rtol=1e-9)


def test_every_landmark_of_the_periods_is_scored_once():
    scores = walk_forward(make_model("linear"), Trial.of(LANDMARKS, CALENDAR))
    period = CALENDAR.period_of(LANDMARKS.happened_at)
    assert scores.landmarks.sum() == (period >= 0).sum()
    assert scores.conversions.sum() == LANDMARKS.converted[period >= 0].sum()


def test_the_true_rule_wins_and_last_touch_forecasts_as_the_chain_of_order_one():
    trial = Trial.of(draw_landmarks(np.random.default_rng(2), 20_000), CALENDAR)
    loss = {name: walk_forward(make(name), trial) for name in [*MODELS, "first_touch"]}
    bits = {name: scores.log_loss_bits for name, scores in loss.items()}
    assert min(bits.values()) == pytest.approx(bits["last_touch"], rel=1e-3)
    assert bits["last_touch"] < bits["linear"] < bits["first_touch"]
    np.testing.assert_allclose(
        loss["last_touch"].log_loss, loss["markov_1"].log_loss, rtol=1e-7, atol=1e-7
    )


def test_a_period_without_landmarks_scores_nothing():
    outside = CALENDAR.period_of(LANDMARKS.happened_at) != 2
    kept = reordered(LANDMARKS, np.argsort(~outside, kind="stable"))
    moved = kept.happened_at.copy()
    moved[outside.sum() :] = CALENDAR.end + 5 * DAY
    trial = Trial.of(type(kept)(**{**vars(kept), "happened_at": moved}), CALENDAR)
    scores = walk_forward(make_model("linear"), trial)
    assert scores.landmarks[2].sum() == 0
    assert (scores.landmarks.sum(axis=1)[[0, 1, 3, 4, 5]] > 0).all()


def training_sets(trial, rows):
    """Return which landmarks train in each period; `rows` are the numbers of the trial's."""
    known, result = set(), []
    for released, withdrawn in zip(trial.released, trial.withdrawn, strict=True):
        known = (known | set(rows[released].tolist())) - set(rows[withdrawn].tolist())
        result.append(known)
    return result


def sampled(trial, at_most):
    """Return a sample, and the numbers of its landmarks in the whole."""
    numbered = replace(trial.landmarks, hours_since_first=np.arange(len(trial.landmarks)))
    part = replace(trial, landmarks=numbered).sample(at_most)
    return part, part.landmarks.hours_since_first


def test_a_sample_trains_on_whole_buckets_of_what_is_known_and_no_more_than_asked():
    trial, at_most = Trial.of(LANDMARKS, CALENDAR), len(LANDMARKS) // 8
    everyone = training_sets(trial, np.arange(len(LANDMARKS)))
    for own, known in zip(training_sets(*sampled(trial, at_most)), everyone, strict=True):
        buckets = LANDMARKS.bucket[list(own)].max() + 1
        assert own == {row for row in known if LANDMARKS.bucket[row] < buckets}
        assert len(own) <= at_most
        assert len(own) == len(known) or len(own) > at_most / 2
    assert trial.sample(None) is trial.sample(len(LANDMARKS)) is trial


def test_later_landmarks_change_nothing_of_a_sample_before_them():
    at_most = len(LANDMARKS) // 8
    until = CALENDAR.starts[3]
    early = np.flatnonzero(LANDMARKS.happened_at < until)
    short = Trial.of(LANDMARKS.take(early), CALENDAR)
    part, rows = sampled(short, at_most)
    whole = training_sets(*sampled(Trial.of(LANDMARKS, CALENDAR), at_most))
    known = CALENDAR.starts <= until + CALENDAR.lookback
    for period in np.flatnonzero(known):
        assert {early[row] for row in training_sets(part, rows)[period]} == whole[period]


def test_fewer_landmarks_are_forecast_as_whole_buckets_of_each_period():
    trial = Trial.of(LANDMARKS, CALENDAR)
    fewer = trial.testing(200)
    for own, every in zip(fewer.tested, trial.tested, strict=True):
        within = LANDMARKS.bucket[own].max()
        expected = every[LANDMARKS.bucket[every] <= within]
        np.testing.assert_array_equal(own, expected)
        beyond = LANDMARKS.bucket[every][LANDMARKS.bucket[every] > within]
        assert len(own) <= 200 < len(own) + (beyond == beyond.min()).sum()
    whole, part = (walk_forward(make("linear"), own) for own in (trial, fewer))
    cells = part.cells
    np.testing.assert_allclose(part.log_loss[cells], whole.log_loss[cells], rtol=1e-9)
    early = Trial.of(
        LANDMARKS.take(np.flatnonzero(LANDMARKS.happened_at < CALENDAR.starts[3])), CALENDAR
    )
    for own, before in zip(fewer.tested[:3], early.testing(200).tested[:3], strict=True):
        assert len(own) == len(before)


def test_a_rule_learns_enough_from_a_sample(monkeypatch):
    trial = Trial.of(draw_landmarks(np.random.default_rng(8), 30_000), CALENDAR)
    one = walk_forward(make_model("linear"), trial)
    monkeypatch.setattr(Rule, "enough_landmarks", 10_000)
    two = walk_forward(make_model("linear"), trial)
    assert two.landmarks.sum() == one.landmarks.sum()
    assert two.log_loss_bits == pytest.approx(one.log_loss_bits, rel=5e-3)
    assert two.log_loss_bits != one.log_loss_bits
