"""What trains and what is forecast: nothing too early, and no more than asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np

from lydite.evaluation.backtest import backtest
from lydite.evaluation.segments import SegmentColumn
from lydite.evaluation.splits import REFIT, Split
from lydite.models import make_model
from tests.helpers.random_landmarks import DAY, draw_landmarks, weekly

LANDMARKS = draw_landmarks(np.random.default_rng(0), 6000)
CALENDAR = weekly(4, 6)


def test_training_is_mature_and_periods_are_as_the_calendar_says():
    trial = Split.of(LANDMARKS, CALENDAR)
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


def fitted_before(trial: Split, period: int) -> int:
    return next(span.start for span in trial.spans() if period in span)


def test_a_fit_is_made_again_once_what_is_known_has_grown_by_a_fifth():
    trial = Split.of(LANDMARKS, weekly(2, 9, timedelta(days=1)))
    known = trial.known
    assert known.tolist() == np.cumsum([len(own) for own in trial.released]).tolist()
    spans = trial.spans()
    assert [period for span in spans for period in span] == list(range(9))
    assert 2 < len(spans) < 9
    for span, after in pairwise(spans):
        assert known[span[-1]] < 1.2 * known[span[0]] <= known[after[0]]


def test_of_many_landmarks_it_is_made_again_less_often():
    trial = Split.of(LANDMARKS, weekly(2, 9, timedelta(days=1)))
    refit = REFIT._replace(many_from=int(trial.known[3]))
    first = [span.start for span in trial.spans(refit)]
    for start, after in pairwise(first):
        growth = 1.5 if trial.known[start] >= refit.many_from else 1.2
        assert trial.known[after - 1] < growth * trial.known[start] <= trial.known[after]
    assert any(trial.known[start] >= refit.many_from for start in first)
    assert len(first) < len(trial.spans())


def test_a_longer_history_takes_no_other_fits_before_its_end():
    short, long = (Split.of(LANDMARKS, weekly(4, periods)) for periods in (9, 20))
    for period in range(9):
        assert fitted_before(short, period) == fitted_before(long, period)


def test_trials_that_want_other_periods_share_what_was_taken_out():
    trial = Split.of(LANDMARKS, CALENDAR)
    wanted = np.ones(len(CALENDAR), dtype=bool)
    first, second = trial.only(wanted), trial.only(wanted)
    [span, *_] = trial.spans()
    assert first.ahead(span) is second.ahead(span) is trial.ahead(span)
    assert first.sample(1000).landmarks is second.sample(1000).landmarks


def test_what_lies_ahead_is_told_by_segment_too():
    codes = np.random.default_rng(3).integers(0, 3, len(LANDMARKS))
    column = SegmentColumn(("kind = a", "kind = b", "kind = c"), codes)
    trial = Split.of(LANDMARKS, CALENDAR, (column,))
    for span in trial.spans():
        ahead, (rows, period) = trial.ahead(span), trial.tested_in(span)
        np.testing.assert_array_equal(ahead.cell, trial.activity.cell[rows])
        np.testing.assert_array_equal(ahead.landmarks.converted, LANDMARKS.converted[rows])
        assert [label for label, _, _ in ahead.slices] == list(column.labels)
        for code, (_, places, outcomes) in enumerate(ahead.slices):
            np.testing.assert_array_equal(places, np.flatnonzero(codes[rows] == code))
            for turn, sums in zip(span, outcomes.landmarks, strict=True):
                assert sums.sum() == ((codes[rows] == code) & (period == turn)).sum()
        assert ahead.outcomes.conversions.sum() == LANDMARKS.converted[rows].sum()


def test_every_fold_has_a_fit_of_its_own():
    assert [list(span) for span in Split.of_folds(LANDMARKS).spans()] == [[n] for n in range(5)]


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
    trial, at_most = Split.of(LANDMARKS, CALENDAR), len(LANDMARKS) // 8
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
    short = Split.of(LANDMARKS.take(early), CALENDAR)
    part, rows = sampled(short, at_most)
    whole = training_sets(*sampled(Split.of(LANDMARKS, CALENDAR), at_most))
    known = CALENDAR.starts <= until + CALENDAR.lookback
    for period in np.flatnonzero(known):
        assert {early[row] for row in training_sets(part, rows)[period]} == whole[period]


def test_fewer_landmarks_are_forecast_as_whole_buckets_of_each_period():
    trial = Split.of(LANDMARKS, CALENDAR)
    fewer = trial.testing(200)
    for own, every in zip(fewer.tested, trial.tested, strict=True):
        within = LANDMARKS.bucket[own].max()
        expected = every[LANDMARKS.bucket[every] <= within]
        np.testing.assert_array_equal(own, expected)
        beyond = LANDMARKS.bucket[every][LANDMARKS.bucket[every] > within]
        assert len(own) <= 200 < len(own) + (beyond == beyond.min()).sum()
    whole, part = (backtest(make_model("linear"), own) for own in (trial, fewer))
    cells = part.cells
    np.testing.assert_allclose(part.log_loss[cells], whole.log_loss[cells], rtol=1e-9)
    early = Split.of(
        LANDMARKS.take(np.flatnonzero(LANDMARKS.happened_at < CALENDAR.starts[3])), CALENDAR
    )
    for own, before in zip(fewer.tested[:3], early.testing(200).tested[:3], strict=True):
        assert len(own) == len(before)
